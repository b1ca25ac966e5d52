# SPDX-License-Identifier: MIT
"""What mean-field iterations gain against what may be the reason: pairs, predicted tags, features."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from mvi.report.figures import style
from mvi.report.gain import Gain

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""One for each data set and kind of features."""
_STARTS = {"zeros": "o", "doubled": "D"}
"""Filled and open markers repeat what the colour and the line cannot say."""
_LINEAR = 0.02
_GAINS = (-0.1, -0.05, -0.02, -0.01, 0, 0.01, 0.02, 0.05, 0.1)
_CAUSES: tuple[tuple[str, Callable[[Gain], float]], ...] = (
    ("Pairs learned from", lambda one: one.pairs),
    ("Precision@1 of tags predicted", lambda one: one.precision),
    ("mAP of the linear baseline", lambda one: one.linear),
)


def gain_by_cause(found: Sequence[Gain]) -> Figure:
    """A panel a cause; a colour for each data set with its features, a marker for each first state.

    Points that differ in their pairs alone are joined. Bars are a standard deviation, where there are
    several splits. Gains beyond `_LINEAR` are drawn by their logarithm: one may be ten times the others.
    """
    kinds = list(dict.fromkeys((one.dataset, one.features) for one in found))
    colours = dict(zip(kinds, _COLOURS, strict=False))
    with style.applied():
        figure = style.new_figure(style.PAGE_WIDTH, 3.0)
        panels = figure.subplots(1, len(_CAUSES), sharey=True)
        for axes, (label, cause) in zip(panels, _CAUSES, strict=True):
            axes.axhline(0, color=style.MUTED, linewidth=0.8)
            axes.set_xlabel(label)
            for kind, start in product(kinds, _STARTS):
                line = [one for one in found if (one.dataset, one.features, one.start) == (*kind, start)]
                _draw(axes, sorted(line, key=lambda one: one.pairs), cause, colours[kind])
        _count_pairs(panels[0], sorted({one.pairs for one in found}))
        panels[0].set_ylabel("Gain in image-only mAP")
        panels[0].set_yscale("symlog", linthresh=_LINEAR, linscale=1.5)
        lowest, highest = panels[0].get_ylim()
        # The scale leaves markers at its ends no room.
        highest *= 1.5
        panels[0].set_ylim(lowest, highest)
        panels[0].set_yticks([tick for tick in _GAINS if lowest <= tick <= highest])
        panels[0].yaxis.set_major_formatter(FuncFormatter(lambda gain, _: f"{gain:g}"))
        panels[0].yaxis.set_minor_locator(NullLocator())
        figure.legend(handles=_handles(found, colours), loc="outside upper center", ncols=3)
    return figure


def _draw(axes: Axes, line: Sequence[Gain], cause: Callable[[Gain], float], colour: str) -> None:
    if not line:
        return
    start = line[0].start
    axes.errorbar(
        [cause(one) for one in line],
        [one.gain for one in line],
        [one.sd or 0 for one in line],
        color=colour,
        elinewidth=0.8,
        linewidth=1.2,
        **_look(start, colour),
    )


def _look(start: str, colour: str) -> dict[str, Any]:
    face = colour if start == "zeros" else "white"
    return {
        "marker": _STARTS[start],
        "linestyle": "-" if start == "zeros" else "--",
        "markerfacecolor": face,
        "markeredgecolor": colour,
        "markeredgewidth": 1.0,
        "markersize": 5,
    }


def _count_pairs(axes: Axes, pairs: Sequence[int]) -> None:
    """Numbers of pairs on a logarithmic axis, as those that there are."""
    axes.set_xscale("log")
    axes.set_xticks(pairs)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count / 1000:g}k"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", labelsize=7)


def _handles(found: Sequence[Gain], colours: dict[tuple[str, str], str]) -> list[Line2D]:
    handles = [
        Line2D([], [], color=colour, label=f"{dataset}, {features.replace('_', ' ')}")
        for (dataset, features), colour in colours.items()
    ]
    starts = [start for start in _STARTS if any(one.start == start for one in found)]
    return handles + [
        Line2D([], [], color=style.INK, label=f"first state: {start}", **_look(start, style.INK))
        for start in starts
    ]
