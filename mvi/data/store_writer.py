# SPDX-License-Identifier: MIT
"""Writing a store, block by block and whole or not at all; `mvi.data.store` says what is in it."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy import sparse

from mvi.data import checks, hdf5
from mvi.data.hdf5 import CHUNK_BYTES
from mvi.data.row_sources import source_of
from mvi.data.splits import learn_from_unlabelled
from mvi.data.statistics import moments_of
from mvi.data.store import FORMAT
from mvi.errors import DataError
from mvi.files import atomic


@dataclass(frozen=True)
class Dense:
    """A modality of `columns` real numbers a row, kept as `dtype`: float32, or float16 for half the size.

    float16 keeps 11 bits of a number, all whole numbers up to 2,048, and nothing beyond 65,504, which is
    refused. `shape` is what a row folds back into, (columns,) unless given. `pixels` says that values lie in
    [0, 1], which is then checked, and that many are equal, so that compression pays; measured features do
    not compress.
    """

    columns: int
    dtype: str = "float32"
    shape: Sequence[int] | None = None
    pixels: bool = False


@dataclass(frozen=True)
class Sparse:
    """A modality of `columns` counts a row, most of them 0: the tags, one column a word."""

    columns: int


class StoreWriter:
    """What `writing_store` gives: `write` fills the modalities, `annotate` adds what is none."""

    def __init__(
        self, file: h5py.File, path: Path, n_rows: int, modalities: Mapping[str, Dense | Sparse], size: int
    ) -> None:
        self.path, self.n_rows = path, n_rows
        self._size = size
        self._file, self._modalities = file, dict(modalities)
        self._written = {name: np.zeros(n_rows, bool) for name in modalities}
        self._counts: dict[str, dict[int, sparse.csr_array]] = {
            name: {} for name, layout in modalities.items() if isinstance(layout, Sparse)
        }
        for name, layout in modalities.items():
            if isinstance(layout, Dense):
                self._create(name, layout)
        self.annotate()

    def write(self, name: str, start: int, block: Any) -> None:
        """Write the rows of modality `name` from `start` on; blocks may come in any order, each row once.

        `block` is (m, columns): real numbers for a dense modality, and for a sparse one whole numbers from
        0 on in any SciPy sparse format, which are kept in memory until the end. Raises `ShapeError` where it
        does not fit, and `DataError` for a value that cannot be kept, a row that was written before and where
        the file cannot be written.
        """
        if name not in self._modalities:
            raise DataError(
                f"{self.path} has no modality {name!r} to write; it has {', '.join(self._modalities)}."
            )
        layout = self._modalities[name]
        checks.check_block(name, block, start, self.n_rows, layout.columns)
        stop = start + block.shape[0]
        again = self._written[name][start:stop]
        if again.any():
            raise DataError(
                f"Row {start + int(np.argmax(again))} of modality {name!r} is written a second time; each "
                "row must come once."
            )
        if isinstance(layout, Sparse):
            self._counts[name][start] = checks.checked_counts(name, block, start)
        else:
            with hdf5.writing(self.path, self._file.filename, self._size, self._file):
                self._write_dense(name, layout, start, stop, block)
        self._written[name][start:stop] = True

    def annotate(
        self,
        *,
        labels: np.ndarray | None = None,
        known: np.ndarray | None = None,
        classes: Sequence[str] = (),
        splits: Mapping[int, Mapping[str, np.ndarray]] | None = None,
        ids: np.ndarray | None = None,
        vocabulary: Sequence[str] | None = None,
    ) -> None:
        """Give labels, splits, ids and vocabulary at any time before the end; a second call replaces them.

        `labels` belong to the first L rows: (L, classes) of 0 and 1, or (L,) of indices into `classes`; None
        where there are none. `known` (L, classes) bool is false where one of the former is unknown, and then
        0; None where all are known. `splits` maps numbers from 1 to disjoint row indices below L for train,
        validation and test. `ids` is (n_rows,) of integers or strings, the row numbers unless given.
        `vocabulary` has one word a column of the sparse modality. Raises `ShapeError` where arrays do not fit
        together and `DataError` where a value is out of range or refers to nothing.
        """
        self._labels = checks.checked_labels(labels, self.n_rows, classes)
        self._known = checks.checked_known(known, self._labels, classes)
        self._classes = list(classes)
        ids = np.arange(self.n_rows) if ids is None else np.asarray(ids)
        self._ids = checks.checked_ids(ids, self.n_rows)
        self._splits = {
            number: checks.checked_split(number, split, len(self._labels))
            for number, split in (splits or {}).items()
        }
        columns = [layout.columns for layout in self._modalities.values() if isinstance(layout, Sparse)]
        self._vocabulary = None if vocabulary is None else checks.checked_vocabulary(vocabulary, columns)

    def finish(self, attributes: Mapping[str, Any], statistics: Sequence[str]) -> None:
        """Write all that is not written yet; called by `writing_store` at the end of its block."""
        for name, done in self._written.items():
            if not done.all():
                raise DataError(
                    f"Row {int(np.argmin(done))} of modality {name!r} was never written, nor were "
                    f"{int((~done).sum()) - 1} others; the source is cut short or a block of it is missing."
                )
        with hdf5.writing(self.path, self._file.filename, self._size, self._file):
            for name, blocks in self._counts.items():
                self._write_sparse(name, blocks)
            for name, values in attributes.items():
                self._file.attrs[name] = _fixed(values) if isinstance(values, str) else values
            self._file.attrs["classes"] = _fixed(json.dumps(self._classes))
            self._file.attrs["n_labelled"] = len(self._labels)
            self._write_array("ids", self._ids)
            if len(self._labels):
                self._write_array("labels", self._labels)
            if self._known is not None:
                self._write_array("known", self._known)
            if self._vocabulary is not None:
                self._write_array("vocabulary", self._vocabulary)
            self._file.create_group("splits")
            for number, split in self._splits.items():
                for part, indices in split.items():
                    self._write_array(f"splits/{number}/{part}", indices)
            for name in statistics:
                self._write_moments(name)

    def _create(self, name: str, layout: Dense) -> None:
        row_bytes = np.dtype(layout.dtype).itemsize * layout.columns
        step = max(1, min(self.n_rows, CHUNK_BYTES // row_bytes))
        packed = {"compression": "gzip", "compression_opts": 1} if layout.pixels else {}
        shape, chunks = (self.n_rows, layout.columns), (step, layout.columns)
        with hdf5.writing(self.path, self._file.filename, self._size, self._file):
            target = self._file.create_dataset(
                name, shape, layout.dtype, chunks=chunks, fletcher32=True, **packed
            )
            target.attrs["shape"] = np.asarray(layout.shape or (layout.columns,), np.int64)

    def _write_dense(self, name: str, layout: Dense, start: int, stop: int, block: np.ndarray) -> None:
        target = self._file[name]
        step = target.chunks[0]
        position = start
        while position < stop:
            # To the end of a chunk, so that only the ends of a block are written into one twice.
            end = min(stop, (position // step + 1) * step)
            piece = np.asarray(block[position - start : end - start])
            checks.check_values(name, piece, position, layout.dtype, layout.pixels)
            target[position:end] = piece.astype(layout.dtype)
            position = end
        # A failure that comes when the array is closed would go unnoticed.
        target.flush()

    def _write_sparse(self, name: str, blocks: dict[int, sparse.csr_array]) -> None:
        counts = sparse.vstack([blocks[start] for start in sorted(blocks)], format="csr")
        group = self._file.create_group(name)
        group.attrs["shape"] = np.asarray((self._modalities[name].columns,), np.int64)
        self._write_array(f"{name}/indptr", counts.indptr.astype(np.int64))
        self._write_array(f"{name}/indices", counts.indices.astype(np.int32))
        self._write_array(f"{name}/data", counts.data.astype(np.int32))

    def _write_array(self, name: str, values: np.ndarray) -> None:
        row_bytes = values.itemsize * int(np.prod(values.shape[1:]))
        step = max(1, min(len(values), CHUNK_BYTES // row_bytes))
        # A chunk may be longer than what it holds only where that may grow: counts without any.
        most = None if len(values) else (None, *values.shape[1:])
        chunks = (step, *values.shape[1:])
        target = self._file.create_dataset(name, data=values, chunks=chunks, maxshape=most, fletcher32=True)
        target.flush()

    def _write_moments(self, name: str) -> None:
        for key, rows in self._rows_to_learn_from().items():
            moments = moments_of(source_of(self._file[name]), rows)
            self._write_array(f"statistics/{name}/{key}/mean", moments.mean)
            self._write_array(f"statistics/{name}/{key}/variance", moments.variance)
            self._file[f"statistics/{name}/{key}"].attrs["rows"] = moments.rows

    def _rows_to_learn_from(self) -> dict[str, np.ndarray]:
        if learn_from_unlabelled(self.n_rows, len(self._labels), self._splits):
            return {"all": np.arange(len(self._labels), self.n_rows)}
        if not self._splits:
            raise DataError(
                f"{self.path} has neither unlabelled rows nor splits, so no row from which means and "
                "deviations may be learned; give splits."
            )
        return {str(number): np.sort(split["train"]) for number, split in self._splits.items()}


@contextmanager
def writing_store(
    path: str | Path,
    *,
    dataset: str,
    n_rows: int,
    modalities: Mapping[str, Dense | Sparse],
    generated: bool = False,
    citation: str = "",
    attributes: Mapping[str, Any] | None = None,
    statistics: Sequence[str] = (),
) -> Iterator[StoreWriter]:
    """Write a store of `n_rows` rows at `path`, whole or not at all; the same calls give the same bytes.

    Gives a `StoreWriter`; at the end of the block every row of every modality must have been written. The
    file has a temporary name until then and is removed if anything fails. `modalities` maps names, in order,
    to their layout; `generated` says that a program made the data; `attributes`, of values that JSON can
    hold, are kept with the store. For the modalities named in `statistics` the moments are computed at the
    end, in one pass over the rows that may be learned from: the unlabelled ones if there are enough
    (`mvi.data.splits.learn_from_unlabelled`), else the training rows of each split.

    Raises `ShapeError` and `DataError` as the writer does, `DataError` too where rows are missing at the end
    or `path` cannot be written.
    """
    path = Path(path)
    checks.check_layouts(modalities, n_rows, statistics)
    header = {
        "format": FORMAT,
        "dataset": dataset,
        "n_rows": n_rows,
        "modalities": json.dumps(list(modalities)),
        "generated": bool(generated),
        "citation": citation,
        "attributes": json.dumps(dict(attributes or {}), sort_keys=True),
    }
    with ExitStack() as stack:
        with hdf5.writing(path, path):
            temporary = stack.enter_context(atomic(path))
            size = _checked_space(path, n_rows, modalities)
            file = stack.enter_context(hdf5.created(temporary))
        writer = StoreWriter(file, path, n_rows, modalities, size)
        yield writer
        writer.finish(header, statistics)
        with hdf5.writing(path, temporary, size, file):
            file.flush()
            file.close()
            # Renamed here, where a failure is known to be one of writing and not the caller's.
            stack.close()


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
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Write a store at `path` from arrays in memory, whole or not at all; same arguments, same bytes.

    `modalities` maps names, in order, to (n, d) arrays with values in [0, 1], of any real type; `labels` is
    (n,) of indices into `classes`; `splits` maps numbers from 1 to disjoint row indices for train,
    validation and test; `shapes` gives for each modality what a row folds back into, with product d; `ids`
    is (n,) of integers or strings, the row numbers unless given; `generated` says that a program made the
    data; `attributes`, of values that JSON can hold, are kept with the store.
    Raises `ShapeError` where arrays do not fit together and `DataError` where a value is not finite, out of
    range or refers to nothing, or where `path` cannot be written.
    """
    n_rows = checks.check_modalities(modalities, shapes)
    checks.check_one_label_a_row(labels, n_rows)
    layouts = {
        name: Dense(values.shape[1], shape=shapes[name], pixels=True) for name, values in modalities.items()
    }
    with writing_store(
        path,
        dataset=dataset,
        n_rows=n_rows,
        modalities=layouts,
        generated=generated,
        citation=citation,
        attributes=attributes,
    ) as writer:
        writer.annotate(labels=labels, classes=classes, splits=splits, ids=ids)
        for name, values in modalities.items():
            writer.write(name, 0, values)


def _fixed(text: str) -> np.ndarray:
    # Strings of a length that may vary lie in the one part of an HDF5 file that has no checksum.
    encoded = text.encode()
    return np.array(encoded, h5py.string_dtype("utf-8", max(1, len(encoded))))


def _checked_space(path: Path, n_rows: int, modalities: Mapping[str, Dense | Sparse]) -> int:
    """Bytes of the modalities whose size is known before; refused where they are not free."""
    dense = [each for each in modalities.values() if isinstance(each, Dense) and not each.pixels]
    needed = n_rows * sum(each.columns * np.dtype(each.dtype).itemsize for each in dense)
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise DataError(
            f"{path} cannot be written: it needs {needed} bytes, {free} are free in {path.parent}; make room "
            "and run the workflow again."
        )
    return needed
