# SPDX-License-Identifier: MIT
"""Linear support vector machines, one against the rest, all classes trained together.

Each class minimises what liblinear's solver 2 minimises (L2-regularised squared hinge, primal),

    f(w) = 1/2 ||w||^2 + C sum_i max(0, 1 - y_i w.x_i)^2,

with a constant feature 1 whose weight, the bias, is regularised like the others, and stops where
liblinear does: ||grad f(w)|| <= tolerance * min(positives, negatives) / n * ||grad f(0)||.

The solver is a truncated Newton method. Its cost is the product of the features with a few vectors
(see `batched`).
Conjugate gradients are preconditioned by the Hessian that a class would have if its active rows were
a random sample of all rows; its eigenvectors are the same for every class and every C.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation.batched import as_labels, as_matrix, blocks, pull_back, scores, second_moments

_NEWTON_STEPS = 200
_GRADIENT_STEPS = 500
# Accuracy of a Newton direction, relative to the gradient: a better one costs more than it saves.
_INNER_TOLERANCE = 0.3
_LINE_STEPS = 6


@dataclass(frozen=True)
class LinearClassifier:
    """One linear score a class; the class of the largest score is the answer.

    `weight` (classes, K) and `bias` (classes,) in the features' type; `classes` (classes,) sorted
    labels; `gradient` (classes,) is the gradient's norm at the solution in units of the stopping
    rule, so that values up to the tolerance asked for mean that the class has converged.
    """

    weight: np.ndarray
    bias: np.ndarray
    classes: np.ndarray
    gradient: np.ndarray

    def decision(self, features: Any) -> np.ndarray:
        """Scores (n, classes) of `features` (n, K)."""
        rows = as_matrix(features)
        if rows.shape[1] != self.weight.shape[1]:
            raise ShapeError(
                f"The classifier was trained on {self.weight.shape[1]} features and was given "
                f"{rows.shape[1]}; encode the rows with the model that the classifier belongs to."
            )
        weights = np.concatenate([self.weight, self.bias[:, None]], axis=1)
        return scores(torch.from_numpy(weights).to(rows), rows).T.cpu().numpy()

    def predict(self, features: Any) -> np.ndarray:
        """Labels (n,); of equal scores the lower label wins. `DataError` for scores that are not finite."""
        decision = self.decision(features)
        if not np.isfinite(decision).all():
            raise DataError(
                "Some scores are not finite, so some rows have no class; look for the cause in the features."
            )
        return self.classes[decision.argmax(axis=1)]


def fit(
    features: Any,
    targets: Any,
    *,
    C: float,
    tolerance: float = 0.01,
) -> LinearClassifier:
    """Train on `features` (n, K) of float32 or float64 and `targets` (n,) class labels.

    Products are taken in the features' type, sums over rows and the weights in float64. The inputs are
    numpy arrays or torch tensors on any device, and are neither changed nor copied. `C` is the weight
    of the loss. Raises `ShapeError` or `DataError` where the arrays do not fit or are not finite.
    """
    return next(fit_path(features, targets, [C], tolerance=tolerance))


def fit_path(
    features: Any,
    targets: Any,
    grid: Sequence[float],
    *,
    tolerance: float = 0.01,
) -> Iterator[LinearClassifier]:
    """Yield the classifier of each `C` in the ascending `grid`, each started from the one before.

    Arguments as for `fit`. At least one Newton step is made for each C, even where the solution of
    the previous one would pass the stopping rule already. Raises `ConfigError` for a bad grid.
    """
    grid = [float(C) for C in grid]
    if not grid or not grid[0] > 0 or not all(a < b for a, b in pairwise(grid)):
        raise ConfigError(
            f"The grid of C is {grid}; give positive numbers in ascending order, such as [0.01, 0.1]."
        )
    if not tolerance > 0:
        raise ConfigError(f"The classifier's tolerance is {tolerance}; give a positive number.")
    problem = _Problem(features, targets)
    return (problem.solve(C, tolerance) for C in grid)


class _Problem:
    """The data of a training run; vectors are (classes, K + 1) float64, the bias last."""

    def __init__(self, features: Any, targets: Any) -> None:
        self.rows = as_matrix(features)
        n, width = self.rows.shape
        labels = as_labels(targets)
        if labels.shape != (n,):
            raise ShapeError(
                f"There are {n} rows of features and labels of shape {labels.shape}; give one "
                "label for each row."
            )
        if labels.dtype.kind == "f" and not np.isfinite(labels).all():
            raise DataError("Some class labels are not finite; give every training row a class.")
        self.classes, index = np.unique(labels, return_inverse=True)
        if len(self.classes) < 2:
            raise DataError(
                f"The {n} training rows hold {len(self.classes)} class(es); a classifier needs rows "
                "of at least two."
            )
        number = torch.arange(len(self.classes), device=self.rows.device)[:, None]
        positive = torch.from_numpy(index).to(self.rows.device) == number
        self.signs = positive.to(self.rows.dtype).mul_(2).sub_(1)
        count = positive.sum(1).double()
        self.balance = torch.minimum(count, n - count) / n
        self.weights = torch.zeros(len(self.classes), width + 1, dtype=torch.float64)
        self.weights = self.weights.to(self.rows.device)
        self.scores = torch.zeros_like(self.signs)
        # The norm of the gradient at zero, divided by C.
        self.scale = 2 * pull_back(self.signs, self.rows).norm(dim=1)
        if not bool(torch.isfinite(self.scale).all()):
            raise DataError(
                "The classifier's features hold numbers that are not finite; look for them in the "
                "representation and in the model that made it."
            )
        self._spectrum: tuple[Tensor, Tensor] | None = None

    def _curvature(self, vectors: Tensor, active: Tensor, C: float) -> Tensor:
        """The Hessian times `vectors`: v + 2C X^T (active * X v), in one reading of the rows."""
        total = vectors.clone()
        weights = vectors[:, :-1].to(self.rows.dtype)
        bias = vectors[:, -1:].to(self.rows.dtype)
        for where, block in blocks(self.rows):
            part = torch.addmm(bias, weights, block.T).mul_(active[:, where])
            total[:, :-1] += 2 * C * (part @ block)
            total[:, -1] += 2 * C * part.sum(1, dtype=torch.float64)
        return total

    def _precondition(self, vectors: Tensor, share: Tensor, C: float) -> Tensor:
        """Divide by I + 2C share X^T X, with X^T X estimated from evenly spaced rows."""
        if self._spectrum is None:
            values, basis = torch.linalg.eigh(second_moments(self.rows))
            self._spectrum = values.double().clamp_min(0) * len(self.rows), basis
        values, basis = self._spectrum
        rotated = (vectors.to(basis.dtype) @ basis).double()
        rotated /= 1 + 2 * C * share[:, None] * values
        return (rotated.to(basis.dtype) @ basis.T).double()

    def _newton_direction(self, gradient: Tensor, active: Tensor, C: float) -> Tensor:
        """Solve Hessian * direction = -gradient by preconditioned conjugate gradients."""
        share = active.mean(1, dtype=torch.float64)
        direction = torch.zeros_like(gradient)
        residual = -gradient
        goal = _INNER_TOLERANCE * gradient.norm(dim=1)
        image = self._precondition(residual, share, C)
        conjugate = image
        product = (residual * image).sum(1)
        left = torch.arange(len(gradient), device=gradient.device)
        for _ in range(_GRADIENT_STEPS):
            curved = self._curvature(conjugate, active, C)
            step = (product / (conjugate * curved).sum(1))[:, None]
            direction[left] += step * conjugate
            residual = residual - step * curved
            unsolved = residual.norm(dim=1) > goal[left]
            if not bool(unsolved.any()):
                break
            if not bool(unsolved.all()):
                # Classes that are done leave, and the products get cheaper.
                left, residual, conjugate = left[unsolved], residual[unsolved], conjugate[unsolved]
                product, active, share = product[unsolved], active[unsolved], share[unsolved]
            image = self._precondition(residual, share, C)
            previous, product = product, (residual * image).sum(1)
            conjugate = image + (product / previous)[:, None] * conjugate
        return direction

    def _step_lengths(
        self, weights: Tensor, direction: Tensor, margins: Tensor, change: Tensor, C: float
    ) -> Tensor:
        """Minimise each class's objective along its direction: the root of its slope, (classes,).

        The slope is piecewise linear and rises with the length, so Newton's method, kept inside the
        bracket found so far, needs few evaluations, each over (classes, n) numbers only.
        """
        linear = (weights * direction).sum(1)
        square = (direction * direction).sum(1)
        low = torch.zeros_like(linear)
        high = torch.full_like(linear, torch.inf)
        length = torch.ones_like(linear)
        for _ in range(_LINE_STEPS):
            hinge = (1 - margins - length[:, None].to(margins.dtype) * change).clamp_min_(0)
            slope = linear + length * square
            slope -= 2 * C * (change * hinge).sum(1, dtype=torch.float64)
            bend = square + 2 * C * (change.square() * (hinge > 0)).sum(1, dtype=torch.float64)
            low = length.where(slope < 0, low)
            high = length.where(slope >= 0, high)
            guess = length - slope / bend
            middle = torch.where(high.isinf(), 2 * length, (low + high) / 2)
            length = guess.where((guess > low) & (guess < high), middle)
        return length

    def solve(self, C: float, tolerance: float) -> LinearClassifier:
        """Move the weights to the solution for `C`."""
        stuck = False
        for step in range(_NEWTON_STEPS + 1):
            margins = self.signs * self.scores
            hinge = (1 - margins).clamp_min_(0)
            gradient = self.weights - 2 * C * pull_back(self.signs * hinge, self.rows)
            size = gradient.norm(dim=1) / (C * self.scale * self.balance)
            todo = (size > (tolerance if step else 0)).nonzero().flatten()
            if not len(todo) or stuck or step == _NEWTON_STEPS:
                break
            active = (hinge[todo] > 0).to(self.rows.dtype)
            direction = self._newton_direction(gradient[todo], active, C)
            moved = scores(direction, self.rows)
            length = self._step_lengths(
                self.weights[todo], direction, margins[todo], self.signs[todo] * moved, C
            )[:, None]
            self.weights[todo] += length * direction
            self.scores[todo] += length.to(moved.dtype) * moved
            # Steps below the rounding of the features' type lead nowhere.
            change = (length * direction).norm(dim=1) / self.weights[todo].norm(dim=1)
            stuck = bool((change <= torch.finfo(self.rows.dtype).eps).all())
        # A copy also where the type is the same: the next C moves these weights on.
        weights = self.weights.to(self.rows.dtype, copy=True).cpu().numpy()
        return LinearClassifier(weights[:, :-1], weights[:, -1], self.classes, size.cpu().numpy())
