# SPDX-License-Identifier: MIT
"""Logistic regressions in the protocol of `mvi.evaluation.classification`: several labels a row, mAP."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from mvi.data.store import Store
from mvi.evaluation import logistic
from mvi.evaluation.classification import Answers
from mvi.evaluation.multilabel import MultiLabel
from mvi.evaluation.scores import Score


@dataclass(frozen=True)
class Logistic(MultiLabel):
    """Independent logistic regressions for labels (n, classes) of 0 and 1; lambda by validation mAP.

    A grid of one value is a fixed lambda (the reference code's final scores: 0.001); of equally good ones
    the largest wins. `tolerance` is the stopping rule.

    Scores, beside those of `MultiLabel`: "lambda", "lambdas_tried" and "lambda_at_edge" (1 where a longer
    grid might do better).
    """

    tolerance: float = 1e-3

    @classmethod
    def of_store(cls, store: Store, settings: Mapping[str, Any]) -> Self:
        """The classifier of the labels of `store` with the other fields from `settings`."""
        return cls(classes=store.classes, **settings)

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

    def choice(self, setting: float) -> list[Score]:
        """Lambda, among how many, and whether it is at an end of the grid."""
        at_edge = len(self.grid) > 1 and setting in (min(self.grid), max(self.grid))
        return [
            Score(metric="lambda", value=setting),
            Score(metric="lambdas_tried", value=len(self.grid)),
            Score(metric="lambda_at_edge", value=at_edge),
        ]
