# SPDX-License-Identifier: MIT
"""Visual words: the means of mini-batch k-means (Sculley, 2010) over a sample of SIFT descriptors."""

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from mvi.errors import DataError, ShapeError
from mvi.features.sift import DESCRIPTOR


def learn_words(
    descriptors: np.ndarray,
    count: int = 2000,
    *,
    seed: int,
    batch_size: int = 4096,
    epochs: int = 10,
) -> np.ndarray:
    """Return `count` words (count, 128) float32 for `descriptors`, (m, 128).

    Use descriptors of rows that may be seen only. The same arguments on the same machine with the same number
    of threads give the same bytes.
    Raises `ShapeError` for another shape and `DataError` where fewer than `count` descriptors differ or one
    is not finite.
    """
    descriptors = np.asarray(descriptors, np.float32)
    if descriptors.ndim != 2 or descriptors.shape[1] != DESCRIPTOR:
        raise ShapeError(f"Descriptors must be (m, {DESCRIPTOR}), not {descriptors.shape}.")
    if not np.isfinite(descriptors).all():
        row = int(np.argmin(np.isfinite(descriptors).all(1)))
        raise DataError(f"Descriptor {row} of the sample for the visual words is not finite; leave it out.")
    # Adding 0 makes -0 a 0, which has other bytes.
    distinct = len({row.tobytes() for row in descriptors + 0})
    if distinct < count:
        raise DataError(
            f"The sample for {count} visual words has {distinct} different descriptors; take more images, "
            "more points of each, or fewer words."
        )
    means = MiniBatchKMeans(
        count,
        init=spread_out,
        # scikit-learn needs at least two steps.
        batch_size=min(batch_size, max(1, len(descriptors) // 2)),
        max_iter=epochs,
        n_init=1,
        random_state=seed,
        compute_labels=False,
        max_no_improvement=None,
    )
    return means.fit(descriptors).cluster_centers_.astype(np.float32)


def spread_out(points: np.ndarray, count: int, random_state: np.random.RandomState) -> np.ndarray:
    """Return `count` of `points`, (m, d) float32, far from each other: greedy k-means++.

    Source: Arthur and Vassilvitskii, 2007, with 2 + log(count) candidates for each choice. The result is that
    of `sklearn.cluster.kmeans_plusplus`, which takes twice as long: it converts all points to float64 again
    for each choice.
    """
    exact = points.astype(np.float64)
    lengths = np.einsum("ij,ij->i", exact, exact)
    each = np.ones(len(points), points.dtype)

    def squared_distances(rows: np.ndarray) -> np.ndarray:
        found = exact[rows] @ exact.T
        found *= -2
        found += lengths[rows, None]
        found += lengths
        return np.maximum(found.astype(points.dtype), 0)

    chosen = [random_state.choice(len(points), p=each / each.sum())]
    nearest = squared_distances(np.array(chosen))[0]
    total = nearest @ each
    for _ in range(count - 1):
        # In proportion to the squared distance to the nearest of the chosen.
        drawn = random_state.uniform(size=2 + int(np.log(count))) * total
        candidates = np.searchsorted(np.cumsum(nearest), drawn).clip(max=len(points) - 1)
        nearer = np.minimum(nearest, squared_distances(candidates))
        totals = nearer @ each
        best = np.argmin(totals)
        chosen.append(candidates[best])
        nearest, total = nearer[best], totals[best]
    return points[chosen]
