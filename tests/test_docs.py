# SPDX-License-Identifier: MIT
"""What readers are told: links lead somewhere, numbers are the tables', generated pages are up to date.

Commands and Python of the pages are tried in tests/test_snippets.py.
"""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest
import yaml

from mvi.version import __version__

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "config/*.md", "profiles/*.md", "envs/*.md")
    for path in ROOT.glob(pattern)
)


def script(name: str) -> ModuleType:
    """A script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / f"docs/{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def prose(page: Path) -> str:
    """A page without its code."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(page: Path) -> set[str]:
    """What a link to a heading of a page ends with."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_project_lead_to_a_file_and_a_heading(page):
    links = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / unquote(path)).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


def test_numbers_in_sentences_are_those_of_the_tables_and_lists_those_of_the_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    update = script("update")
    texts = {page: page.read_text(encoding="utf-8") for page in update.pages()}
    blocks = update.blocks_of(texts)
    quoted = 0
    for page, text in texts.items():
        # Of a folder without results the blocks stay as they are; lists of runs need none.
        assert update.blocks_filled(text, Path("no-such-folder")) == text, f"{page}: docs/update.py"
        assert update.cells_filled(text, blocks) == text, f"{page}: docs/update.py"
        quoted += len(update.CELL.findall(text))
    assert quoted > 40


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("a/t; Model, B; left", "2.5"),
        ("a/t; A; left", "1.5"),
        ("a/t; Difference; test", None),
        ("a/t; A - B; test", "-1.0"),
        ("a/t; A - B; left", None),
        ("a/t; sum over all:", "1e-3"),
        ("b/t; A; left", None),
    ],
)
def test_a_number_is_found_by_its_table_row_and_column(what, value):
    text = (
        "The sum over all: 1e-3 nats.\n\n| m | left |\n|---|---|\n| A | **1.5** ± 0.1 |\n| Model, B | 2.5 |\n"
        "\nText.\n\n| d | test |\n|---|---|\n| A - B | -1.0 ± 0.2 |\n"
    )
    update = script("update")
    page = f"(of 7<!-- = {what} --> things)"
    if value is None:
        with pytest.raises(LookupError, match=re.escape(what)):
            update.cells_filled(page, {"results/a/tables/t.md": text})
    else:
        expected = f"(of {value}<!-- = {what} --> things)"
        assert update.cells_filled(page, {"results/a/tables/t.md": text}) == expected


def test_the_page_of_settings_is_that_of_the_schema(monkeypatch):
    monkeypatch.chdir(ROOT)
    settings = script("settings")
    assert settings.page() == settings.PAGE.read_text(encoding="utf-8"), "run docs/settings.py"


def test_captions_of_tables_have_at_most_three_lines():
    blocks = script("update").blocks_of({page: page.read_text(encoding="utf-8") for page in PAGES})
    tables = {path: text for path, text in blocks.items() if "/tables/" in path and "theory" not in path}
    assert len(tables) > 15
    for path, text in tables.items():
        assert len(text.split("\n\n")[0].splitlines()) <= 3, path


def test_the_release_is_the_same_in_every_file():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert cited["version"] == __version__
    assert f"\n## {__version__} ({cited['date-released']})\n" in changes


def test_hooks_before_a_commit_are_the_checks_of_make_lint():
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    makefile = (ROOT / "Makefile").read_text()
    lint = makefile.partition("\nlint: ")[2].partition("\n\n")[0]
    checked = {line.split(")/")[1] for line in lint.splitlines()[1:]}
    hooks = {hook["entry"].removeprefix(".venv/bin/") for hook in local["hooks"]}
    # Hooks are given the files, and mend what they can.
    bare = {re.sub(r" (--check|Snakefile|rules|\.)(?= |$)", "", command) for command in checked}
    assert bare == hooks
