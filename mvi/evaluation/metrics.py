# SPDX-License-Identifier: MIT
"""What is counted: errors of a classification, average precision and precision of a ranking.

Average precision has three definitions in the literature on the same benchmarks, and they differ in
the third decimal, so each has a function of its own that says which one it is.

Scores may be truth values, whole numbers of any size, signed or not, or floats; labels are 0 and 1. `known`
is true where a row's label is known: the other rows are left out as if they were not there, whatever they
hold (VOC's difficult images are neither positive nor negative).

Every function raises `ShapeError` for arrays that do not fit and `DataError` for scores that are not finite,
for labels other than 0 and 1, and where there is nothing to count.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from mvi.errors import ConfigError, DataError, ShapeError

Measure = Callable[[Any, Any], float]
"""`measure(scores, labels)`, both (n,)."""

RECALLS = 101
"""Recalls of a precision-recall curve: 0, 0.01, ..., 1."""


def error_rate(predicted: Any, true: Any, *, known: Any = None) -> float:
    """Share of rows whose predicted class is wrong, percent.

    `predicted` and `true` (n,), n >= 1, numbers or names of classes; `known` (n,).
    """
    found, answers = (array_of(values, "classes", "biufUS") for values in (predicted, true))
    _check_pair(found, answers, 1)
    rows = _known(known, answers.shape)
    found, answers = found[rows], answers[rows]
    if not len(answers):
        raise DataError("No row's class is known, so that there are no errors to count; use a larger split.")
    kinds = {array.dtype.kind for array in (found, answers)}
    if kinds & set("US") and len(kinds) > 1:
        raise DataError(
            f"Classes of type {found.dtype} cannot be compared with classes of type {answers.dtype}; give "
            "both as numbers, or both as names."
        )
    if "f" in kinds and not (np.isfinite(found).all() and np.isfinite(answers).all()):
        raise DataError("Some classes are not finite; look at what predicted them, and at the labels.")
    return float(100.0 * np.mean(found != answers))


def average_precision_interpolated(
    scores: Any, labels: Any, smoothing: float = 1e-4, *, known: Any = None
) -> float:
    """Area under precision made non-increasing, as the reference code computes it (VOC 2010 style).

    `scores`, `labels` and `known` (n,); equal scores keep the order of the rows.
    `smoothing` is added to the denominators of recall and precision, and makes a perfect ranking of
    few positives score a little below 1.

    Examples:
        >>> round(average_precision_interpolated([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0]), 3)
        0.833
    """
    _, hits = _ranked(scores, labels, known)
    found = np.cumsum(hits)
    recall = found / (found[-1] + smoothing)
    precision = found / (np.arange(1, len(hits) + 1) + smoothing)
    # The reference code adds the point (recall 1, precision 0), which contributes nothing.
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * envelope))


def average_precision_noninterpolated(scores: Any, labels: Any, *, known: Any = None) -> float:
    """Mean over the positives of the precision at their rank; equal scores keep the rows' order.

    `scores`, `labels` and `known` (n,).

    Examples:
        >>> round(average_precision_noninterpolated([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0]), 3)
        0.833
    """
    _, hits = _ranked(scores, labels, known)
    ranks = np.flatnonzero(hits) + 1
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks))


def average_precision_step(scores: Any, labels: Any, *, known: Any = None) -> float:
    """Sum of recall steps times precision, rows of equal score taken together (as scikit-learn).

    `scores`, `labels` and `known` (n,).
    """
    ordered, hits = _ranked(scores, labels, known)
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    found = np.cumsum(hits)[last]
    return float(np.sum(np.diff(found, prepend=0) * found / (last + 1)) / found[-1])


DEFINITIONS: dict[str, Callable[..., float]] = {
    "interpolated": average_precision_interpolated,
    "noninterpolated": average_precision_noninterpolated,
    "step": average_precision_step,
}
"""Average precision by name: the reference code's, Srivastava and Salakhutdinov's, scikit-learn's."""


def precision_at(scores: Any, labels: Any, k: int, *, known: Any = None) -> float:
    """Share of positives among the `k` rows of highest score, of all rows where there are fewer.

    `scores`, `labels` and `known` (n,); equal scores keep the order of the rows. The code of Srivastava and
    Salakhutdinov (2012) takes the precision at rank 51 where it says 50; here `k` is what it says. Raises
    `ConfigError` where it is not a whole number from 1.

    Examples:
        >>> precision_at([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0], k=2)
        0.5
    """
    if not isinstance(k, int | np.integer) or k < 1:
        raise ConfigError(f"A precision was asked of the first {k} rows; give a whole number from 1.")
    values, truth = checked(scores, labels, known)
    return float(np.mean(truth[descending(values)[:k]]))


