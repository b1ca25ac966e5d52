# SPDX-License-Identifier: MIT
"""Files of joint representations: an array (n, K) float32 a trained model and query."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np

from mvi.data import hdf5
from mvi.data.checks import check_read
from mvi.data.row_sources import DenseRows
from mvi.errors import DataError
from mvi.files import AGAIN, atomic


class RepresentationWriter:
    """What `writing_representations` gives."""

    def __init__(self, path: Path, temporary: Path) -> None:
        self._path, self._temporary = path, temporary
        self._file = hdf5.created(temporary)

    def write(self, part: str, query: str, n_rows: int, start: int, states: np.ndarray) -> None:
        """Write the rows from `start` on, (m, K), of the `n_rows` of a part and query."""
        name = f"{part}/{query}"
        with hdf5.writing(self._path, self._temporary, file=self._file):
            if name in self._file:
                array = self._file[name]
            else:
                array = hdf5.create(self._file, name, (n_rows, states.shape[1]), np.float32)
            array[start : start + len(states)] = states
            # A failure that comes when the array is closed would go unnoticed.
            array.flush()

    def finish(self) -> None:
        """Write what is left to be written, and close the file."""
        with hdf5.writing(self._path, self._temporary, file=self._file):
            self._file.flush()
            self._file.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@contextmanager
def writing_representations(path: str | Path) -> Iterator[RepresentationWriter]:
    """Write representations to `path`, whole or not at all; raises `DataError` where it cannot be written."""
    path = Path(path)
    with ExitStack() as stack:
        temporary = stack.enter_context(atomic(path))
        with hdf5.writing(path, temporary):
            writer = RepresentationWriter(path, temporary)
        stack.callback(writer.close)
        yield writer
        writer.finish()


class Representations:
    """A file of representations opened for reading; closes itself at the end of a `with` block.

    Whatever reads it raises `DataError` where it is missing, damaged or lacks what is asked for.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise DataError(f"There are no representations at {path}; run the workflow rule that makes them.")
        with hdf5.reading(self.path, "file of representations"):
            self._file = hdf5.opened(self.path)

    def __enter__(self) -> "Representations":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def read(self, part: str, query: str, rows: np.ndarray | None = None) -> np.ndarray:
        """The representations (m, K) float32 of `rows`, in any order, or of all."""
        with hdf5.reading(self.path, "file of representations"):
            source = DenseRows(self._file[f"{part}/{query}"])
            if len(source.shape) != 2 or source.dtype != np.float32:
                raise ValueError(f"{part}/{query} is {source.dtype} of shape {source.shape}")
            if rows is None:
                states = source.read(0, source.shape[0])
            elif len(rows) and not 0 <= np.min(rows) <= np.max(rows) < source.shape[0]:
                raise ValueError(f"it has {source.shape[0]} rows of {part}/{query}, not row {np.max(rows)}")
            else:
                states = source.gather(np.asarray(rows))
        check_read(self.path, query, states, rows, AGAIN)
        return states
