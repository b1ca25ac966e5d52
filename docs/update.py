# SPDX-License-Identifier: MIT
"""Bring the numbers and figures of README.md and docs/ up to date with results/, so that none is typed.

A block between `<!-- begin: results/... -->` and `<!-- end -->` is replaced by that file's content, and
`<!-- figure: results/....png -->` copies that file to where the image link on the next line points. What has
no result on this machine stays as it is and is listed. Run from the project's root; the argument, if any, is
another folder that holds results/, such as a clone in which a long run was made.
"""

import re
import shutil
import sys
from pathlib import Path

from mvi.files import read_sealed
from mvi.report.check import BLOCK

FIGURE = re.compile(r"<!-- figure: (?P<path>\S+) -->\n!\[[^]]*\]\((?P<link>[^)]+)\)")


def main() -> None:
    """Rewrite every page in place."""
    origin = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    for page in (Path("README.md"), *sorted(Path("docs").glob("*.md"))):
        text = page.read_text(encoding="utf-8")

        def block(match: re.Match[str]) -> str:
            source = origin / match["path"]
            if not source.exists():
                print(f"kept as it was, since there is no result: {source}")
                return match[0]
            content = source.read_bytes()
            if b"<!-- sha256 " in content:
                content = read_sealed(source)
            return match[1] + content.decode().strip() + "\n" + match[4]

        updated = BLOCK.sub(block, text)
        if updated != text:
            page.write_text(updated, encoding="utf-8")
            print(f"updated {page}")
        for match in FIGURE.finditer(text):
            source, target = origin / match["path"], page.parent / match["link"]
            if not source.exists():
                print(f"kept as it was, since there is no result: {target}")
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            print(f"copied {target}")


if __name__ == "__main__":
    main()
