# SPDX-License-Identifier: MIT
"""What is read again of tables that `mvi.report.tables` wrote."""

import html
import re


def table_cells(line: str) -> list[str]:
    """The cells of a line of a Markdown table, as they are written but for blanks around them."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def cell_text(cell: str) -> str:
    """What `mvi.text.table_cell` made a cell of.

    Examples:
        >>> from mvi.text import table_cell
        >>> cell_text(table_cell("a | b < c"))
        'a | b < c'
    """
    return html.unescape(cell.replace("\\|", "|"))
