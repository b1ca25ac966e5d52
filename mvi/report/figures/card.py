# SPDX-License-Identifier: MIT
"""Figures of the data card: labels, tags, and a sheet of images.

Everything drawn is given as arrays; nothing here knows where images come from.
"""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from mvi.errors import DataError, ShapeError
from mvi.report.figures import lettering, style
from mvi.report.figures.sheet import wrapped

# From white through the blue of the first method to nearly black, so that it prints in grey as well.
_BLUES = ["#ffffff", "#bcd9ec", "#0072B2", "#002b44"]
_SHARE = LinearSegmentedColormap.from_list("share", _BLUES).with_extremes(bad=style.HAIRLINE)
_WIDE, _STRICT = "#56B4E9", "#0072B2"
_OTHER = "#E69F00"

# Dots of the contact sheet, at this many an inch: its images are small, and a page shows no more.
_SHEET_DPI = 150
_GAP, _TEXT_LINE, _TEXT_GAP = 10, 13, 4
_TEXT_SIZE = 5.2
# At that size, letters of an inch.
_LETTERS = 22
# Tags that are named, of the most frequent.
_NAMED = 10


def label_counts(labels: np.ndarray, classes: Sequence[str], strict_suffix: str = "_r1") -> Figure:
    """How many images each label has, most frequent first, from `labels` (L, classes) of 0 and 1.

    A class whose name is that of another and `strict_suffix` is the same topic annotated more strictly
    (MIRFLICKR's potential and regular labels); its bar lies on the other's.
    """
    counts = dict(zip(classes, np.asarray(labels).sum(axis=0, dtype=int).tolist(), strict=True))
    strict = {name: f"{name}{strict_suffix}" for name in classes if f"{name}{strict_suffix}" in counts}
    topics = sorted(set(classes) - set(strict.values()), key=lambda name: (counts[name], name))
    positions = {name: i for i, name in enumerate(topics)}
    with style.applied(classes):
        figure = style.new_figure(style.PAGE_WIDTH, max(1.6, 0.6 + 0.165 * len(topics)))
        axes = figure.subplots()
        axes.barh(
            list(positions.values()),
            [counts[name] for name in topics],
            height=0.72,
            color=_WIDE,
            label="potential: the topic is visible" if strict else None,
        )
        if strict:
            axes.barh(
                [positions[name] for name in strict],
                [counts[name] for name in strict.values()],
                height=0.36,
                color=_STRICT,
                label="regular: the topic is relevant",
            )
            axes.legend(loc="lower right")
        for name in topics:
            text = f"{counts[name]:,}"
            if name in strict:
                text += f" / {counts[strict[name]]:,}"
            axes.annotate(
                text,
                (counts[name], positions[name]),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=6.5,
                color=style.MUTED,
            )
        axes.set_yticks(list(positions.values()), _names(topics), parse_math=False)
        axes.set_ylim(-0.7, len(topics) - 0.3)
        axes.set_xlim(0, 1.1 * max([*counts.values(), 1]))
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        axes.xaxis.set_major_formatter(_thousands())
        axes.set_xlabel(f"Images with the label, of {len(labels):,}")
        _note(figure, classes)
    return figure


def tags(counts: np.ndarray, vocabulary: Sequence[str], per_image: np.ndarray, labelled: int) -> Figure:
    """Two panels: the frequency of tags by rank, the first ones named, and the number of tags an image has.

    counts: (vocabulary,) images with each tag
    per_image: (n,) tags of each image, the first `labelled` of which have labels
    """
    counts = np.asarray(counts)
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    named = [vocabulary[i] for i in order[:_NAMED]]
    with style.applied(named):
        figure = style.new_figure(style.PAGE_WIDTH, 2.9)
        ranks, images = figure.subplots(1, 2)
        _draw_ranks(ranks, counts[order], named)
        _draw_per_image(images, np.asarray(per_image), labelled)
        _note(figure, named)
    return figure


def _draw_ranks(axes: Axes, frequency: np.ndarray, named: Sequence[str]) -> None:
    rank = np.arange(1, len(frequency) + 1)
    axes.loglog(rank, frequency, color=_STRICT, marker=".", markersize=3, linewidth=0.8)
    axes.set_title("Frequency of tags")
    axes.set_xlabel("Rank")
    axes.set_ylabel("Images with the tag")
    names = [lettering.printable(name) for name in named]
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
    # The grid stops where the names are.
    style_of: dict[str, Any] = {
        "transform": axes.transAxes,
        "fontsize": 6.5,
        "color": style.MUTED,
        "bbox": box,
    }
    for place, name in enumerate(names):
        y = 0.05 + 0.055 * (len(names) - 1 - place)
        axes.text(0.075, y, str(place + 1), ha="right", **style_of)
        axes.text(0.1, y, name, parse_math=False, **style_of)
    for edge in (axes.xaxis, axes.yaxis):
        edge.set_major_formatter(_thousands())
        edge.set_minor_formatter(NullFormatter())
    if frequency.max(initial=1) < 100 * frequency.min(initial=1):
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))


