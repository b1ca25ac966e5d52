# SPDX-License-Identifier: MIT
"""Input features to be compared by their cosine: what retrieval by representations is to be compared with.

Shapes: n rows, L of them labelled, d columns of an input.
"""

from collections.abc import Callable

import numpy as np

from mvi.data.store import Store
from mvi.errors import DataError

INPUTS = ("image", "sqrt_image", "text")
"""All features of the image as the store holds them, their signed square roots, and which tags there are."""


def query_of(name: str) -> str:
    """What a query by inputs joined by "+" gives of its rows."""
    return name.replace("sqrt_image", "image")


def input_codes(
    store: Store, name: str, train: np.ndarray, *, centre: bool, block: int
) -> Callable[[np.ndarray], np.ndarray]:
    """What gives codes (n, columns) float32 of rows.

    name: of `INPUTS`, joined by "+": each is brought to length 1, and they stand side by side, so that the
        cosine of two rows is the mean of the cosines of each
    centre: whether the mean over the rows `train`, read by `block`, is subtracted first

    Raises `DataError` for another name.
    """
    inputs = name.split("+")
    unknown = [one for one in inputs if one not in INPUTS]
    if unknown:
        raise DataError(f"There is no input {unknown[0]!r} to be compared; choose among {', '.join(INPUTS)}.")

    def read(one: str, rows: np.ndarray) -> np.ndarray:
        values = store.read("text" if one == "text" else "image", rows)
        if one == "text":
            return (values > 0).astype(np.float32)
        return np.sign(values) * np.sqrt(np.abs(values)) if one == "sqrt_image" else values

    def mean(one: str) -> np.ndarray:
        sums = (read(one, rows).sum(0, dtype=np.float64) for rows in store.blocks(train, block))
        return (sum(sums) / len(train)).astype(np.float32)

    means = {one: mean(one) if centre else np.float32(0) for one in inputs}

    def codes(rows: np.ndarray) -> np.ndarray:
        parts = []
        for one in inputs:
            values = read(one, rows) - means[one]
            length = np.linalg.norm(values, axis=1, keepdims=True)
            parts.append(values / np.where(length == 0, 1, length))
        return np.concatenate(parts, axis=1)

    return codes
