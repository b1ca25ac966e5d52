# SPDX-License-Identifier: MIT
"""Test images whose tags are taken away: what both modalities are worth where many images have no tags.

A classifier meets the rows without tags as the features that say so, after it has been trained as usual.
"""

from collections.abc import Callable, Sequence

import numpy as np

from mvi.evaluation.classification import Query
from mvi.evaluation.scores import UNTAGGED, share_variant


def queries_without_tags(
    name: str,
    features: Callable[[np.ndarray, np.ndarray], np.ndarray],
    test: np.ndarray,
    tagged: np.ndarray | None,
    shares: Sequence[int],
    *,
    seed: int,
    split: int,
) -> list[Query]:
    """Queries of both modalities, of which some rows have lost one.

    name: that of the query of both
    features: `features(rows, missing)`, of rows (n,) of which those that are `missing` (n,) have no tags
    test: the test rows of `split`, from which rows are drawn by `seed`, the same for every model; those of a
        smaller share are among those of a larger one
    tagged: (L,) which rows have tags; None leaves out the query whose other rows have them missing
    shares: percent of the test rows
    """
    order = np.random.default_rng([seed, split]).permutation(test)

    def query(variant: str, lost: np.ndarray) -> Query:
        return Query(name, lambda rows: features(rows, np.isin(rows, lost)), variant=variant)

    found = [
        query(share_variant(share), order[: round(share * len(order) / 100)]) for share in sorted(shares)
    ]
    return found if tagged is None else [query(UNTAGGED, test[~tagged[test]]), *found]
