# SPDX-License-Identifier: MIT
"""All descriptors of the paper's archive side by side, for images that come one file each.

The order is ours, except for the visual words, which are the last columns there too; the archive's order of
the rest is not documented.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mvi.data.images import Images
from mvi.features.colour_layout import colour_layout
from mvi.features.colour_structure import colour_structure
from mvi.features.edge_histogram import edge_histogram
from mvi.features.gist import Gist
from mvi.features.phow import phow
from mvi.features.reading import batches
from mvi.features.scalable_colour import scalable_colour
from mvi.features.texture import HomogeneousTexture


class Descriptors:
    """The 3,857 features of an image: GIST, five descriptors of MPEG-7, and counts of visual words.

    `words` (w, 128) are those of `mvi.features.phow`; `size` is the side of the images in pixels;
    `settings` maps names of descriptors to further arguments of theirs. `columns` says where each stands.
    """

    def __init__(self, words: Tensor, *, size: int, **settings: Mapping[str, Any]) -> None:
        device = words.device
        self.parts: dict[str, Callable[[Tensor], Tensor]] = {
            "gist": Gist(size, **settings.get("gist", {})).to(device),
            "edge_histogram": partial(edge_histogram, **settings.get("edge_histogram", {})),
            "texture": HomogeneousTexture(size).to(device),
            "colour_structure": partial(colour_structure, **settings.get("colour_structure", {})),
            "colour_layout": colour_layout,
            "scalable_colour": partial(scalable_colour, **settings.get("scalable_colour", {})),
            "phow": partial(phow, words=words, **settings.get("phow", {})),
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


def describe(
    images: Images,
    rows: Sequence[int],
    extract: Callable[[Tensor], Tensor],
    *,
    size: int,
    batch: int,
    device: str = "cpu",
) -> tuple[np.ndarray, np.ndarray]:
    """Return the descriptors (n, d) float32 of `rows`, and those of the rows that could not be read.

    `extract` maps (m, 3, size, size) to (m, d). An unreadable image is described as one of middle grey,
    with a warning. `batch` images are in memory at a time.
    """
    # Whole from the first batch on: results kept one by one would lie between the freed images of the
    # batches before, so that none of their memory could be used for the next.
    described, start = np.empty((0, 0), np.float32), 0
    unreadable: list[int] = []
    for pixels, readable in batches(images, rows, size, batch, device, "describing images"):
        found = extract(pixels)
        if not start:
            described = np.empty((len(rows), found.shape[1]), np.float32)
        described[start : start + len(found)] = found.cpu().numpy()
        unreadable += [rows[start + i] for i in np.flatnonzero(~readable.numpy()).tolist()]
        start += len(found)
    return described, np.asarray(unreadable, np.int64)
