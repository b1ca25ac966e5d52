# SPDX-License-Identifier: MIT
"""All descriptors of the paper's archive side by side, for pictures that come one file each.

The order is ours, except for the visual words, which are the last columns there too; the archive's order of
the rest is not documented.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from mvi.data.catalogue import Catalogue
from mvi.data.pictures import decode
from mvi.errors import DataError
from mvi.features.colour_layout import colour_layout
from mvi.features.colour_structure import colour_structure
from mvi.features.edge_histogram import edge_histogram
from mvi.features.gist import Gist
from mvi.features.phow import phow, sample_descriptors
from mvi.features.scalable_colour import scalable_colour
from mvi.features.texture import HomogeneousTexture

log = logging.getLogger(__name__)

# What an unreadable picture is described as: the descriptors of the middle grey.
GREY = 128


class Pictures(Protocol):
    """Picture files by row, such as those of `mvi.data.pictures`."""

    names: Sequence[str]

    def __len__(self) -> int:
        """Number of rows."""

    def read(self, i: int) -> bytes:
        """The file of row i."""


class Descriptors:
    """The 3,857 numbers of a picture: GIST, five descriptors of MPEG-7, and counts of visual words.

    `words` (w, 128) are those of `mvi.features.phow`; `size` is the side of the pictures in pixels; `gist`
    and `phow` are further settings of these two. `columns` says where each descriptor stands.
    """

    def __init__(self, words: Tensor, *, size: int, gist: Mapping[str, Any], phow: Mapping[str, Any]) -> None:
        device = words.device
        self.parts: dict[str, Callable[[Tensor], Tensor]] = {
            "gist": Gist(size, **gist).to(device),
            "edge_histogram": edge_histogram,
            "texture": HomogeneousTexture(size).to(device),
            "colour_structure": colour_structure,
            "colour_layout": colour_layout,
            "scalable_colour": scalable_colour,
            "phow": _bound(words, phow),
        }
        blank = torch.zeros(1, 3, size, size, device=device)
        self.columns: dict[str, slice] = {}
        for name, part in self.parts.items():
            start = max((taken.stop for taken in self.columns.values()), default=0)
            self.columns[name] = slice(start, start + part(blank).shape[1])

    def __len__(self) -> int:
        """Number of columns."""
        return max(columns.stop for columns in self.columns.values())

    def __call__(self, images: Tensor) -> Tensor:
        """Return (n, columns) float32 for `images` (n, 3, size, size), RGB in [0, 1]."""
        return torch.cat([part(images) for part in self.parts.values()], 1)


def _bound(words: Tensor, settings: Mapping[str, Any]) -> Callable[[Tensor], Tensor]:
    return lambda images: phow(images, words, **settings)


def rows_for_words(catalogue: Catalogue, count: int, seed: int) -> np.ndarray:
    """Choose up to `count` rows, ascending, from which visual words may be learned.

    They are unlabelled ones if there are any, else rows that are in the test part of no split, so that one
    vocabulary serves every split. Raises `DataError` where no row is left.
    """
    allowed = np.ones(catalogue.n_rows, bool)
    if catalogue.n_labelled < catalogue.n_rows:
        allowed[: catalogue.n_labelled] = False
    for split in catalogue.splits.values():
        allowed[split["test"]] = False
    rows = np.flatnonzero(allowed)
    if not len(rows):
        raise DataError(
            f"Every row of {catalogue.dataset!r} is a test row of some split, so that no visual words can be "
            "learned; set fewer splits or larger shares for train and validation."
        )
    return np.sort(np.random.default_rng(seed).permutation(rows)[:count])


def sample_for_words(
    pictures: Pictures,
    rows: Sequence[int],
    *,
    size: int,
    batch: int,
    per_picture: int,
    seed: int,
    device: str = "cpu",
    **settings: Any,
) -> np.ndarray:
    """Return SIFT descriptors (m, 128) of `rows`, up to `per_picture` of each, at random by `seed`.

    `settings` are those of `mvi.features.phow.phow`. Unreadable pictures are left out.
    """
    generator = torch.Generator().manual_seed(seed)
    found = []
    for images, readable in _batches(pictures, rows, size, batch, device, "sampling patches"):
        sample = sample_descriptors(images[readable], per_picture, generator, **settings)
        found.append(sample.cpu().numpy())
    return np.concatenate(found)


def describe(
    pictures: Pictures,
    rows: Sequence[int],
    extract: Callable[[Tensor], Tensor],
    *,
    size: int,
    batch: int,
    device: str = "cpu",
) -> tuple[np.ndarray, np.ndarray]:
    """Return the descriptors (n, d) float32 of `rows`, and those of the rows that could not be read.

    `extract` maps (m, 3, size, size) to (m, d). An unreadable picture is described as one of middle grey,
    with a warning. `batch` pictures are in memory at a time.
    """
    blocks, unreadable = [], []
    for images, readable in _batches(pictures, rows, size, batch, device, "describing pictures"):
        start = sum(map(len, blocks))
        unreadable += [rows[start + i] for i in np.flatnonzero(~readable.numpy())]
        blocks.append(extract(images).cpu().numpy())
    return np.concatenate(blocks), np.asarray(unreadable, np.int64)


def _batches(pictures: Pictures, rows: Sequence[int], size: int, batch: int, device: str, what: str) -> Any:
    # disable=None: no bar where stderr is not a terminal.
    with tqdm(desc=what, total=len(rows), unit="picture", leave=False, disable=None) as bar:
        for start in range(0, len(rows), batch):
            chosen = rows[start : start + batch]
            pixels = np.full((len(chosen), size, size, 3), GREY, np.uint8)
            readable = torch.ones(len(chosen), dtype=torch.bool)
            for i, row in enumerate(chosen):
                try:
                    pixels[i] = decode(pictures.read(int(row)), size, name=pictures.names[row])
                except DataError as error:
                    readable[i] = False
                    log.warning("row %d is described as a grey picture: %s", row, error)
            images = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float().div_(255)
            yield images.contiguous(), readable
            bar.update(len(chosen))
