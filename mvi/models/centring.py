# SPDX-License-Identifier: MIT
"""Mean states of each kind of query, which are subtracted where states of different kinds are compared.

States of image-only, text-only and multimodal queries lie in different regions, as is known of other models
of images and text (the modality gap: Liang et al. 2022, Mind the gap, NeurIPS), so that the cosine between
them finds whatever lies nearest to the other region. The mean of each kind is what all its states have in
common.

Shapes: n rows, V words, K units of the joint representation.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from mvi.errors import DataError
from mvi.models.arrays import Values
from mvi.models.base import MultimodalModel


def mean_states(
    model: MultimodalModel,
    blocks: Iterable[Values],
    queries: Sequence[str],
    *,
    words: str = "",
    inferred: bool = False,
) -> dict[str, Tensor]:
    """The mean state (K,) of each kind of query over the rows of all `blocks`, on the model's device.

    blocks: values (n, d_m) of all modalities, as `encode` takes them; one is in memory at a time
    queries: the modalities that each kind gives, joined by "+" in the model's order
    words: the modality whose columns count words, if there is one. A query of it alone gives few of them, and
        the more a row has the further its state is from those of one word; so its mean is over the words of
        the rows one at a time
    inferred: whether a row without any word counts as one where they are missing: it is then left out of
        queries that give words

    Raises `DataError` where there is no row to take a mean over, and as `encode` does.
    """
    totals = {query: np.zeros(0) for query in queries if query != words}
    rows, counts = dict.fromkeys(totals, 0), np.zeros(0)
    for values in blocks:
        has = np.asarray(values[words] > 0) if words else None
        if has is not None:
            counts = _added(counts, has.sum(0))
        for query in totals:
            given = query.split("+")
            kept = has.any(1) if has is not None and inferred and words in given else slice(None)
            found = model.encode({name: values[name][kept] for name in given})
            totals[query] = _added(totals[query], np.asarray(found, np.float64).sum(0))
            rows[query] += len(found)
    empty = [query for query, count in rows.items() if not count]
    if empty:
        raise DataError(
            f"No training row gives {empty[0]}, so that its states have no mean; train on more rows."
        )
    means = {query: total / rows[query] for query, total in totals.items()}
    if words in queries:
        alone = model.encode({words: np.eye(model.sizes[words], dtype=np.float32)})
        # Every word once where no row has any.
        weights = counts if counts.any() else None
        means[words] = np.average(np.asarray(alone, np.float64), axis=0, weights=weights)
    return {query: torch.from_numpy(means[query]).to(model.anchor) for query in queries}


def _added(total: np.ndarray, part: np.ndarray) -> np.ndarray:
    return total + part if total.size else part
