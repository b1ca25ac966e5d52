# SPDX-License-Identifier: MIT
"""Search by one tag at a time: how many of the first images found have it.

Shapes: n images, V tags of the vocabulary, t of them asked.
"""

import numpy as np

from mvi.errors import DataError
from mvi.evaluation.retrieval import CHANCE
from mvi.evaluation.scores import Score


def asked_tags(has: np.ndarray, *, tags: int, minimum: int) -> np.ndarray:
    """The (t,) columns of the `tags` commonest tags that at least `minimum` images have, commonest first.

    has: (n, V) bools, which images have which tag; equally common ones keep the order of the vocabulary

    Raises `DataError` where no tag is so common.
    """
    counts = has.sum(0)
    order = np.argsort(-counts, kind="stable")[:tags]
    found = order[counts[order] >= minimum]
    if not len(found):
        raise DataError(f"No tag has {minimum} of the {len(has)} images; lower tag_search.minimum.")
    return found


def scores_of(first: np.ndarray, has: np.ndarray, tags: np.ndarray, *, database: str) -> list[Score]:
    """What a ranking finds; `Score.method` and `Score.variant` are left empty.

    first: (t, k) rows found first by each of the `tags` (t,)
    has: (n, V) bools, which images have which tag
    database: what is known of the images that are searched: "tagged", or "untagged" where their tags are not

    Returns "tag_search_<database>_precision_at_<k>", the share of places with an image that has the tag, and
    "tag_search_<database>_different", that of different images among all places; and of the method `CHANCE`
    the former of a random ranking.
    """
    k, prefix = first.shape[1], f"tag_search_{database}"
    precision = f"{prefix}_precision_at_{k}"

    def score(metric: str, value: float, method: str = "") -> Score:
        return Score(method=method, query="text", part="test", metric=metric, value=float(value))

    return [
        score(precision, has[first, tags[:, None]].mean()),
        score(f"{prefix}_different", len(np.unique(first)) / first.size),
        score(precision, has[:, tags].mean(), CHANCE),
        score("tag_search_tags", len(tags)),
        score("tag_search_images", len(has)),
    ]
