# SPDX-License-Identifier: MIT
"""Products of many rows with the weight vectors of all classes, a block of rows at a time.

What a linear classifier costs is the product of its features with a few vectors. The vectors of all
classes are kept together, (classes, K + 1) float64 with the bias last, and each block of rows is read
once for all of them. Products are taken in the features' type, sums over rows in float64.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mvi.errors import ShapeError
from mvi.evaluation.metrics import array_of

# Numbers of a block of rows: small enough for the cache, large enough for an efficient product.
_BLOCK_NUMBERS = 2**20
# Rows a feature from which second moments are estimated.
_GRAM_ROWS_PER_FEATURE = 10
# Columns of a part of their matrix, of which what is above the diagonal is left out.
_GRAM_COLUMNS = 1024


def as_matrix(features: Any) -> Tensor:
    """`features` as a tensor on its device; `ShapeError` unless (n, K) of float32 or float64.

    Not copied, but where numpy's array is reversed or in another machine's order of bytes.
    """
    if not isinstance(features, Tensor):
        features = array_of(features, "classifier's features")
        if min(features.strides, default=0) < 0 or not features.dtype.isnative:
            features = np.array(features, features.dtype.newbyteorder("="), order="C")
    with warnings.catch_warnings():
        # torch warns of read-only memory; nothing here writes to it.
        warnings.filterwarnings("ignore", message=".*not writable", category=UserWarning)
        matrix = torch.as_tensor(features)
    if matrix.ndim != 2 or matrix.dtype not in (torch.float32, torch.float64):
        raise ShapeError(
            f"The classifier's features are {matrix.dtype} of shape {tuple(matrix.shape)}; give "
            "float32 or float64 of shape (rows, features)."
        )
    return matrix


def as_labels(labels: Any) -> np.ndarray:
    """`labels` of numpy, or of torch on any device, as an array of numpy; raises as `metrics.array_of`."""
    return array_of(labels.cpu() if isinstance(labels, Tensor) else labels, "labels", "biufUS")


def blocks(rows: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """The blocks of `rows` (n, K) and where each lies."""
    size = max(1, _BLOCK_NUMBERS // max(1, rows.shape[1]))
    for start in range(0, len(rows), size):
        where = slice(start, start + size)
        yield where, rows[where]


def scores(weights: Tensor, rows: Tensor) -> Tensor:
    """Scores (classes, n) of `rows` (n, K) by `weights` (classes, K + 1), in the rows' type."""
    result = rows.new_empty(len(weights), len(rows))
    weights, bias = weights[:, :-1].to(rows.dtype), weights[:, -1:].to(rows.dtype)
    for where, block in blocks(rows):
        result[:, where] = torch.addmm(bias, weights, block.T)
    return result


def pull_back(residuals: Tensor, rows: Tensor) -> Tensor:
    """Sum over rows of `residuals` (classes, n) times the row, (classes, K + 1) float64."""
    total = torch.zeros(len(residuals), rows.shape[1] + 1, dtype=torch.float64, device=rows.device)
    for where, block in blocks(rows):
        part = residuals[:, where]
        total[:, :-1] += part @ block
        total[:, -1] += part.sum(1, dtype=torch.float64)
    return total


def second_moments(rows: Tensor) -> Tensor:
    """Mean of x x^T, (K + 1, K + 1) in the rows' type, of rows x with a constant 1 at their end.

    Only what is on and below the diagonal is to be read, as functions of symmetric matrices do.
    Taken from evenly spaced rows where there are many more rows than features.
    """
    n, width = rows.shape
    chosen = rows[:: max(1, n // (_GRAM_ROWS_PER_FEATURE * max(1, width)))]
    total = rows.new_zeros(width + 1, width + 1)
    for _, block in blocks(chosen):
        block = torch.nn.functional.pad(block, (0, 1), value=1.0)
        for start in range(0, width + 1, _GRAM_COLUMNS):
            stop = min(start + _GRAM_COLUMNS, width + 1)
            total[start:stop, :stop].addmm_(block[:, start:stop].T, block[:, :stop])
    return total / len(chosen)
