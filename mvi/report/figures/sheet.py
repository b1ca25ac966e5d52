# SPDX-License-Identifier: MIT
"""A sheet to lay images and words out on, in points from its top left corner, for figures without axes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from mvi.errors import ShapeError
from mvi.report.figures import lettering, style

WIDTH = 72 * style.PAGE_WIDTH
"""Width of a sheet, points."""

RIGHT, WRONG = "#00795a", "#b84a00"
"""The green and the vermilion of the methods, darker, so that white on them can be read."""

_LINE = 1.22
# Size of a note below the rest, and what it takes.
_NOTE, _NOTE_LINE = 6.0, 11.0
# Its images are small, and a page shows no more.
_DPI = 150


class Sheet:
    """A figure of `WIDTH` x `height` points; (x, y) counts from the top left corner, to the right and down.

    Make it, and draw on it, inside `with style.applied(words):`, the `words` being what users wrote. It says
    below the rest which of their characters no font has.
    """

    def __init__(self, height: float, words: Sequence[str] = ()) -> None:
        note = lettering.note(words)
        height += _NOTE_LINE if note else 0
        self.figure: Figure = style.new_figure(style.PAGE_WIDTH, height / 72)
        self.figure.set_layout_engine("none")
        self._axes = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._axes.set_xlim(0, WIDTH)
        self._axes.set_ylim(height, 0)
        if note:
            self.words(1, height - 2, note, _NOTE, va="bottom", color=style.MUTED)

    def words(self, x: float, y: float, text: str, size: float, **settings: Any) -> None:
        """Write `text`, of one or more lines, with its top left corner at (x, y) unless told otherwise."""
        settings = {"va": "top", "linespacing": _LINE, "color": style.INK, **settings}
        # Whatever users write, a dollar sign does not start mathematics.
        self._axes.text(x, y, text, fontsize=size, parse_math=False, **settings)

    def width(self, text: str, size: float, **font: Any) -> float:
        """Width of one line of `text`, points."""
        properties = font_manager.FontProperties(size=size, **font)
        pixels, _, _ = style.renderer(self.figure).get_text_width_height_descent(
            text, properties, ismath=False
        )
        return 72 * pixels / self.figure.dpi

    def caption(self, words: Sequence[str], width: float, lines: int, size: float) -> str:
        """`words` with commas between them, in at most `lines` lines of `width`; cut words end in "…"."""
        shown = [lettering.printable(word) for word in words]
        return "\n".join(wrapped(shown, lines, lambda text: self.width(text, size) <= width))

    def image(self, x: float, y: float, side: float, pixels: np.ndarray) -> tuple[float, float]:
        """Draw `pixels` (h, w, 3) uint8 RGB whole, centred in a square; returns their upper right corner."""
        height, width = checked_image(pixels).shape[:2]
        scale = side / max(height, width)
        left, top = x + (side - scale * width) / 2, y + (side - scale * height) / 2
        right, bottom = left + scale * width, top + scale * height
        self._axes.imshow(
            pixels,
            extent=(left, right, bottom, top),
            # Of an image larger than its place every pixel counts, and a smaller one shows no steps.
            interpolation="hanning" if max(height, width) > side * _DPI / 72 else "bicubic",
            aspect="auto",
        )
        self._axes.set_xlim(0, WIDTH)
        self._axes.set_ylim(72 * self.figure.get_figheight(), 0)
        self.box(left, top, right - left, bottom - top, edgecolor=style.HAIRLINE, linewidth=0.4)
        return right, top

    def box(self, x: float, y: float, width: float, height: float, **look: Any) -> None:
        """Draw a rectangle; without a `facecolor` it is an outline."""
        look = {"facecolor": "none", "edgecolor": "none"} | look
        self._axes.add_patch(Rectangle((x, y), width, height, **look))

    def line(self, x: float, top: float, bottom: float, colour: str, width: float = 0.8) -> None:
        """Draw a vertical line."""
        self._axes.plot([x, x], [top, bottom], color=colour, linewidth=width, solid_capstyle="butt")

    def mark(self, x: float, y: float, right: bool, radius: float = 4.6) -> None:
        """Draw a tick or a cross in a disc around (x, y), told apart without colour as well."""
        self._axes.add_patch(
            Circle((x, y), radius, facecolor=RIGHT if right else WRONG, edgecolor="white", linewidth=0.8)
        )
        r = 0.45 * radius
        strokes = (
            [([x - r, x - 0.25 * r, x + r], [y + 0.1 * r, y + 0.8 * r, y - 0.75 * r])]
            if right
            else [([x - 0.8 * r, x + 0.8 * r], [y + s * 0.8 * r, y - s * 0.8 * r]) for s in (1, -1)]
        )
        for xs, ys in strokes:
            self._axes.plot(xs, ys, color="white", linewidth=radius / 4, solid_capstyle="round")

    def save(self, path: str | Path) -> None:
        """Write the sheet as PNG."""
        style.save_images(self.figure, path, _DPI)


def checked_image(pixels: np.ndarray) -> np.ndarray:
    """`pixels`; raises `ShapeError` where they are not (h, w, 3) uint8."""
    pixels = np.asarray(pixels)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise ShapeError(
            f"An image has shape {pixels.shape} and type {pixels.dtype}; give (height, width, 3) uint8 RGB."
        )
    return pixels


def wrapped(words: Sequence[str], lines: int, fits: Callable[[str], bool]) -> list[str]:
    """`words` in at most `lines` lines that fit, with commas; an ellipsis stands for what is left out."""

    def cut(text: str) -> str:
        return next(
            f"{text[:end]}…" for end in range(len(text), -1, -1) if end == 0 or fits(f"{text[:end]}…")
        )

    done: list[str] = []
    for word in words:
        # With the comma that follows where there is a further line.
        if done and fits(f"{done[-1]}, {word},"):
            done[-1] = f"{done[-1]}, {word}"
        elif len(done) == lines:
            done[-1] = cut(done[-1])
            break
        else:
            if done:
                done[-1] += ","
            done.append(word if fits(f"{word},") else cut(word))
    return done
