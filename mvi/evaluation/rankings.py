# SPDX-License-Identifier: MIT
"""Rankings of several labels: mean average precision in each definition, and precision at a rank."""

from collections.abc import Callable
from typing import Any

import numpy as np

from mvi.errors import ConfigError, ShapeError
from mvi.evaluation import metrics

DEFINITIONS: dict[str, Callable[[Any, Any], float]] = {
    "interpolated": metrics.average_precision_interpolated,
    "noninterpolated": metrics.average_precision_noninterpolated,
    "step": metrics.average_precision_step,
}
"""Average precision by name: the reference code's, Srivastava and Salakhutdinov's, scikit-learn's."""


def precision_at(scores: Any, relevant: Any, top: int) -> float:
    """Share of relevant rows among the `top` of highest score, of all rows where there are fewer.

    `scores` (n,) and `relevant` (n,) of truth values; equal scores keep the order of the rows. The code
    of Srivastava and Salakhutdinov (2012) takes the precision at rank 51 where it says 50; here `top` is
    what it says.
    """
    scores, relevant = np.asarray(scores), np.asarray(relevant)
    if scores.ndim != 1 or scores.shape != relevant.shape or not len(scores):
        raise ShapeError(
            f"A precision was asked of arrays of shapes {scores.shape} and {relevant.shape}; give two "
            "one-dimensional arrays of the same length."
        )
    if top < 1:
        raise ConfigError(f"A precision was asked of the first {top} rows; give a number from 1.")
    first = np.argsort(-scores, kind="stable")[:top]
    return float(np.mean(relevant[first].astype(bool)))


def per_label(scores: Any, truth: Any, measure: Callable[[Any, Any], float]) -> np.ndarray:
    """`measure` of each label, (labels,), for `scores` and `truth` (n, labels).

    NaN for a label that no row has: a ranking without anything to find is not judged.
    """
    scores, truth = np.asarray(scores), np.asarray(truth)
    if scores.ndim != 2 or scores.shape != truth.shape:
        raise ShapeError(
            f"There are scores of shape {scores.shape} and labels of shape {truth.shape}; give two arrays "
            "of rows and labels."
        )
    values = [
        measure(scores[:, label], truth[:, label]) if truth[:, label].any() else np.nan
        for label in range(truth.shape[1])
    ]
    return np.array(values, dtype=np.float64)


def mean_average_precision(scores: Any, truth: Any, definition: str = "interpolated") -> tuple[float, int]:
    """Mean over the labels that some row has, and their number; NaN and 0 where there is none."""
    if definition not in DEFINITIONS:
        raise ConfigError(f"Average precision {definition!r} is none of {', '.join(DEFINITIONS)}.")
    values = per_label(scores, truth, DEFINITIONS[definition])
    found = values[~np.isnan(values)]
    return (float(found.mean()) if len(found) else np.nan), len(found)
