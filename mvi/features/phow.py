# SPDX-License-Identifier: MIT
"""PHOW: how often each visual word occurs in an image (Bosch, Zisserman and Munoz, 2007).

Dense SIFT descriptors of several scales are replaced by the nearest of a vocabulary of words, which
`mvi.features.clusters` learns, and the words are counted over the whole image. A patch without contrast
(see `dense_sift`) is no word and is not counted, so that an image of one colour has none at all.

Settings are those of the common implementation (four scales, smoothing by a sixth of a bin, window of 1.5
bins), but for the step, which keeps to a budget of 25 ms of one core per image of 128 px with 2,000 words.
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from mvi.errors import ShapeError
from mvi.features.nearest import Nearest
from mvi.features.sift import DESCRIPTOR, sift_with_contrast

# Weights of red, green and blue in brightness (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)
SCALES = (4, 6, 8, 10)
STEP = 4


def phow(
    images: Tensor, words: Tensor, scales: Sequence[float] = SCALES, step: int = STEP, **sift: float
) -> Tensor:
    """Return counts (n, words) float32 of `words`, (words, 128), in `images`, (n, 3, size, size) in [0, 1].

    `scales` are the bin sizes in pixels and `step` is the distance of the points; `sift` are settings of
    `dense_sift`. Counts are whole numbers that are not normalised: their sum is the number of patches with
    contrast, 2,926 at most at 128 px. Of words at the same distance the first counts.
    Raises `ShapeError` where the arrays do not fit together or the images are too small for a scale.
    """
    if words.ndim != 2 or words.shape[1] != DESCRIPTOR or not len(words):
        raise ShapeError(f"Visual words must be (words, {DESCRIPTOR}), not {tuple(words.shape)}.")
    nearest = Nearest(words.to(images))
    counts = images.new_zeros(len(images), len(words))
    for row, descriptors in zip(counts, _with_contrast(images, scales, step, sift), strict=True):
        row += torch.bincount(nearest(descriptors), minlength=len(words))
    return counts


def sample_descriptors(
    images: Tensor,
    per_image: int,
    generator: torch.Generator,
    scales: Sequence[float] = SCALES,
    step: int = STEP,
    **sift: float,
) -> Tensor:
    """Return up to `per_image` descriptors with contrast of each of `images`, (m, 128), at random.

    The arguments are those of `phow`; scales are represented as they are in `phow`. `generator` is one of
    the CPU, so that every device takes the same points.
    """
    chosen = []
    for descriptors in _with_contrast(images, scales, step, sift):
        order = torch.randperm(len(descriptors), generator=generator)[:per_image]
        chosen.append(descriptors[order.to(images.device)])
    return torch.cat(chosen) if chosen else images.new_empty(0, DESCRIPTOR)


def _with_contrast(
    images: Tensor, scales: Sequence[float], step: int, sift: Mapping[str, float]
) -> Iterator[Tensor]:
    # (points, 128) an image. One at a time: the search in the words takes most of the time and gains nothing
    # from more, and the memory stays the same however many there are.
    if images.ndim != 4 or images.shape[1] != len(LUMA):
        raise ShapeError(f"PHOW needs images (n, 3, size, size), not {tuple(images.shape)}.")
    weights = torch.tensor(LUMA, dtype=images.dtype, device=images.device)
    for image in images:
        grey = torch.einsum("c,chw->hw", weights, image)
        yield sift_with_contrast(grey, scales, step, **sift)
