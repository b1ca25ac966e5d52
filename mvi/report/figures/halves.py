# SPDX-License-Identifier: MIT
"""Images of the two-halves experiment: completed digits, and what mean-field iterations gain.

Everything drawn is given as arrays; nothing here knows a model.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mvi.errors import ShapeError
from mvi.evaluation.scores import Score
from mvi.report.figures import style

Curve = tuple[np.ndarray, np.ndarray]
"""Numbers of iterations (n,) and the cross-entropy at each, (n,) or (seeds, n)."""

# Lengths in dots of the printed raster, so that every pixel of a digit has the same size.
_TILE = 84
_GAP = 9
_GROUP_GAP = 26
_PANEL_GAP = 54
_LABELS = 445
_TITLE = 66
_MARGIN = 12

# Colours of no ink and of full ink: what is given in black on white, what is inferred in blue on
# pale blue, so that the seam shows without a line through the digits.
_GIVEN = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
_INFERRED = np.array([[0.91, 0.945, 0.98], [0.0, 0.13, 0.33]])
_MISSING = np.array([[0.8, 0.8, 0.8], [0.8, 0.8, 0.8]])
_FRAME = 0.87


@dataclass(frozen=True)
class Completion:
    """The missing half of each example as a method fills it in, (examples, height, width) in [0, 1]."""

    mean_field: np.ndarray
    sample: np.ndarray


def completions(
    truth: Mapping[str, np.ndarray],
    completed: Mapping[str, Mapping[str, Completion]],
    labels: Mapping[str, str],
) -> Figure:
    """Figure 2: digits completed from one half, a panel for each half that is given.

    truth: the two halves in their order from left to right, name -> (examples, height, width) in
        [0, 1]; an example is a column
    completed: given half -> method -> the other half, filled in
    labels: method -> text beside its two rows; methods come in this order

    Raises `ShapeError` where the arrays do not belong together.
    """
    if len(truth) != 2:
        raise ShapeError(f"The figure joins two halves and was given {len(truth)}: {list(truth)}.")
    methods = [name for name in labels if all(name in panel for panel in completed.values())]
    groups = [("Ground truth", [""]), ("Query", [""])]
    groups += [(labels[method], ["mean field", "sample"]) for method in methods]
    row_counts = [len(kinds) for _, kinds in groups]

    panels = {}
    for given, by_method in completed.items():
        rows = _rows(truth, given, [by_method[method] for method in methods])
        panels[given], centres = _montage(rows, row_counts)
    panel_height, panel_width, _ = next(iter(panels.values())).shape
    width = _LABELS + len(panels) * (panel_width + _PANEL_GAP) - _PANEL_GAP + _MARGIN
    height = _TITLE + panel_height + _MARGIN

    with style.applied():
        figure = style.new_figure(width / style.DPI, height / style.DPI)
        figure.set_layout_engine("none")
        for i, (given, canvas) in enumerate(panels.items()):
            left = _LABELS + i * (panel_width + _PANEL_GAP)
            axes = figure.add_axes(
                (left / width, _MARGIN / height, panel_width / width, panel_height / height)
            )
            extent = (0, panel_width, panel_height, 0)
            axes.imshow(canvas, interpolation="nearest", extent=extent, aspect="auto")
            axes.set_axis_off()
            axes.set_title(f"{given.capitalize()} half given", loc="center", pad=5)
            if i == 0:
                _write_labels(axes, groups, centres)
    return figure


def _rows(truth: Mapping[str, np.ndarray], given: str, filled: Sequence[Completion]) -> list[np.ndarray]:
    """The coloured images of each row of a panel, (examples, height, width, 3)."""
    if given not in truth:
        raise ShapeError(f"{given!r} is not one of the halves {list(truth)}.")
    (missing,) = (name for name in truth if name != given)

    def joined(half: np.ndarray, colours: np.ndarray) -> np.ndarray:
        if np.shape(half) != truth[missing].shape or np.ndim(half) != 3:
            raise ShapeError(
                f"The {missing} halves to draw have shape {np.shape(half)} and should have "
                f"{truth[missing].shape}: examples, height, width."
            )
        parts = {given: _coloured(truth[given], _GIVEN), missing: _coloured(half, colours)}
        return np.concatenate([parts[name] for name in truth], axis=2)

    rows = [joined(truth[missing], _GIVEN), joined(truth[missing], _MISSING)]
    for completion in filled:
        rows += [joined(half, _INFERRED) for half in (completion.mean_field, completion.sample)]
    return rows


def _coloured(ink: np.ndarray, colours: np.ndarray) -> np.ndarray:
    ink = np.clip(np.asarray(ink, dtype=np.float64), 0, 1)[..., None]
    return (1 - ink) * colours[0] + ink * colours[1]


def _montage(rows: Sequence[np.ndarray], row_counts: Sequence[int]) -> tuple[np.ndarray, list[list[float]]]:
    """One raster of a panel, (dots, dots, 3), and the centres of its rows, group by group."""
    columns, height, width, _ = rows[0].shape
    dots = max(1, round(_TILE / height))
    step_down, step_right = dots * height + _GAP, dots * width + _GAP
    tops = [
        sum(row_counts[:group]) * step_down + group * (_GROUP_GAP - _GAP) + row * step_down
        for group, count in enumerate(row_counts)
        for row in range(count)
    ]
    canvas = np.ones((tops[-1] + step_down - _GAP, columns * step_right - _GAP, 3))
    for top, images in zip(tops, rows, strict=True):
        for column, image in enumerate(images):
            enlarged = image.repeat(dots, axis=0).repeat(dots, axis=1)
            # A hairline inside the edge tells where an empty tile ends.
            for edge in (np.s_[0, :], np.s_[-1, :], np.s_[:, 0], np.s_[:, -1]):
                enlarged[edge] *= _FRAME
            left = column * step_right
            canvas[top : top + dots * height, left : left + dots * width] = enlarged
    middles = iter(top + dots * height / 2 for top in tops)
    return canvas, [[next(middles) for _ in range(count)] for count in row_counts]


def _write_labels(
    axes: Axes, groups: Sequence[tuple[str, Sequence[str]]], centres: Sequence[Sequence[float]]
) -> None:
    """Name each group of rows, and beside it what each row shows; coordinates are dots."""
    for (label, kinds), middles in zip(groups, centres, strict=True):
        for kind, middle in zip(kinds, middles, strict=True):
            axes.text(-20, middle, kind, ha="right", va="center", fontsize=7, color=style.MUTED)
        axes.text(
            -20 if len(kinds) == 1 else -198,
            float(np.mean(middles)),
            label.replace(" (", "\n("),
            ha="right",
            va="center",
            fontsize=8,
        )


def sweep_curves(scores: Iterable[Score]) -> tuple[dict[str, dict[str, Curve]], dict[str, float]]:
    """Target -> method -> cross-entropy, a row for each seed, and target -> that of the training mean."""
    values: dict[str, dict[str, dict[int | None, dict[int, float]]]] = {}
    baselines = {}
    for one in scores:
        if one.iterations is None:
            baselines[one.label] = one.value
        else:
            seeds = values.setdefault(one.label, {}).setdefault(one.method, {})
            seeds.setdefault(one.seed, {})[one.iterations] = one.value
    curves: dict[str, dict[str, Curve]] = {}
    for target, methods in values.items():
        curves[target] = {}
        for method, seeds in methods.items():
            counts = sorted(next(iter(seeds.values())))
            curves[target][method] = (
                np.array(counts),
                np.array([[seed[n] for n in counts] for seed in seeds.values()]),
            )
    return curves, baselines


def iterations(
    curves: Mapping[str, Mapping[str, Curve]],
    looks: Mapping[str, style.Look],
    baselines: Mapping[str, float] | None = None,
) -> Figure:
    """Cross-entropy of the missing half against mean-field iterations, a panel for each target.

    curves: target half -> method -> `Curve` in nats an example; several seeds are drawn as their
        mean with a band of one standard deviation
    looks: method -> how its line is drawn; methods come in this order
    baselines: target -> cross-entropy of the training rows' mean, drawn as a dashed line
    """
    with style.applied():
        figure = style.new_figure(style.PAGE_WIDTH, 2.7)
        panels = figure.subplots(1, len(curves), sharey=True, squeeze=False)[0]
        for axes, (target, by_method) in zip(panels, curves.items(), strict=True):
            others = [name for name in curves if name != target]
            given = f", given the {others[0]}" if len(others) == 1 else ""
            axes.set_title(f"{target.capitalize()} half{given}")
            axes.set_xlabel("Mean-field iterations")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
            for method in (name for name in looks if name in by_method):
                count, values = by_method[method]
                style.draw_mean(axes, count, np.atleast_2d(values), looks[method])
            if baselines and target in baselines:
                axes.axhline(
                    baselines[target],
                    color=style.MUTED,
                    linestyle=(0, (4, 2)),
                    linewidth=1,
                    label="Training mean",
                )
        panels[0].set_ylabel("Cross-entropy (nats per example)")
        handles, texts = panels[0].get_legend_handles_labels()
        figure.legend(handles, texts, loc="outside upper center", ncols=len(texts))
    return figure
