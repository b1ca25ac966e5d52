# SPDX-License-Identifier: MIT
"""The 1,797 handwritten digits that scikit-learn carries: real data without a download."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mvi.data.halves import write_halves_store
from mvi.data.splits import stratified

BRIGHTEST = 16  # pixels are counts of ink in 4x4 cells of a binary image


def load() -> tuple[np.ndarray, np.ndarray]:
    """Return images (1797, 8, 8) float32 in [0, 1] and labels (1797,) int64, the digit 0 to 9."""
    # Importing scikit-learn takes seconds; other users of this package do not need it.
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return (bunch.images / BRIGHTEST).astype(np.float32), bunch.target.astype(np.int64)


def write_digits_store(
    path: str | Path, raw: Mapping[str, str], settings: Mapping[str, Any], *, dataset: str, citation: str
) -> None:
    """Write the store of the digits, cut in halves, with one stratified split.

    `settings` are those of `mvi.data.sets.digits`; there are no `raw` files. Raises `DataError` where a part
    gets no row of some digit.
    """
    images, labels = load()
    shares = {"validation": settings["validation"], "test": settings["test"]}
    shares["train"] = 1 - sum(shares.values())
    write_halves_store(
        path,
        dataset=dataset,
        images=images,
        labels=labels,
        split=stratified(labels, shares, np.random.default_rng(settings["seed"])),
        classes=[str(digit) for digit in range(10)],
        citation=citation,
    )
