# SPDX-License-Identifier: MIT
"""The numbers of the theory experiments that a reader looks for first, as Markdown."""

from collections.abc import Mapping

from mvi.text import table_cell

_COLUMNS = {
    "nll": "NLL",
    "minvi": "MinVI loss",
    "marginals": "KL of marginals",
    "conditionals": "KL of conditionals",
    "mean_field": "MinVI loss of the mean field",
}
_SAMPLES = {"two_samples": "two samples", "one_sample": "one sample"}

Numbers = Mapping[str, float]


def summary(identity: Numbers, consistency: Numbers, training: Numbers, labels: Mapping[str, str]) -> str:
    """Markdown from the flat numbers that the three `measure` functions return; `labels`: method -> text.

    How exactly Eq. 4 holds; the slope of log error against log n for Theorem 2.1 with its standard error;
    and where each method ends, mean ± standard deviation over seeds, in nats.
    """
    lines = [
        "**Eq. 4.** Largest difference of the two sides, over all random models and ground-truth "
        f"distributions: {identity['largest_residual']:.1e} nats.",
        "**Theorem 2.1.** Slope of log error (total variation) against log n, ± standard error; the theorem "
        "promises convergence, the usual rate is -0.5. Distribution 'coupled' mixes slowly.",
        _table(["distribution", "conditionals from", "marginal of x", "joint"], _slopes(consistency)),
        "**Which term each method lowers.** Last epoch, nats, exact by enumeration; mean ± standard "
        "deviation over seeds; generated distribution.",
        _table(["method", *_COLUMNS.values()], _terms(training, labels)),
    ]
    return "\n\n".join(lines) + "\n"


def _slopes(numbers: Numbers) -> list[list[str]]:
    worlds = sorted({key.split("/")[0] for key in numbers if key.endswith("/joint/slope")}, reverse=True)

    def slope(world: str, kind: str, what: str) -> str:
        key = f"{world}/{kind}/{what}/slope"
        return f"{numbers[key]:.3f} ± {numbers[f'{key}_error']:.3f}"

    return [
        [world, label, slope(world, kind, "marginal_x"), slope(world, kind, "joint")]
        for world in worlds
        for kind, label in _SAMPLES.items()
    ]


def _terms(numbers: Numbers, labels: Mapping[str, str]) -> list[list[str]]:
    return [
        [label]
        + [
            f"{numbers[f'{name}/{term}/last']:.2f} ± {numbers[f'{name}/{term}/last_sd']:.2f}"
            for term in _COLUMNS
        ]
        for name, label in labels.items()
        if f"{name}/nll/last" in numbers
    ]


def _table(header: list[str], rows: list[list[str]]) -> str:
    rule = ["---", *["---:" for _ in header[1:]]]
    return "\n".join(f"| {' | '.join(map(table_cell, row))} |" for row in [header, rule, *rows])
