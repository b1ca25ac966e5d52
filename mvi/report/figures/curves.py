# SPDX-License-Identifier: MIT
"""Training curves from the per-epoch metrics that training writes."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mvi.errors import DataError
from mvi.files import read_sealed
from mvi.report.figures import style

Metrics = dict[str, np.ndarray]
"""Column name -> one number an epoch, (epochs,); "epoch" is one of the columns."""

_COLUMNS = 3
_PANEL_HEIGHT = 1.75


def read_metrics(path: str | Path) -> Metrics:
    """Read a CSV of metrics, one line an epoch; an empty field is not a number.

    Raises `DataError` where the file is damaged, has no epochs or holds something other than numbers.
    """
    rows = list(csv.DictReader(io.StringIO(read_sealed(path).decode(), newline="")))
    try:
        metrics = {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}
    except (IndexError, TypeError, ValueError) as error:
        raise DataError(
            f"{path} is not a table of numbers by epoch ({error}); delete it and train again."
        ) from error
    if "epoch" not in metrics:
        raise DataError(f"{path} has no column 'epoch'; delete it and train again.")
    return metrics


def training_curves(
    runs: Mapping[str, Sequence[Metrics]],
    looks: Mapping[str, style.Look],
    metrics: Sequence[str] | None = None,
    titles: Mapping[str, str] | None = None,
) -> Figure:
    """Small multiples, a panel a metric: mean over seeds by method, with one standard deviation.

    runs: method -> the metrics of each of its seeds
    looks: method -> how its line is drawn; methods come in this order
    metrics: what to show, in this order; by default every column that a method has
    titles: metric -> title with unit; by default the name with spaces

    Raises `DataError` where there is nothing to draw.
    """
    methods = [name for name in looks if name in runs]
    if metrics is None:
        every = (name for method in methods for run in runs[method] for name in run)
        metrics = [name for name in dict.fromkeys(every) if name != "epoch"]
    if not metrics or not methods:
        raise DataError("There is no metric of any method to draw; train a model first.")
    columns = min(_COLUMNS, len(metrics))
    rows = -(-len(metrics) // columns)
    with style.applied():
        figure = style.new_figure(style.PAGE_WIDTH, 0.4 + rows * _PANEL_HEIGHT)
        panels = figure.subplots(rows, columns, squeeze=False).flatten()
        handles: dict[str, Line2D] = {}
        for axes, metric in zip(panels, metrics, strict=False):
            plain = metric.replace("_", " ").replace("/", ", ")
            axes.set_title((titles or {}).get(metric, plain[:1].upper() + plain[1:]))
            axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
            for method in methods:
                seeds = [run for run in runs[method] if metric in run]
                if seeds:
                    # Seeds that stopped early, or are not done yet, count as far as all have come.
                    length = min(len(run[metric]) for run in seeds)
                    values = np.stack([run[metric][:length] for run in seeds])
                    epochs = seeds[0]["epoch"][:length]
                    handles[method] = style.draw_mean(axes, epochs, values, looks[method])
            absent = [method for method in methods if not any(metric in run for run in runs[method])]
            if absent:
                without = "\n".join(["not measured by", *(looks[method].label for method in absent)])
                corner = axes.text(0.98, 0.98, without, transform=axes.transAxes, ha="right", va="top")
                corner.set(fontsize=6, color=style.MUTED, in_layout=False)
        for i, axes in enumerate(panels):
            axes.set_visible(i < len(metrics))
            if i + columns >= len(metrics):
                axes.set_xlabel("Epoch")
        shown = {looks[name].label: handles[name] for name in methods if name in handles}
        figure.legend(shown.values(), shown, loc="outside upper center", ncols=len(shown))
    return figure