def _draw_per_image(axes: Axes, per_image: np.ndarray, labelled: int) -> None:
    parts = [
        ("with labels", per_image[:labelled], _STRICT),
        ("without labels", per_image[labelled:], _OTHER),
    ]
    parts = [part for part in parts if len(part[1])]
    # The last bar holds the long tail.
    most = max(5, int(np.quantile(per_image, 0.99)))
    values = np.arange(most + 1)
    for i, (label, numbers, colour) in enumerate(parts):
        share = np.bincount(np.minimum(numbers, most), minlength=most + 1) / len(numbers)
        width = 0.8 / len(parts)
        left = values + (i - (len(parts) - 1) / 2) * width
        axes.bar(left, 100 * share, width, color=colour, label=f"{label} ({len(numbers):,})")
    axes.set_title("Tags per image")
    axes.set_xlabel("Tags of the vocabulary")
    axes.set_xlim(-0.7, most + 0.7)
    axes.set_ylabel("Share of images (%)")
    for edge in (axes.xaxis, axes.yaxis):
        edge.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    step = max(1, most // 8)
    ticks = [*range(0, most - step // 2, step), most]
    axes.set_xticks(ticks, [*map(str, ticks[:-1]), f"{most}+"])
    axes.grid(axis="x", visible=False)
    if len(parts) > 1:
        axes.legend(loc="upper right")


def cooccurrence(labels: np.ndarray, classes: Sequence[str]) -> Figure:
    """Which labels come together: the share of the images with a row's label that have a column's.

    `labels` (L, classes) of 0 and 1. A label with no image has an empty row; the diagonal is left out.
    """
    given = np.asarray(labels, np.float64)
    if given.ndim != 2 or given.shape[1] != len(classes):
        raise ShapeError(f"There are labels of shape {given.shape} and {len(classes)} classes.")
    if not len(classes):
        raise DataError("There are no labels to draw; leave baselines.inputs empty for images without any.")
    together = given.T @ given
    counts = np.diag(together)
    share = np.full_like(together, np.nan)
    share[counts > 0] = together[counts > 0] / counts[counts > 0, None]
    np.fill_diagonal(share, np.nan)
    side = min(style.PAGE_WIDTH, 3.4 + 0.14 * len(classes))
    with style.applied(classes):
        names = _names(classes)
        figure = style.new_figure(side, side * 0.9)
        axes = figure.subplots()
        image = axes.imshow(100 * share, cmap=_SHARE, vmin=0, vmax=100, interpolation="nearest")
        size = float(np.clip(220 / len(classes), 4.5, 8))
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=size, parse_math=False)
        axes.set_yticks(range(len(names)), names, fontsize=size, parse_math=False)
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_ylabel("Of the images with this label …")
        axes.set_xlabel("… the share that has this one")
        bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=30, pad=0.02)
        bar.set_label("Share (%)")
        bar.outline.set_visible(False)
        _note(figure, classes)
    return figure


def contact_sheet(
    images: np.ndarray, captions: Sequence[Sequence[str]] | None, columns: int = 8, lines: int = 3
) -> Figure:
    """A sheet of `images` (n, side, side, 3) uint8 RGB with the tags of each below it.

    `captions` holds a list of tags per image; what does not fit into `lines` lines is cut and marked with
    an ellipsis. Without `captions` there is no text. Write it by `save_png`.
    """
    images = np.asarray(images)
    if captions is None:
        captions, lines = [()] * len(images), 0
    if images.ndim != 4 or images.shape[-1] != 3 or len(images) != len(captions) or not len(images):
        raise ShapeError(
            f"The sheet was given images of shape {images.shape} and {len(captions)} captions; give "
            "n RGB images and as many captions."
        )
    rows = -(-len(images) // columns)
    tile = int(style.PAGE_WIDTH * _SHEET_DPI - _GAP) // columns - _GAP
    step_right, step_down = tile + _GAP, tile + _TEXT_GAP + lines * _TEXT_LINE + _GAP
    width, height = columns * step_right + _GAP, rows * step_down + _GAP
    words = [tag for own in captions for tag in own]
    with style.applied(words):
        note = lettering.note(words)
        height += (_TEXT_LINE + _GAP) if note else 0
        figure = style.new_figure(width / _SHEET_DPI, height / _SHEET_DPI)
        figure.set_layout_engine("none")
        figure.set_dpi(_SHEET_DPI)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        renderer = style.renderer(figure)
        font = font_manager.FontProperties(size=_TEXT_SIZE)

        def fits(text: str) -> bool:
            return renderer.get_text_width_height_descent(text, font, ismath=False)[0] <= tile

        for i, (image, own) in enumerate(zip(images, captions, strict=True)):
            left, top = _GAP + i % columns * step_right, _GAP + i // columns * step_down
            axes.imshow(
                image,
                extent=(left, left + tile, top + tile, top),
                interpolation="antialiased",
                aspect="auto",
            )
            axes.add_patch(
                Rectangle((left, top), tile, tile, fill=False, edgecolor=style.HAIRLINE, linewidth=0.4)
            )
            if not lines:
                continue
            text = "\n".join(wrapped([lettering.printable(tag) for tag in own], lines, fits)) or "no tags"
            axes.text(
                left,
                top + tile + _TEXT_GAP,
                text,
                fontsize=_TEXT_SIZE,
                parse_math=False,
                va="top",
                linespacing=1.15,
                color=style.INK if own else style.MUTED,
                style="normal" if own else "italic",
            )
        if note:
            axes.text(_GAP, height - _GAP, note, fontsize=_TEXT_SIZE, va="bottom", color=style.MUTED)
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
    return figure


def save_png(figure: Figure, path: str | Path) -> None:
    """Write a contact sheet as PNG."""
    style.save_images(figure, path, _SHEET_DPI)


def _names(classes: Sequence[str]) -> list[str]:
    return [lettering.printable(name.replace("_", " ")) for name in classes]


def _note(figure: Figure, words: Sequence[str]) -> None:
    if note := lettering.note(words):
        note = textwrap.fill(note, int(_LETTERS * figure.get_figwidth()))
        figure.supxlabel(note, fontsize=_TEXT_SIZE, color=style.MUTED)


def _thousands() -> FuncFormatter:
    return FuncFormatter(lambda value, _: f"{value:,.0f}")
