# SPDX-License-Identifier: MIT
"""Colour structure: in how many places of an image each colour is to be seen.

The MPEG-7 descriptor (ISO/IEC 15938-3; Manjunath, Ohm, Vasudevan and Yamada 2001, section on colour
structure). A window slides over the image and each position counts every colour in it once, however many
pixels have it, so that a scattered colour weighs more than the same number of pixels in one patch. The
non-linear quantisation of the amplitudes to 8 bits is *not* applied: it serves storage, and a linear
classifier wants the values.

Runtime: 0.9 ms of one core per image at 128 px (one thread, batches of 16 to 64), up to twice that
where other processes fill the shared cache.
The colours of a pixel are a set of 256 bits; the sets of a window are joined by OR, for all windows at once
and doubling the width each time; then the bits are counted by adding whole words as packed small numbers.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import pad

from mvi.errors import ShapeError
from mvi.features.colour import check_images, hue_max_min, levels

# The 256 cells of the standard: by the difference max - min (from this level of 255 on), how many equal parts
# hue and sum = (max + min) / 2 are cut into, and the first cell. Cells with much colour come first.
FROM = (0, 6, 20, 60, 110)
HUES = (1, 4, 16, 16, 16)
SUMS = (32, 8, 4, 4, 4)
FIRST = (224, 192, 128, 64, 0)
SIZE = 256
WORDS = 4  # of 64 bits
STAGES = ((1, 3), (2, 5), (4, 17))
MOST = 3 * 5 * 17  # positions a group: what a byte can count


def colour_structure(images: Tensor, element: int = 8, chunk: int = 4) -> Tensor:
    """(n, 3, size, size) RGB in [0, 1] to (n, 256) float32: the fraction of windows that hold each cell.

    The windows are the squares of `element` pixels that lie in the image whole, at every position. Of
    images of more than 362 px only every second row and column is taken, of more than 724 px every fourth,
    and so on, as the standard says. Cells are those of `hmmd_cells`. `chunk` images are worked on together:
    a few, so that they stay in the processor's cache; a GPU wants more.
    Raises `ShapeError` for other shapes and where the element does not fit, `DataError` for values out of
    [0, 1].
    """
    check_images(images, 1)
    size = images.shape[-1]
    step = 2 ** max(0, math.floor(math.log2(size) - 7.5))
    sampled = images[:, :, ::step, ::step]
    if not 1 <= element <= sampled.shape[-1]:
        raise ShapeError(
            f"A structuring element of {element} pixels does not fit into the {sampled.shape[-1]} rows taken "
            f"of images of {size} px; choose another."
        )
    counted = [_count(_windows(_bits(hmmd_cells(part)), element)) for part in sampled.split(chunk)]
    positions = (sampled.shape[-1] - element + 1) ** 2
    return torch.cat(counted).float() / positions


def hmmd_cells(images: Tensor) -> Tensor:
    """(n, 3, h, w) RGB in [0, 1] to (n, h, w) int64 cells 0..255 of the quantised HMMD colour space.

    Within a range of max - min the cells go by hue and, within a hue, by sum, which is cut between the
    smallest and the largest value that it can take at the lower end of the range.
    """
    hue, high, low = hue_max_min(levels(images))
    difference = high - low
    # Looked up by the 256 levels of the difference: several times as fast as a search for every pixel.
    level = torch.arange(256, device=images.device)
    part = torch.bucketize(level, torch.tensor(FROM[1:], device=images.device), right=True)
    index = difference.flatten().int()
    start, hues, sums, first = (
        difference.new_tensor(column)[part].index_select(0, index).view_as(difference)
        for column in (FROM, HUES, SUMS, FIRST)
    )
    sum_index = ((high + low - start) * sums / (510 - 2 * start)).floor_()
    hue_index = (hue * hues / 6).floor_()
    return (first + hue_index * sums + torch.minimum(sum_index, sums - 1)).long()


def _bits(cells: Tensor) -> Tensor:
    """(n, h, w) cells to (n, h, w, 4) int64 of which the one bit of the cell is set."""
    cell = torch.arange(SIZE, device=cells.device)
    table = torch.zeros(SIZE, WORDS, dtype=torch.int64, device=cells.device)
    table[cell, cell // 64] = torch.bitwise_left_shift(torch.ones_like(cell), cell % 64)
    return table.index_select(0, cells.flatten()).view(*cells.shape, WORDS)


def _windows(bits: Tensor, element: int) -> Tensor:
    """(n, h, w, 4) bits of pixels to (n, h - element + 1, w - element + 1, 4) bits of windows."""
    for axis in (1, 2):
        span = 1
        while span < element:
            step = min(span, element - span)
            size = bits.shape[axis] - step
            bits = bits.narrow(axis, 0, size) | bits.narrow(axis, step, size)
            span += step
    return bits


def _count(bits: Tensor) -> Tensor:
    """(n, rows, columns, 4) bits to (n, 256) int64: how many positions have each bit set."""
    positions = bits.flatten(1, 2)
    fields = [pad(positions, (0, 0, 0, -positions.shape[1] % MOST))]
    # Fields of `width` bits become sums of `terms` fields of twice the width, which is what these can hold.
    for width, terms in STAGES:
        mask = sum(((1 << width) - 1) << start for start in range(0, 64, 2 * width))
        fields = [
            ((field >> shift) & mask).unflatten(1, (terms, -1)).sum(1)
            for shift in (0, width)
            for field in fields
        ]
    words = torch.stack(fields, -1).unsqueeze(-2)  # (n, groups of positions, word, 1, bit of a byte)
    byte = torch.arange(0, 64, 8, device=bits.device)[:, None]
    return ((words >> byte) & MOST).sum(1).flatten(1)
