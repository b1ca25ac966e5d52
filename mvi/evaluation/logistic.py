# SPDX-License-Identifier: MIT
"""Independent logistic regressions, one a label, all trained together by L-BFGS.

Each label minimises what the reference code's classifier of images and tags minimises,

    f(w, b) = mean_i cross-entropy(y_i, sigmoid(w.x_i + b)) + lambda / 2 ||w||^2,

the mean over the rows whose label is known, the bias not penalised (reference code, "multiclass logistic
regression" on 38 labels; scikit-learn's C is 1 / (lambda n)). The labels do not interact, so each has a
history, a step length and an end of its own, while each block of rows is read once for all of them (see
`batched`). Where the reference code takes up to 2000 steps of one L-BFGS over all labels, the same minimum is
found in some tens:

- The first guess of the inverse Hessian is not a multiple of the identity but the inverse of
  lambda I + s E[x x^T], with s the mean of p (1 - p) over rows and a typical label. Descriptors are
  strongly correlated, and this is what makes the difference.
- Scores are linear in the step length, so the line search reads no features and can be exact.
- What L-BFGS has seen of the curvature for one lambda is known for the next: the Hessian changes by the
  difference of the two. It is a good guess for more rows of the same kind, too, and makes up for a factor
  of another lambda.
- Where there are fewer rows than features, the weights lie in the span of the rows (the penalty leaves
  nothing outside it), and are looked for there: the same problem, turned, with as many features as rows.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation.batched import as_labels, as_matrix, pull_back, scores, second_moments
from mvi.evaluation.metrics import partly

_LINE_STEPS = 5
# Ridge of the bias in the preconditioner, as a share of lambda: it needs one to be positive definite.
_BIAS_RIDGE = 1e-3
# How many times larger or smaller lambda may be than that of the factor, which costs as much as some steps.
_FACTOR_SERVES = 4


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LogisticClassifier:
    """One logit a label.

    `weight` (labels, K) and `bias` (labels,) in the features' type. `trained` (labels,) is false for a
    label that all training rows or none of them have: its best bias would be infinite, so its weights
    are 0 and its bias is the log odds of its counts with 1/2 added to each. `gradient` (labels,) is the
    gradient's norm at the solution over that at zero weights, so that values up to the tolerance asked
    for mean that the label has converged; `steps` is the number of L-BFGS steps taken. `curvature` is what
    another training may begin with.
    """

    weight: np.ndarray
    bias: np.ndarray
    trained: np.ndarray
    gradient: np.ndarray
    steps: int
    curvature: "Curvature" = field(repr=False, compare=False)

    def decision(self, features: Any) -> np.ndarray:
        """Logits (n, labels) of `features` (n, K), by which rows are ranked."""
        rows = as_matrix(features)
        if rows.shape[1] != self.weight.shape[1]:
            raise ShapeError(
                f"The classifier was trained on {self.weight.shape[1]} features and was given "
                f"{rows.shape[1]}; encode the rows as those that the classifier was trained on."
            )
        weights = np.concatenate([self.weight, self.bias[:, None]], axis=1)
        return scores(torch.from_numpy(weights).to(rows), rows).T.cpu().numpy()


def fit(
    features: Any,
    labels: Any,
    *,
    penalty: float,
    known: Any = None,
    tolerance: float = 1e-3,
    steps: int = 2000,
    history: int = 30,
    near: LogisticClassifier | None = None,
) -> LogisticClassifier:
    """Train on `features` (n, K) of float32 or float64 and `labels` (n, labels) of 0 and 1.

    `known` (n, labels) bool is false where a row counts neither for nor against a label, whatever `labels`
    hold there; None where all are known.
    Products are taken in the features' type, sums over rows and the weights in float64. The inputs are
    numpy arrays or torch tensors on any device, and are not changed, nor copied unless there are fewer
    rows than features. `penalty` is lambda, `history` the number of pairs that L-BFGS remembers and
    `steps` the most that it takes. A label ends where the norm of its gradient is `tolerance` times that
    at zero weights, or where it is lost in the rounding of the features' type. `near`, trained on some of the
    rows, is begun from, but where there are fewer rows than features. Raises `ShapeError` or
    `DataError` where the arrays do not fit or hold what they should not, and `ConfigError` for a bad
    setting.
    """
    settings: dict[str, Any] = {"tolerance": tolerance, "steps": steps, "history": history}
    return next(fit_path(features, labels, [penalty], known=known, near=near, **settings))


def fit_path(
    features: Any,
    labels: Any,
    grid: Sequence[float],
    *,
    known: Any = None,
    tolerance: float = 1e-3,
    steps: int = 2000,
    history: int = 30,
    near: LogisticClassifier | None = None,
) -> Iterator[LogisticClassifier]:
    """Yield the classifier of each lambda in the descending `grid`, each started from the one before.

    Arguments as for `fit`. Raises `ConfigError` for a bad grid.
    """
    grid = [float(penalty) for penalty in grid]
    if not grid or not grid[-1] > 0 or not all(a > b for a, b in pairwise(grid)):
        raise ConfigError(
            f"The grid of lambda is {grid}; give positive numbers in descending order, such as [0.1, 0.01]."
        )
    if not tolerance > 0 or steps < 1 or history < 1:
        raise ConfigError(
            f"The logistic regression has tolerance {tolerance}, steps {steps} and history {history}; "
            "give positive numbers."
        )
    problem = _Problem(features, labels, known, near)
    return (problem.solve(penalty, tolerance, steps, history) for penalty in grid)


class _Pair(NamedTuple):
    """Changes (labels, K + 1) in the features' type: of weights by a step, and of the gradient with them.

    `inverse` (labels,) is 1 over their product, or 0, which has no effect, where a label did not move or its
    change was lost in rounding.
    """

    moved: Tensor
    bent: Tensor
    inverse: Tensor

    @classmethod
    def of(cls, moved: Tensor, bent: Tensor) -> "_Pair":
        product = torch.linalg.vecdot(moved, bent)
        return cls(moved, bent, torch.where(product > 0, 1 / product, torch.zeros_like(product)))


class Curvature(NamedTuple):
    """What is known of the Hessians of a training.

    moments: second moments (K + 1, K + 1) of the rows
    factor: the Cholesky factor of a typical label's Hessian with lambda = `factored_at`
    pairs: the last steps with lambda = `penalty`
    """

    moments: Tensor
    factor: Tensor | None = None
    factored_at: float = 1.0
    pairs: Sequence[_Pair] = ()
    penalty: float = 0.0

    def near(self, penalty: float) -> bool:
        """Whether the factor will do for lambda = `penalty`, beside the steps."""
        return self.factor is not None and 1 / _FACTOR_SERVES <= penalty / self.factored_at <= _FACTOR_SERVES

    def steps(self, penalty: float) -> list[_Pair]:
        """The last steps, as if lambda had been `penalty`."""
        more = penalty - self.penalty
        return [
            _Pair.of(moved, torch.cat([bent[:, :-1] + more * moved[:, :-1], bent[:, -1:]], 1))
            for moved, bent, _ in self.pairs
        ]


class _Problem:
    """The data of a training run; vectors are (labels, K + 1) float64, the bias last."""

    def __init__(
        self, features: Any, labels: Any, known: Any = None, near: LogisticClassifier | None = None
    ) -> None:
        self.rows = as_matrix(features)
        n, width = self.rows.shape
        given = as_labels(labels)
        if given.ndim != 2 or len(given) != n or not n:
            raise ShapeError(
                f"There are {n} rows of features and labels of shape {given.shape}; give a row of "
                "labels for each row of features."
            )
        mask = partly(known, given.shape)
        if mask is not None:
            given = np.where(mask, given, 0)
        if not np.isin(given, (0, 1)).all():
            raise DataError("The labels hold values other than 0 and 1; give 1 where a row has the label.")
        self.truth = torch.from_numpy(given.T.astype(np.uint8)).to(self.rows)
        # What each row counts in the mean of each label, nothing where it is unknown; None where all count 1.
        self.counts: Tensor | None = None
        number: Tensor | int = n
        if mask is not None:
            self.counts = torch.from_numpy(mask.T.astype(np.uint8)).to(self.rows)
            number = self.counts.sum(1, dtype=torch.float64)
            self.counts *= (n / number.clamp_min(1))[:, None]
        count = self.truth.sum(1, dtype=torch.float64)
        self.trained = (count > 0) & (count < number)
        inner = count.where(self.trained, count + 0.5) / torch.where(self.trained, number, number + 1)
        self.basis: Tensor | None = None
        if n < width:
            self.basis, turned = torch.linalg.qr(self.rows.T.double())
            self.rows, width = turned.T.to(self.rows.dtype).contiguous(), n
        self.weights = torch.zeros(len(count), width + 1, dtype=torch.float64, device=self.rows.device)
        self.weights[:, -1] = torch.logit(inner)
        if near is None or self.basis is not None or len(near.curvature.moments) != width + 1:
            self.curvature = Curvature(second_moments(self.rows))
        else:
            self.curvature = near.curvature
            begun = torch.from_numpy(np.column_stack([near.weight, near.bias])).to(self.weights)
            self.weights[self.trained] = begun[self.trained]
        moments = self.curvature.moments
        if not bool(torch.isfinite(moments).all()) or not bool(torch.isfinite(self.rows.sum())):
            raise DataError(
                "The classifier's features hold numbers that are not finite; look for them in what "
                "computed the features."
            )
        rate = inner[:, None].to(self.rows.dtype)
        residuals = rate - self.truth
        if self.counts is not None:
            residuals *= self.counts
        self.scale = (pull_back(residuals, self.rows) / n).norm(dim=1)
        self.rounding = torch.finfo(self.rows.dtype).eps
        # Rounding of the residuals alone makes a gradient of about this size.
        self.noise = self.rounding * moments.diagonal().sum().double().sqrt() * inner

    def _gradient(self, which: Tensor, logits: Tensor, penalty: float) -> Tensor:
        residuals = torch.sigmoid(logits) - self.truth[which]
        if self.counts is not None:
            residuals *= self.counts[which]
        gradient = pull_back(residuals, self.rows) / len(self.rows)
        gradient[:, :-1] += penalty * self.weights[which, :-1]
        return gradient

    def _factor(self, logits: Tensor, penalty: float) -> Tensor:
        """Cholesky factor of the Hessian of a typical label, if p (1 - p) were the same for all rows."""
        probability = torch.sigmoid(logits)
        share = (probability * (1 - probability)).mean(1, dtype=torch.float64)
        typical = float(share.clamp_min(1e-6).log().mean().exp())
        hessian = self.curvature.moments * typical
        # What rounding may take from the smallest eigenvalue.
        rounding = self.rounding * float(hessian.diagonal().sum())
        ridge = torch.full_like(hessian.diagonal(), penalty + rounding)
        ridge[-1] = penalty * _BIAS_RIDGE + rounding
        return torch.linalg.cholesky(hessian + torch.diag(ridge))

    def _step_lengths(
        self, which: Tensor, direction: Tensor, logits: Tensor, change: Tensor, penalty: float
    ) -> Tensor:
        """Minimise each label's cost along its direction: the root of its slope, (labels,).

        The slope rises with the length, so Newton's method, kept inside the bracket found so far, needs
        few evaluations, each over (labels, n) numbers only.
        """
        linear = penalty * (self.weights[which, :-1] * direction[:, :-1]).sum(1)
        square = penalty * direction[:, :-1].square().sum(1)
        truth, counts = self.truth[which], None if self.counts is None else self.counts[which]
        low = torch.zeros_like(linear)
        high = torch.full_like(linear, torch.inf)
        length = torch.ones_like(linear)
        for _ in range(_LINE_STEPS):
            probability = torch.sigmoid(logits + length[:, None].to(change.dtype) * change)
            slope = _mean((probability - truth) * change, counts) + linear + length * square
            bend = _mean(probability * (1 - probability) * change.square(), counts) + square
            low = length.where(slope < 0, low)
            high = length.where(slope >= 0, high)
            guess = length - slope / bend
            middle = torch.where(high.isinf(), 2 * length, (low + high) / 2)
            length = guess.where((guess > low) & (guess < high), middle)
        return length

    def solve(self, penalty: float, tolerance: float, steps: int, history: int) -> LogisticClassifier:
        """Move the weights to the solution for lambda = `penalty`."""
        goal = torch.maximum(tolerance * self.scale, self.noise)
        norm = torch.zeros_like(goal)
        which = self.trained.nonzero().flatten()
        logits = scores(self.weights[which], self.rows)
        gradient = self._gradient(which, logits, penalty)
        curvature = self.curvature
        if len(which) and not curvature.near(penalty):
            curvature = curvature._replace(factor=self._factor(logits, penalty), factored_at=penalty)
        factor, pairs = curvature.factor, curvature.steps(penalty)
        moving = torch.ones_like(which, dtype=torch.bool)
        taken = 0
        while True:
            norm[which] = gradient.norm(dim=1)
            left = moving & (norm[which] > goal[which])
            if not bool(left.any()) or taken == steps:
                break
            if not bool(left.all()):
                # Labels that are done leave, and the products get cheaper.
                which, logits, gradient = which[left], logits[left], gradient[left]
            assert factor is not None, "a label is left only where there was one"
            seen = pairs
            if len(which) < len(norm):
                seen = [_Pair(*(part[which] for part in pair)) for pair in pairs]
            direction = -_two_loops(gradient.to(factor.dtype), seen, factor).double()
            change = scores(direction, self.rows)
            length = self._step_lengths(which, direction, logits, change, penalty)[:, None]
            moved = length * direction
            self.weights[which] += moved
            logits = logits + length.to(change.dtype) * change
            previous, gradient = gradient, self._gradient(which, logits, penalty)
            changes = torch.zeros(2, *self.weights.shape, dtype=factor.dtype, device=factor.device)
            changes[:, which] = torch.stack([moved, gradient - previous]).to(factor.dtype)
            pairs = [*pairs, _Pair.of(*changes)][-history:]
            # Steps below the rounding of the features' type lead nowhere.
            moving = moved.norm(dim=1) > self.rounding * self.weights[which].norm(dim=1)
            taken += 1
        self.curvature = curvature._replace(pairs=pairs, penalty=penalty)
        if taken == steps and (late := int((norm > goal).sum())):
            log.warning("%d of %d labels had not converged after %d steps", late, len(norm), steps)
        weight = self.weights[:, :-1] if self.basis is None else self.weights[:, :-1] @ self.basis.T
        relative = norm / self.scale.where(self.scale > 0, torch.ones_like(self.scale))
        return LogisticClassifier(
            weight.to(self.rows.dtype, copy=True).cpu().numpy(),
            self.weights[:, -1].to(self.rows.dtype, copy=True).cpu().numpy(),
            self.trained.cpu().numpy(),
            relative.cpu().numpy(),
            taken,
            self.curvature,
        )


def _mean(values: Tensor, counts: Tensor | None) -> Tensor:
    """Means (labels,) float64 of `values` (labels, n), whose rows count alike or as `counts` say."""
    return (values if counts is None else values * counts).mean(1, dtype=torch.float64)


def _two_loops(gradient: Tensor, pairs: Sequence[_Pair], factor: Tensor) -> Tensor:
    """L-BFGS's inverse Hessian times `gradient` (Nocedal & Wright 2006, Algorithm 7.4), label by label."""
    vector = gradient
    amounts = []
    for moved, bent, inverse in reversed(pairs):
        amounts.append((inverse * torch.linalg.vecdot(moved, vector))[:, None])
        vector = torch.addcmul(vector, amounts[-1], bent, value=-1)
    # With few columns, three times as fast as `cholesky_solve`.
    for triangle, is_upper in ((factor, False), (factor.mT, True)):
        vector = torch.linalg.solve_triangular(triangle, vector.T, upper=is_upper).T
    for (moved, bent, inverse), amount in zip(pairs, reversed(amounts), strict=True):
        vector = torch.addcmul(vector, amount - (inverse * torch.linalg.vecdot(bent, vector))[:, None], moved)
    return vector
