# SPDX-License-Identifier: MIT
"""Means and standard deviations of columns, for data that do not fit into memory."""

from typing import Literal

import numpy as np

from mvi.data.row_sources import CsrRows, DenseRows
from mvi.errors import ConfigError, DataError, ShapeError

Floor = Literal["reference", "deepnet", "epsilon"]
FLOORS = ("reference", "deepnet", "epsilon")

# The float64 copy that a block of rows needs while it is summed.
BLOCK_BYTES = 2**24


class Moments:
    """Mean and variance of d columns over rows that come in blocks, each row once.

    Blocks are joined by the update of Chan, Golub and LeVeque (1983) in float64, which loses no digits where
    a mean is large beside its deviation. All is measured from the first row, so that the variance of a
    column that never changes is exactly 0.
    """

    def __init__(self, columns: int) -> None:
        self.rows = 0
        self._origin = np.zeros(columns)
        self._mean = np.zeros(columns)
        self._squares = np.zeros(columns)

    def update(self, block: np.ndarray) -> None:
        """Take in the rows of `block` (m, d); raises `ShapeError` for another number of columns."""
        if block.ndim != 2 or block.shape[1] != len(self._mean):
            raise ShapeError(f"Moments of {len(self._mean)} columns got a block of shape {block.shape}.")
        if not len(block):
            return
        if not self.rows:
            self._origin = block[0].astype(np.float64)
        values = block - self._origin
        mean = values.mean(0)
        values -= mean
        total = self.rows + len(block)
        difference = mean - self._mean
        self._squares += np.einsum("ij,ij->j", values, values)
        self._squares += difference**2 * (self.rows * len(block) / total)
        self._mean += difference * (len(block) / total)
        self.rows = total

    @property
    def mean(self) -> np.ndarray:
        """(d,) float64."""
        return self._origin + self._mean

    @property
    def variance(self) -> np.ndarray:
        """(d,) float64, the sum of squares divided by N - 1; raises `DataError` for fewer than 2 rows."""
        if self.rows < 2:
            raise DataError(f"A variance needs at least 2 rows, and there are {self.rows}; give more rows.")
        return self._squares / (self.rows - 1)


def moments_of(source: DenseRows | CsrRows, rows: np.ndarray) -> Moments:
    """One pass over the ascending `rows` of `source`, a block of them in memory at a time."""
    columns = source.shape[1]
    moments = Moments(columns)
    size = max(1, BLOCK_BYTES // (8 * columns))
    for start in range(0, len(rows), size):
        moments.update(source.gather(rows[start : start + size]))
    return moments


def standard_deviation(
    variance: np.ndarray,
    floor: Floor = "reference",
    *,
    reference_share: float = 1e-3,
    deepnet_added: float = 1e-10,
    epsilon: float = 1e-6,
) -> np.ndarray:
    """Return the (d,) float64 divisors that standardise columns of `variance` (d,), none of them 0.

    `floor` says how small ones are kept away from 0, var being the variance and sd its root:
    - reference: sqrt(var + `reference_share` * the smallest var), as the reference code of Sohn, Shang and
      Lee (2014) does;
    - deepnet: sd + `deepnet_added`, the code of Srivastava and Salakhutdinov (2012);
    - epsilon: sqrt(var + `epsilon`).

    A column that never changed (variance 0) tells nothing of how far a new value is off. As in the second
    code it gets the mean of all sd, with each floor, or 1 if no column changed; the smallest var is that of
    the columns that changed. Without this the first formula divides by 0 as soon as one column is constant.

    Raises `ConfigError` for a floor or number that is none, and `DataError` for a variance that is negative
    or not finite.
    """
    if floor not in FLOORS:
        raise ConfigError(f"There is no floor {floor!r} of deviations; choose from {', '.join(FLOORS)}.")
    if min(reference_share, deepnet_added, epsilon) < 0:
        raise ConfigError("What is added to variances or deviations must not be negative; raise it to 0.")
    variance = np.asarray(variance, np.float64)
    if not (np.isfinite(variance) & (variance >= 0)).all():
        column = int(np.argmin(np.isfinite(variance) & (variance >= 0)))
        raise DataError(
            f"The variance of column {column} is {variance[column]}; make the store and its statistics again."
        )
    changed = variance > 0
    deviation = np.sqrt(variance)
    if not changed.any():
        return np.ones_like(variance)
    other = deviation.mean()
    if floor == "reference":
        deviation = np.sqrt(variance + reference_share * variance[changed].min())
    elif floor == "epsilon":
        deviation = np.sqrt(variance + epsilon)
    deviation = np.where(changed, deviation, other)
    return deviation + deepnet_added if floor == "deepnet" else deviation
