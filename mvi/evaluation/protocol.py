# SPDX-License-Identifier: MIT
"""How a representation is judged: a linear classifier that must do with what the query gives.

A query is named by the modalities it gives, joined with "+" in the store's order. The classifier of
the reference code is trained on multimodal features only and then meets features of every kind of
query, so that its errors say how well a missing modality was made up for.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation.metrics import array_of, error_rate
from mvi.evaluation.svm import LinearClassifier, fit, fit_path

Reader = Callable[[str, np.ndarray], np.ndarray]
"""`read(name, rows)` gives (len(rows), width) numbers of a query or modality, rows in that order."""
Scores = dict[str, Any]

_SPLITS = ("train", "validation", "test")
_TRAIN_ON = ("multimodal", "mixed")


def evaluate(
    features: Mapping[str, np.ndarray] | Reader,
    labels: np.ndarray,
    split: Mapping[str, np.ndarray],
    grid: Sequence[float],
    *,
    queries: Sequence[str],
    train_on: str = "multimodal",
    tolerance: float = 0.01,
) -> Scores:
    """Errors of one linear classifier on the features of every query (reference code, MNIST script).

    C is the value of `grid` with the lowest validation error of a classifier trained on the training
    rows; of equal errors the first wins. The test errors are those of a classifier trained at that C
    on training and validation rows. The validation errors are those of the classifier that has seen
    the training rows only.

    features: query -> (n_rows, K) float32, or a `Reader` of the same
    labels: (n_rows,) class index of every row
    split: "train", "validation" and "test" -> row indices, and perhaps "copies", altered copies of training
        rows whose multimodal features are trained on as well
    queries: what to report; the one that names the most modalities is the multimodal one
    train_on: "multimodal": the classifier is trained, and C chosen, on multimodal features only;
        "mixed": trained on the features of every query, C chosen by the mean validation error
    tolerance: the classifier's stopping rule

    Returns "test_error/<query>" and "validation_error/<query>" in percent, "C", "train_on" and the
    numbers of rows "rows/train", "rows/validation" and "rows/test".
    """
    if train_on not in _TRAIN_ON:
        raise ConfigError(f"train_on is {train_on!r}; choose one of {', '.join(_TRAIN_ON)}.")
    read = _reader(features)
    labels, split = _checked(labels, split)
    multimodal = max(queries, key=lambda query: query.count("+"))
    others = [query for query in queries if query != multimodal]
    seen = [multimodal] if train_on == "multimodal" else [multimodal, *others]

    held_out = {query: read(query, split["validation"]) for query in queries}
    answers = labels[split["validation"]]
    best, best_error, best_C = None, np.inf, np.nan
    path = fit_path(*_stacked(read, labels, split["train"], seen, split["copies"]), grid, tolerance=tolerance)
    for C, classifier in zip(grid, path, strict=True):
        error = np.mean([_error(classifier, held_out[query], answers) for query in seen])
        if error < best_error:
            best, best_error, best_C = classifier, error, float(C)
    scores: Scores = {"C": best_C, "train_on": train_on}
    scores |= {f"rows/{name}": len(rows) for name, rows in split.items() if len(rows)}
    for query in queries:
        scores[f"validation_error/{query}"] = _error(best, held_out[query], answers)
    # A 50,000 x 1,000 array each: let them go before the larger one is read.
    del path, held_out

    rows = np.concatenate([split["train"], split["validation"]])
    final = fit(*_stacked(read, labels, rows, seen, split["copies"]), C=best_C, tolerance=tolerance)
    for query in queries:
        features = read(query, split["test"])
        scores[f"test_error/{query}"] = _error(final, features, labels[split["test"]])
    return scores


def evaluate_raw_own(
    modalities: Mapping[str, np.ndarray] | Reader,
    labels: np.ndarray,
    split: Mapping[str, np.ndarray],
    grid: Sequence[float],
    *,
    queries: Sequence[str],
    tolerance: float = 0.01,
) -> Scores:
    """Reference row: for each query a classifier of its own on the raw values that the query gives.

    `modalities`: name -> (n_rows, d) or a `Reader` of the same; the rest as for `evaluate`. C is
    chosen for each query and returned as "C/<query>"; "train_on" is "own".
    """
    read = _reader(modalities)

    def given(query: str, rows: np.ndarray) -> np.ndarray:
        return np.concatenate([read(name, rows) for name in query.split("+")], axis=1)

    scores: Scores = {}
    for query in queries:
        alone = evaluate(given, labels, split, grid, queries=[query], tolerance=tolerance)
        scores[f"C/{query}"] = alone.pop("C")
        scores |= alone
    return scores | {"train_on": "own"}


def evaluate_raw_filled(
    modalities: Mapping[str, np.ndarray] | Reader,
    labels: np.ndarray,
    split: Mapping[str, np.ndarray],
    grid: Sequence[float],
    *,
    queries: Sequence[str],
    tolerance: float = 0.01,
) -> Scores:
    """Reference row: one classifier on the raw values of all modalities, missing ones set to the mean.

    The mean is taken over the training rows, value by value. Arguments as for `evaluate_raw_own`,
    returned keys as for `evaluate`.
    """
    read = _reader(modalities)
    names = max(queries, key=lambda query: query.count("+")).split("+")
    train = np.asarray(split["train"])
    means = {name: read(name, train).mean(axis=0, dtype=np.float64) for name in names}

    def filled(query: str, rows: np.ndarray) -> np.ndarray:
        given = query.split("+")
        parts = [
            read(name, rows)
            if name in given
            else np.broadcast_to(means[name].astype(np.float32), (len(rows), len(means[name])))
            for name in names
        ]
        return np.concatenate(parts, axis=1)

    return evaluate(filled, labels, split, grid, queries=queries, tolerance=tolerance)


def _reader(features: Mapping[str, np.ndarray] | Reader) -> Reader:
    if callable(features):
        return features

    def read(name: str, rows: np.ndarray) -> np.ndarray:
        if name not in features:
            raise DataError(
                f"There are no features for the query {name!r}, only for {', '.join(features)}; "
                "encode that query first."
            )
        return features[name][rows]

    return read


def _error(classifier: LinearClassifier, features: np.ndarray, labels: np.ndarray) -> float:
    return error_rate(classifier.predict(features), labels)


def _checked(labels: np.ndarray, split: Mapping[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    labels = array_of(labels, "labels", "biufUS")
    if labels.ndim != 1:
        raise ShapeError(
            f"The labels have shape {labels.shape}; this protocol needs one class index for each row."
        )
    empty = [name for name in _SPLITS if not len(split.get(name, ()))]
    if empty:
        raise DataError(f"The split has no {' and no '.join(empty)} rows; make the data set's store again.")
    copies = np.asarray(split.get("copies", ()), np.int64)
    return labels, {name: np.asarray(split[name]) for name in _SPLITS} | {"copies": copies}


def _stacked(
    read: Reader, labels: np.ndarray, rows: np.ndarray, queries: Sequence[str], copies: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The features of `queries` one below the other, those of `copies` for the first, and their labels."""
    first = read(queries[0], np.concatenate([rows, copies]))
    if len(queries) == 1:
        return first, labels[np.concatenate([rows, copies])]
    # Filled part by part: all parts and their concatenation would be twice the memory.
    features = np.empty((len(first) + len(rows) * (len(queries) - 1), first.shape[1]), first.dtype)
    features[: len(first)] = first
    start = len(first)
    del first
    for query in queries[1:]:
        features[start : start + len(rows)] = read(query, rows)
        start += len(rows)
    return features, np.concatenate([labels[rows], labels[copies], np.tile(labels[rows], len(queries) - 1)])
