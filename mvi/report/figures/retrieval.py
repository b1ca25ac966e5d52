# SPDX-License-Identifier: MIT
"""Precision-recall curves of retrieval."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from mvi.errors import DataError, ShapeError
from mvi.report.figures import style

_COLUMNS = 3


def precision_recall(
    panels: Mapping[str, Mapping[str, np.ndarray]],
    recalls: np.ndarray,
    chance: Mapping[str, float],
    labels: Mapping[str, str],
) -> Figure:
    """Mean interpolated precision by recall, a panel each, with a band of one standard deviation over splits.

    panels: title -> line -> precision (splits, levels); a line may be a query of one model, or a method
    recalls: (levels,) between 0 and 1
    chance: title -> share of relevant rows, the precision of a random ranking, drawn as a dashed line
    labels: line -> text of the legend; lines come in this order, and those that it lacks are not drawn

    A line has the same look in every panel. Raises `DataError` where there is nothing to draw and
    `ShapeError` for precision that does not fit to `recalls`.
    """
    drawn = {title: [key for key in labels if key in lines] for title, lines in panels.items()}
    if not any(drawn.values()):
        raise DataError("There is no precision-recall curve to draw; evaluate the retrieval first.")
    others = {key: number for number, key in enumerate(labels)}
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
                        f"The precision of {labels[key]} has shape {values.shape} and there are "
                        f"{len(recalls)} recalls; give (splits, recalls)."
                    )
                shown[key] = style.draw_mean(axes, recalls, values, key, labels[key], others[key])
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
        handles = {labels[key]: shown[key] for key in labels if key in shown} | {"chance": level}
        figure.legend(handles.values(), handles, loc="outside upper center", ncols=min(4, len(handles)))
    return figure
