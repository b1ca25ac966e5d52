# SPDX-License-Identifier: MIT
"""What classifiers of several labels a row are scored by: average precision of each label, and its mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation.metrics import DEFINITIONS, mean_average_precision, per_label, precision_at, truth_of
from mvi.evaluation.scores import Score


class Ranking(Protocol):
    """A trained model that ranks rows for each label."""

    @property
    def trained(self) -> np.ndarray:
        """(classes,) bools: the labels that some rows trained on have and others have not."""

    def decision(self, features: np.ndarray) -> np.ndarray:
        """(n, classes) scores of rows (n, K), the higher the likelier."""


@dataclass(frozen=True)
class MultiLabel:
    """The half of a `Classifier` for labels (n, classes) of 0 and 1 that does not depend on how it learns.

    A label that none or all of the rows trained on have, or that no row of a part has, is left out of that
    part's means, and the number of those that are in is given.

    grid: the settings to choose from
    classes: names of the labels
    chosen_by: the definition of average precision (`metrics.DEFINITIONS`) that chooses among them
    top: k of precision@k

    Scores: "map_<definition>", "precision_at_<top>" and "labels" (how many the means are over) of a part, and
    "ap_<definition>" of each of these labels.
    """

    grid: Sequence[float]
    classes: Sequence[str]
    chosen_by: str = "interpolated"
    top: int = 50
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

    def quality(self, model: Ranking, features: np.ndarray, labels: np.ndarray) -> float:
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

    def scores(self, model: Ranking, features: np.ndarray, labels: np.ndarray, part: str) -> list[Score]:
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
