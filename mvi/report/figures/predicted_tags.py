# SPDX-License-Identifier: MIT
"""Images with their true tags and those predicted from the image only, as a figure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mvi.errors import DataError
from mvi.report.figures import style
from mvi.report.figures.sheet import RIGHT, WIDTH, Sheet

_COLUMNS = 2
_GUTTER, _TILE, _GAP = 20.0, 78.0, 9.0
_HEAD, _LINE, _FOOT = 17.0, 12.2, 13.0
_WORD, _NUMBER, _MARK = 62.0, 21.0, 9.0
_SMALL = 5.8
_OTHER = "#8da0b3"


@dataclass(frozen=True)
class Prediction:
    """An image (h, w, 3) uint8 RGB, its true `tags`, and `predicted` tags with probabilities."""

    image: np.ndarray
    tags: Sequence[str]
    predicted: Sequence[tuple[str, float]]


def top_tags(probabilities: np.ndarray, vocabulary: Sequence[str], count: int) -> list[tuple[str, float]]:
    """The `count` tags of highest probability (V,) with these; equal ones keep the vocabulary's order."""
    first = np.argsort(-np.asarray(probabilities), kind="stable")[:count]
    return [(vocabulary[i], float(probabilities[i])) for i in first]


def predicted_tags(predictions: Sequence[Prediction], lines: int = 4) -> Sheet:
    """Two columns of images, the true tags below each and a bar for each predicted tag beside it.

    Bars of true tags are green and have a tick. All bars have one scale, on which the longest is the highest
    probability shown. True tags that do not fit into `lines` lines are cut. Write it by its `save`.
    """
    most = max((len(one.predicted) for one in predictions), default=0)
    if not most:
        raise DataError("There is no predicted tag to show; ask for at least one of one image.")
    limit = max(p for one in predictions for _, p in one.predicted) or 1.0
    cell = (WIDTH - (_COLUMNS - 1) * _GUTTER) / _COLUMNS
    step = max(_TILE + 4 + lines * 1.22 * _SMALL, most * _LINE) + 12
    rows = -(-len(predictions) // _COLUMNS)
    words = [tag for one in predictions for tag in (*one.tags, *(tag for tag, _ in one.predicted))]
    with style.applied(words):
        sheet = Sheet(_HEAD + rows * step + _FOOT, words)
        for i in range(min(_COLUMNS, len(predictions))):
            left = 1 + i * (cell + _GUTTER)
            sheet.words(left, 3, "Image, true tags", 7.5)
            sheet.words(left + _TILE + _GAP, 3, "Tags predicted from the image only", 7.5)
        for i, one in enumerate(predictions):
            left, top = 1 + i % _COLUMNS * (cell + _GUTTER), _HEAD + i // _COLUMNS * step
            _draw_cell(sheet, left, top, cell - 2, one, limit, lines)
        y = _HEAD + rows * step + 3
        sheet.mark(5, y, True, 3.8)
        sheet.words(13, y, "one of the true tags", 6.5, va="center_baseline", color=style.MUTED)
    return sheet


def _draw_cell(
    sheet: Sheet, x: float, y: float, width: float, one: Prediction, limit: float, lines: int
) -> None:
    sheet.image(x, y, _TILE, one.image)
    true = sheet.caption(one.tags, _TILE, lines, _SMALL)
    look = {} if true else {"style": "italic", "color": style.MUTED}
    sheet.words(x, y + _TILE + 4, true or "no tags", _SMALL, **look)
    left = x + _TILE + _GAP
    start = left + _MARK + _WORD
    longest = width - (start - x) - _NUMBER
    for i, (tag, probability) in enumerate(one.predicted):
        middle = y + (i + 0.5) * _LINE
        right = tag in one.tags
        if right:
            sheet.mark(left + 3, middle, True, 3.6)
        sheet.words(
            left + _MARK,
            middle,
            sheet.caption([tag], _WORD - 4, 1, 6.5),
            6.5,
            va="center_baseline",
            weight="bold" if right else "normal",
        )
        length = longest * probability / limit
        colour = RIGHT if right else _OTHER
        sheet.box(start, middle - 0.33 * _LINE, length, 0.66 * _LINE, facecolor=colour)
        percent = f"{100 * probability:.0f} %" if probability >= 0.01 or not probability else "<1 %"
        sheet.words(start + length + 3, middle, percent, 6, va="center_baseline", color=style.MUTED)
