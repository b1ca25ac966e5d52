# SPDX-License-Identifier: MIT
"""Pages of runs: Markdown with what was found first, and the same as one HTML file that needs no other.

The HTML is made of the Markdown, of which it reads what pages of runs have: headings, paragraphs, lists,
tables, code, figures and folded captions. Names and tags come from users: all text is escaped, and the page
forbids scripts and whatever would be fetched.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mvi.errors import DataError
from mvi.files import AGAIN
from mvi.report.markdown import cell_text, table_cells
from mvi.text import escaped

FINDINGS = "Findings"
_STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1a1a1a; --soft: #4c4f53; --rule: #d3d3cf;
  --link: #084c7d; --head: #f5f5f3; }
@media screen and (prefers-color-scheme: dark) { :root { --page: #131517; --ink: #ececea; --soft: #b3b8bd;
  --rule: #3b4045; --link: #8cc8f5; --head: #1d2023; } img { background: #fff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem clamp(.75rem, 3vw, 2rem) 3rem; color: var(--ink);
  background: var(--page);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.25rem 0 .5rem; overflow-wrap: anywhere; }
p, li { max-width: 75ch; overflow-wrap: anywhere; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, .wide:focus-visible { outline: 2px solid var(--link); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; list-style: none; }
summary { cursor: pointer; }
details { margin: .5rem 0; color: var(--soft); }
.wide { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--rule); text-align: left; white-space: nowrap; }
th { border-bottom: 2px solid var(--soft); }
th:first-child, td:first-child { position: sticky; left: 0; min-width: 8rem; max-width: 45vw;
  background: var(--page); white-space: normal; }
.right { text-align: right; }
img { display: block; max-width: 100%; height: auto; margin: .5rem 0; }
pre { overflow-x: auto; padding: .6rem; background: var(--head); }
@media print { details > * { display: block; } h2 { break-after: avoid; } img, tr { break-inside: avoid; } }
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Page:
    """The page of a run: its Markdown, and the folder that links and figures start from."""

    run: str
    markdown: str
    folder: Path


# -- Markdown ---------------------------------------------------------------------------------------------


def findings_list(found: Sequence[str]) -> str:
    """The first section of a page; "" where nothing was asked."""
    return "\n\n".join([f"## {FINDINGS}", "\n".join(f"- {one}" for one in found)]) if found else ""


def folded(table: str) -> str:
    """A table's Markdown with its caption folded: the first line stays, the others open with a click."""
    first, *blocks = table.strip().split("\n\n")
    head, *rest = first.splitlines()
    if not head.startswith("**") or not rest:
        return table.strip()
    lines = [f"<details><summary>{_inline(head)}</summary>", "\n".join(rest), "</details>"]
    return "\n\n".join([*lines, *blocks])


# -- HTML -------------------------------------------------------------------------------------------------


def html_page(title: str, pages: Iterable[Page]) -> str:
    """One page of all runs: what each is and found; then a section for each table or figure."""
    pages = list(pages)
    front, rest = [], []
    for page in pages:
        about, *sections = _sections(page, f"{page.run}/" if len(pages) > 1 else "")
        found = [body for name, _, body in sections if name == FINDINGS]
        others = [one for one in sections if one[0] != FINDINGS]
        links = "".join(f'<li><a href="#{anchor}">{escaped(name)}</a></li>' for name, anchor, _ in others)
        front.append(
            (f"<h2>{escaped(page.run)}</h2>" if len(pages) > 1 else "")
            + about[2]
            + "".join(f"<h3>{FINDINGS}</h3>{body}" for body in found)
            + f"<nav><ul>{links}</ul></nav>"
        )
        prefix = f"{page.run}: " if len(pages) > 1 else ""
        rest += [
            f'<section id="{anchor}"><h2>{escaped(prefix + name)}</h2>{body}</section>'
            for name, anchor, body in others
        ]
    body = "\n".join([f"<h1>{escaped(title)}</h1>", *front, *rest])
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _sections(page: Page, prefix: str) -> list[tuple[str, str, str]]:
    """Title, anchor and HTML of what stands before the first second-level heading, and of each section."""
    found = []
    for place, text in enumerate(re.split(r"^## ", page.markdown, flags=re.M)):
        title, _, body = text.partition("\n")
        blocks = [
            _block(block, page.folder, prefix)
            for block in re.split(r"\n{2,}(?=[^\n])", body.strip())
            if block.strip()
        ]
        found.append((title.removeprefix("# "), escaped(f"{page.run}-{place}"), "\n".join(blocks)))
    return found


def _block(text: str, folder: Path, prefix: str) -> str:
    if text.startswith(("<details><summary>", "</details>")):
        return text
    if text.startswith("```"):
        return f"<pre><code>{_code(text)}</code></pre>"
    if text.startswith("|"):
        return _table(text.splitlines())
    if text.startswith("- "):
        items = (f"<li>{_inline(line.removeprefix('- '), prefix)}</li>" for line in text.splitlines())
        return f"<ul>{''.join(items)}</ul>"
    if figure := re.fullmatch(r"!\[([^]]*)\]\(([^)]+)\)", text):
        try:
            content = base64.b64encode((folder / figure[2]).read_bytes()).decode()
        except OSError as error:
            raise DataError(f"{folder / figure[2]} cannot be read ({error.strerror}); {AGAIN}.") from error
        return f'<img alt="{escaped(figure[1])}" src="data:image/png;base64,{content}">'
    return f"<p>{_inline(text, prefix)}</p>"


def _code(block: str) -> str:
    # What stands between the fences.
    return "\n".join(map(escaped, block.splitlines()[1:-1]))


def _table(lines: Sequence[str]) -> str:
    head, rule, *rows = map(table_cells, lines)
    sides = [' class="right"' if cell.endswith(":") else "" for cell in rule]

    def row(cells: Sequence[str], kind: str) -> str:
        made = (f"<{kind}{side}>{_inline(cell)}</{kind}>" for cell, side in zip(cells, sides, strict=True))
        return f"<tr>{''.join(made)}</tr>"

    body = "\n".join(row(cells, "td") for cells in rows)
    return (
        f'<div class="wide" tabindex="0"><table><thead>{row(head, "th")}</thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _inline(text: str, prefix: str = "") -> str:
    """Bold, code and links; in tables characters of HTML are escaped already."""
    line = escaped(cell_text(text))
    line = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", line)
    line = re.sub(r"`([^`]+)`", r"<code>\1</code>", line)
    return re.sub(r"\[([^]]+)\]\(([\w./-]+)\)", rf'<a href="{escaped(prefix)}\2">\1</a>', line)
