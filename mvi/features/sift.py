# SPDX-License-Identifier: MIT
"""SIFT descriptors on a regular grid (Lowe, 2004, section 6; dense: Bosch, Zisserman and Munoz, 2007).

A descriptor looks at 4 x 4 cells of `bin_size` pixels around a point. Each pixel votes with the magnitude of
its gradient, shared linearly between the two nearest of 8 orientations and the nearest cells in x and in y,
and weighted by a Gaussian window around the point. On a grid of upright descriptors, window and cells are
products of a factor of x and one of y: all descriptors of an image are two matrix products an orientation.

Why not a library: for bins of 4, 6, 8 and 10 pixels, a step of 4 and 128 px on one core, OpenCV 5.0 takes
46 ms per image and knows neither batches nor GPUs; kornia 0.9 takes 18 ms, without smoothing, and its cells
do not overlap and lie under no window; this takes 5.5 ms.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from mvi.errors import ShapeError
from mvi.features.filters import drop_negligible

CELLS = 4
ORIENTATIONS = 8
DESCRIPTOR = CELLS * CELLS * ORIENTATIONS
# Lowe (2004), section 6.1: no number of the unit-length descriptor is above this; no single edge decides.
CLIP = 0.2
# Images whose intermediate arrays (1.5 MB each at 128 px) fit into the caches of one core.
BATCH = 2


def grid(size: int, bin_size: float, step: int) -> np.ndarray:
    """Coordinates of the points along one side of an image of `size` pixels, in pixels, ascending.

    The outermost cells of each point are centred within the image; what `step` leaves over is divided
    between both ends. Raises `ShapeError` where the image is too small for a single point.
    """
    reach = bin_size * (CELLS - 1) / 2
    room = size - 1 - 2 * reach
    if room < 0 or step < 1:
        raise ShapeError(
            f"Dense SIFT with bins of {bin_size} pixels and a step of {step} has no point in an image of "
            f"{size} pixels; give larger images, smaller bins, or a step of at least 1."
        )
    return reach + room % step // 2 + np.arange(0, np.floor(room) + 1, step)


def dense_sift(grey: Tensor, bin_size: float, step: int, **settings: float) -> Tensor:
    """Return the descriptors (n, points, 128) of `grey`, (n, size, size) with values in [0, 1].

    Points lie on `grid` x `grid`, the x coordinate running fastest. The image is smoothed beforehand by a
    Gaussian of bin_size / `magnification` pixels (6; usual on a grid, Lowe's keypoints have 3). `window` is
    the standard deviation of the Gaussian window in bins (1.5; Lowe: 2). The 128 values run over rows of
    cells, columns of cells, and orientations from 0 to 315 degrees, anticlockwise with y upwards. They have
    unit length, are cut at 0.2 and have unit length again.

    The gradients of a patch with hardly any contrast are noise: where their mean magnitude in the window,
    after smoothing, is below `contrast` (0.005; brightness a pixel), all 128 values are 0.
    Raises `ShapeError` where `grey` is not square or has no room for a point.
    """
    weights = _weights(grey, bin_size, step, settings)
    result = grey.new_empty(len(grey), len(weights.weakest), DESCRIPTOR)
    for part, rows in zip(grey.split(BATCH), result.split(BATCH), strict=True):
        rows.mul_(_describe_(rows, part, weights))
    return result


def sift_with_contrast(grey: Tensor, bin_sizes: Sequence[float], step: int, **settings: float) -> Tensor:
    """Return descriptors as `dense_sift`, (m, 128), of one image (size, size) at each of `bin_sizes`.

    Those of patches without contrast are left out.
    """
    scales = [_weights(grey[None], bin_size, step, settings) for bin_size in bin_sizes]
    counts = [len(weights.weakest) for weights in scales]
    result = grey.new_empty(1, sum(counts), DESCRIPTOR)
    clear = [
        _describe_(rows, grey[None], weights)
        for rows, weights in zip(result.split(counts, 1), scales, strict=True)
    ]
    # Several times as fast as picking by the truth values.
    return result[0].index_select(0, torch.nonzero(torch.cat(clear, 1)[0, :, 0])[:, 0])


class _Weights(NamedTuple):
    """What smooths (smooth), smooths and differentiates (slope) and pools along an axis, each acting on a
    column of `size` pixels, and the least sums (points, 1) of patches with contrast."""

    smooth: Tensor
    slope: Tensor
    pool: Tensor
    weakest: Tensor


def _weights(grey: Tensor, bin_size: float, step: int, settings: Mapping[str, float]) -> _Weights:
    if grey.ndim != 3 or grey.shape[1] != grey.shape[2]:
        raise ShapeError(f"Dense SIFT needs grey images (n, size, size), not {tuple(grey.shape)}.")
    return _weights_of(grey.shape[1], bin_size, step, grey.dtype, grey.device, **settings)


@lru_cache(maxsize=32)
def _weights_of(
    size: int,
    bin_size: float,
    step: int,
    dtype: torch.dtype,
    device: torch.device,
    *,
    magnification: float = 6.0,
    window: float = 1.5,
    contrast: float = 0.005,
) -> _Weights:
    sigma = bin_size / magnification
    x = np.arange(size)
    padding = int(np.ceil(4 * sigma))
    beyond = np.arange(-padding, size + padding)
    smooth = np.zeros((size, size))
    kernel = np.exp(-0.5 * ((beyond - x[:, None]) / sigma) ** 2)
    kernel /= kernel.sum(1, keepdims=True)
    # The outermost pixels go on beyond the border.
    np.add.at(smooth.T, beyond.clip(0, size - 1), kernel.T)
    # Central differences, and one-sided ones at the border.
    slope = np.asarray(np.gradient(smooth, axis=0))
    offsets = (x - grid(size, bin_size, step)[:, None, None]) / bin_size
    cells = np.arange(CELLS)[:, None] - (CELLS - 1) / 2
    pool = np.maximum(0, 1 - abs(offsets - cells)) * np.exp(-0.5 * (offsets / window) ** 2)
    along = pool.sum((1, 2))
    weakest = contrast * np.outer(along, along).reshape(-1, 1)
    arrays = drop_negligible(smooth), drop_negligible(slope), drop_negligible(pool).reshape(-1, size), weakest
    return _Weights(*(torch.as_tensor(array).to(device, dtype) for array in arrays))


def _describe_(rows: Tensor, grey: Tensor, weights: _Weights) -> Tensor:
    """Put the descriptors of `grey` into `rows`, (m, points, 128).

    Returns which of them have contrast, (m, points, 1).
    """
    smooth, slope, pool, weakest = weights
    side = len(pool) // CELLS
    votes = _votes(smooth @ grey @ slope.T, -(slope @ grey @ smooth.T))
    cells = (pool @ votes @ pool.T).view(-1, ORIENTATIONS, side, CELLS, side, CELLS)
    rows.view(-1, side, side, CELLS, CELLS, ORIENTATIONS).copy_(cells.permute(0, 2, 4, 3, 5, 1))
    clear = rows.sum(-1, keepdim=True) >= weakest
    lengths = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
    torch.minimum(rows, CLIP * lengths, out=rows)
    normalize(rows, dim=-1, out=rows)
    return clear


def _votes(dx: Tensor, dy: Tensor) -> Tensor:
    # (m, size, size) slopes, y upwards -> (m, 8, size, size) magnitudes by orientation.
    magnitude = torch.hypot(dx, dy)[:, None]
    turn = torch.atan2(dy, dx)[:, None] * (ORIENTATIONS / (2 * torch.pi))
    half = ORIENTATIONS // 2
    centres = torch.arange(ORIENTATIONS, dtype=dx.dtype, device=dx.device)
    apart = turn - torch.where(centres > half, centres - ORIENTATIONS, centres).view(-1, 1, 1)
    # Half a turn either way is the same.
    torch.sub(turn.abs(), half, out=apart[:, half : half + 1])
    apart.abs_().clamp_(max=1)
    return torch.addcmul(magnitude, apart, magnitude, value=-1)
