# SPDX-License-Identifier: MIT
"""The store: all of a data set that models and classifiers read, in one HDF5 file.

Of n rows the first L are labelled and the others are not; L may be n or 0. Root attributes: `format`,
`dataset`, `n_rows`, `n_labelled`, `modalities` (JSON list, in order), `classes` (JSON list), `generated`,
`citation`, `attributes` (JSON mapping, what else is told of the data). Then:

- one array (n, d) float32 or float16 a dense modality, or a group `data`, `indices` (int32), `indptr`
  (int64), counts in CSR form, a sparse one; either with the attribute `shape`, what a row looks like when
  folded back;
- `/ids` (n,) int64 or strings; `/vocabulary` (d,), the words of the sparse modality, if known;
- `/labels`, unless L is 0: (L,) int64 class indices, or (L, classes) uint8 of 0 and 1;
- `/known`, only where some of the latter are unknown (and 0): (L, classes) bool, false for those;
- `/splits/<number>/<part>` int64 row indices below L, numbers from 1;
- `/statistics/<modality>/<key>/mean` and `variance` (d,) float64 with the attribute `rows`; the key is `all`
  if they are those of all unlabelled rows, else the number of the split of whose training rows they are.

All are chunked by rows and carry checksums. `mvi.data.store_writer` writes it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from mvi.data import checks, hdf5
from mvi.data.checks import Rows
from mvi.data.row_sources import CsrRows, DenseRows, source_of
from mvi.data.splits import PARTS
from mvi.errors import DataError, ShapeError
from mvi.files import AGAIN

FORMAT = 2


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    with hdf5.reading(path, "store"):
        yield


@dataclass(frozen=True)
class StoredMoments:
    """`mean` and `variance` (N - 1), (d,) float64, of the columns of a modality over `rows` rows."""

    mean: np.ndarray
    variance: np.ndarray
    rows: int


class Store:
    """A store opened for reading; closes itself at the end of a `with` block.

    `modalities` lists the names in order, `sizes` gives d and `shapes` the folded shape of each, `n_rows`
    is n, `n_labelled` is L, `classes` the names of the classes, and `attrs` holds the root attributes with
    lists as lists. Whatever reads the file raises `DataError` where it is missing, cut short, altered or no
    store, or holds what none can hold: labels, splits and counts are checked when it is opened, real numbers
    as they are read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise DataError(f"There is no store at {self.path}; run the workflow rule that makes it.")
        with _reading(self.path):
            self._file = hdf5.opened(self.path)
        try:
            with _reading(self.path):
                self._read_header()
                self._check_values()
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
            "attributes": json.loads(attrs["attributes"]),
        }
        self.modalities: list[str] = self.attrs["modalities"]
        self.classes: list[str] = self.attrs["classes"]
        self.n_rows = int(attrs["n_rows"])
        self.n_labelled = int(attrs["n_labelled"])
        self._sources = {name: source_of(self._file[name]) for name in self.modalities}
        self.sizes: dict[str, int] = {name: source.shape[1] for name, source in self._sources.items()}
        self.shapes: dict[str, tuple[int, ...]] = {
            name: tuple(int(n) for n in self._file[name].attrs["shape"]) for name in self.modalities
        }
        self._check_layout()

    def _check_layout(self) -> None:
        """Refuse with `ValueError` what is not of the kind, or of the shape, that the writer gives it."""
        if not self.modalities or not isinstance(self.attrs["attributes"].get("features", {}), dict):
            raise ValueError("it has no modality, or says its features in no mapping")
        for what in ("modalities", "classes"):
            names = self.attrs[what]
            texts = isinstance(names, list) and all(isinstance(name, str) for name in names)
            if not texts or len(set(names)) < len(names):
                raise ValueError(f"the names of its {what} are not texts, each another")
        for name, source in self._sources.items():
            if source.shape[0] != self.n_rows:
                raise ValueError(f"{name} has {source.shape[0]} rows, not {self.n_rows}")
            if isinstance(source, DenseRows) and (
                len(source.shape) != 2 or str(source.dtype) not in checks.LARGEST
            ):
                raise ValueError(f"{name} is {source.dtype} of shape {source.shape}")
            shape = self.shapes[name]
            if prod(shape) != self.sizes[name] or min(shape) < 1:
                raise ValueError(f"the {self.sizes[name]} columns of {name} are no {shape}")
        if self._file["ids"].shape != (self.n_rows,):
            raise ValueError(f"ids is of shape {self._file['ids'].shape}, and there are {self.n_rows} rows")
        if self.n_labelled and len(self._file["labels"]) != self.n_labelled:
            raise ValueError(f"labels has {len(self._file['labels'])} rows, not {self.n_labelled}")
        if "known" in self._file and self._file["known"].shape != self._file["labels"].shape:
            raise ValueError(f"known is of shape {self._file['known'].shape}, unlike labels")

    def _check_values(self) -> None:
        """Refuse labels, splits and counts that no store can have, though the checksums be right."""
        file = self._file
        try:
            for source in self._sources.values():
                if isinstance(source, CsrRows):
                    source.check()
            if "vocabulary" in file:
                columns = [
                    source.shape[1] for source in self._sources.values() if isinstance(source, CsrRows)
                ]
                checks.checked_vocabulary([word.decode() for word in file["vocabulary"][:]], columns)
            labels = file["labels"][:] if self.n_labelled else None
            labels = checks.checked_labels(labels, self.n_rows, self.classes)
            checks.checked_known(file["known"][:] if "known" in file else None, labels, self.classes)
            for number, split in file["splits"].items():
                parts = {part: split[part][:] for part in split}
                checks.checked_split(int(number), parts, self.n_labelled)
        except (DataError, ShapeError) as error:
            said = str(error).rpartition(";")[0] or str(error).rstrip(".")
            raise DataError(f"{self.path} is not a sound store ({said}); {AGAIN}.") from error

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
        """Return the rows of modality `name`, (n, d) float32, in the order asked for; counts as numbers.

        `rows` is a slice, or row indices in any order and with repetitions, or None for all rows. Raises
        `DataError` for an unknown modality and `ShapeError` for indices that are none of this store's.
        """
        return self.read_stored(name, rows).astype(np.float32, copy=False)

    def read_stored(self, name: str, rows: Rows = None) -> np.ndarray:
        """Return the same numbers as `read`, but float16 where they are kept as float16."""
        values = self._read(self._modality(name), rows, self.n_rows)
        checks.check_read(self.path, name, values, rows, AGAIN, pixels=self._sources[name].pixels)
        return values

    def rows_in_a_chunk(self, name: str) -> int:
        """Return how many successive rows of modality `name` are read at the cost of one; 1 for counts."""
        return self._modality(name).step

    def labels(self, rows: Rows = None) -> np.ndarray:
        """Return the labels of `rows`, given as for `read`, or of all labelled rows.

        They are (n,) int64 class indices, or (n, classes) uint8 of 0 and 1 where a row may belong to several
        classes or none; `known` tells which of these mean something. Raises `ShapeError` for rows without a
        label.
        """
        if self.n_labelled:
            with _reading(self.path):
                source = DenseRows(self._file["labels"])
            return self._read(source, rows, self.n_labelled)
        checks.checked_rows([] if rows is None else rows, 0)
        return np.empty((0, len(self.classes)), np.uint8)

    def known(self, rows: Rows = None) -> np.ndarray:
        """Return (n, classes) bool, which labels of `rows`, given as for `labels`, are known.

        Where one is not, the row is neither a positive nor a negative of that class and should count neither
        in its training nor in its evaluation. Raises `ShapeError` for rows without a label.
        """
        with _reading(self.path):
            partly = DenseRows(self._file["known"]) if "known" in self._file else None
        if partly is not None:
            return self._read(partly, rows, self.n_labelled)
        asked = checks.checked_rows(slice(None) if rows is None else rows, self.n_labelled)
        return np.ones((len(asked), len(self.classes)), bool)

    @property
    def features(self) -> dict[str, Any] | None:
        """What its images were described by (`mvi.data.facts`), if it says so."""
        found: dict[str, Any] | None = self.attrs["attributes"].get("features")
        return found

    @property
    def unlabelled(self) -> np.ndarray:
        """The ascending int64 indices of the rows without a label."""
        return np.arange(self.n_labelled, self.n_rows)

    def ids(self, rows: Rows = None) -> np.ndarray:
        """Return the ids (n,) of `rows`, given as for `read`: int64 or strings."""
        with _reading(self.path):
            source = DenseRows(self._file["ids"])
        ids = self._read(source, rows, self.n_rows)
        return np.char.decode(ids, "utf-8") if ids.dtype.kind == "S" else ids

    @property
    def vocabulary(self) -> list[str]:
        """The words that the columns of the sparse modality count, none where there is no such modality.

        Raises `DataError` where they are unknown.
        """
        with _reading(self.path):
            if "vocabulary" in self._file:
                return [word.decode() for word in self._file["vocabulary"][:]]
        if not any(isinstance(source, CsrRows) for source in self._sources.values()):
            return []
        raise DataError(f"{self.path} names no words; make the store with a vocabulary.")

    def tag_counts(self) -> np.ndarray:
        """Return (n_rows,) int64, how many different words each row of the sparse modality has.

        Raises `DataError` where there is no sparse modality.
        """
        for source in self._sources.values():
            if isinstance(source, CsrRows):
                with _reading(self.path):
                    return np.diff(source.indptr)
        raise DataError(f"{self.path} has no tags; its modalities are {', '.join(self.modalities)}.")

    def with_tags(self, minimum: int) -> np.ndarray:
        """Return the mask (n_rows,) bool of the rows with at least `minimum` different words.

        Raises `DataError` where there is no sparse modality, unless `minimum` is 0, which every row has.
        """
        return np.ones(self.n_rows, bool) if minimum == 0 else self.tag_counts() >= minimum

    def moments(self, name: str, split: int) -> StoredMoments:
        """Return the moments of modality `name` over the rows that may be learned from in split `number`.

        They are all unlabelled rows if there are enough, else the training rows of the split. Raises
        `DataError` for an unknown modality, or where no such moments were asked for when the store was made.
        """
        self._modality(name)
        with _reading(self.path):
            known = self._file["statistics"][name] if name in self._file.get("statistics", ()) else {}
            for key in ("all", str(split)):
                if key in known:
                    group = known[key]
                    moments = StoredMoments(group["mean"][:], group["variance"][:], int(group.attrs["rows"]))
                    if moments.mean.shape != (self.sizes[name],) or moments.rows < 1:
                        raise ValueError(f"the moments of {name} are not of rows of it")
                    if not (
                        np.isfinite([moments.mean, moments.variance]).all() and (moments.variance >= 0).all()
                    ):
                        raise ValueError(f"a mean or variance of {name} is not finite, or below 0")
                    return moments
        raise DataError(
            f"{self.path} has no moments of {name} for split {split}; make the store with its statistics."
        )

    def split(self, number: int) -> dict[str, np.ndarray]:
        """Return the int64 row indices of the parts train, validation and test of split `number`.

        Raises `DataError` where there is no such split.
        """
        with _reading(self.path):
            splits = self._file["splits"]
            known = list(splits)
            if str(number) in known:
                return {part: splits[f"{number}/{part}"][:] for part in PARTS}
        raise DataError(f"{self.path} has no split {number}; it has {', '.join(known) or 'none'}.")

    def blocks(self, rows: Rows, size: int) -> Iterator[np.ndarray]:
        """Yield the row indices `rows`, given as for `read`, in blocks of `size`, the last one shorter.

        Blocks of ascending rows are the cheapest to read, since they share chunks.
        """
        if size < 1:
            raise ShapeError(f"A block must have at least 1 row, not {size}.")
        indices = checks.checked_rows(slice(None) if rows is None else rows, self.n_rows)
        for start in range(0, len(indices), size):
            yield indices[start : start + size]

    def _modality(self, name: str) -> DenseRows | CsrRows:
        if name not in self.modalities:
            raise DataError(f"{self.path} has no modality {name!r}; it has {', '.join(self.modalities)}.")
        return self._sources[name]

    def _read(self, source: DenseRows | CsrRows, rows: Rows, n_rows: int) -> np.ndarray:
        if rows is None or (isinstance(rows, slice) and rows.step in (None, 1)):
            first, stop, _ = (rows or slice(None)).indices(n_rows)
            with _reading(self.path):
                return source.read(first, max(first, stop))
        indices = checks.checked_rows(rows, n_rows)
        with _reading(self.path):
            return source.gather(indices)
