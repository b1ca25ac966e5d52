# SPDX-License-Identifier: MIT
"""TagProp: labels of weighted neighbours (Guillaumin, Mensink, Verbeek, Schmid 2009; Verbeek et al. 2010).

A row's score for a label is the summed weight w of those of its K nearest neighbours that have it, passed
through a sigmoid of the label. Weights go by rank, w_k ~ exp(l_k), or by distance, w_k ~ exp(-l . d_k) with
l >= 0 for the distances d of each group. Shapes: n rows, N of the database, K neighbours, G groups, V labels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, softmax

from mvi.errors import DataError
from mvi.evaluation.classification import Answers
from mvi.evaluation.groups import Distances, Group
from mvi.evaluation.multilabel import MultiLabel, trained
from mvi.evaluation.scores import Score

ROWS = 512
"""Whose neighbours' labels are held at a time."""
RIDGE = 1e-6
"""Keeps the sigmoid of a label finite whose rows a score tells apart."""


def nearest(distances: np.ndarray, count: int) -> np.ndarray:
    """(n, count) columns of the smallest `distances` (n, N), the nearest first, equal ones as they come."""
    return np.argsort(distances, axis=1, kind="stable")[:, :count]


@dataclass(frozen=True)
class Neighbours:
    """`index` (n, K) rows of a database, the nearest first, and their `distances` (n, K, G) by group."""

    index: np.ndarray
    distances: np.ndarray

    @classmethod
    def find(
        cls, distances: Distances, features: np.ndarray, count: int, *, own: bool = False
    ) -> "Neighbours":
        """Of features (n, D) the `count` nearest by the mean distance of all groups.

        With `own` they are those of the database itself, and no row is a neighbour of its own, whether or not
        there are others like it. Raises `DataError` where the database has too few rows.
        """
        if count > len(distances) - own:
            raise DataError(
                f"{count} neighbours are asked for where there are {len(distances) - own}; ask for fewer."
            )
        groups = len(distances.groups)
        index = np.empty((len(features), count), np.int64)
        found = np.empty((len(features), count, groups), np.float32)
        for block in distances.blocks(len(features)):
            each = [distances.to(features[block], number) for number in range(groups)]
            total = each[0].copy()
            for one in each[1:]:
                total += one
            if own:
                total[np.arange(len(total)), np.arange(block.start, block.stop)] = np.inf
            index[block] = nearest(total, count)
            for number, one in enumerate(each):
                found[block, :, number] = np.take_along_axis(one, index[block], axis=1)
        return cls(index, found)

    def first(self, count: int) -> "Neighbours":
        """The `count` nearest."""
        return Neighbours(self.index[:, :count], self.distances[:, :count])


