# SPDX-License-Identifier: MIT
"""Pictures cut into a left and a right half: the two modalities of the paper's first experiment."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mvi.data.store import Store
from mvi.data.store_writer import write_store
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
    `mvi.data.store_writer.write_store`.
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


def moved(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Move the content of images (n, height, width) by whole pixels; what comes in at the edges is 0."""
    height, width = images.shape[1:]
    result = np.zeros_like(images)
    result[:, max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = images[
        :, max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
    ]
    return result


def write_shifted_store(path: str | Path, source: str | Path, pixels: int) -> None:
    """Write the halves of the store `source` with four copies of each training row of split 1 added.

    The copies show the whole picture moved by `pixels` up, down, left and right before it is cut; they
    follow the rows of `source`, whose numbers stay, and belong to the training part. Validation and test
    rows are as they were. What is raised is what `mvi.data.store` and `mvi.data.store_writer` raise.
    """
    with Store(source) as store:
        views = [store.read(name).reshape(-1, *store.shapes[name]) for name in store.modalities]
        images, labels, split = np.concatenate(views, 2), store.labels(), store.split(1)
        attrs = store.attrs
    train = split["train"]
    copies = [moved(images[train], *step) for step in ((-pixels, 0), (pixels, 0), (0, -pixels), (0, pixels))]
    added = np.arange(len(images), len(images) + 4 * len(train))
    write_halves_store(
        path,
        dataset=attrs["dataset"],
        images=np.concatenate([images, *copies]),
        labels=np.concatenate([labels, np.tile(labels[train], 4)]),
        split={**split, "train": np.concatenate([train, added])},
        classes=attrs["classes"],
        citation=attrs["citation"],
    )
