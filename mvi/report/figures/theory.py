# SPDX-License-Identifier: MIT
"""Figures of the exact checks, from what the `measure` functions of `mvi.theory` return."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from mvi.report.figures import style

Numbers = Mapping[str, float]
Curves = Mapping[str, np.ndarray]

_TERMS = {
    "marginal_x": (r"KL of $P(X)$", "#0072B2"),
    "marginal_y": (r"KL of $P(Y)$", "#7FB8D8"),
    "conditional_x": (r"KL of $P(X|Y)$", "#D55E00"),
    "conditional_y": (r"KL of $P(Y|X)$", "#F0B08A"),
}
_WORLDS = {
    "independent": "Unrelated modalities",
    "dirichlet": "Dirichlet table",
    "prototypes": "Noisy prototypes",
    "diffuse": "Diffuse distribution",
    "coupled": "Coupled distribution",
}


def identity(numbers: Numbers, curves: Curves) -> Figure:
    """Eq. 4: the four divergences stacked, 2 NLL - C upon them, and below what is left between the two."""
    stds = curves["weight_stds"]
    worlds = [name for name in _WORLDS if f"{name}/nll" in curves]
    place = np.arange(len(stds))
    figure = style.new_figure(style.PAGE_WIDTH, 3.9)
    with style.applied():
        grid = figure.subplots(
            2, len(worlds), sharex=True, sharey="row", squeeze=False, height_ratios=[2.2, 1]
        )
        for column, world in enumerate(worlds):
            bars, rest = grid[:, column]
            bottom = np.zeros(len(stds))
            for term, (label, colour) in _TERMS.items():
                height = curves[f"{world}/{term}"].mean(1)
                bars.bar(place, height, 0.62, bottom, color=colour, label=label)
                bottom += height
            left = 2 * curves[f"{world}/nll"] - curves[f"{world}/constant"]
            bars.plot(
                place,
                left.mean(1),
                linestyle="none",
                marker="_",
                markersize=26,
                markeredgewidth=1.6,
                color=style.INK,
                label=r"$2\,\mathcal{L}^{\mathrm{NLL}} - C$",
            )
            bars.set_title(f"{_WORLDS[world]}\nC = {numbers[f'{world}/constant']:.2f} nats")
            bars.grid(axis="x", visible=False)
            _residuals(rest, place, np.abs(curves[f"{world}/nll_residual"]))
            rest.set_xticks(place, [f"{std:g}" for std in stds])
            rest.set_xlabel("std of the weights")
        grid[0, 0].set_ylabel("nats")
        grid[1, 0].set_ylabel("residual (nats)")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        # The marker's legend entry would be as long as a bar is wide.
        figure.legend(handles, labels, loc="outside upper center", ncols=5, markerscale=0.5)
    return figure


def _residuals(axes: Axes, place: np.ndarray, residuals: np.ndarray) -> None:
    """One dot a model, on a log scale with exact zeros at its lower end."""
    floor = 1e-16
    models = residuals.shape[1]
    spread = np.linspace(-0.25, 0.25, models) if models > 1 else np.zeros(1)
    axes.plot(
        (place[:, None] + spread).ravel(),
        np.maximum(residuals, floor).ravel(),
        linestyle="none",
        marker="o",
        markersize=2,
        color=style.MUTED,
    )
    axes.axhline(1e-10, color=style.INK, linewidth=0.9, linestyle="--")
    axes.set_yscale("log")
    axes.set_ylim(floor / 2, 1e-8)
    axes.text(place[0] - 0.3, 1e-11, f"largest: {residuals.max():.1e}", fontsize=7, va="top")
    axes.set_yticks([floor, 1e-13, 1e-10], ["0", r"$10^{-13}$", r"$10^{-10}$"])
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="x", visible=False)


_LINES = {
    "two_samples/joint": ("joint, two samples", "#D55E00", "s", "-"),
    "one_sample/joint": ("joint, one sample", "#0072B2", "o", "-"),
    "two_samples/marginal_x": (r"$\pi_n(X)$", "#009E73", "^", "-"),
    "two_samples/marginal_y": (r"$\pi_n(Y)$", "#CC79A7", "v", "-"),
    "two_samples/conditionals": ("conditionals", "#7F7F7F", "", ":"),
}


def consistency(numbers: Numbers, curves: Curves) -> Figure:
    """Theorem 2.1: distance to the truth against the number of examples, with fitted slopes."""
    sizes = curves["sample_sizes"]
    worlds = [name for name in _WORLDS if f"{name}/mixing" in numbers]
    figure = style.new_figure(style.PAGE_WIDTH, 3.6)
    with style.applied():
        panels = figure.subplots(1, len(worlds), sharey=True, squeeze=False)[0]
        for axes, world in zip(panels, worlds, strict=True):
            for key, (label, colour, marker, line) in _LINES.items():
                errors = curves[f"{world}/{key}"]
                fit = numbers[f"{world}/{key}/slope"], numbers[f"{world}/{key}/slope_error"]
                axes.plot(
                    sizes,
                    errors.mean(1),
                    color=colour,
                    marker=marker,
                    linestyle=line,
                    label=f"{label}: ${fit[0]:.3f} \\pm {fit[1]:.3f}$",
                )
                if key.endswith("joint"):
                    low, high = np.quantile(errors, [0.05, 0.95], axis=1)
                    axes.fill_between(sizes, low, high, color=colour, alpha=0.18, linewidth=0)
            axes.set_xscale("log")
            axes.set_yscale("log")
            start = 2.2 * curves[f"{world}/two_samples/joint"][0].mean()
            guide = start * np.sqrt(sizes[0] / sizes)
            axes.plot(sizes, guide, color=style.INK, linewidth=0.8, linestyle="--")
            middle = len(sizes) // 2
            axes.annotate(
                r"$n^{-1/2}$",
                (sizes[middle], guide[middle]),
                xytext=(4, 3),
                textcoords="offset points",
            )
            axes.set_title(f"{_WORLDS[world]} (second eigenvalue of $T$: {numbers[f'{world}/mixing']:.2f})")
            axes.set_xlabel("examples n")
            axes.legend(
                title=f"slope for n ≥ {numbers['fit_from']:,.0f}",
                alignment="left",
                fontsize=7,
                title_fontsize=7,
                loc="lower left",
            )
        panels[0].set_ylabel("total variation (conditionals: largest error)")
    return figure


_PANELS = {
    "nll": r"$\mathcal{L}^{\mathrm{NLL}}$ (Eq. 3)",
    "minvi": r"$\mathcal{L}^{\mathrm{VI}}$ (Eq. 2)",
    "mean_field": r"$\mathcal{L}^{\mathrm{VI}}$ of mean field",
    "marginal_x": r"(a) KL of $P(X)$",
    "marginal_y": r"(a) KL of $P(Y)$",
    "conditional_x": r"(b) KL of $P(X|Y)$",
    "conditional_y": r"(b) KL of $P(Y|X)$",
}


def dynamics(numbers: Numbers, curves: Curves, looks: Mapping[str, style.Look]) -> Figure:
    """Every loss and every term of Eq. 4 against epochs: mean over seeds, band from least to largest.

    looks: method -> how its line is drawn; the exact gradients are dashed
    """
    floors = {
        "nll": numbers["constant"] / 2,
        "minvi": numbers["vi"],
        "mean_field": numbers["vi"],
    }
    figure = style.new_figure(style.PAGE_WIDTH, 4.2)
    with style.applied():
        grid = figure.subplots(2, 4, sharex=True)
        panels = [*grid[0, :3], *grid[1]]
        for axes, (quantity, title) in zip(panels, _PANELS.items(), strict=True):
            for method in curves["methods"]:
                runs = curves[f"{method}/{quantity}"]
                epochs = np.arange(runs.shape[1])
                exact = str(method).startswith("exact")
                look = looks[str(method)]
                line = {"linestyle": "--", "linewidth": 1.0} if exact else {"linewidth": 1.5}
                axes.plot(epochs, runs.mean(0), label=look.label, color=look.color, **line)
                if not exact:
                    axes.fill_between(
                        epochs,
                        runs.min(0),
                        runs.max(0),
                        color=look.color,
                        alpha=0.15,
                        linewidth=0,
                    )
            if quantity in floors:
                axes.axhline(
                    floors[quantity],
                    color=style.INK,
                    linewidth=0.9,
                    linestyle=":",
                    label="the data itself",
                )
            axes.set_title(title)
            axes.margins(x=0)
        for row in (grid[0], grid[1]):
            row[0].set_ylabel("nats")
        for axes in (*grid[1], grid[0, 2]):
            axes.set_xlabel("epoch")
        # Nothing stands below it that would have the numbers.
        grid[0, 2].tick_params(labelbottom=True)
        for pair in (grid[1, :2], grid[1, 2:]):
            top = max(axes.get_ylim()[1] for axes in pair)
            for axes in pair:
                axes.set_ylim(0, top)
        grid[0, 3].set_axis_off()
        handles, labels = panels[0].get_legend_handles_labels()
        grid[0, 3].legend(handles, labels, loc="center left")
    return figure
