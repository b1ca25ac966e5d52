# SPDX-License-Identifier: MIT
"""Logistic regressions in the protocol of `mvi.evaluation.classification`: several labels a row, mAP."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from mvi.data.store import Store
from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation import logistic
from mvi.evaluation.metrics import DEFINITIONS, mean_average_precision, per_label, precision_at, truth_of
from mvi.evaluation.scores import Score


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

    @classmethod
    def of_store(cls, store: Store, settings: Mapping[str, Any]) -> Self:
        """The classifier of the labels of `store` with the other fields from `settings`."""
        return cls(classes=store.classes, **settings)

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

    def fit(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        setting: float,
        near: logistic.LogisticClassifier | None = None,
    ) -> logistic.LogisticClassifier:
        """Train with lambda = `setting`, beginning from `near`."""
        return logistic.fit(features, labels, penalty=setting, tolerance=self.tolerance, near=near)

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