def weights_of(kind: str, parameters: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """(n, K) weights, which sum to 1 in a row, by "rank", parameters (K,), or "distance", (G,)."""
    if kind == "rank":
        return np.broadcast_to(softmax(parameters), distances.shape[:2])
    return softmax(-(distances @ parameters), axis=1)


def balanced(answers: Answers) -> np.ndarray:
    """(n, V) what each label counts: present ones half of all together, absent ones half, unknown ones 0."""
    present = answers.certain > 0
    absent = ~present if answers.known is None else answers.known & ~present
    return present * (0.5 / max(present.sum(), 1)) + absent * (0.5 / max(absent.sum(), 1))


def propagated(kind: str, parameters: np.ndarray, near: Neighbours, known: np.ndarray) -> np.ndarray:
    """(n, V) summed weights of the neighbours, whose labels are `known` (N, V), that have each label."""
    found = np.empty((len(near.index), known.shape[1]))
    for start in range(0, len(found), ROWS):
        rows = slice(start, start + ROWS)
        weights = weights_of(kind, parameters, near.distances[rows])
        found[rows] = np.einsum("nk,nkv->nv", weights, known[near.index[rows]])
    return found


def loss_of_sigmoids(
    sigmoids: np.ndarray, sums: np.ndarray, labels: np.ndarray, cost: np.ndarray
) -> tuple[float, np.ndarray]:
    """Minus the balanced log-likelihood, and its slope (2 V,), by slopes and offsets (2 V,) of all labels."""
    slopes, offsets = sigmoids.reshape(2, -1)
    a = sums * slopes + offsets
    wrong = cost * (expit(a) - labels)
    slope = np.concatenate([(wrong * sums).sum(axis=0), wrong.sum(axis=0)])
    loss = (cost * (np.logaddexp(0, a) - labels * a)).sum()
    return float(loss + RIDGE / 2 * sigmoids @ sigmoids), slope + RIDGE * sigmoids


def loss_of_weights(
    parameters: np.ndarray,
    kind: str,
    near: Neighbours,
    known: np.ndarray,
    sigmoids: np.ndarray,
    labels: np.ndarray,
    cost: np.ndarray,
) -> tuple[float, np.ndarray]:
    """The same loss, without what keeps sigmoids finite, and its slope by the `parameters` of the weights."""
    slopes, offsets = sigmoids.reshape(2, -1)
    loss, total = 0.0, np.zeros_like(parameters)
    for start in range(0, len(near.index), ROWS):
        rows = slice(start, start + ROWS)
        theirs = known[near.index[rows]]
        weights = weights_of(kind, parameters, near.distances[rows])
        a = np.einsum("nk,nkv->nv", weights, theirs) * slopes + offsets
        loss += float((cost[rows] * (np.logaddexp(0, a) - labels[rows] * a)).sum())
        wrong = cost[rows] * (expit(a) - labels[rows]) * slopes
        by_weight = np.einsum("nv,nkv->nk", wrong, theirs)
        # Through the softmax: a weight grows at the cost of the others.
        by_score = weights * (by_weight - (weights * by_weight).sum(axis=1, keepdims=True))
        if kind == "rank":
            total += by_score.sum(axis=0)
        else:
            total -= np.einsum("nk,nkg->g", by_score, near.distances[rows])
    return loss, total


@dataclass(frozen=True)
class Propagation:
    """A trained model: a database with its labels (N, V), the weights and the sigmoids."""

    distances: Distances
    known: np.ndarray
    trained: np.ndarray
    """(V,) the labels that some rows of the database have and others have not."""
    count: int
    kind: str
    parameters: np.ndarray
    sigmoids: np.ndarray

    def decision(self, features: np.ndarray) -> np.ndarray:
        """(n, V) log-odds of each label for features (n, D)."""
        near = Neighbours.find(self.distances, features, self.count)
        slopes, offsets = self.sigmoids.reshape(2, -1)
        return propagated(self.kind, self.parameters, near, self.known) * slopes + offsets


@dataclass(frozen=True)
class TagProp(MultiLabel):
    """Weighted neighbours; number of neighbours and kind of weights by validation mAP.

    `grid` is the places in `candidates`. Sigmoids are fitted on uniform weights first; then weights and
    sigmoids take turns, `rounds` times, each by at most `steps` steps of L-BFGS.

    Scores, beside those of `MultiLabel`: "neighbours", "weighted_by_distance" (0 or 1) and "settings_tried".
    """

    groups: Sequence[Group] = ()
    candidates: Sequence[tuple[str, int]] = ()
    rounds: int = 5
    steps: int = 100

    @classmethod
    def of(
        cls,
        groups: Sequence[Group],
        classes: Sequence[str],
        *,
        weights: Sequence[str],
        neighbours: Sequence[int],
        **fields: int | str,
    ) -> "TagProp":
        """Each kind of `weights` with each number of `neighbours`, the other fields by name."""
        candidates = list(product(weights, neighbours))
        grid = list(map(float, range(len(candidates))))
        return cls(grid, classes, groups=groups, candidates=candidates, **fields)  # type: ignore[arg-type]

    def path(self, features: np.ndarray, answers: Answers) -> Iterator[tuple[float, Propagation]]:
        """In the order of `candidates`."""
        distances = Distances(self.groups, features)
        most = max(count for _, count in self.candidates)
        near = Neighbours.find(distances, features, most, own=True)
        for setting, (kind, count) in zip(self.grid, self.candidates, strict=True):
            yield setting, self._fit(distances, near.first(count), answers, kind)

    def fit(
        self, features: np.ndarray, answers: Answers, setting: float, near: Propagation | None = None
    ) -> Propagation:
        """Train with the candidate at place `setting`; what is `near` is of no use."""
        kind, count = self.candidates[int(setting)]
        distances = Distances(self.groups, features)
        return self._fit(distances, Neighbours.find(distances, features, count, own=True), answers, kind)

    def _fit(self, distances: Distances, near: Neighbours, answers: Answers, kind: str) -> Propagation:
        # A neighbour whose label is unknown says nothing for it.
        known = np.asarray(answers.certain, np.float64)
        cost = balanced(answers)
        count = near.index.shape[1]
        parameters = np.zeros(count if kind == "rank" else len(self.groups))
        bounds = None if kind == "rank" else [(0, None)] * len(parameters)
        sigmoids = np.zeros(2 * known.shape[1])
        for turn in range(1 + self.rounds):
            if turn:
                arguments = (kind, near, known, sigmoids, known, cost)
                parameters = self._descend(loss_of_weights, parameters, arguments, bounds)
            sums = propagated(kind, parameters, near, known)
            sigmoids = self._descend(loss_of_sigmoids, sigmoids, (sums, known, cost), None)
        return Propagation(distances, known, trained(answers), count, kind, parameters, sigmoids)

    def _descend(self, loss: object, start: np.ndarray, arguments: tuple, bounds: object) -> np.ndarray:
        options = {"maxiter": self.steps, "ftol": 1e-9}
        return minimize(loss, start, arguments, "L-BFGS-B", jac=True, bounds=bounds, options=options).x

    def choice(self, setting: float) -> list[Score]:
        """Neighbours and weights, and among how many settings."""
        kind, count = self.candidates[int(setting)]
        return [
            Score(metric="neighbours", value=count),
            Score(metric="weighted_by_distance", value=kind == "distance"),
            Score(metric="settings_tried", value=len(self.grid)),
        ]
