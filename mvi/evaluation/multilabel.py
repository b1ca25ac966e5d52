# SPDX-License-Identifier: MIT
"""What classifiers of several labels a row are scored by: average precision of each label, and its mean."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pkgutil import resolve_name
from typing import Protocol

import numpy as np

from mvi.data.sets.base import MEAN_AVERAGE_PRECISION
from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation.classification import Answers
from mvi.evaluation.metrics import Measure, per_label, precision_at, truth_of
from mvi.evaluation.scores import Score


class Ranking(Protocol):
    """A trained model that ranks rows for each label."""

    @property
    def trained(self) -> np.ndarray:
        """(classes,) bools: the labels that some rows trained on have and others have not."""

    def decision(self, features: np.ndarray) -> np.ndarray:
        """(n, classes) scores of rows (n, K), the higher the likelier."""


def trained(answers: Answers) -> np.ndarray:
    """(classes,) bools: the labels that some rows are known to have and others are known not to have."""
    absent = answers.labels == 0 if answers.known is None else answers.known & (answers.labels == 0)
    return answers.certain.any(axis=0) & absent.any(axis=0)


@dataclass(frozen=True)
class MultiLabel:
    """The half of a `Classifier` for labels (n, classes) of 0 and 1 that does not depend on how it learns.

    A label that none or all of the rows trained on have, or that no row of a part has, is left out of that
    part's means, and the number of those that are in is given. A row whose label of a class is unknown counts
    nowhere for that class.

    grid: the settings to choose from
    classes: names of the labels
    chosen_by: of `metrics`, named without "map_", the one that chooses among them
    k: of precision@k
    metrics: those of the data set (`mvi.data.sets.base`), the headline first

    Scores: `metrics`, "precision_at_<k>" and "labels" (how many the means are over) of a part, and of each
    of these labels the metrics, "map_..." as "ap_...".
    """

    grid: Sequence[float]
    classes: Sequence[str]
    chosen_by: str = "interpolated"
    k: int = 50
    metrics: Mapping[str, str] = field(default_factory=lambda: MEAN_AVERAGE_PRECISION)

    @property
    def metric(self) -> str:
        """Its headline."""
        return next(iter(self.metrics))

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

    def quality(self, model: Ranking, features: np.ndarray, answers: Answers) -> float:
        """The mean of the metric that chooses."""
        return self.mean(f"map_{self.chosen_by}", model, features, answers)

    def mean(self, metric: str, model: Ranking, features: np.ndarray, answers: Answers) -> float:
        """The mean of a metric over the labels that were trained and that some row has."""
        names, measured = self._scored(model, features, answers)
        if not names:
            raise DataError(
                "No label has both training rows with and without it and a validation row with it; use a "
                "larger split."
            )
        return float(measured(resolve_name(self.metrics[metric])).mean())

    def scores(self, model: Ranking, features: np.ndarray, answers: Answers, part: str) -> list[Score]:
        """Means over the labels, and the average precision of each."""
        names, measured = self._scored(model, features, answers)
        if not names:
            raise DataError(f"No label that was trained has a {part} row; use a larger split.")
        precision = measured(lambda scores, relevant: precision_at(scores, relevant, self.k))
        found = {metric: measured(resolve_name(measure)) for metric, measure in self.metrics.items()}
        means = {"labels": len(names), f"precision_at_{self.k}": precision.mean()}
        means |= {metric: values.mean() for metric, values in found.items()}
        return [
            *(Score(metric=metric, part=part, value=float(value)) for metric, value in means.items()),
            *(
                Score(metric=metric.removeprefix("m"), part=part, label=name, value=float(value))
                for metric, values in found.items()
                for name, value in zip(names, values, strict=True)
            ),
        ]

    def _scored(
        self, model: Ranking, features: np.ndarray, answers: Answers
    ) -> tuple[list[str], Callable[[Measure], np.ndarray]]:
        """The labels that were trained and that some row is known to have; what gives a measure of each."""
        chosen = model.trained & answers.certain.any(axis=0)
        names = [name for name, wanted in zip(self.classes, chosen, strict=True) if wanted]
        truth, mask = answers.certain[:, chosen], None if answers.known is None else answers.known[:, chosen]
        return names, partial(per_label, model.decision(features)[:, chosen], truth, known=mask)
