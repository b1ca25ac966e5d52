# SPDX-License-Identifier: MIT
"""Bring the numbers and figures of README.md and docs/ up to date with results/, so that none is typed.

A block between `<!-- begin: results/... -->` and `<!-- end -->` is replaced by that file's content, and
`<!-- figure: results/....png -->` copies that file to where the image link on the next line points. What has
no result on this machine stays as it is and is listed. Between `<!-- runs: NAME NAME -->`, or
`<!-- runs: * -->`, and `<!-- end -->` run files are listed by their first three lines. A word right before
`<!-- = ... -->` is a number out of the blocks or of config/published.csv:

    <!-- = mnist-paper/table1; MinVI (MP); left-only -->            a table, its row, its column
    <!-- = theory/theory; ground-truth distributions: -->            a table, the words before it
    <!-- = published; mnist; mp; left; error -->                    data set, method, query, metric

Run from the project's root; the argument, if any, is another folder that holds results/, such as a clone in
which a long run was made.
"""

import csv
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mvi.files import read_sealed
from mvi.report.check import BLOCK
from mvi.report.markdown import table_cells

RUNS = Path("config/runs")
LIST = re.compile(r"(<!-- runs: (?P<names>.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
FIGURE = re.compile(r"<!-- figure: (?P<path>\S+) -->\n!\[[^]]*\]\((?P<link>[^)]+)\)")
CELL = re.compile(r"(?P<value>[^\s|(]+)(?P<mark><!-- = (?P<what>.+?) -->)")


def pages() -> list[Path]:
    """The pages for readers, from the project's root."""
    return [Path("README.md"), *sorted(Path("docs").glob("*.md"))]


def blocks_filled(text: str, origin: Path) -> str:
    """`text` with every block replaced that has a result under `origin`."""

    def block(match: re.Match[str]) -> str:
        source = origin / match["path"]
        if not source.exists():
            print(f"kept as it was, since there is no result: {source}")
            return match[0]
        content = source.read_bytes()
        if b"<!-- sha256 " in content:
            content = read_sealed(source)
        return match[1] + content.decode().strip() + "\n" + match[4]

    return LIST.sub(
        lambda match: match[1] + run_table(match["names"].split()) + match[3], BLOCK.sub(block, text)
    )


def run_table(names: Sequence[str]) -> str:
    """What the first three lines of run files say: what it is; time and expectation; the command."""
    files = [RUNS / f"{name}.yaml" for name in names] if names != ["*"] else sorted(RUNS.glob("*.yaml"))
    lines = ["| run | what it is | time, and what to expect | command |", "|---|---|---|---|"]
    for file in files:
        head = file.read_text(encoding="utf-8").splitlines()[:3]
        what, cost, command = (line.removeprefix("# ") for line in head)
        lines.append(f"| `{file.stem}` | {what} | {cost} | `{command}` |")
    return "\n".join(lines) + "\n"


def cells_filled(text: str, blocks: Mapping[str, str]) -> str:
    """`text` with every quoted number replaced; `blocks` maps paths of results to what pages show of them.

    Raises `LookupError` with the mark of what is not found.
    """
    return CELL.sub(lambda match: quoted(match["what"], blocks) + match["mark"], text)


def quoted(what: str, blocks: Mapping[str, str]) -> str:
    """The number that a mark asks for, without spread and emphasis."""
    name, *keys = (part.strip() for part in what.split(";"))
    if name == "published":
        *key, iterations = keys if len(keys) > 4 else (*keys, "")
        with Path("config/published.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                fields = [row[field] for field in ("dataset", "method", "query", "metric")]
                if (fields, row["iterations"]) == (key, iterations):
                    return row["value"]
        raise LookupError(f"no published number: {what}")
    run, table = name.split("/")
    text = blocks.get(f"results/{run}/tables/{table}.md", "")
    if len(keys) == 1:
        found = re.search(re.escape(keys[0]) + r"\s+(\S+)", text)
        if found:
            return found[1]
        raise LookupError(f"no page has a block with this number: {what}")
    columns: list[str] = []
    for line in text.splitlines():
        cells = table_cells(line) if line.startswith("|") else []
        columns = (columns or cells) if cells else []
        if cells and cells[0] == keys[0] and keys[1] in columns:
            return cells[columns.index(keys[1])].replace("**", "").split(" ± ")[0]
    raise LookupError(f"no page has a block with this number: {what}")


def blocks_of(texts: Mapping[Path, str]) -> dict[str, str]:
    """What the pages show of each result."""
    return {match["path"]: match["content"] for text in texts.values() for match in BLOCK.finditer(text)}


def main() -> None:
    """Rewrite every page in place."""
    origin = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    before = {page: page.read_text(encoding="utf-8") for page in pages()}
    filled = {page: blocks_filled(text, origin) for page, text in before.items()}
    blocks = blocks_of(filled)
    for page, text in filled.items():
        updated = cells_filled(text, blocks)
        if updated != before[page]:
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
