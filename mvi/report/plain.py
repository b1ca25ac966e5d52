# SPDX-License-Identifier: MIT
"""Tables as text for a terminal: no wider than its lines, the best of a column with a star."""

import html
import re
import textwrap
from collections.abc import Sequence

from mvi.report.markdown import cell_text, table_cells

WIDTH = 100
_LEAST = 24
"""So many letters of a label are kept."""


def plain(markdown: str, width: int = WIDTH, *, rest: bool = True) -> str:
    """The tables and captions of a page by `mvi.report.tables` in lines of at most `width`.

    What is too wide loses the standard deviations first, then the number of repetitions, the ends of its
    labels, and its last columns, of which the number is said. Without `rest` the caption is its first line,
    and only the first table is shown.
    """
    blocks = [block for block in re.split(r"\n{2,}", markdown.strip()) if not block.startswith("<!--")]
    shown = []
    for block in blocks:
        if block.startswith("|"):
            shown.append(_table(block.splitlines(), width))
            if not rest:
                break
        else:
            lines = block.splitlines() if rest else block.splitlines()[:1]
            shown.append("\n".join(textwrap.fill(_text(line), width) for line in lines))
    return "\n".join(shown)


def _text(line: str) -> str:
    return html.unescape(line.replace("Bold:", "Starred:").replace("**", "").replace("`", ""))


def _cell(text: str) -> str:
    """A star in place of bold, and room for one, so that numbers stay below each other."""
    return re.sub(r"\*\*(.+?)\*\*", r"\1*", cell_text(text))


def _table(lines: Sequence[str], width: int) -> str:
    rows = [[_cell(cell) for cell in table_cells(line)] for line in lines]
    columns = [[row[place] for row in rows if not set(row[0]) <= {"-", ":"}] for place in range(len(rows[0]))]
    missing = []
    if _wide(columns) > width and any(" ± " in cell for column in columns for cell in column):
        columns = [columns[0]] + [[re.sub(r" ± \S+", "", cell) for cell in one] for one in columns[1:]]
        missing.append("standard deviations")
    if _wide(columns) > width and columns[-1][0] in ("splits", "seeds"):
        columns = columns[:-1]
    left_out = 0
    while (over := _wide(columns) - width) > 0:
        longest = max(map(len, columns[0]))
        if longest - over >= _LEAST or len(columns) == 1:
            columns[0] = [_shortened(cell, longest - over) for cell in columns[0]]
        else:
            columns, left_out = columns[:-1], left_out + 1
    texts = [_aligned(column, place > 0) for place, column in enumerate(columns)]
    head, *body = ["  ".join(row).rstrip() for row in zip(*texts, strict=True)]
    if left_out:
        missing.append(f"{left_out} more column{'s' * (left_out > 1)}")
    note = [textwrap.fill(f"(in the file: {' and '.join(missing)})", width)] if missing else []
    return "\n".join([head, "-" * max(map(len, (head, *body))), *body, *note])


def _wide(columns: Sequence[Sequence[str]]) -> int:
    return sum(max(map(len, _aligned(column, place > 0))) + 2 for place, column in enumerate(columns)) - 2


def _aligned(column: Sequence[str], right: bool) -> list[str]:
    if not right:
        return [cell.ljust(max(map(len, column))) for cell in column]
    # A number without a star leaves its room.
    starred = any(_star(cell) for cell in column[1:])
    room = [cell if not starred or _star(cell) or " ± " in cell else f"{cell} " for cell in column]
    return [cell.rjust(max(map(len, room))) for cell in room]


def _star(cell: str) -> bool:
    return cell.endswith("*")


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
