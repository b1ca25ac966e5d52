# SPDX-License-Identifier: MIT
"""What representations are worth for classification beside what they are worth for search."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from mvi.errors import DataError
from mvi.evaluation.scores import CENTRED
from mvi.report.figures import style
from mvi.report.queries import query_title
from mvi.report.scores import Key, Scores

_COLUMNS = 3


def trade(
    scores: Scores,
    looks: Mapping[str, style.Look],
    queries: Sequence[str],
    *,
    metric: str,
    variant: str,
    inputs: Mapping[str, Mapping[str, str]],
) -> Figure:
    """Retrieval mAP of centred representations against the mAP of linear classifiers, a panel a query.

    A marker is the mean over splits of a method of `looks`, its cross one standard deviation each way.

    metric, variant: of the classification
    inputs: of lines that are no model, query -> whose scores they have; these have no variant

    Raises `DataError` where a model lacks a score, or where there is nothing to draw.
    """
    with style.applied():
        legend_rows = -(-len(looks) // _COLUMNS)
        figure = style.new_figure(style.PAGE_WIDTH, 2.5 + 0.17 * legend_rows)
        panels = figure.subplots(1, len(queries), squeeze=False)[0]
        drawn = {}
        for axes, query in zip(panels, queries, strict=True):
            for name, look in looks.items():
                method = inputs[name].get(query, "") if name in inputs else name
                if name in inputs and not (scores.has(method) and scores.has(method, CENTRED)):
                    continue
                asked = Key(method, metric, query, variant="" if name in inputs else variant)
                found = Key(method, "retrieval_map_interpolated", query, variant=CENTRED)
                across, up = (np.array(list(scores.of(key).values())) for key in (asked, found))
                drawn[name] = axes.errorbar(
                    across.mean(),
                    up.mean(),
                    xerr=across.std(ddof=1) if len(across) > 1 else None,
                    yerr=up.std(ddof=1) if len(up) > 1 else None,
                    color=look.color,
                    marker=look.marker,
                    markersize=5.5,
                    markeredgewidth=style.edge(look.marker),
                    elinewidth=0.7,
                    linestyle="none",
                )
            axes.set_title(query_title(query).capitalize())
            axes.set_xlabel("mAP (test set)")
        if not drawn:
            raise DataError("There is no method to draw; compare some with classification and retrieval.")
        panels[0].set_ylabel("Retrieval mAP (test set)")
        handles = {look.label: drawn[name] for name, look in looks.items() if name in drawn}
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=_COLUMNS)
    return figure
