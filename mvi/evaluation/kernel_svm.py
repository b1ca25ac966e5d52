# SPDX-License-Identifier: MIT
"""Support vector machines on the mean of the kernels of all groups (Guillaumin, Verbeek, Schmid 2010).

Numbers have the kernel exp(-d / mean d) of their squared distance d, words the product of rows of unit
length. The mean of N x N kernels is taken in place, so that a database of 15,000 rows needs two of them, 0.9
GB each in float32, and then a copy of 1.8 GB that the machines are trained on, which each may copy again.
Shapes: n rows, N of the database, V labels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.svm import SVC

from mvi.evaluation.classification import Answers
from mvi.evaluation.groups import Distances, Group
from mvi.evaluation.multilabel import MultiLabel, trained
from mvi.evaluation.scores import Score


def mean_kernel(distances: Distances, features: np.ndarray) -> np.ndarray:
    """(n, N) mean over the groups of the kernels of features (n, D) with the database."""
    total: np.ndarray | None = None
    for number, group in enumerate(distances.groups):
        kernel = distances.to(features, number)
        if group.words:
            # Their distance was 1 minus the product, in units of the spread.
            kernel *= np.asarray(-distances.spreads[number], kernel.dtype)
            kernel += 1
        else:
            np.exp(np.negative(kernel, out=kernel), out=kernel)
        if total is None:
            total = kernel
        else:
            total += kernel
    assert total is not None, "a query gives something"
    total /= np.asarray(len(distances.groups), total.dtype)
    return total


@dataclass(frozen=True)
class KernelMachine:
    """A machine for each label: `coefficients` (N, V) of the database's rows, 0 but for support vectors."""

    distances: Distances
    coefficients: np.ndarray
    intercepts: np.ndarray
    trained: np.ndarray
    """(V,) bools: the labels that some rows of the database have and others have not."""

    def decision(self, features: np.ndarray) -> np.ndarray:
        """(n, V) distances from the margins, for features (n, D)."""
        found = np.empty((len(features), len(self.intercepts)))
        for block in self.distances.blocks(len(features)):
            found[block] = mean_kernel(self.distances, features[block]) @ self.coefficients + self.intercepts
        return found


@dataclass(frozen=True)
class KernelSvm(MultiLabel):
    """A machine a label on the mean kernel; C of `grid` by validation mAP, of equally good ones the smallest.

    Scores, beside those of `MultiLabel`: "C" and "settings_tried".
    """

    groups: Sequence[Group] = ()
    tolerance: float = 1e-3

    def path(self, features: np.ndarray, answers: Answers) -> Iterator[tuple[float, KernelMachine]]:
        """From the smallest C to the largest."""
        distances = Distances(self.groups, features)
        kernel = mean_kernel(distances, features).astype(np.float64)
        for setting in sorted(map(float, self.grid)):
            yield setting, self._fit(distances, kernel, answers, setting)

    def fit(
        self, features: np.ndarray, answers: Answers, setting: float, near: KernelMachine | None = None
    ) -> KernelMachine:
        """Train with C = `setting`; what is `near` is of no use."""
        distances = Distances(self.groups, features)
        return self._fit(distances, mean_kernel(distances, features).astype(np.float64), answers, setting)

    def _fit(
        self, distances: Distances, kernel: np.ndarray, answers: Answers, setting: float
    ) -> KernelMachine:
        labels, known = answers
        both = trained(answers)
        coefficients = np.zeros(labels.shape)
        intercepts = np.zeros(labels.shape[1])
        for label in np.flatnonzero(both):
            rows = np.arange(len(labels)) if known is None else np.flatnonzero(known[:, label])
            part = kernel if len(rows) == len(labels) else kernel[np.ix_(rows, rows)]
            machine = SVC(C=setting, kernel="precomputed", tol=self.tolerance).fit(part, labels[rows, label])
            coefficients[rows[machine.support_], label] = machine.dual_coef_[0]
            intercepts[label] = machine.intercept_[0]
        return KernelMachine(distances, coefficients, intercepts, both)

    def choice(self, setting: float) -> list[Score]:
        """C, and among how many."""
        return [Score(metric="C", value=setting), Score(metric="settings_tried", value=len(self.grid))]
