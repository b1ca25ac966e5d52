# SPDX-License-Identifier: MIT
"""Figures of the deep model: precision by the number of iterations, and how every stage learned."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mvi.errors import DataError
from mvi.report.figures import style
from mvi.report.figures.curves import Metrics
from mvi.report.scores import Scores
from mvi.report.sweep import Line

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


_READINGS = {
    "fixed": ("Fixed training iterations", "Iterations at test ({main} in training)"),
    "matched": ("Matched training iterations", "Iterations in training and at test"),
}


def sweep(
    scores: Scores,
    lines: Sequence[Line],
    looks: Mapping[str, style.Look],
    main: int,
    part: str,
    metric: str = "map_interpolated",
) -> Figure:
    """Table 3 as a figure: mAP by the number of iterations, a panel for the fixed and the matched lines.

    Means with a band of one standard deviation over splits. Numbers of iterations stand at equal distances.

    looks: query -> how its line is drawn
    main: iterations in training of the fixed lines
    part: validation or test
    metric: what is drawn

    Raises `DataError` where a score is missing, or where the models of a line have no split in common.
    """
    panels = {kind: [line for line in lines if line.kind == kind] for kind in _READINGS}
    panels = {kind: own for kind, own in panels.items() if own}
    numbers = sorted({n for own in panels.values() for line in own for n in line.training})
    with style.applied():
        width = style.PAGE_WIDTH * (1 if len(panels) > 1 else 0.6)
        figure = style.new_figure(width, 2.9)
        axes_of = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, (kind, own) in zip(axes_of, panels.items(), strict=True):
            title, below = _READINGS[kind]
            axes.set_title(title)
            axes.set_xlabel(below.format(main=main))
            axes.set_xticks(range(len(numbers)), [str(n) for n in numbers])
            axes.set_xlim(-0.3, len(numbers) - 0.7)
            for line in own:
                x = np.searchsorted(numbers, list(line.training))
                drawn = style.draw_mean(axes, x, _values(scores, line, metric, part), looks[line.query])
                if kind == "fixed" and not line.inferred:
                    # One number, whatever stands below it.
                    drawn.set(marker="", linestyle=(0, (5, 2)))
        axes_of[0].set_ylabel(f"mAP ({part} set)")
        handles, names = axes_of[-1].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=2)
    return figure


def _values(scores: Scores, line: Line, metric: str, part: str) -> np.ndarray:
    """(splits, numbers of iterations), of the splits that all models of the line have."""
    found = [scores.of(key) for key in line.keys(metric, part).values()]
    common = [split for split in found[0] if all(split in values for values in found)]
    if not common:
        raise DataError("The models of the sweep have no split in common; run the sweep of each again.")
    return np.array([[values[split] for values in found] for split in common])


@dataclass
class _Section:
    """Panels of one kind under a heading: (title, unit, line -> (epochs, values (parts, epochs)))."""

    heading: str
    looks: Mapping[str, style.Look]
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
    methods: Mapping[str, style.Look],
    modalities: Mapping[str, str],
) -> Figure:
    """A page of small panels of how every stage learned: pathways, joint layer, finetuning.

    runs: place of a stage -> the metrics of each of its parts, drawn as their mean with a band of one
        standard deviation
    methods: method of the joint layer -> how its line is drawn; lines come in this order
    modalities: modality -> its name in the titles; panels come in this order

    Pathways show the deviance explained, beside always predicting the mean, on rows that are not learned
    from, of seen and of masked entries. The training loss of finetuning leaves out what is revealed of the
    target, the other one reveals nothing and so stands higher. What a stage did not measure is left out;
    raises `DataError` where nothing was.
    """
    sections = [
        _pathways(runs, modalities),
        _joint(runs, methods, modalities),
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
        "Pathways, held-out examples",
        style.looks({"explained": "seen entries", "predicted": "masked entries"}),
    )
    for modality, name in modalities.items():
        for place, parts in sorted(runs.items()):
            layer = place[1].removeprefix(modality)
            if place[0] == "pretrain" and place[1] != layer and layer.isdecimal():
                lines = {key: (parts, f"validation/{key}") for key in section.looks}
                section.add(f"{name.capitalize()}, layer {layer}", "Deviance explained", lines)
    return section


def _joint(
    runs: Mapping[Place, Sequence[Metrics]], methods: Mapping[str, style.Look], modalities: Mapping[str, str]
) -> _Section:
    section = _Section("Joint layer, held-out examples", methods)
    for modality, name in modalities.items():
        lines = {key: (runs.get(("joint", key), ()), f"validation/{modality}") for key in methods}
        others = [other for key, other in modalities.items() if key != modality]
        given = f" given {others[0]}" if len(others) == 1 else ""
        section.add(f"{name.capitalize()}{given}", _LOSSES["cross_entropy"], lines)
    return section


def _finetuning(runs: Mapping[Place, Sequence[Metrics]], modalities: Mapping[str, str]) -> _Section:
    section = _Section(
        "Finetuning", style.looks({"training": "training examples", "validation": "held-out examples"})
    )
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
        handles |= _draw_panel(axes, section.looks, lines)
        axes.set_title(title, fontsize=8.5)
        axes.set_xlabel("Epoch", fontsize=8)
        if column == 0 or unit != section.panels[i - 1][1]:
            axes.set_ylabel(unit, fontsize=8)
            # Units stand in a line, whatever the width of the numbers beside them.
            axes.yaxis.set_label_coords(-_UNIT / (cell - _LEFT - _RIGHT), 0.5)
    shown = {look.label: handles[key] for key, look in section.looks.items() if key in handles}
    figure.legend(
        shown.values(),
        shown,
        loc="center right",
        bbox_to_anchor=(1, middle),
        borderaxespad=0,
        ncols=len(shown),
    )


def _draw_panel(
    axes: Axes, looks: Mapping[str, style.Look], lines: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> dict[str, Line2D]:
    handles = {}
    for key, look in looks.items():
        if key in lines:
            epochs, values = lines[key]
            handles[key] = style.draw_mean(axes, epochs, values, look)
            handles[key].set(markersize=3, linewidth=1.1, markevery=max(1, len(epochs) // 5))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.tick_params(labelsize=7)
    return handles
