# SPDX-License-Identifier: MIT
"""Input features in groups that each have a distance of their own: what neighbours and kernels are made of.

A group is a descriptor of images, a modality that is of one piece, or the tags. Shapes: n rows, N rows of a
database, d columns of a group, D of all groups that a query gives.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mvi.data import transforms
from mvi.data.store import Store
from mvi.data.transforms import Binarise, Counts, Transform
from mvi.evaluation.classification import Classifier, Query, evaluate
from mvi.evaluation.queries import queries_of
from mvi.evaluation.scores import Score

BLOCK_NUMBERS = 2**24
"""Distances that are held at a time of each group, 64 MiB."""


@dataclass(frozen=True)
class Group:
    """Where a group lies among the columns of a query, and whether they are `words`.

    Numbers are at the squared Euclidean distance from each other, rows of words at 1 minus their cosine: rows
    without a word are at 1 from all, also from each other, since nothing is known of either.
    """

    columns: slice
    words: bool

    def of(self, features: np.ndarray) -> np.ndarray:
        """(n, d) what distances are taken between, of features (n, D): of words in unit length."""
        rows = features[:, self.columns]
        if not self.words:
            return rows
        lengths = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
        return rows / np.where(lengths > 0, lengths, 1)

    def spread(self, rows: np.ndarray) -> float:
        """Mean distance of all pairs of `rows` (N, d), each with itself among them; 1 where it would be 0."""
        mean = rows.mean(axis=0, dtype=np.float64)
        if self.words:
            found = 1 - mean @ mean
        else:
            found = 2 * (np.square(rows, dtype=np.float64).sum() / len(rows) - mean @ mean)
        return float(found) if found > 1e-12 else 1.0

    def between(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        """(n, N) distances of `rows` (n, d) to `others` (N, d), both as `of` gives them."""
        found = rows @ others.T
        if self.words:
            return np.subtract(1, found, out=found)
        found *= -2
        found += np.square(rows).sum(axis=1)[:, None]
        found += np.square(others).sum(axis=1)
        return np.maximum(found, 0, out=found)


class Distances:
    """Distances to the rows of a database, of each group by its `spread` among them."""

    def __init__(self, groups: Sequence[Group], database: np.ndarray) -> None:
        self.groups = list(groups)
        self.database = [group.of(database) for group in groups]
        self.spreads = [group.spread(rows) for group, rows in zip(groups, self.database, strict=True)]

    def __len__(self) -> int:
        return len(self.database[0])

    def to(self, features: np.ndarray, number: int) -> np.ndarray:
        """(n, N) distances of features (n, D) in group `number`, 1 on average over the database."""
        group = self.groups[number]
        found = group.between(group.of(features), self.database[number])
        found /= np.asarray(self.spreads[number], found.dtype)
        return found

    def blocks(self, rows: int) -> list[slice]:
        """Of how many rows at a time distances are to be taken."""
        size = max(1, BLOCK_NUMBERS // len(self))
        return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]


def groups_of(store: Store, scale: dict[str, Transform], given: Sequence[str]) -> list[Group]:
    """The groups of the `given` modalities side by side; the descriptors are parts of the images."""
    parts = store.attrs["attributes"].get("descriptors", {})
    found, start = [], 0
    for name in given:
        words = isinstance(scale[name], Binarise | Counts)
        whole = {name: (0, store.sizes[name])}
        ends = whole if words or not parts else parts
        found += [Group(slice(start + first, start + last), words) for first, last in ends.values()]
        start += store.sizes[name]
    return found


def evaluate_groups(
    store: Store, scale_path: Path, split: int, classifier: Callable[[list[Group]], Classifier]
) -> list[Score]:
    """Scores of a classifier of its own for each query of `store`, on what it gives of the scaled inputs.

    `classifier` makes one for the groups of a query: those of missing modalities are left out, in training
    and at test. Raises as `mvi.evaluation.classification.evaluate` does.
    """
    scale, _ = transforms.load(scale_path)
    labels, known, parts = store.labels(), store.known(), store.split(split)
    values = transforms.read(store, scale, np.arange(store.n_labelled)).numpy()
    ends = np.cumsum([0, *(store.sizes[name] for name in scale)])
    columns = {name: np.arange(ends[i], ends[i + 1]) for i, name in enumerate(scale)}
    found = []
    for query in queries_of(store.modalities):
        given = query.split("+")
        chosen = np.concatenate([columns[name] for name in given])
        features = values if len(chosen) == values.shape[1] else values[:, chosen]
        asked = Query(query, features.__getitem__)
        scores = evaluate([asked], labels, parts, classifier(groups_of(store, scale, given)), known=known)
        found += [replace(score, query=query) for score in scores]
    return found
