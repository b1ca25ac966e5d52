# SPDX-License-Identifier: MIT
"""SIFT descriptors on a regular grid (Lowe, 2004, section 6; dense: Bosch, Zisserman and Munoz, 2007).

A descriptor looks at 4 x 4 cells of `bin_size` pixels around a point. Each pixel votes with the magnitude of
its gradient, shared linearly between the two nearest of 8 orientations and the nearest cells in x and in y,
and weighted by a Gaussian window around the point. On a grid of upright descriptors, window and cells are
products of a factor of x and one of y: all descriptors of a picture are two matrix products an orientation.

Why not a library: for bins of 4, 6, 8 and 10 pixels, a step of 4 and 128 px on one core, OpenCV 5.0 takes
46 ms a picture and knows neither batches nor GPUs; kornia 0.9 takes 18 ms, without smoothing, and its cells
do not overlap and lie under no window; this takes 5.5 ms.
"""

from functools import lru_cache

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
# Pictures whose intermediate arrays (1.5 MB each at 128 px) fit into the caches of one core.
BATCH = 2


def grid(size: int, bin_size: float, step: int) -> np.ndarray:
    """Coordinates of the points along one side of a picture of `size` pixels, in pixels, ascending.

    The outermost cells of each point are centred within the picture; what `step` leaves over is divided
    between both ends. Raises `ShapeError` where the picture is too small for a single point.
    """
    reach = bin_size * (CELLS - 1) / 2
    room = size - 1 - 2 * reach
    if room < 0 or step < 1:
        raise ShapeError(
            f"Dense SIFT with bins of {bin_size} pixels and a step of {step} has no point in a picture of "
            f"{size} pixels; give larger pictures, smaller bins, or a step of at least 1."
        )
    return reach + room % step // 2 + np.arange(0, np.floor(room) + 1, step)


def dense_sift(
    grey: Tensor,
    bin_size: float,
    step: int,
    *,
    magnification: float = 6.0,
    window: float = 1.5,
    contrast: float = 0.005,
) -> Tensor:
    """Return the descriptors (n, points, 128) of `grey`, (n, size, size) with values in [0, 1].

    Points lie on `grid` x `grid`, the x coordinate running fastest. The picture is smoothed beforehand by a
    Gaussian of bin_size / `magnification` pixels (6 is usual on a grid; Lowe's keypoints have 3). `window` is
    the standard deviation of the Gaussian window in bins (Lowe: 2). The 128 numbers run over rows of cells,
    columns of cells, and orientations from 0 to 315 degrees, anticlockwise with y upwards. They have unit
    length, are cut at 0.2 and have unit length again.

    The gradients of a patch with hardly any contrast are noise: where their mean magnitude in the window,
    after smoothing, is below `contrast` (brightness a pixel), all 128 numbers are 0.
    Raises `ShapeError` where `grey` is not square or has no room for a point.
    """
    if grey.ndim != 3 or grey.shape[1] != grey.shape[2]:
        raise ShapeError(f"Dense SIFT needs grey pictures (n, size, size), not {tuple(grey.shape)}.")
    arrays = _matrices(grey.shape[1], bin_size, step, bin_size / magnification, window)
    smooth, slope, pool = (torch.as_tensor(array).to(grey) for array in arrays)
    side = len(pool) // CELLS
    weights = pool.view(side, -1).sum(1)
    weakest = (contrast * torch.outer(weights, weights)).view(-1, 1)
    result = grey.new_empty(len(grey), side * side, DESCRIPTOR)
    for part, rows in zip(grey.split(BATCH), result.split(BATCH), strict=True):
        votes = _votes(smooth @ part @ slope.T, -(slope @ part @ smooth.T))
        cells = (pool @ votes @ pool.T).view(-1, ORIENTATIONS, side, CELLS, side, CELLS)
        rows.view(-1, side, side, CELLS, CELLS, ORIENTATIONS).copy_(cells.permute(0, 2, 4, 3, 5, 1))
        _normalise_(rows, weakest)
    return result


def _votes(dx: Tensor, dy: Tensor) -> Tensor:
    # (m, size, size) slopes, y upwards -> (m, 8, size, size) magnitudes by orientation.
    magnitude = torch.hypot(dx, dy)[:, None]
    turn = torch.atan2(dy, dx)[:, None] * (ORIENTATIONS / (2 * torch.pi))
    centres = torch.arange(ORIENTATIONS, dtype=dx.dtype, device=dx.device).view(1, -1, 1, 1)
    # The distance around the circle, since half a turn either way is the farthest.
    apart = (turn - centres).abs_()
    torch.minimum(apart, (ORIENTATIONS - apart).abs_(), out=apart)
    return apart.neg_().add_(1).clamp_(min=0).mul_(magnitude)


def _normalise_(rows: Tensor, weakest: Tensor) -> None:
    # In place: (m, points, 128) sums, given (points, 1) least totals.
    clear = rows.sum(-1, keepdim=True) >= weakest
    normalize(rows, dim=-1, out=rows).clamp_(max=CLIP)
    normalize(rows, dim=-1, out=rows).mul_(clear)


@lru_cache(maxsize=32)
def _matrices(
    size: int, bin_size: float, step: int, sigma: float, window: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # Smoothing, smoothing and slope, and pooling along one axis, each acting on a column of `size` pixels.
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
    return drop_negligible(smooth), drop_negligible(slope), pool.reshape(-1, size)