def precision_at_recalls(scores: Any, labels: Any, levels: int = RECALLS, *, known: Any = None) -> np.ndarray:
    """Interpolated precision (levels,) of one ranking at evenly spaced recalls from 0 to 1.

    It is the highest precision at any place of the ranking where the recall is at least that great.
    `scores`, `labels` and `known` (n,); equal scores keep the order of the rows. Raises `ConfigError` for
    fewer than 2 levels.
    """
    if levels < 2:
        raise ConfigError(f"A curve of {levels} recalls has no end; ask for at least 2.")
    _, hits = _ranked(scores, labels, known)
    ranks = np.flatnonzero(hits) + 1
    precision = np.arange(1, len(ranks) + 1) / ranks
    best = np.maximum.accumulate(precision[::-1])[::-1]
    # How many must be found for each recall, in whole numbers: 0.07 x 100 is above 7 in floating point.
    needed = -(-np.arange(levels) * len(ranks) // (levels - 1))
    return best[np.maximum(needed, 1) - 1]


def per_label(scores: Any, labels: Any, measure: Measure, *, known: Any = None) -> np.ndarray:
    """`measure` of each label, (classes,), for `scores` and `labels` (n, classes).

    `known` is (n, classes), or (n,) for all labels alike. NaN for a label that no row is known to have: a
    ranking without anything to find is not scored.
    """
    values, given = array_of(scores, "scores"), array_of(labels, "labels")
    _check_pair(values, given, 2)
    rows = _known(known, given.shape)
    found = np.full(given.shape[1], np.nan)
    for label in range(given.shape[1]):
        chosen = rows if isinstance(rows, slice) else rows[:, label]
        truth = truth_of(given[chosen, label])
        if truth.any():
            found[label] = measure(values[chosen, label], truth)
    return found


def mean_average_precision(
    scores: Any, labels: Any, definition: str = "interpolated", *, known: Any = None
) -> tuple[float, int]:
    """Mean over the labels that some row has, and their number; NaN and 0 where there is none.

    `scores`, `labels` and `known` as for `per_label`. Raises `ConfigError` for an unknown definition.
    """
    if definition not in DEFINITIONS:
        raise ConfigError(f"Average precision {definition!r} is none of {', '.join(DEFINITIONS)}.")
    values = per_label(scores, labels, DEFINITIONS[definition], known=known)
    found = values[~np.isnan(values)]
    return (float(found.mean()) if len(found) else np.nan), len(found)


def descending(scores: np.ndarray) -> np.ndarray:
    """Positions along the last axis from the highest score to the lowest, equal ones in the order they come.

    For numbers of any type: the negative of an unsigned or of the least whole number is not what it says.
    """
    return scores.shape[-1] - 1 - np.flip(np.argsort(np.flip(scores, -1), axis=-1, kind="stable"), -1)


def partly(known: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """Truth values of `shape`, of rows or of every entry, where some label is unknown; None where none is."""
    return None if known is None or np.all(known) else _mask(known, shape)


def checked(scores: Any, labels: Any, known: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Scores (n,) and truth values (n,) of the rows whose label is known: what every ranking is made of."""
    values, given = array_of(scores, "scores"), array_of(labels, "labels")
    _check_pair(values, given, 1)
    rows = _known(known, given.shape)
    values, given = values[rows], given[rows]
    if not len(given):
        raise DataError("No row's label is known, so that there is nothing to rank; use a larger split.")
    if not np.isfinite(values).all():
        raise DataError("A ranking holds scores that are not finite; look at what computed them.")
    return values, truth_of(given)


def truth_of(labels: Any, name: str = "labels", *, counts: bool = False) -> np.ndarray:
    """Truth values, shaped as `labels`, of 0 and 1, or of `counts`, where what is above 0 is true."""
    given = array_of(labels, name)
    good = (given >= 0) & (given < np.inf) if counts else (given == 0) | (given == 1)
    if not good.all():
        wanted = "counts from 0" if counts else "1 where a row has the label, 0 where not"
        raise DataError(f"The {name} hold {given[~good][0]}; give {wanted}, and leave out what is not known.")
    return given != 0


def _ranked(scores: Any, labels: Any, known: Any) -> tuple[np.ndarray, np.ndarray]:
    """The scores, best first, and the truth values in their order as numbers."""
    values, truth = checked(scores, labels, known)
    if not truth.any():
        raise DataError(
            "Average precision of a label without a positive row is undefined; leave the label out "
            "or use a split that holds some."
        )
    order = descending(values)
    return values[order], truth[order].astype(np.int64)


def array_of(values: Any, name: str, kinds: str = "biuf") -> np.ndarray:
    """`values` as an array of one of these kinds of numpy's types."""
    if isinstance(values, np.ma.MaskedArray):
        raise DataError(f"The {name} are a masked array, whose mask would be lost; give `known` instead.")
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        raise ShapeError(
            f"The {name} cannot be read as an array ({error}); give numpy arrays with rows of equal length."
        ) from error
    if array.dtype.kind not in kinds:
        raise DataError(f"The {name} are of type {array.dtype}; give an array of numbers or truth values.")
    return array


def _check_pair(first: np.ndarray, second: np.ndarray, dimensions: int) -> None:
    empty = dimensions == 1 and not len(first)
    if first.ndim != dimensions or first.shape != second.shape or empty:
        raise ShapeError(
            f"A metric was given arrays of shapes {first.shape} and {second.shape}; give two arrays of "
            f"{'rows' if dimensions == 1 else 'rows and labels'}, of the same length and not empty."
        )


def _known(known: Any, shape: tuple[int, ...]) -> np.ndarray | slice:
    return slice(None) if known is None else _mask(known, shape)


def _mask(known: Any, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.asarray(known)
    if mask.dtype != np.bool_ or mask.shape not in (shape, shape[:1]):
        raise ShapeError(
            f"What is known is given as {mask.dtype} of shape {mask.shape}; give truth values of shape "
            f"{shape[:1]} or {shape}."
        )
    return mask if mask.shape == shape else np.broadcast_to(mask[:, None], shape)
