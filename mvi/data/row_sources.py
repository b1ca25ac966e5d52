# SPDX-License-Identifier: MIT
"""Rows of an open HDF5 file by their numbers: arrays chunked by rows, and sparse counts in CSR form."""

from functools import cached_property

import h5py
import numpy as np

from mvi.data.checks import check_counts


class DenseRows:
    """The rows of an array (n, ...) chunked by rows; `step` is the number of rows in a chunk.

    `pixels` says that all numbers are from 0 to 1; only such arrays are packed.
    """

    def __init__(self, dataset: h5py.Dataset) -> None:
        self._dataset = dataset
        self.shape: tuple[int, ...] = dataset.shape
        self.dtype: np.dtype = dataset.dtype
        self.step: int = dataset.chunks[0]
        self.pixels: bool = dataset.compression is not None

    def read(self, first: int, stop: int) -> np.ndarray:
        """Return rows `first` to `stop` - 1 as they are stored."""
        return self._dataset[first:stop]

    def gather(self, indices: np.ndarray) -> np.ndarray:
        """Return the rows `indices`, in any order and with repetitions, in the order asked for."""
        # One contiguous read a chunk and the choice of rows in memory: each chunk is unpacked once, which for
        # most of MNIST takes a quarter of the time that h5py's own indexing takes.
        result = np.empty((len(indices), *self.shape[1:]), self.dtype)
        order = np.argsort(indices, kind="stable")
        ordered = indices[order]
        ends = np.flatnonzero(np.diff(ordered // self.step, append=-1)) + 1
        start = 0
        for end in ends.tolist():
            first = int(ordered[start])
            block = self.read(first, int(ordered[end - 1]) + 1)
            result[order[start:end]] = block[ordered[start:end] - first]
            start = end
        return result


class CsrRows:
    """The rows (n, d) of counts in a group of `data`, `indices`, `indptr`, unfolded to float32 when read.

    The counts are kept in memory once any was read: 8 bytes for each that is not 0 and 8 a row, which for a
    million rows of five tags are 48 MB. `step` is 1, since rows then cost the same wherever they lie.
    """

    step = 1
    pixels = False

    def __init__(self, group: h5py.Group) -> None:
        self._group = group
        self.shape = (group["indptr"].shape[0] - 1, int(group.attrs["shape"][0]))

    @cached_property
    def indptr(self) -> np.ndarray:
        """(n + 1,) int64, where the entries of each row begin."""
        return self._group["indptr"][:]

    def check(self) -> None:
        """Raise `DataError` for row bounds, columns and counts that are none."""
        check_counts(self._group.name.strip("/"), self.indptr, *self._entries, self.shape[1])

    @cached_property
    def _entries(self) -> tuple[np.ndarray, np.ndarray]:
        return self._group["indices"][:], self._group["data"][:]

    def read(self, first: int, stop: int) -> np.ndarray:
        """Return rows `first` to `stop` - 1 unfolded, (stop - first, d) float32."""
        return self.gather(np.arange(first, stop))

    def gather(self, indices: np.ndarray) -> np.ndarray:
        """Return the rows `indices`, in any order and with repetitions, in the order asked for."""
        columns, counts = self._entries
        starts = self.indptr[indices]
        lengths = self.indptr[indices + 1] - starts
        # Entry j of the result's row i is entry starts[i] + j of the file.
        before = np.cumsum(lengths) - lengths
        entries = np.arange(lengths.sum()) + np.repeat(starts - before, lengths)
        rows = np.repeat(np.arange(len(indices)), lengths)
        unfolded = np.zeros((len(indices), self.shape[1]), np.float32)
        unfolded[rows, columns[entries]] = counts[entries]
        return unfolded


def source_of(item: h5py.Dataset | h5py.Group) -> DenseRows | CsrRows:
    """What reads `item`, a modality or any other array of a store."""
    return CsrRows(item) if isinstance(item, h5py.Group) else DenseRows(item)
