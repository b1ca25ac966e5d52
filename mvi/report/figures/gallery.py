# SPDX-License-Identifier: MIT
"""Queries and the images nearest to them, as a figure (Figures 3 and 4 of Sohn et al. 2014).

`mvi.report.figures.gallery_page` shows the same on a page for browsers.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mvi.errors import ConfigError, DataError
from mvi.report.figures import style
from mvi.report.figures.sheet import WIDTH, Sheet

PARTS = ("image", "text")
"""What a query may consist of."""

_MUTED, _MIDDLE = {"color": style.MUTED}, "center_baseline"
_SIZE, _LINE = 5.8, 7.1
_GAP, _BAR, _BELOW, _ROW_GAP, _HEAD, _FOOT = 7.0, 17.0, 4.0, 11.0, 17.0, 15.0


@dataclass(frozen=True)
class Item:
    """A row of the data set as it is shown.

    `image` (h, w, 3) uint8 RGB or `tags` are None where they are not part of a query; `labels` are what
    it is evaluated by.
    """

    name: str
    image: np.ndarray | None
    tags: Sequence[str] | None
    labels: Sequence[str]


@dataclass(frozen=True)
class Hit:
    """A row that was found, with its cosine similarity to the query."""

    item: Item
    similarity: float


@dataclass(frozen=True)
class Example:
    """A query and the rows nearest to it, most similar first."""

    query: Item
    hits: Sequence[Hit]

    def shared(self, hit: Hit) -> list[str] | None:
        """The labels that `hit` shares with the query; None where the query has no label to share."""
        if not self.query.labels:
            return None
        return [label for label in self.query.labels if label in hit.item.labels]


def label_names(row: np.ndarray, classes: Sequence[str], strict_suffix: str = "_r1") -> list[str]:
    """Names of the labels of one row (classes,) of 0 and 1, with spaces, each topic once.

    A class whose name is that of another and `strict_suffix` is the same topic annotated more strictly.
    """
    names = (classes[i].removesuffix(strict_suffix).replace("_", " ") for i in np.flatnonzero(row).tolist())
    return list(dict.fromkeys(names))


def example(
    query: int,
    hits: Iterable[int],
    similarities: Iterable[float],
    item: Callable[[int], Item],
    given: Sequence[str] = PARTS,
) -> Example:
    """The example of row `query` and the rows `hits`, most similar first; `item(row)` shows a row.

    `given` says what the query consists of, of `PARTS`; the rest of it is not shown. The rows that are found
    are shown whole.
    """
    if not given or not set(given) <= set(PARTS):
        raise ConfigError(f"A query consists of {' or '.join(PARTS)}, not {', '.join(given) or 'nothing'}.")
    hidden = {"image": "image", "text": "tags"}
    lacking: dict[str, Any] = {hidden[part]: None for part in PARTS if part not in given}
    asked = replace(item(query), **lacking)
    found = [Hit(item(row), float(similarity)) for row, similarity in zip(hits, similarities, strict=True)]
    return Example(asked, found)


def nearest_images(
    examples: Sequence[Example],
    heading: str = "Nearest in the database, most similar first",
    lines: int = 3,
) -> Sheet:
    """A row an example: the query, a bar, and what was found, each with its tags and a mark.

    A tick marks an image that shares a label with the query and a cross one that does not; nothing is
    marked where the query has no label. Tags that do not fit into `lines` lines are cut. Write it by its
    `save`.
    """
    columns = max((len(one.hits) for one in examples), default=0)
    if not columns:
        raise DataError("There is nothing to show: no query, or nothing found; ask for at least one of each.")
    tile = (WIDTH - 2 - (columns - 1) * _GAP - _BAR) / (columns + 1)
    step = tile + _BELOW + lines * _LINE + _ROW_GAP
    height = _HEAD + len(examples) * step + _FOOT
    words = _words(examples)
    with style.applied(words):
        sheet = Sheet(height, words)
        first = 1 + tile + _BAR
        sheet.words(1, 3, "Query", 7.5)
        sheet.words(first, 3, heading, 7.5)
        for i, one in enumerate(examples):
            top = _HEAD + i * step
            _draw_query(sheet, 1, top, tile, one.query, lines)
            sheet.line(1 + tile + _BAR / 2, top, top + step - _ROW_GAP, style.MUTED)
            for j, hit in enumerate(one.hits):
                left = first + j * (tile + _GAP)
                corner = _draw_image(sheet, left, top, tile, hit.item, lines)
                shared = one.shared(hit)
                if shared is not None:
                    sheet.mark(corner[0] - 6.5, corner[1] + 6.5, bool(shared))
        unlabelled = any(one.shared(one.hits[0]) is None for one in examples if one.hits)
        y = height - _FOOT / 2
        if unlabelled:
            sheet.words(first + 252, y, "no mark: the query has no label", 6.5, **_MUTED, va=_MIDDLE)
        for x, right, text in (
            (first, True, "shares a label with the query"),
            (first + 135, False, "shares no label with it"),
        ):
            sheet.mark(x + 4.6, y, right, 4.0)
            sheet.words(x + 13, y, text, 6.5, **_MUTED, va=_MIDDLE)
    return sheet


def _words(examples: Sequence[Example]) -> list[str]:
    items = [item for one in examples for item in (one.query, *(hit.item for hit in one.hits))]
    return [tag for item in items for tag in item.tags or ()]


def _draw_query(sheet: Sheet, x: float, y: float, tile: float, query: Item, lines: int) -> None:
    if query.image is None:
        sheet.box(x, y, tile, tile, facecolor="#f2f2f2")
        inner, size = tile - 10, 7.0
        text = sheet.caption(query.tags or (), inner, int((tile - 8) / (1.22 * size)), size)
        look = {} if text else _MUTED | {"style": "italic"}
        sheet.words(x + 5, y + tile / 2, text or "no tags", size, va="center", **look)
        _note(sheet, x, y + tile + _BELOW, "text-only")
    elif query.tags is None:
        sheet.image(x, y, tile, query.image)
        _note(sheet, x, y + tile + _BELOW, "image-only")
    else:
        _draw_image(sheet, x, y, tile, query, lines)


def _draw_image(sheet: Sheet, x: float, y: float, tile: float, item: Item, lines: int) -> tuple[float, float]:
    if item.image is None:
        raise DataError(f"{item.name} was found and has no image to show; give its image.")
    corner = sheet.image(x, y, tile, item.image)
    text = sheet.caption(item.tags or (), tile, lines, _SIZE)
    if text:
        sheet.words(x, y + tile + _BELOW, text, _SIZE)
    else:
        _note(sheet, x, y + tile + _BELOW, "no tags")
    return corner


def _note(sheet: Sheet, x: float, y: float, text: str) -> None:
    sheet.words(x, y, text, _SIZE, style="italic", **_MUTED)
