# SPDX-License-Identifier: MIT
"""Image files as batches of pixels, on whatever device describes them."""

import logging
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from mvi.data.images import Images, decode
from mvi.errors import DamageError, DataError

log = logging.getLogger(__name__)

# What an unreadable image is described as: the descriptors of the middle grey.
GREY = 128


def batches(
    images: Images, rows: Sequence[int], size: int, batch: int, device: str, what: str
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield images (m, 3, size, size) float32, RGB in [0, 1], and which of them could be read, (m,) bool.

    They are those of `rows`; `batch` images are in memory at a time; `what` stands beside the progress
    bar. An image that cannot be read comes as middle grey, with a warning; raises `DamageError` where it is
    the archive that is damaged.
    """
    # disable=None: no bar where stderr is not a terminal.
    with tqdm(desc=what, total=len(rows), unit="image", leave=False, disable=None) as bar:
        for start in range(0, len(rows), batch):
            chosen = rows[start : start + batch]
            pixels = np.full((len(chosen), size, size, 3), GREY, np.uint8)
            readable = torch.ones(len(chosen), dtype=torch.bool)
            for i, row in enumerate(chosen):
                try:
                    pixels[i] = decode(images.read(int(row)), size, name=images.names[row])
                except DamageError:
                    raise
                except DataError as error:
                    readable[i] = False
                    log.warning("row %d cannot be read: %s", row, error)
            made = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float().div_(255)
            yield made.contiguous(), readable
            bar.update(len(chosen))
