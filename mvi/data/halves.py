# SPDX-License-Identifier: MIT
"""Images cut into a left and a right half: the two modalities of the paper's first experiment."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mvi.data.store import Store
from mvi.data.store_writer import write_store
from mvi.errors import ConfigError, ShapeError

# Down and right, in pixels: the nearest places first.
STEPS = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


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
    attributes: Mapping[str, Any] | None = None,
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
        attributes=attributes,
    )


def translated(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Translate the content of images (n, height, width) by whole pixels; what comes in at the edges is 0."""
    height, width = images.shape[1:]
    result = np.zeros_like(images)
    result[:, max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = images[
        :, max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
    ]
    return result


def write_translated_store(path: str | Path, source: str | Path, copies: int) -> None:
    """Write the halves of the store `source` with translated copies of each training row of split 1 added.

    The copies show the whole image translated by a pixel before it is cut: up, down, left and right for 4
    `copies`, and along the diagonals too for 8. They follow the rows of `source`, whose numbers stay and
    whose count is kept as the attribute `originals`, and belong to the training part. Validation and test
    rows are as they were. Raises `ConfigError` for another number of copies and what `mvi.data.store` raises.
    """
    if copies not in (4, 8):
        raise ConfigError(f"There can be 4 or 8 translated copies of an image, not {copies}.")
    with Store(source) as store:
        views = [store.read(name).reshape(-1, *store.shapes[name]) for name in store.modalities]
        images, labels, split = np.concatenate(views, 2), store.labels(), store.split(1)
        attrs = store.attrs
    train = split["train"]
    added = np.arange(len(images), len(images) + copies * len(train))
    write_halves_store(
        path,
        dataset=attrs["dataset"],
        images=np.concatenate([images, *(translated(images[train], *step) for step in STEPS[:copies])]),
        labels=np.concatenate([labels, np.tile(labels[train], copies)]),
        split={**split, "train": np.concatenate([train, added])},
        classes=attrs["classes"],
        citation=attrs["citation"],
        attributes={"originals": len(images)},
    )
