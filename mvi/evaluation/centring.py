# SPDX-License-Identifier: MIT
"""Representations around the mean of their kind of query, for searching: see `mvi.models.centring`.

Shapes: n rows, V words, K units of the joint representation.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np


def query_means(
    states: Mapping[str, Any],
    train: np.ndarray,
    *,
    words: np.ndarray | None = None,
    counts: np.ndarray | None = None,
    tagged: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """The mean state (K,) float64 of each kind of query over the rows `train`, as an exported model has it.

    states: by query, arrays or data sets of HDF5 (n, K)
    words, counts: (V, K) states of each word alone, and how many of the rows `train` have it; queries of
        "text" alone have the mean of these
    tagged: (n,) which rows have a word, if those of the others count as missing: these are left out of
        queries that give words
    """
    means = {}
    for query, found in states.items():
        given = query.split("+")
        if given == ["text"] and words is not None and counts is not None:
            weights = counts if counts.any() else None
            means[query] = np.average(words.astype(np.float64), axis=0, weights=weights)
            continue
        rows = train[tagged[train]] if tagged is not None and "text" in given else train
        means[query] = found[np.sort(rows)].mean(0, dtype=np.float64)
    return means


def around(
    states: np.ndarray, query: str, means: Mapping[str, np.ndarray], tagged: np.ndarray | None = None
) -> np.ndarray:
    """`states` (n, K) of a kind of query, each row minus the mean of its kind.

    tagged: (n,) as for `query_means`: of the others the multimodal query is the image-only one
    """
    mean = means[query]
    if tagged is not None and query not in ("image", "text"):
        mean = np.where(tagged[:, None], mean, means["image"])
    return (states - mean).astype(np.float32)
