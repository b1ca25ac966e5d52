# SPDX-License-Identifier: MIT
"""The store: all of a data set that models and classifiers read, in one HDF5 file.

Root attributes: `format`, `dataset`, `modalities` (JSON list, in order), `classes` (JSON list), `generated`,
`citation`. Datasets: `/ids` (n,); one (n, d) float32 in [0, 1] a modality, with the attribute `shape`, what a
row looks like when folded back; `/labels` (n,) int64 class indices; `/splits/<number>/<part>` int64 row
indices, numbers from 1. All are chunked by rows and carry checksums.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np

from mvi.data import checks
from mvi.data.checks import Rows
from mvi.data.splits import PARTS
from mvi.errors import DataError, ShapeError
from mvi.files import atomic

FORMAT = 1
# Small enough that scattered rows cost little, large enough that the calls do not.
CHUNK_BYTES = 2**18
# This version checksums its own structures too, which the default (oldest) does not.
LIBVER = ("v110", "v110")


def write_store(
    path: str | Path,
    *,
    dataset: str,
    modalities: Mapping[str, np.ndarray],
    labels: np.ndarray,
    splits: Mapping[int, Mapping[str, np.ndarray]],
    shapes: Mapping[str, Sequence[int]],
    classes: Sequence[str],
    ids: np.ndarray | None = None,
    generated: bool = False,
    citation: str = "",
) -> None:
    """Write a store at `path`, whole or not at all; the same arguments give the same bytes.

    `modalities` maps names, in order, to (n, d) arrays with values in [0, 1], of any real type; `labels` is
    (n,) of indices into `classes`; `splits` maps numbers from 1 to disjoint row indices for train,
    validation and test; `shapes` gives for each modality what a row folds back into, with product d; `ids`
    is (n,) of integers or strings, the row numbers unless given; `generated` says that a program made the
    data.
    Raises `ShapeError` where arrays do not fit together and `DataError` where a value is not finite, out of
    range or refers to nothing, or where `path` cannot be written.
    """
    n_rows = checks.check_modalities(modalities, shapes)
    labels = checks.checked_labels(labels, n_rows, classes)
    ids = checks.checked_ids(np.arange(n_rows) if ids is None else np.asarray(ids), n_rows)
    checked = {number: checks.checked_split(number, split, n_rows) for number, split in splits.items()}
    try:
        with atomic(path) as temporary, h5py.File(temporary, "w", libver=LIBVER) as file:
            file.attrs["format"] = FORMAT
            file.attrs["dataset"] = _fixed(dataset)
            file.attrs["modalities"] = _fixed(json.dumps(list(modalities)))
            file.attrs["classes"] = _fixed(json.dumps(list(classes)))
            file.attrs["generated"] = bool(generated)
            file.attrs["citation"] = _fixed(citation)
            for name, values in modalities.items():
                _write_modality(file, name, values, shapes[name])
            _write_vector(file, "ids", ids)
            _write_vector(file, "labels", labels)
            file.create_group("splits")
            for number, split in checked.items():
                for part, indices in split.items():
                    _write_vector(file, f"splits/{number}/{part}", indices)
    except OSError as error:
        raise DataError(
            f"{path} cannot be written ({error}); free space or mend the permissions, and run again."
        ) from error


def _fixed(text: str) -> np.ndarray:
    # Strings of a length that may vary lie in the one part of an HDF5 file that has no checksum.
    encoded = text.encode()
    return np.array(encoded, h5py.string_dtype("utf-8", max(1, len(encoded))))


def _write_modality(file: h5py.File, name: str, values: np.ndarray, shape: Sequence[int]) -> None:
    n_rows, size = values.shape
    step = max(1, min(n_rows, CHUNK_BYTES // (4 * size)))
    target = file.create_dataset(
        name,
        values.shape,
        np.float32,
        chunks=(step, size),
        compression="gzip",
        compression_opts=1,
        fletcher32=True,
    )
    target.attrs["shape"] = np.asarray(shape, np.int64)
    for start in range(0, n_rows, step):
        block = values[start : start + step]
        checks.check_values(name, block, start)
        target[start : start + step] = block.astype(np.float32)


def _write_vector(file: h5py.File, name: str, values: np.ndarray) -> None:
    step = max(1, min(len(values), CHUNK_BYTES // values.itemsize))
    file.create_dataset(name, data=values, chunks=(step,), fletcher32=True)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    # HDF5 reports damage by any of these, according to what it was reading.
    try:
        yield
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise DataError(
            f"{path} is not a sound store ({' '.join(str(error).split())}); delete it and run the workflow "
            "again."
        ) from error


class Store:
    """A store opened for reading; closes itself at the end of a `with` block.

    `modalities` lists the names in order, `sizes` gives d and `shapes` the folded shape of each, `n_rows`
    is n, and `attrs` holds the root attributes with lists as lists. Whatever reads the file raises
    `DataError` where it is missing, cut short, altered or no store.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise DataError(f"There is no store at {self.path}; run the workflow rule that makes it.")
        with _reading(self.path):
            self._file = h5py.File(self.path, "r")
        try:
            with _reading(self.path):
                self._read_header()
        except DataError:
            self.close()
            raise

    def _read_header(self) -> None:
        attrs = self._file.attrs
        if attrs.get("format") != FORMAT:
            raise ValueError(f"its format is {attrs.get('format')}, not {FORMAT}")
        self.attrs: dict[str, Any] = {
            "dataset": attrs["dataset"].decode(),
            "modalities": json.loads(attrs["modalities"]),
            "classes": json.loads(attrs["classes"]),
            "generated": bool(attrs["generated"]),
            "citation": attrs["citation"].decode(),
        }
        self.modalities: list[str] = self.attrs["modalities"]
        self.n_rows: int = self._file["labels"].shape[0]
        for name in (*self.modalities, "ids"):
            if self._file[name].shape[0] != self.n_rows:
                raise ValueError(f"{name} and labels differ in their number of rows")
        self.sizes: dict[str, int] = {name: self._file[name].shape[1] for name in self.modalities}
        self.shapes: dict[str, tuple[int, ...]] = {
            name: tuple(int(n) for n in self._file[name].attrs["shape"]) for name in self.modalities
        }

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; nothing can be read afterwards."""
        self._file.close()

    def read(self, name: str, rows: Rows = None) -> np.ndarray:
        """Return the rows of modality `name`, (n, d) float32, in the order asked for.

        `rows` is a slice, or row indices in any order and with repetitions, or None for all rows. Raises
        `DataError` for an unknown modality and `ShapeError` for indices that are none of this store's.
        """
        if name not in self.modalities:
            raise DataError(f"{self.path} has no modality {name!r}; it has {', '.join(self.modalities)}.")
        return self._read(name, rows)

    def labels(self, rows: Rows = None) -> np.ndarray:
        """Return the class indices (n,) int64 of `rows`, given as for `read`."""
        return self._read("labels", rows)

    def ids(self, rows: Rows = None) -> np.ndarray:
        """Return the ids (n,) of `rows`, given as for `read`: int64 or strings."""
        ids = self._read("ids", rows)
        return np.char.decode(ids, "utf-8") if ids.dtype.kind == "S" else ids

    def split(self, number: int) -> dict[str, np.ndarray]:
        """Return the int64 row indices of the parts train, validation and test of split `number`.

        Raises `DataError` where there is no such split.
        """
        with _reading(self.path):
            splits = self._file["splits"]
            known = list(splits)
            if str(number) in known:
                return {part: splits[f"{number}/{part}"][:] for part in PARTS}
        raise DataError(f"{self.path} has no split {number}; it has {', '.join(known)}.")

    def blocks(self, rows: Rows, size: int) -> Iterator[np.ndarray]:
        """Yield the row indices `rows`, given as for `read`, in blocks of `size`, the last one shorter.

        Blocks of ascending rows are the cheapest to read, since they share chunks.
        """
        if size < 1:
            raise ShapeError(f"A block must have at least 1 row, not {size}.")
        indices = checks.checked_rows(slice(None) if rows is None else rows, self.n_rows)
        for start in range(0, len(indices), size):
            yield indices[start : start + size]

    def _read(self, name: str, rows: Rows) -> np.ndarray:
        with _reading(self.path):
            source = self._file[name]
            if rows is None:
                return source[:]
        if isinstance(rows, slice) and rows.step in (None, 1):
            with _reading(self.path):
                return source[rows]
        return self._gather(source, checks.checked_rows(rows, self.n_rows))

    def _gather(self, source: h5py.Dataset, indices: np.ndarray) -> np.ndarray:
        # One contiguous read a chunk and the choice of rows in memory: each chunk is unpacked once, which for
        # most of MNIST takes a quarter of the time that h5py's own indexing takes.
        result = np.empty((len(indices), *source.shape[1:]), source.dtype)
        order = np.argsort(indices, kind="stable")
        ordered = indices[order]
        ends = np.flatnonzero(np.diff(ordered // source.chunks[0], append=-1)) + 1
        start = 0
        for end in ends:
            first = ordered[start]
            with _reading(self.path):
                block = source[first : ordered[end - 1] + 1]
            result[order[start:end]] = block[ordered[start:end] - first]
            start = end
        return result
