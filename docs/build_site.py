# SPDX-License-Identifier: MIT
"""Build the site results/site: README, docs/ and a reference of the library from its docstrings.

`make docs` installs MkDocs and runs this. Pages stand in the site where they stand in the project, so that
links lead from page to page as they do there, and files that a page links to are copied; links to folders
become text. A warning is an error.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

SOURCE, SITE = Path("results/site-source"), Path("results/site")
PAGES = (
    "README.md",
    "CHANGELOG.md",
    "docs/**/*.md",
    "config/README.md",
    "profiles/README.md",
    "envs/README.md",
)
NAVIGATION = {
    "Use": [
        "docs/usage.md",
        "docs/own-images.md",
        "docs/tutorials/README.md",
        "config/README.md",
        "docs/config.md",
    ],
    "Results": ["docs/results.md", "docs/protocol.md", "docs/smoke-results.md", "docs/tuning-log.md"],
    "Inside": ["docs/tour.md", "docs/library.md", "docs/glossary.md", "docs/contributing.md"],
}
# The theme keeps each cell on one line, so that the last columns are out of sight, and code in half a window.
LOOK = """.wy-table-responsive table td, .wy-table-responsive table th { white-space: normal; }
.wy-nav-content { max-width: 70rem; }
"""
LINK = re.compile(r"(!?)\[([^]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def main() -> None:
    """Stage the pages and the reference, and run MkDocs on them."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    pages = sorted(page for pattern in PAGES for page in Path().glob(pattern))
    for page in pages:
        put(page, linked(page))
    (SOURCE / "pages/look.css").write_text(LOOK)
    reference = written_reference(SOURCE / "pages/reference")
    named = {page for group in NAVIGATION.values() for page in group}
    others = [str(page) for page in pages if str(page) not in {"README.md", *named}]
    navigation = [
        {"mvi": "README.md"},
        *({title: group} for title, group in NAVIGATION.items()),
        {"More": others},
        {"Reference": reference},
    ]
    (SOURCE / "mkdocs.yml").write_text(yaml.safe_dump(settings(navigation), sort_keys=False))
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--config-file",
        str(SOURCE / "mkdocs.yml"),
    ]
    # Not --quiet, with which warnings are neither shown nor errors.
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(done.stdout)
    print(SITE / "index.html")


def put(page: Path, text: str) -> None:
    """A page at its place in the site."""
    target = SOURCE / "pages" / page
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


def linked(page: Path) -> str:
    """The text of a page; files that it links to are copied, and links to folders are text."""

    def link(match: re.Match[str]) -> str:
        target = page.parent / match[3]
        if re.match(r"[a-z]+:", match[3]) or target.suffix == ".md":
            return match[0]
        if target.is_dir():
            return match[2]
        place = SOURCE / "pages" / target.resolve().relative_to(Path.cwd())
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(target, place)
        return match[0]

    # What is code is no link.
    parts = re.split(r"(^```.*?^```$)", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return "".join(part if part.startswith("```") else LINK.sub(link, part) for part in parts)


def written_reference(folder: Path) -> list[str]:
    """A page for each package of the library, with all modules that have something public."""
    folder.mkdir(parents=True)
    modules: dict[str, list[str]] = {}
    for file in sorted(Path("mvi").rglob("*.py")):
        if not file.name.startswith("__"):
            name = ".".join(file.with_suffix("").parts)
            modules.setdefault(".".join(file.parts[:-1][:2]), []).append(name)
    for package, names in modules.items():
        text = f"# {package}\n\n" + "".join(f"::: {name}\n\n" for name in names)
        (folder / f"{package}.md").write_text(text)
    return [f"reference/{package}.md" for package in modules]


def settings(navigation: list[object]) -> dict[str, object]:
    """Of MkDocs; nothing of the site comes from elsewhere."""
    options = {
        "show_source": False,
        "show_root_heading": True,
        "show_if_no_docstring": False,
        "separate_signature": True,
        "heading_level": 2,
        "members_order": "source",
        "filters": ["!^_"],
        "docstring_style": "google",
    }
    handler = {"paths": [str(Path.cwd())], "options": options}
    return {
        "site_name": "mvi",
        "docs_dir": "pages",
        "site_dir": str(SITE.resolve()),
        "use_directory_urls": False,
        "extra_css": ["look.css"],
        "theme": {"name": "readthedocs", "highlightjs": False},
        "markdown_extensions": ["tables", "fenced_code", {"toc": {"permalink": False}}],
        "plugins": ["search", {"mkdocstrings": {"handlers": {"python": handler}}}],
        "validation": {
            "links": {"not_found": "warn", "anchors": "warn", "unrecognized_links": "warn"},
            "nav": {"omitted_files": "warn", "not_found": "warn"},
        },
        "nav": navigation,
    }


if __name__ == "__main__":
    main()
