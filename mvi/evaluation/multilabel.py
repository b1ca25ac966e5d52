# SPDX-License-Identifier: MIT
"""How features of pictures with several labels are judged: independent logistic regressions and mean
average precision.

The protocol is that of the reference code for pictures and tags (`logistic` has the cost): the penalty
is chosen by the validation rows, the classifier is trained again on training and validation rows
together, and each label ranks the test rows by its logit. Average precision has three definitions in
the papers on this benchmark (see `metrics`), so all three are reported.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation.logistic import LogisticClassifier, fit, fit_path
from mvi.evaluation.metrics import DEFINITIONS, mean_average_precision, per_label, precision_at, truth_of

RowReader = Callable[[np.ndarray], np.ndarray]
"""`read(rows)` gives (len(rows), K) float32 or float64, rows in that order."""
QueryReader = Callable[[str, np.ndarray], np.ndarray]
"""`read(query, rows)` gives the same of what a query, such as "image+text" or "image", knows of the rows."""
Scores = dict[str, Any]

TRAIN_ON = ("multimodal", "mixed")
"""Whose features train the classifier of several queries (`evaluate_queries`)."""
_PARTS = ("train", "validation", "test")


def evaluate(
    features: np.ndarray | RowReader,
    labels: np.ndarray,
    split: Mapping[str, np.ndarray],
    grid: Sequence[float],
    *,
    classes: Sequence[str],
    chosen_by: str = "interpolated",
    top: int = 50,
    tolerance: float = 1e-3,
) -> Scores:
    """Rankings of the test rows by one logistic regression a label.

    The penalty lambda is the value of `grid` with the highest validation mAP of a classifier trained on
    the training rows; of equal values the largest wins. A grid of one value is a fixed lambda (the
    reference code's final scores: 0.001). The test scores are those of a classifier trained with it on
    training and validation rows; the validation scores are those of the classifier that has seen the
    training rows only. A label that none or all of the rows trained on have, or that no row of a part
    has, is left out of that part's means, and the number of those that are in is given.

    features: (n_rows, K) float32 or float64, or a `RowReader` of the same; already standardised
    labels: (L, classes) of 0 and 1
    split: "train", "validation" and "test" -> row indices below L
    classes: names of the labels
    chosen_by: the definition of average precision (`DEFINITIONS`) that chooses lambda
    top: rows of the precision
    tolerance: the classifier's stopping rule

    Returns, for each <part> of test and validation, "<part>_map/<definition>",
    "<part>_precision/<top>", "<part>_labels" (how many the means are over) and
    "<part>_ap/<definition>/<class>" of those labels; "penalty", "penalties_tried", "penalty_at_edge"
    (whether a longer grid might do better), "chosen_by", "features" (K) and "rows/<part>" of the three
    parts. Raises `ConfigError`, `DataError` or `ShapeError` where arguments do not fit.
    """
    readers = {"": _reader(features)}
    return _judged(readers, [""], labels, split, grid, classes, chosen_by, top, tolerance)


def evaluate_queries(
    features: QueryReader,
    labels: np.ndarray,
    split: Mapping[str, np.ndarray],
    grid: Sequence[float],
    *,
    queries: Sequence[str],
    classes: Sequence[str],
    train_on: str = "multimodal",
    chosen_by: str = "interpolated",
    top: int = 50,
    tolerance: float = 1e-3,
) -> Scores:
    """Rankings by one classifier of the features that every query gives (reference code).

    Training and the choice of lambda are those of `evaluate`, of which this is the case of several
    queries: the classifier never knows what a query lacks.

    features: `QueryReader` of (rows, K), the same K for every query
    queries: what to report, the multimodal query first
    train_on: "multimodal": trained, and lambda chosen, on features of the first query only (reference
        code); "mixed": trained on the features of every query one below the other, each with the row's
        labels, and lambda chosen by the mean of the queries' validation mAP
    labels, split, grid, classes, chosen_by, top, tolerance: as for `evaluate`

    Returns what `evaluate` does, where every key that begins with a part becomes "<query>/<part>_...",
    and "train_on". Raises as `evaluate` does.
    """
    if train_on not in TRAIN_ON:
        raise ConfigError(f"train_on is {train_on!r}; choose one of {', '.join(TRAIN_ON)}.")
    readers = _readers(features, queries)
    seen = list(readers) if train_on == "mixed" else list(readers)[:1]
    scores = _judged(readers, seen, labels, split, grid, classes, chosen_by, top, tolerance)
    return scores | {"train_on": train_on}


def sweep(
    multimodal: np.ndarray | RowReader,
    unimodal: Mapping[int, np.ndarray | RowReader],
    labels: np.ndarray,
    split: Mapping[str, np.ndarray],
    grid: Sequence[float],
    *,
    classes: Sequence[str],
    queries: Sequence[str] = ("image+text", "image"),
    chosen_by: str = "interpolated",
    top: int = 50,
    tolerance: float = 1e-3,
) -> Scores:
    """Rankings by one query filled in by several numbers of iterations (Sohn et al. 2014, Table 3).

    The classifier is that of `evaluate_queries`, trained on multimodal features only.

    multimodal: (n_rows, K), or a `RowReader` of the same
    unimodal: number of iterations -> the same of the query that lacks a modality
    queries: names of the multimodal query and of the one that lacks a modality
    labels, split, grid, classes, chosen_by, top, tolerance: as for `evaluate`

    Returns the scores of `evaluate` with "<multimodal>/" or "<unimodal>/n<iterations>/" before them, and
    "train_on". Raises as `evaluate` does.
    """
    whole, lacking = queries
    readers = {f"{whole}/": _reader(multimodal)}
    readers |= {f"{lacking}/n{count}/": _reader(rows) for count, rows in sorted(unimodal.items())}
    seen = [f"{whole}/"]
    scores = _judged(readers, seen, labels, split, grid, classes, chosen_by, top, tolerance)
    return scores | {"train_on": "multimodal"}


def _reader(features: np.ndarray | RowReader) -> RowReader:
    return features if callable(features) else lambda rows: features[rows]


def _readers(features: QueryReader, queries: Sequence[str]) -> dict[str, RowReader]:
    """A reader of rows for each query, by what its scores' keys begin with."""
    if not queries or len(set(queries)) != len(queries):
        raise ConfigError(
            f"The queries are {', '.join(queries) or 'none'}; give each one once, the multimodal one first."
        )
    return {f"{query}/": partial(features, query) for query in queries}


def _judged(
    readers: Mapping[str, RowReader],
    seen: Sequence[str],
    labels: np.ndarray,
    split: Mapping[str, np.ndarray],
    grid: Sequence[float],
    classes: Sequence[str],
    chosen_by: str,
    top: int,
    tolerance: float,
) -> Scores:
    """Scores of every reader under its prefix, by a classifier trained on the readers `seen`."""
    labels, split = _checked(labels, split, classes, chosen_by)
    held_out = {key: read(split["validation"]) for key, read in readers.items()}
    answers = labels[split["validation"]]
    best, scores = _chosen(readers, held_out, seen, labels, split, grid, chosen_by, tolerance)
    scores |= {f"rows/{name}": len(split[name]) for name in _PARTS}
    for key, rows in held_out.items():
        scores |= _part_scores(key, "validation", best, rows, answers, classes, top)
    # Some hundred megabytes each: let them go before the larger one is read.
    del held_out

    rows = np.concatenate([split["train"], split["validation"]])
    final = fit(*_stacked(readers, seen, labels, rows), penalty=scores["penalty"], tolerance=tolerance)
    test = split["test"]
    for key, read in readers.items():
        scores |= _part_scores(key, "test", final, read(test), labels[test], classes, top)
    return scores


def _chosen(
    readers: Mapping[str, RowReader],
    held_out: Mapping[str, np.ndarray],
    seen: Sequence[str],
    labels: np.ndarray,
    split: Mapping[str, np.ndarray],
    grid: Sequence[float],
    chosen_by: str,
    tolerance: float,
) -> tuple[LogisticClassifier, Scores]:
    """The classifier of the training rows with the best mean validation mAP of `seen`, and its lambda."""
    widths = {rows.shape[1] for rows in held_out.values()}
    if len(widths) > 1:
        raise ShapeError(
            f"The queries have {' and '.join(map(str, sorted(widths)))} features; encode all by one model."
        )
    answers = labels[split["validation"]]
    descending = sorted(map(float, grid), reverse=True)
    best, best_map, penalty = None, -np.inf, np.nan
    path = fit_path(*_stacked(readers, seen, labels, split["train"]), descending, tolerance=tolerance)
    for value, classifier in zip(descending, path, strict=True):
        known = classifier.trained
        found = []
        for key in seen:
            logits = classifier.decision(held_out[key])
            mean, counted = mean_average_precision(logits[:, known], answers[:, known], chosen_by)
            if not counted:
                raise DataError(
                    "No label has both training rows with and without it and a validation row with it; use a "
                    "larger split."
                )
            found.append(mean)
        if np.mean(found) > best_map:
            best, best_map, penalty = classifier, np.mean(found), value
    return best, {
        "penalty": penalty,
        "penalties_tried": len(descending),
        "penalty_at_edge": len(descending) > 1 and penalty in (descending[0], descending[-1]),
        "chosen_by": chosen_by,
        "features": widths.pop(),
    }


def _stacked(
    readers: Mapping[str, RowReader], seen: Sequence[str], labels: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Features of the readers `seen` one below the other, and the labels of each."""
    if len(seen) == 1:
        return readers[seen[0]](rows), labels[rows]
    return np.concatenate([readers[key](rows) for key in seen]), np.concatenate([labels[rows]] * len(seen))


def _part_scores(
    prefix: str,
    part: str,
    classifier: LogisticClassifier,
    features: np.ndarray,
    truth: np.ndarray,
    classes: Sequence[str],
    top: int,
) -> Scores:
    known = classifier.trained & truth.any(axis=0)
    logits, truth = classifier.decision(features)[:, known], truth[:, known]
    names = [name for name, is_known in zip(classes, known, strict=True) if is_known]
    if not names:
        raise DataError(f"No label that was trained has a {part} row; use a larger split.")
    precision = per_label(logits, truth, lambda scores, relevant: precision_at(scores, relevant, top))
    part = prefix + part
    scores: Scores = {f"{part}_labels": len(names), f"{part}_precision/{top}": float(precision.mean())}
    for definition, measure in DEFINITIONS.items():
        values = per_label(logits, truth, measure)
        scores[f"{part}_map/{definition}"] = float(values.mean())
        for name, value in zip(names, values, strict=True):
            scores[f"{part}_ap/{definition}/{name}"] = float(value)
    return scores


def _checked(
    labels: np.ndarray,
    split: Mapping[str, np.ndarray],
    classes: Sequence[str],
    chosen_by: str,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    if chosen_by not in DEFINITIONS:
        raise ConfigError(f"chosen_by is {chosen_by!r}; choose one of {', '.join(DEFINITIONS)}.")
    labels = truth_of(labels)
    if labels.ndim != 2 or labels.shape[1] != len(classes):
        raise ShapeError(
            f"The labels have shape {labels.shape} and {len(classes)} names; this protocol needs a row of "
            "0 and 1 for each labelled row, one for each name."
        )
    empty = [name for name in _PARTS if not len(split.get(name, ()))]
    if empty:
        raise DataError(f"The split has no {' and no '.join(empty)} rows; make the data set's store again.")
    found = {name: np.asarray(split[name]) for name in _PARTS}
    outside = [name for name, rows in found.items() if rows.min() < 0 or rows.max() >= len(labels)]
    if outside:
        raise DataError(
            f"The {outside[0]} part of the split names a row that has no label (there are {len(labels)}); "
            "make the data set's store again."
        )
    return labels, found
