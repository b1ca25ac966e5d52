# SPDX-License-Identifier: MIT
"""From which images visual words may be learned, and patches of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from mvi.data.catalogue import Catalogue
from mvi.data.images import Images
from mvi.data.splits import learn_from_unlabelled
from mvi.errors import DataError
from mvi.features.phow import sample_descriptors
from mvi.features.reading import batches


def rows_for_words(catalogue: Catalogue, count: int, seed: int) -> np.ndarray:
    """Choose up to `count` rows, ascending, from which visual words may be learned.

    They are unlabelled ones where these are used for learning (`mvi.data.splits.learn_from_unlabelled`), else
    also the labelled ones that are training rows of every split, so that one vocabulary serves them all.
    Raises `DataError` where no row is left.
    """
    allowed = np.ones(catalogue.n_rows, bool)
    if learn_from_unlabelled(catalogue.n_rows, catalogue.n_labelled, catalogue.splits):
        allowed[: catalogue.n_labelled] = False
    for split in catalogue.splits.values():
        allowed[split["validation"]] = allowed[split["test"]] = False
    rows = np.flatnonzero(allowed)
    if not len(rows):
        raise DataError(
            f"No row of {catalogue.dataset!r} is a training row of every split, so that no visual words "
            "can be learned; set fewer splits, or a larger share for train, in the config."
        )
    return np.sort(np.random.default_rng(seed).permutation(rows)[:count])


def sample_for_words(
    images: Images,
    rows: Sequence[int],
    *,
    size: int,
    batch: int,
    per_image: int,
    seed: int,
    device: str = "cpu",
    **settings: Any,
) -> np.ndarray:
    """Return SIFT descriptors (m, 128) of `rows`, up to `per_image` of each, at random by `seed`.

    `settings` are those of `mvi.features.phow.phow`. Unreadable images are left out.
    """
    generator = torch.Generator().manual_seed(seed)
    found = []
    for pixels, readable in batches(images, rows, size, batch, device, "sampling patches"):
        sample = sample_descriptors(pixels[readable], per_image, generator, **settings)
        found.append(sample.cpu().numpy())
    return np.concatenate(found)
