# SPDX-License-Identifier: MIT
"""What is counted: errors of a classification and the average precision of a ranking.

Average precision has three definitions in the literature on the same benchmarks, and they differ in
the third decimal, so each has a function of its own that says which one it is.
"""

from typing import Any

import numpy as np

from mvi.errors import DataError, ShapeError


def error_rate(predicted: Any, true: Any) -> float:
    """Share of rows whose predicted label is wrong, percent. Both arguments (n,), n >= 1."""
    predicted, true = np.asarray(predicted), np.asarray(true)
    _check_pair(predicted, true)
    return float(100.0 * np.mean(predicted != true))


def average_precision_interpolated(scores: Any, relevant: Any, smoothing: float = 1e-4) -> float:
    """Area under precision made non-increasing, as the reference code computes it (VOC 2010 style).

    `scores` (n,) and `relevant` (n,) of truth values; equal scores keep the order of the rows.
    `smoothing` is added to the denominators of recall and precision, and makes a perfect ranking of
    few positives score a little below 1.
    """
    hits = _ranked(scores, relevant)
    found = np.cumsum(hits)
    recall = found / (found[-1] + smoothing)
    precision = found / (np.arange(1, len(hits) + 1) + smoothing)
    # The reference code adds the point (recall 1, precision 0), which contributes nothing.
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * envelope))


def average_precision_noninterpolated(scores: Any, relevant: Any) -> float:
    """Mean over the positives of the precision at their rank; equal scores keep the rows' order."""
    hits = _ranked(scores, relevant)
    ranks = np.flatnonzero(hits) + 1
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks))


def average_precision_step(scores: Any, relevant: Any) -> float:
    """Sum of recall steps times precision, rows of equal score taken together (as scikit-learn)."""
    hits = _ranked(scores, relevant)
    ordered = np.sort(np.asarray(scores))[::-1]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    found = np.cumsum(hits)[last]
    return float(np.sum(np.diff(found, prepend=0) * found / (last + 1)) / found[-1])


def _ranked(scores: Any, relevant: Any) -> np.ndarray:
    """The truth values as numbers, best score first."""
    scores, relevant = np.asarray(scores), np.asarray(relevant).astype(bool)
    _check_pair(scores, relevant)
    if not np.isfinite(scores).all():
        raise DataError("A ranking holds scores that are not finite; look at what computed them.")
    if not relevant.any():
        raise DataError(
            "Average precision of a label without a positive row is undefined; leave the label out "
            "or use a split that holds some."
        )
    return relevant[np.argsort(-scores, kind="stable")].astype(np.int64)


def _check_pair(first: np.ndarray, second: np.ndarray) -> None:
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise ShapeError(
            f"A metric was given arrays of shapes {first.shape} and {second.shape}; give two "
            "one-dimensional arrays of the same length."
        )
