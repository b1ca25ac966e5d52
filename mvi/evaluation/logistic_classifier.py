# SPDX-License-Identifier: MIT
"""Logistic regressions in the protocol of `mvi.evaluation.classification`: several labels a row, mAP."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pkgutil import resolve_name
from typing import Any, Self

import numpy as np

from mvi.data.sets.base import MEAN_AVERAGE_PRECISION
from mvi.data.store import Store
from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation import logistic
from mvi.evaluation.classification import Answers
from mvi.evaluation.metrics import Measure, per_label, precision_at, truth_of
from mvi.evaluation.scores import Score


@dataclass(frozen=True)
class Logistic:
    """Independent logistic regressions for labels (n, classes) of 0 and 1; lambda by validation mAP.

    A grid of one value is a fixed lambda (the reference code's final scores: 0.001); of equally good ones
    the largest wins. A label that none or all of the rows trained on have, or that no row of a part has, is
    left out of that part's means, and the number of those that are in is given. A row whose label of a class
    is unknown counts nowhere for that class.

    classes: names of the labels
    chosen_by: of `metrics`, named without "map_", the one that chooses lambda
    top: k of precision@k
    tolerance: the stopping rule
    metrics: those of the data set (`mvi.data.sets.base`), the headline first

    Scores, beside "lambda", "lambdas_tried" and "lambda_at_edge" (1 where a longer grid might do better):
    `metrics`, "precision_at_<top>" and "labels" (how many the means are over) of a part, and of each of these
    labels the metrics, "map_..." as "ap_...".
    """

    grid: Sequence[float]
    classes: Sequence[str]
    chosen_by: str = "interpolated"
    top: int = 50
    tolerance: float = 1e-3
    metrics: Mapping[str, str] = field(default_factory=lambda: MEAN_AVERAGE_PRECISION)

    @property
    def metric(self) -> str:
        """Its headline."""
        return next(iter(self.metrics))

    @classmethod
    def of_store(cls, store: Store, settings: Mapping[str, Any]) -> Self:
        """The classifier of the labels of `store` with the other fields from `settings`."""
        return cls(classes=store.classes, **settings)

    def check(self, answers: Answers) -> None:
        """Refuse labels without a name, and a choice by what is no metric."""
        if f"map_{self.chosen_by}" not in self.metrics:
            choices = ", ".join(name.removeprefix("map_") for name in self.metrics)
            raise ConfigError(f"chosen_by is {self.chosen_by!r}; choose one of {choices}.")
        shape = answers.labels.shape
        if len(shape) != 2 or shape[1] != len(self.classes):
            raise ShapeError(
                f"The labels have shape {shape} and {len(self.classes)} names; this protocol needs a row of 0"
                " and 1 for each labelled row, one for each name."
            )
        truth_of(answers.certain)

    def path(self, features: np.ndarray, answers: Answers) -> Iterator[tuple[float, Any]]:
        """From the largest lambda to the smallest."""
        descending = sorted(map(float, self.grid), reverse=True)
        models = logistic.fit_path(
            features, answers.labels, descending, known=answers.known, tolerance=self.tolerance
        )
        yield from zip(descending, models, strict=True)

    def fit(
        self,
        features: np.ndarray,
        answers: Answers,
        setting: float,
        near: logistic.LogisticClassifier | None = None,
    ) -> logistic.LogisticClassifier:
        """Train with lambda = `setting`, beginning from `near`."""
        return logistic.fit(
            features,
            answers.labels,
            penalty=setting,
            known=answers.known,
            tolerance=self.tolerance,
            near=near,
        )

    def quality(self, model: logistic.LogisticClassifier, features: np.ndarray, answers: Answers) -> float:
        """The mean of the metric that chooses."""
        return self.mean(f"map_{self.chosen_by}", model, features, answers)

    def mean(
        self, metric: str, model: logistic.LogisticClassifier, features: np.ndarray, answers: Answers
    ) -> float:
        """The mean of a metric over the labels that were trained and that some row has."""
        names, measured = self._judged(model, features, answers)
        if not names:
            raise DataError(
                "No label has both training rows with and without it and a validation row with it; use a "
                "larger split."
            )
        return float(measured(resolve_name(self.metrics[metric])).mean())

    def choice(self, setting: float) -> list[Score]:
        """Lambda, among how many, and whether it is at an end of the grid."""
        at_edge = len(self.grid) > 1 and setting in (min(self.grid), max(self.grid))
        return [
            Score(metric="lambda", value=setting),
            Score(metric="lambdas_tried", value=len(self.grid)),
            Score(metric="lambda_at_edge", value=at_edge),
        ]

    def scores(
        self, model: logistic.LogisticClassifier, features: np.ndarray, answers: Answers, part: str
    ) -> list[Score]:
        """Means over the labels, and the average precision of each."""
        names, measured = self._judged(model, features, answers)
        if not names:
            raise DataError(f"No label that was trained has a {part} row; use a larger split.")
        precision = measured(lambda scores, relevant: precision_at(scores, relevant, self.top))
        found = {metric: measured(resolve_name(measure)) for metric, measure in self.metrics.items()}
        means = {"labels": len(names), f"precision_at_{self.top}": precision.mean()}
        means |= {metric: values.mean() for metric, values in found.items()}
        return [
            *(Score(metric=metric, part=part, value=float(value)) for metric, value in means.items()),
            *(
                Score(metric=metric.removeprefix("m"), part=part, label=name, value=float(value))
                for metric, values in found.items()
                for name, value in zip(names, values, strict=True)
            ),
        ]

    def _judged(
        self, model: logistic.LogisticClassifier, features: np.ndarray, answers: Answers
    ) -> tuple[list[str], Callable[[Measure], np.ndarray]]:
        """The labels that were trained and that some row is known to have; what gives a measure of each."""
        chosen = model.trained & answers.certain.any(axis=0)
        names = [name for name, judged in zip(self.classes, chosen, strict=True) if judged]
        truth, mask = answers.certain[:, chosen], None if answers.known is None else answers.known[:, chosen]
        return names, partial(per_label, model.decision(features)[:, chosen], truth, known=mask)
