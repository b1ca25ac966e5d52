# SPDX-License-Identifier: MIT
"""How a representation is scored: a linear classifier that must do with what each query gives.

The protocol of the reference code, for one class a row (`svm_classifier`: error rate) and for several labels
a row (`logistic_classifier`: mean average precision). A setting is chosen by the validation rows among
classifiers of the training rows, the classifier is trained again on training and validation rows together,
and the test rows are read last. The classifier learns from multimodal features and then meets those of
every query, so that its scores say how well a missing modality is inferred.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, Self

import numpy as np

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation.metrics import array_of, partly
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
    variant: str = ""


class Answers(NamedTuple):
    """Labels of rows, and which of them are known, shaped alike; None for all: the others count nowhere."""

    labels: np.ndarray
    known: np.ndarray | None = None

    def of(self, *rows: np.ndarray) -> Self:
        """Those of rows, the arrays of which are joined."""
        chosen = np.concatenate(rows)
        return type(self)(self.labels[chosen], None if self.known is None else self.known[chosen])

    @property
    def certain(self) -> np.ndarray:
        """The labels, 0 where they are unknown."""
        return self.labels if self.known is None else np.where(self.known, self.labels, 0)


class Classifier(Protocol):
    """What is trained on features, how its setting is chosen and what it is scored by."""

    @property
    def metric(self) -> str:
        """The headline among its scores."""

    def check(self, answers: Answers) -> None:
        """Raise `ConfigError` or `ShapeError` where settings or labels do not fit."""

    def path(self, features: np.ndarray, answers: Answers) -> Iterator[tuple[float, Any]]:
        """Every setting and the model trained with it; of equally good ones the first wins."""

    def fit(self, features: np.ndarray, answers: Answers, setting: float, near: Any = None) -> Any:
        """The model trained with one setting; that of some of the rows, `near`, may be begun from."""

    def quality(self, model: Any, features: np.ndarray, answers: Answers) -> float:
        """What the setting with the highest value is chosen by."""

    def choice(self, setting: float) -> list[Score]:
        """How the setting came about."""

    def scores(self, model: Any, features: np.ndarray, answers: Answers, part: str) -> list[Score]:
        """What the model makes of the rows of a part."""


def evaluate(
    queries: Sequence[Query],
    labels: np.ndarray,
    split: Mapping[str, np.ndarray],
    classifier: Classifier,
    *,
    known: np.ndarray | None = None,
    train_on: str = "multimodal",
    also: Sequence[Query] = (),
) -> list[Score]:
    """Scores of one classifier on the features of every query.

    queries: what to report, the multimodal query first; the same K for all
    labels: (L,) or (L, classes) as the classifier needs them
    known: (L, classes) bool, false where a row counts neither for nor against a class
    split: "train", "validation" and "test" -> row indices below L, and perhaps "copies", altered copies of
        training rows whose multimodal features are trained on as well
    train_on: "multimodal": the classifier is trained, and its setting chosen, on features of the first query
        only (reference code); "mixed": trained on the features of every query, each with the row's labels,
        and the setting chosen by the mean of the queries
    also: further queries, of which only the test rows are read, and nothing is learned

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
    answers, parts = Answers(labels, partly(known, labels.shape)), _checked(labels, split)
    classifier.check(answers)
    learned = queries[:1] if train_on == "multimodal" else queries

    chosen, near, scores = _chosen(queries, learned, answers, parts, classifier)
    scores += [Score(metric="rows", part=name, value=len(rows)) for name, rows in parts.items() if len(rows)]
    both = np.concatenate([parts["train"], parts["validation"]])
    final = classifier.fit(*_stacked(learned, answers, both, parts["copies"]), chosen, near)
    for query in (*queries, *also):
        rows = query.read(parts["test"])
        found = classifier.scores(final, rows, answers.of(parts["test"]), "test")
        scores += _of(query, found)
    return scores


def _chosen(
    queries: Sequence[Query],
    learned: Sequence[Query],
    answers: Answers,
    parts: Mapping[str, np.ndarray],
    classifier: Classifier,
) -> tuple[float, Any, list[Score]]:
    """The setting with the best mean of the queries `learned`, its model, how it came about, and scores.

    A function of its own, so that some hundred megabytes go before the larger training begins.
    """
    held_out = [query.read(parts["validation"]) for query in queries]
    widths = {rows.shape[1] for rows in held_out}
    if len(widths) > 1:
        raise ShapeError(
            f"The queries have {' and '.join(map(str, sorted(widths)))} features; encode all by one model."
        )
    held = answers.of(parts["validation"])
    best, highest, chosen = None, -np.inf, np.nan
    for setting, model in classifier.path(*_stacked(learned, answers, parts["train"], parts["copies"])):
        of_each = [classifier.quality(model, rows, held) for rows in held_out[: len(learned)]]
        quality = float(np.mean(of_each))
        if quality > highest:
            best, highest, chosen = model, quality, float(setting)
    scores = [*classifier.choice(chosen), Score(metric="features", value=widths.pop())]
    for query, rows in zip(queries, held_out, strict=True):
        scores += _of(query, classifier.scores(best, rows, held, "validation"))
    return chosen, best, scores


def evaluate_each(
    queries: Sequence[Query],
    labels: np.ndarray,
    split: Mapping[str, np.ndarray],
    classifier: Classifier,
    *,
    known: np.ndarray | None = None,
) -> list[Score]:
    """Scores of a classifier of its own for each query, whose setting and rows are listed under it."""
    return [
        replace(score, query=query.name)
        for query in queries
        for score in evaluate([query], labels, split, classifier, known=known)
    ]


def _of(query: Query, scores: Sequence[Score]) -> list[Score]:
    return [
        replace(score, query=query.name, iterations=query.iterations, variant=query.variant)
        for score in scores
    ]


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
    queries: Sequence[Query], answers: Answers, rows: np.ndarray, copies: np.ndarray
) -> tuple[np.ndarray, Answers]:
    """The features of `queries` stacked, those of `copies` for the first only, and the labels of each."""
    first = queries[0].read(np.concatenate([rows, copies]))
    if len(queries) == 1:
        return first, answers.of(rows, copies)
    # Filled part by part: all parts and their concatenation would be twice the memory.
    features = np.empty((len(first) + len(rows) * (len(queries) - 1), first.shape[1]), first.dtype)
    features[: len(first)] = first
    start = len(first)
    del first
    for query in queries[1:]:
        features[start : start + len(rows)] = query.read(rows)
        start += len(rows)
    return features, answers.of(rows, copies, *[rows] * (len(queries) - 1))
