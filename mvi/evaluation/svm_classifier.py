# SPDX-License-Identifier: MIT
"""A linear SVM in the protocol of `mvi.evaluation.classification`: one class a row, error rate."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any, Self

import numpy as np

from mvi.data.sets.base import ERROR_RATE
from mvi.data.store import Store
from mvi.errors import ShapeError
from mvi.evaluation import svm
from mvi.evaluation.classification import Answers
from mvi.evaluation.scores import Score


@dataclass(frozen=True)
class Svm:
    """Linear SVM for one class a row, labels (n,); C of `grid` with the lowest headline on validation rows.

    Scores: `metrics`, those of the data set, and "C". `tolerance` is the stopping rule.
    """

    grid: Sequence[float]
    tolerance: float = 0.01
    metrics: Mapping[str, str] = field(default_factory=lambda: ERROR_RATE)

    @property
    def metric(self) -> str:
        """Its headline."""
        return next(iter(self.metrics))

    @classmethod
    def of_store(cls, store: Store, settings: Mapping[str, Any]) -> Self:
        """The classifier of the labels of `store` with the other fields from `settings`."""
        return cls(**settings)

    def check(self, answers: Answers) -> None:
        """Refuse labels that are no class index for each row."""
        shape, unknown = answers.labels.shape, "" if answers.known is None else " and some are unknown"
        if len(shape) != 1 or unknown:
            raise ShapeError(
                f"The labels have shape {shape}{unknown}; an SVM needs one class index for each row."
            )

    def path(self, features: np.ndarray, answers: Answers) -> Iterator[tuple[float, Any]]:
        """From the smallest C to the largest."""
        models = svm.fit_path(features, answers.labels, self.grid, tolerance=self.tolerance)
        yield from zip(self.grid, models, strict=True)

    def fit(
        self, features: np.ndarray, answers: Answers, setting: float, near: Any = None
    ) -> svm.LinearClassifier:
        """Train with C = `setting`, from zero weights."""
        return svm.fit(features, answers.labels, C=setting, tolerance=self.tolerance)

    def quality(self, model: svm.LinearClassifier, features: np.ndarray, answers: Answers) -> float:
        """Minus the headline."""
        return -self.scores(model, features, answers, "")[0].value

    def choice(self, setting: float) -> list[Score]:
        """C."""
        return [Score(metric="C", value=setting)]

    def scores(
        self, model: svm.LinearClassifier, features: np.ndarray, answers: Answers, part: str
    ) -> list[Score]:
        """Every metric."""
        predicted = model.predict(features)
        return [
            Score(metric=name, part=part, value=float(resolve_name(measure)(predicted, answers.labels)))
            for name, measure in self.metrics.items()
        ]
