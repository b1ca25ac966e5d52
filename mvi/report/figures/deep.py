# SPDX-License-Identifier: MIT
"""Figures of the deep model: precision by the number of iterations, and how every stage learned.

Everything drawn is given as arrays; nothing here knows a model.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mvi.errors import DataError, ShapeError
from mvi.report.figures import style
from mvi.report.figures.curves import Metrics

Place = tuple[str, ...]
"""Folders of a stage below its run: ("pretrain", "image1"), ("joint", "mp"), ("finetune", "whole", "n10")."""


# Lengths in inches of the page of learning curves. Its panels are placed by hand, so that they stand in
# columns whatever the width of their numbers.
_COLUMNS = 4
_LEFT = 0.6
_UNIT = 0.44
_RIGHT = 0.08
_HEADING = 0.3
_TITLE = 0.24
_HEIGHT = 1.12
_BELOW = 0.47
_LOSSES = {"cross_entropy": "Cross-entropy (nats)", "half_squared_error": "Half squared error"}


@dataclass(frozen=True)
class Reading:
    """Mean average precision (splits, n) of both kinds of query at n numbers of `iterations` (n,)."""

    iterations: np.ndarray
    multimodal: np.ndarray
    unimodal: np.ndarray


def sweep_readings(
    scores: Mapping[str, Mapping[int, Mapping[str, float]]],
    main: int,
    queries: tuple[str, str] = ("image+text", "image"),
    part: str = "validation",
) -> dict[str, Reading]:
    """Both readings of Table 3 of Sohn et al. (2014): "test" and, where other models have scores, "both".

    scores: "n<iterations of the training>" -> split -> scores of the sweep
    main: the iterations of the training whose model is encoded by every number in the reading "test", where
        the multimodal query is encoded as in training and has the same number throughout
    queries: names of the multimodal query and of the one that lacks a modality
    part: validation or test rows

    A reading is of the splits that all its models have. Raises `DataError` where a score is missing.
    """
    trained = {int(name.removeprefix("n")): splits for name, splits in scores.items()}
    if not trained.get(main):
        raise DataError(f"There are no scores of the model trained with {main} iterations; run its sweep.")
    whole, lacking = queries
    metric = f"{part}_map/interpolated"
    pattern = re.compile(re.escape(lacking) + r"/n(\d+)/" + re.escape(metric))
    keys = {key for one in trained[main].values() for key in one}
    tried = sorted({int(found[1]) for found in map(pattern.fullmatch, keys) if found})
    if not tried:
        raise DataError(
            f"The sweep of n{main} holds no number of iterations; delete its scores and run it again."
        )
    models = {"test": dict.fromkeys(tried, main)}
    if len(trained) > 1:
        models["both"] = {number: number for number in sorted(trained)}
    readings = {}
    for name, model_of in models.items():
        splits = sorted(set.intersection(*(set(trained[model]) for model in model_of.values())))
        if not splits:
            raise DataError("The models of the sweep have no split in common; run the sweep of each again.")
        chosen = {n: [trained[model][split] for split in splits] for n, model in model_of.items()}
        readings[name] = Reading(
            np.array(list(model_of)),
            _scores(chosen, f"{whole}/{metric}", model_of),
            _scores(chosen, f"{lacking}/n{{}}/{metric}", model_of),
        )
    return readings


def _scores(
    chosen: Mapping[int, Sequence[Mapping[str, float]]], key: str, model_of: Mapping[int, int]
) -> np.ndarray:
    """What stands under `key`, with the number put in, for each split and number, (splits, n)."""
    for n, splits in chosen.items():
        if not all(key.format(n) in one for one in splits):
            raise DataError(
                f"The sweep of n{model_of[n]} has no {key.format(n)!r}; delete its scores and run it again."
            )
    return np.array([[one[key.format(n)] for one in splits] for n, splits in chosen.items()]).T


def sweep(
    readings: Mapping[str, Reading], main: int, labels: tuple[str, str], part: str = "validation"
) -> Figure:
    """Table 3 as a figure: mAP by the number of iterations, a panel for each of `sweep_readings`.

    Means with a band of one standard deviation over splits. Numbers of iterations stand at equal distances.
    `labels` are the texts of the legend for the multimodal query and the one that lacks a modality. Raises
    `ShapeError` where precisions and iterations do not belong together.
    """
    for reading in readings.values():
        for values in (reading.multimodal, reading.unimodal):
            if values.ndim != 2 or values.shape[1:] != reading.iterations.shape:
                raise ShapeError(
                    f"Precisions of shape {values.shape} do not fit {len(reading.iterations)} numbers of "
                    "iterations; give (splits, numbers)."
                )
    texts = {
        "test": ("Changed at test only", f"Iterations at test ({main} in training)"),
        "both": ("In training and test alike", "Iterations in training and at test"),
    }
    numbers = sorted({int(n) for reading in readings.values() for n in reading.iterations})
    with style.applied():
        width = style.PAGE_WIDTH * (1 if len(readings) > 1 else 0.6)
        figure = style.new_figure(width, 2.9)
        panels = figure.subplots(1, len(readings), sharey=True, squeeze=False)[0]
        for axes, (name, reading) in zip(panels, readings.items(), strict=True):
            x = np.searchsorted(numbers, reading.iterations)
            title, below = texts[name]
            axes.set_title(title)
            axes.set_xlabel(below)
            axes.set_xticks(range(len(numbers)), [str(n) for n in numbers])
            axes.set_xlim(-0.3, len(numbers) - 0.7)
            line = style.draw_mean(axes, x, reading.multimodal, "multimodal", labels[0])
            if name == "test":
                # One number, whatever stands below it.
                line.set(marker="", linestyle=(0, (5, 2)))
            style.draw_mean(axes, x, reading.unimodal, "unimodal", labels[1], others=1)
        panels[0].set_ylabel(f"{part.capitalize()} mAP")
        handles, names = panels[-1].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=2)
    return figure


@dataclass
class _Section:
    """Panels of one kind under a heading: (title, unit, line -> (epochs, values (parts, epochs)))."""

    heading: str
    labels: Mapping[str, str]
    panels: list[tuple[str, str, dict[str, tuple[np.ndarray, np.ndarray]]]] = field(default_factory=list)

    def add(self, title: str, unit: str, found: Mapping[str, tuple[Iterable[Metrics], str]]) -> None:
        """Add a panel of a line for each metric that its runs have; none where there is no line."""
        lines = {}
        for key, (runs, metric) in found.items():
            having = [run for run in runs if metric in run]
            if having:
                # Runs that are not done yet count as far as all have come.
                length = min(len(run[metric]) for run in having)
                values = np.stack([run[metric][:length] for run in having])
                lines[key] = (having[0]["epoch"][:length], values)
        if lines:
            self.panels.append((title, unit, lines))


def learning_curves(
    runs: Mapping[Place, Sequence[Metrics]],
    objectives: Mapping[str, str],
    modalities: Mapping[str, str],
) -> Figure:
    """A page of small panels of how every stage learned: pathways, joint layer, finetuning.

    runs: place of a stage -> the metrics of each of its parts, drawn as their mean with a band of one
        standard deviation
    objectives: objective of the joint layer -> text of the legend; lines come in this order
    modalities: modality -> its name in the titles; panels come in this order

    Pathways show what share of the loss of always predicting the mean is explained on rows that are not
    learned from, of entries that the layer sees and of entries that it does not see. The training loss of
    finetuning leaves out what is revealed of the target, the other one reveals nothing and so stands higher.
    What a stage did not measure is left out; raises `DataError` where nothing was.
    """
    sections = [
        _pathways(runs, modalities),
        _joint(runs, objectives, modalities),
        _finetuning(runs, modalities),
    ]
    sections = [section for section in sections if section.panels]
    if not sections:
        raise DataError("No stage has a metric to draw; train the model first.")
    columns = min(_COLUMNS, max(len(section.panels) for section in sections))
    rows = [-(-len(section.panels) // columns) for section in sections]
    height = len(sections) * _HEADING + sum(rows) * (_TITLE + _HEIGHT + _BELOW)
    with style.applied():
        figure = style.new_figure(style.PAGE_WIDTH, height)
        figure.set_layout_engine("none")
        top = height
        for section, count in zip(sections, rows, strict=True):
            _draw_section(figure, section, top, columns)
            top -= _HEADING + count * (_TITLE + _HEIGHT + _BELOW)
    return figure


def _pathways(runs: Mapping[Place, Sequence[Metrics]], modalities: Mapping[str, str]) -> _Section:
    section = _Section(
        "Pathways, held-out rows", {"explained": "entries seen", "predicted": "entries not seen"}
    )
    for modality, name in modalities.items():
        for place, parts in sorted(runs.items()):
            layer = place[1].removeprefix(modality)
            if place[0] == "pretrain" and place[1] != layer and layer.isdecimal():
                lines = {key: (parts, f"validation/{key}") for key in section.labels}
                section.add(f"{name.capitalize()}, layer {layer}", "Share explained", lines)
    return section


def _joint(
    runs: Mapping[Place, Sequence[Metrics]], objectives: Mapping[str, str], modalities: Mapping[str, str]
) -> _Section:
    section = _Section("Joint layer, held-out rows", objectives)
    for modality, name in modalities.items():
        lines = {key: (runs.get(("joint", key), ()), f"validation/{modality}") for key in objectives}
        others = [other for key, other in modalities.items() if key != modality]
        given = f" given {others[0]}" if len(others) == 1 else ""
        section.add(f"{name.capitalize()}{given}", _LOSSES["cross_entropy"], lines)
    return section


def _finetuning(runs: Mapping[Place, Sequence[Metrics]], modalities: Mapping[str, str]) -> _Section:
    section = _Section("Finetuning", {"training": "training rows", "validation": "held-out rows"})
    stages = [place for place in runs if place[0] == "finetune"]
    for place in stages:
        title = place[1].replace("_", " ").capitalize()
        for modality, name in modalities.items():
            for loss, unit in _LOSSES.items():
                if any(f"{loss}/{modality}" in run for run in runs[place]):
                    measured = {"training": f"{loss}/{modality}", "validation": f"validation/{modality}"}
                    lines = {key: (runs[place], metric) for key, metric in measured.items()}
                    section.add(f"{title}: {name}", unit, lines)
    return section


def _draw_section(figure: Figure, section: _Section, top: float, columns: int) -> None:
    """Draw a section whose upper edge is `top` inches above the lower edge of the page."""
    page_width, page_height = figure.get_size_inches()
    cell = page_width / columns
    middle = (top - 0.55 * _HEADING) / page_height
    figure.text(0.08 / page_width, middle, section.heading, fontsize=9.5, fontweight="bold", va="center")
    handles: dict[str, Line2D] = {}
    for i, (title, unit, lines) in enumerate(section.panels):
        row, column = divmod(i, columns)
        bottom = top - _HEADING - row * (_TITLE + _HEIGHT + _BELOW) - _TITLE - _HEIGHT
        corner = ((column * cell + _LEFT) / page_width, bottom / page_height)
        axes = figure.add_axes((*corner, (cell - _LEFT - _RIGHT) / page_width, _HEIGHT / page_height))
        handles |= _draw_panel(axes, section.labels, lines)
        axes.set_title(title, fontsize=8.5)
        axes.set_xlabel("Epoch", fontsize=8)
        if column == 0 or unit != section.panels[i - 1][1]:
            axes.set_ylabel(unit, fontsize=8)
            # Units stand in a line, whatever the width of the numbers beside them.
            axes.yaxis.set_label_coords(-_UNIT / (cell - _LEFT - _RIGHT), 0.5)
    shown = {text: handles[key] for key, text in section.labels.items() if key in handles}
    figure.legend(
        shown.values(),
        shown,
        loc="center right",
        bbox_to_anchor=(1, middle),
        borderaxespad=0,
        ncols=len(shown),
    )


def _draw_panel(
    axes: Axes, labels: Mapping[str, str], lines: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> dict[str, Line2D]:
    handles = {}
    for others, (key, label) in enumerate(labels.items()):
        if key in lines:
            epochs, values = lines[key]
            handles[key] = style.draw_mean(axes, epochs, values, key, label, others)
            handles[key].set(markersize=3, linewidth=1.1, markevery=max(1, len(epochs) // 5))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.get_major_formatter().set_useOffset(False)
    axes.tick_params(labelsize=7)
    return handles
