# SPDX-License-Identifier: MIT
"""Average precision as the development kits of PASCAL VOC compute it (Everingham et al. 2010, IJCV).

A difficult image, one that shows a class only in objects marked as such, is neither found nor a false alarm:
`known` is false for it, and it is left out as if it were not there. The kit of 2007 leaves it in the list
with a count of nothing, which gives the same value wherever that is a number, and no number if such images
come first. Equal scores keep the order of the rows, as the kit keeps that of its files.
"""

from typing import Any

import numpy as np

from mvi.errors import DataError
from mvi.evaluation.metrics import average_precision_interpolated, checked, descending

POINTS = 10
"""The recalls 0, 1/10, ..., 1."""


def average_precision_11_points(scores: Any, labels: Any, *, known: Any = None) -> float:
    """Mean over the recalls 0, 0.1, ..., 1 of the highest precision at any recall at least as great (2007).

    `scores`, `labels` and `known` (n,). Recalls are compared in whole numbers: in floating point three tenths
    of the positives are below the third of eleven evenly spaced numbers. Raises as `mvi.evaluation.metrics`.
    """
    values, truth = checked(scores, labels, known)
    if not truth.any():
        raise DataError(
            "Average precision of a class without a positive row is undefined; leave the class out or use a "
            "split that holds some."
        )
    ranks = np.flatnonzero(truth[descending(values)]) + 1
    found = np.arange(1, len(ranks) + 1)
    best = np.maximum.accumulate((found / ranks)[::-1])[::-1]
    reached = [best[found * POINTS >= point * len(ranks)][0] for point in range(POINTS + 1)]
    return float(np.mean(reached))


def average_precision_2010(scores: Any, labels: Any, *, known: Any = None) -> float:
    """Area under precision made non-increasing, at every recall (2010 and later); arguments as above."""
    return average_precision_interpolated(scores, labels, smoothing=0, known=known)
