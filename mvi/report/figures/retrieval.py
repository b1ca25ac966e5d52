# SPDX-License-Identifier: MIT
"""Precision-recall curves of retrieval."""

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from mvi.errors import DataError, ShapeError
from mvi.evaluation.scores import Score
from mvi.report.figures import style
from mvi.report.queries import query_title

_COLUMNS = 3


def curves(
    scores: Iterable[Score], queries: Iterable[str]
) -> tuple[dict[str, dict[str, np.ndarray]], np.ndarray, dict[str, float]]:
    """What `precision_recall` draws, out of the scores of `evaluation.retrieval`.

    Raises `DataError` where they hold no curve of a query.
    """
    scores = [one for one in scores if one.metric == "retrieval_precision"]
    recalls = sorted({float(one.label) for one in scores if one.label})
    panels, chance = {}, {}
    for query in queries:
        found: dict[str, dict[int | None, dict[float, float]]] = {}
        for one in scores:
            if one.query == query and one.label:
                found.setdefault(one.method, {}).setdefault(one.split, {})[float(one.label)] = one.value
        shares = [one.value for one in scores if one.query == query and not one.label]
        if not found or not shares:
            raise DataError(f"The scores hold no precision-recall curve of {query}; evaluate it first.")
        title = query_title(query).capitalize()
        panels[title] = {
            method: np.array([[curve[recall] for recall in recalls] for curve in splits.values()])
            for method, splits in found.items()
        }
        chance[title] = float(np.mean(shares))
    return panels, np.array(recalls), chance


def precision_recall(
    panels: Mapping[str, Mapping[str, np.ndarray]],
    recalls: np.ndarray,
    chance: Mapping[str, float],
    looks: Mapping[str, style.Look],
) -> Figure:
    """Mean interpolated precision by recall, a panel each, with a band of one standard deviation over splits.

    panels: title -> line -> precision (splits, levels); a line may be a query of one model, or a method
    recalls: (levels,) between 0 and 1
    chance: title -> share of relevant rows, the precision of a random ranking, drawn as a dashed line
    looks: line -> how it is drawn; lines come in this order, and those that it lacks are not drawn

    A line has the same look in every panel. Raises `DataError` where there is nothing to draw and
    `ShapeError` for precision that does not fit to `recalls`.
    """
    drawn = {title: [key for key in looks if key in lines] for title, lines in panels.items()}
    if not any(drawn.values()):
        raise DataError("There is no precision-recall curve to draw; evaluate the retrieval first.")
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    with style.applied():
        width = style.PAGE_WIDTH if columns > 1 else 0.62 * style.PAGE_WIDTH
        figure = style.new_figure(width, 0.4 + rows * (2.3 if columns > 1 else 2.7))
        axes_of = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flatten()
        shown = {}
        for axes, (title, lines) in zip(axes_of, panels.items(), strict=False):
            for key in drawn[title]:
                values = np.atleast_2d(lines[key])
                if values.shape[1:] != np.shape(recalls):
                    raise ShapeError(
                        f"The precision of {looks[key].label} has shape {values.shape} and there are "
                        f"{len(recalls)} recalls; give (splits, recalls)."
                    )
                shown[key] = style.draw_mean(axes, recalls, values, looks[key])
            level = axes.axhline(chance[title], color=style.INK, linewidth=0.9, linestyle=(0, (5, 3)))
            axes.set_title(title)
            axes.set_xlim(0, 1)
            axes.set_ylim(0, 1)
            # The first and last markers are whole.
            for line in axes.lines:
                line.set(clip_on=False, zorder=3)
            for edge in (axes.xaxis, axes.yaxis):
                edge.set_major_locator(MultipleLocator(0.2))
                edge.set_major_formatter("{x:g}")
        for i, axes in enumerate(axes_of):
            axes.set_visible(i < len(panels))
            if i + columns >= len(panels):
                axes.set_xlabel("Recall")
                axes.tick_params(labelbottom=True)
            if i % columns == 0:
                axes.set_ylabel("Precision")
        handles = {looks[key].label: shown[key] for key in looks if key in shown} | {"chance": level}
        figure.legend(handles.values(), handles, loc="outside upper center", ncols=min(4, len(handles)))
    return figure
