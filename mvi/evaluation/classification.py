# SPDX-License-Identifier: MIT
"""How a representation is scored: a linear classifier that must do with what each query gives.

The protocol of the reference code, for one class a row (`Svm`: error rate) and for several labels a row
(`Logistic`: mean average precision). A setting is chosen by the validation rows among classifiers of the
training rows, the classifier is trained again on training and validation rows together, and the test rows
are read last. The classifier learns from multimodal features and then meets those of every query, so that
its scores say how well a missing modality is inferred.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation import logistic, svm
from mvi.evaluation.metrics import (
    DEFINITIONS,
    array_of,
    error_rate,
    mean_average_precision,
    per_label,
    precision_at,
    truth_of,
)
from mvi.evaluation.scores import Score

TRAIN_ON = ("multimodal", "mixed")
"""Whose features a classifier learns from: of the first query, or of every query."""
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Query:
    """Features of rows as a query gives them; `name` as in `Score`."""

    name: str
    read: Callable[[np.ndarray], np.ndarray]
    """`read(rows)` gives (len(rows), K) float32 or float64, rows in that order."""
    iterations: int | None = None


class Classifier(Protocol):
    """What is trained on features, how its setting is chosen and what it is scored by."""

    def check(self, labels: np.ndarray) -> None:
        """Raise `ConfigError` or `ShapeError` where settings or labels do not fit."""

    def path(self, features: np.ndarray, labels: np.ndarray) -> Iterator[tuple[float, Any]]:
        """Every setting and the model trained with it; of equally good ones the first wins."""

    def fit(self, features: np.ndarray, labels: np.ndarray, setting: float) -> Any:
        """The model trained with one setting."""

    def quality(self, model: Any, features: np.ndarray, labels: np.ndarray) -> float:
        """What the setting with the highest value is chosen by."""

    def choice(self, setting: float) -> list[Score]:
        """How the setting came about."""

    def scores(self, model: Any, features: np.ndarray, labels: np.ndarray, part: str) -> list[Score]:
        """What the model makes of the rows of a part."""


@dataclass(frozen=True)
class Svm:
    """Linear SVM for one class a row, labels (n,); C of `grid` with the lowest validation error.

    Scores: "error" in percent, and "C". `tolerance` is the stopping rule.
    """

    grid: Sequence[float]
    tolerance: float = 0.01
    metric = "error"
    """Its headline."""

    def check(self, labels: np.ndarray) -> None:
        """Refuse labels that are no class index for each row."""
        if labels.ndim != 1:
            raise ShapeError(
                f"The labels have shape {labels.shape}; an SVM needs one class index for each row."
            )

    def path(self, features: np.ndarray, labels: np.ndarray) -> Iterator[tuple[float, Any]]:
        """From the smallest C to the largest."""
        yield from zip(
            self.grid, svm.fit_path(features, labels, self.grid, tolerance=self.tolerance), strict=True
        )

    def fit(self, features: np.ndarray, labels: np.ndarray, setting: float) -> svm.LinearClassifier:
        """Train with C = `setting`."""
        return svm.fit(features, labels, C=setting, tolerance=self.tolerance)

    def quality(self, model: svm.LinearClassifier, features: np.ndarray, labels: np.ndarray) -> float:
        """Minus the error."""
        return -error_rate(model.predict(features), labels)

    def choice(self, setting: float) -> list[Score]:
        """C."""
        return [Score(metric="C", value=setting)]

    def scores(
        self, model: svm.LinearClassifier, features: np.ndarray, labels: np.ndarray, part: str
    ) -> list[Score]:
        """The error."""
        return [Score(metric="error", part=part, value=error_rate(model.predict(features), labels))]


@dataclass(frozen=True)
class Logistic:
    """Independent logistic regressions for labels (n, classes) of 0 and 1; lambda by validation mAP.

    A grid of one value is a fixed lambda (the reference code's final scores: 0.001); of equally good ones
    the largest wins. A label that none or all of the rows trained on have, or that no row of a part has, is
    left out of that part's means, and the number of those that are in is given.

    classes: names of the labels
    chosen_by: the definition of average precision (`metrics.DEFINITIONS`) that chooses lambda
    top: k of precision@k
    tolerance: the stopping rule

    Scores, beside "lambda", "lambdas_tried" and "lambda_at_edge" (1 where a longer grid might do better):
    "map_<definition>", "precision_at_<top>" and "labels" (how many the means are over) of a part, and
    "ap_<definition>" of each of these labels.
    """

    grid: Sequence[float]
    classes: Sequence[str]
    chosen_by: str = "interpolated"
    top: int = 50
    tolerance: float = 1e-3
    metric = "map_interpolated"
    """Its headline."""

    def check(self, labels: np.ndarray) -> None:
        """Refuse labels without a name, and an unknown definition."""
        if self.chosen_by not in DEFINITIONS:
            raise ConfigError(f"chosen_by is {self.chosen_by!r}; choose one of {', '.join(DEFINITIONS)}.")
        if labels.ndim != 2 or labels.shape[1] != len(self.classes):
            raise ShapeError(
                f"The labels have shape {labels.shape} and {len(self.classes)} names; this protocol needs a "
                "row of 0 and 1 for each labelled row, one for each name."
            )
        truth_of(labels)

    def path(self, features: np.ndarray, labels: np.ndarray) -> Iterator[tuple[float, Any]]:
        """From the largest lambda to the smallest."""
        descending = sorted(map(float, self.grid), reverse=True)
        models = logistic.fit_path(features, labels, descending, tolerance=self.tolerance)
        yield from zip(descending, models, strict=True)

    def fit(self, features: np.ndarray, labels: np.ndarray, setting: float) -> logistic.LogisticClassifier:
        """Train with lambda = `setting`."""
        return logistic.fit(features, labels, penalty=setting, tolerance=self.tolerance)

    def quality(self, model: logistic.LogisticClassifier, features: np.ndarray, labels: np.ndarray) -> float:
        """Mean average precision by the definition that chooses."""
        known = model.trained
        mean, counted = mean_average_precision(
            model.decision(features)[:, known], labels[:, known], self.chosen_by
        )
        if not counted:
            raise DataError(
                "No label has both training rows with and without it and a validation row with it; use a "
                "larger split."
            )
        return mean

    def choice(self, setting: float) -> list[Score]:
        """Lambda, among how many, and whether it is at an end of the grid."""
        at_edge = len(self.grid) > 1 and setting in (min(self.grid), max(self.grid))
        return [
            Score(metric="lambda", value=setting),
            Score(metric="lambdas_tried", value=len(self.grid)),
            Score(metric="lambda_at_edge", value=at_edge),
        ]

    def scores(
        self, model: logistic.LogisticClassifier, features: np.ndarray, labels: np.ndarray, part: str
    ) -> list[Score]:
        """Means over the labels, and the average precision of each."""
        known = model.trained & labels.any(axis=0)
        logits, truth = model.decision(features)[:, known], labels[:, known]
        names = [name for name, is_known in zip(self.classes, known, strict=True) if is_known]
        if not names:
            raise DataError(f"No label that was trained has a {part} row; use a larger split.")
        precision = per_label(
            logits, truth, lambda scores, relevant: precision_at(scores, relevant, self.top)
        )
        found = {name: per_label(logits, truth, measure) for name, measure in DEFINITIONS.items()}
        means = {"labels": len(names), f"precision_at_{self.top}": precision.mean()}
        means |= {f"map_{name}": values.mean() for name, values in found.items()}
        return [
            *(Score(metric=metric, part=part, value=float(value)) for metric, value in means.items()),
            *(
                Score(metric=f"ap_{definition}", part=part, label=name, value=float(value))
                for definition, values in found.items()
                for name, value in zip(names, values, strict=True)
            ),
        ]


def evaluate(
    queries: Sequence[Query],
    labels: np.ndarray,
    split: Mapping[str, np.ndarray],
    classifier: Classifier,
    *,
    train_on: str = "multimodal",
) -> list[Score]:
    """Scores of one classifier on the features of every query.

    queries: what to report, the multimodal query first; the same K for all
    labels: (L,) or (L, classes) as the classifier needs them
    split: "train", "validation" and "test" -> row indices below L, and perhaps "copies", altered copies of
        training rows whose multimodal features are trained on as well
    train_on: "multimodal": the classifier is trained, and its setting chosen, on features of the first query
        only (reference code); "mixed": trained on the features of every query, each with the row's labels,
        and the setting chosen by the mean of the queries

    Returns, beside the classifier's own scores of the parts "validation" (by the classifier that has seen the
    training rows only) and "test", "features" (K) and the "rows" of each part. Raises `ConfigError`,
    `DataError` or `ShapeError` where arguments do not fit.
    """
    if train_on not in TRAIN_ON:
        raise ConfigError(f"train_on is {train_on!r}; choose one of {', '.join(TRAIN_ON)}.")
    names = [(query.name, query.iterations) for query in queries]
    if not names or len(set(names)) != len(names):
        raise ConfigError(
            f"The queries are {', '.join(query.name for query in queries) or 'none'}; give each one once, "
            "the multimodal one first."
        )
    labels = array_of(labels, "labels", "biufUS")
    classifier.check(labels)
    parts = _checked(labels, split)
    learned = queries[:1] if train_on == "multimodal" else queries

    chosen, scores = _chosen(queries, learned, labels, parts, classifier)
    scores += [Score(metric="rows", part=name, value=len(rows)) for name, rows in parts.items() if len(rows)]
    both = np.concatenate([parts["train"], parts["validation"]])
    final = classifier.fit(*_stacked(learned, labels, both, parts["copies"]), chosen)
    for query in queries:
        found = classifier.scores(final, query.read(parts["test"]), labels[parts["test"]], "test")
        scores += _of(query, found)
    return scores


def _chosen(
    queries: Sequence[Query],
    learned: Sequence[Query],
    labels: np.ndarray,
    parts: Mapping[str, np.ndarray],
    classifier: Classifier,
) -> tuple[float, list[Score]]:
    """The setting with the best mean of the queries `learned`, how it came about, and validation scores.

    A function of its own, so that some hundred megabytes go before the larger training begins.
    """
    held_out = [query.read(parts["validation"]) for query in queries]
    widths = {rows.shape[1] for rows in held_out}
    if len(widths) > 1:
        raise ShapeError(
            f"The queries have {' and '.join(map(str, sorted(widths)))} features; encode all by one model."
        )
    answers = labels[parts["validation"]]
    best, highest, chosen = None, -np.inf, np.nan
    for setting, model in classifier.path(*_stacked(learned, labels, parts["train"], parts["copies"])):
        of_each = [classifier.quality(model, rows, answers) for rows in held_out[: len(learned)]]
        quality = float(np.mean(of_each))
        if quality > highest:
            best, highest, chosen = model, quality, float(setting)
    scores = [*classifier.choice(chosen), Score(metric="features", value=widths.pop())]
    for query, rows in zip(queries, held_out, strict=True):
        scores += _of(query, classifier.scores(best, rows, answers, "validation"))
    return chosen, scores


def evaluate_each(
    queries: Sequence[Query],
    labels: np.ndarray,
    split: Mapping[str, np.ndarray],
    classifier: Classifier,
) -> list[Score]:
    """Scores of a classifier of its own for each query, whose setting and rows are listed under it."""
    return [
        replace(score, query=query.name)
        for query in queries
        for score in evaluate([query], labels, split, classifier)
    ]


def _of(query: Query, scores: Sequence[Score]) -> list[Score]:
    return [replace(score, query=query.name, iterations=query.iterations) for score in scores]


def _checked(labels: np.ndarray, split: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The rows of each part and the copies, which may be none."""
    empty = [name for name in PARTS if not len(split.get(name, ()))]
    if empty:
        raise DataError(f"The split has no {' and no '.join(empty)} rows; make the data set's store again.")
    parts = {name: np.asarray(split[name]) for name in PARTS}
    parts["copies"] = np.asarray(split.get("copies", ()), np.int64)
    for name, rows in parts.items():
        if len(rows) and (rows.min() < 0 or rows.max() >= len(labels)):
            raise DataError(
                f"The {name} part of the split names a row that has no label (there are {len(labels)}); make "
                "the data set's store again."
            )
    return parts


def _stacked(
    queries: Sequence[Query], labels: np.ndarray, rows: np.ndarray, copies: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The features of `queries` stacked, those of `copies` for the first only, and the labels of each."""
    first = queries[0].read(np.concatenate([rows, copies]))
    if len(queries) == 1:
        return first, labels[np.concatenate([rows, copies])]
    # Filled part by part: all parts and their concatenation would be twice the memory.
    features = np.empty((len(first) + len(rows) * (len(queries) - 1), first.shape[1]), first.dtype)
    features[: len(first)] = first
    start = len(first)
    del first
    for query in queries[1:]:
        features[start : start + len(rows)] = query.read(rows)
        start += len(rows)
    return features, np.concatenate([labels[rows], labels[copies], *[labels[rows]] * (len(queries) - 1)])
