# SPDX-License-Identifier: MIT
"""A linear SVM in the protocol of `mvi.evaluation.classification`: one class a row, error rate."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from mvi.data.store import Store
from mvi.errors import ShapeError
from mvi.evaluation import svm
from mvi.evaluation.metrics import error_rate
from mvi.evaluation.scores import Score


@dataclass(frozen=True)
class Svm:
    """Linear SVM for one class a row, labels (n,); C of `grid` with the lowest validation error.

    Scores: "error" in percent, and "C". `tolerance` is the stopping rule.
    """

    grid: Sequence[float]
    tolerance: float = 0.01
    metric = "error"
    """Its headline."""

    @classmethod
    def of_store(cls, store: Store, settings: Mapping[str, Any]) -> Self:
        """The classifier of the labels of `store` with the other fields from `settings`."""
        return cls(**settings)

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

    def fit(
        self, features: np.ndarray, labels: np.ndarray, setting: float, near: Any = None
    ) -> svm.LinearClassifier:
        """Train with C = `setting`, from zero weights."""
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
