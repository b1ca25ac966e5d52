# SPDX-License-Identifier: MIT
"""Pictures cut into a left and a right half: the two modalities of the paper's first experiment."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mvi.data.store import write_store
from mvi.errors import ShapeError


def cut(images: np.ndarray) -> dict[str, np.ndarray]:
    """Cut images (n, height, width) into views left and right, (n, height, width // 2) each.

    Raises `ShapeError` unless there are three axes and the width is even.
    """
    if images.ndim != 3 or images.shape[2] % 2 or not images.shape[2]:
        raise ShapeError(f"Images to be cut in halves must be (n, height, even width), not {images.shape}.")
    middle = images.shape[2] // 2
    return {"left": images[:, :, :middle], "right": images[:, :, middle:]}


def write_halves_store(
    path: str | Path,
    *,
    dataset: str,
    images: np.ndarray,
    labels: np.ndarray,
    split: Mapping[str, np.ndarray],
    classes: Sequence[str],
    citation: str,
) -> None:
    """Write the store of real `images` (n, height, width), values in [0, 1], cut in halves, as split 1.

    A half is stored as its pixels row by row; the other arguments and what is raised are those of
    `mvi.data.store.write_store`.
    """
    halves = cut(images)
    write_store(
        path,
        dataset=dataset,
        modalities={name: half.reshape(len(half), -1) for name, half in halves.items()},
        labels=labels,
        splits={1: split},
        shapes={name: half.shape[1:] for name, half in halves.items()},
        classes=classes,
        citation=citation,
    )
