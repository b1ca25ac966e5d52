# SPDX-License-Identifier: MIT
"""HDF5 files: every chunk and structure has a checksum, and reading takes no lock.

HDF5 compares a chunk's checksum (Fletcher's, of 32 bits) whenever it reads the chunk, so that damage is found
where it lies and nothing is read twice. What that sum cannot tell apart, words of 0 and of 65535, are numbers
that are not finite, labels and row numbers that do not exist: values are checked too.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from mvi.errors import DataError
from mvi.files import AGAIN, why_not

# This version checksums its own structures too, which the default (oldest) does not.
_LIBVER = ("v110", "v110")
# Small enough that scattered rows cost little, large enough that the calls do not.
CHUNK_BYTES = 2**18
# What keeps a sound file from being read.
_NOT_THE_FILE = {errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def opened(path: str | Path) -> h5py.File:
    """Open a file for reading; raises as h5py does."""
    # Files are renamed when they are whole and not changed afterwards, so that a lock would guard nothing,
    # and some network file systems have none.
    return h5py.File(path, "r", locking=False)


def created(path: str | Path) -> h5py.File:
    """Open a new file for writing; raises as h5py does."""
    return h5py.File(path, "w", libver=_LIBVER, locking=False)


def in_memory() -> h5py.File:
    """Open a new file for writing that is nowhere but in memory: small, and no disk can be full under it."""
    return h5py.File("memory", "w", libver=_LIBVER, driver="core", backing_store=False)


def create(file: h5py.File, name: str, shape: tuple[int, ...], dtype: np.typing.DTypeLike) -> h5py.Dataset:
    """Add an array (n, ...), n at least 1, chunked by rows and with checksums, to be filled."""
    row_bytes = np.dtype(dtype).itemsize * int(np.prod(shape[1:], dtype=np.int64))
    chunks = (max(1, min(shape[0], CHUNK_BYTES // row_bytes)), *shape[1:])
    return file.create_dataset(name, shape, dtype, chunks=chunks, fletcher32=True)


@contextmanager
def reading(path: str | Path, kind: str) -> Iterator[None]:
    """Turn what HDF5 says of a damaged file into one `DataError`; `kind` says what the file is."""
    try:
        yield
    # A part that is of another kind than it should be raises any of these.
    except (OSError, LookupError, AttributeError, RuntimeError, TypeError, ValueError) as error:
        said = " ".join(str(error).split())
        if isinstance(error, OSError) and error.errno in _NOT_THE_FILE:
            why = os.strerror(error.errno)
            raise DataError(f"{path} cannot be read ({why}); mend that and run again.") from error
        raise DataError(f"{path} is not a sound {kind} ({said}); {AGAIN}.") from error


@contextmanager
def writing(
    path: Path, temporary: str | Path, size: int | None = None, file: h5py.File | None = None
) -> Iterator[None]:
    """Turn what HDF5 says of a full disk into one `DataError`; `size` is in bytes, if known.

    An open `file` can afterwards be closed and nothing else.
    """
    # HDF5 reports a full disk by either.
    try:
        yield
    except (OSError, RuntimeError) as error:
        sentence = why_not(path, Path(temporary), size, error)
        # HDF5 tries again when arrays and the file are closed, and breaks down if that fails too.
        if file:
            _lead_nowhere(file)
        raise DataError(sentence) from error


def _lead_nowhere(file: h5py.File) -> None:
    """Let what is still written to a file, which is given up, go where there is always room."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, file.id.get_vfd_handle())
    os.close(nowhere)
