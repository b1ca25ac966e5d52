# SPDX-License-Identifier: MIT
"""Features that were made elsewhere: a user's matrix with a row for each image, as .npy or in an HDF5 file.

An HDF5 file has it as `features` (n, d) and may have `names` (n,), texts that say whose each row is: names of
images as the catalogue has them, or its ids. Rows of other images are left alone. Without names, and in a
.npy, row i is that of the catalogue's image i, and there is one for each.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mvi.data import hdf5
from mvi.errors import DataError

FEATURES, NAMES = "features", "names"


def features_of(
    path: str | Path, names: Sequence[str], ids: Sequence[Any], rows: range, columns: int | None = None
) -> np.ndarray:
    """Return the features (m, d) float32 of the images `rows` of those that have `names` and `ids` (n,).

    Raises `DataError` where the file cannot be read, holds no matrix of numbers, has another number of rows
    than there are images or lacks one of their names, has not as many `columns` as are wanted, if they are,
    or a number that float32 cannot hold.
    """
    if Path(path).suffix == ".npy":
        try:
            # Whatever numpy stumbles over in a file that is none of its own.
            found = np.load(path, mmap_mode="r", allow_pickle=False)
        except Exception as error:
            raise _unreadable(path, error) from error
        if not isinstance(found, np.ndarray):
            raise _unreadable(path, "it is an archive of arrays, .npz")
        return _checked(path, found, None, names, ids, rows, columns)
    try:
        with hdf5.opened(path) as file:
            known = _names(path, file[NAMES]) if NAMES in file else None
            if not isinstance(file.get(FEATURES), h5py.Dataset):
                raise DataError(
                    f"{path} has no array {FEATURES!r}; write the matrix of features under that name."
                )
            return _checked(path, file[FEATURES], known, names, ids, rows, columns)
    except (OSError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(path, error) from error


def _names(path: str | Path, found: Any) -> list[str]:
    """Whose the rows of a file are."""
    texts = isinstance(found, h5py.Dataset) and h5py.check_string_dtype(found.dtype) is not None
    if not texts or found.ndim != 1:
        raise DataError(f"{path} has {NAMES!r} that are no list of texts; give one text for each row.")
    named: list[str] = found.asstr()[()].tolist()
    return named


def _checked(
    path: str | Path,
    matrix: Any,
    known: Sequence[str] | None,
    names: Sequence[str],
    ids: Sequence[Any],
    rows: range,
    columns: int | None,
) -> np.ndarray:
    if len(matrix.shape or ()) != 2 or matrix.dtype.kind not in "fiu" or not all(matrix.shape):
        raise DataError(
            f"{path} has features {matrix.dtype} {matrix.shape}; they must be a matrix of numbers, with a "
            "row for each image."
        )
    if columns is not None and matrix.shape[1] != columns:
        raise DataError(
            f"{path} has {matrix.shape[1]} columns, but features.columns in the config is {columns}; give "
            "the file that was meant, or its width."
        )
    wanted = len(names) if known is None else len(known)
    if len(matrix) != wanted:
        whom = "images of the data set" if known is None else "names in it"
        raise DataError(f"{path} has {len(matrix)} rows for {wanted} {whom}; give one row for each.")
    places = np.array(rows) if known is None else _places(path, known, names, ids, rows)
    # HDF5 reads rows in ascending order alone.
    ascending, back = np.unique(places, return_inverse=True)
    with np.errstate(over="ignore"):
        found = np.asarray(matrix[ascending], np.float32)[back]
    wrong = np.flatnonzero(~np.isfinite(found).all(1))
    if len(wrong):
        raise DataError(
            f"{path} has a number that is not finite in the row of {names[rows[wrong[0]]][:100]!r}, or too "
            "large for float32; give finite features."
        )
    return found


def _places(
    path: str | Path, known: Sequence[str], names: Sequence[str], ids: Sequence[Any], rows: range
) -> np.ndarray:
    """Where the file has each of the images."""
    place = {name: i for i, name in enumerate(known)}
    if len(place) != len(known):
        twice = next(name for i, name in enumerate(known) if place[name] != i)
        raise DataError(f"{path} has the name {twice[:100]!r} twice; give each image one row.")
    # Those that the file goes by are those of which it lacks the fewest.
    lacking, asked = min(
        (([name for name in called if name not in place], called) for called in (names, [*map(str, ids)])),
        key=lambda found: len(found[0]),
    )
    if lacking:
        raise DataError(
            f"{path} lacks {len(lacking)} of the {len(names)} images, such as {lacking[0][:100]!r}, and has "
            f"{known[0][:100]!r}; name its rows by the names or ids of the catalogue's images."
        )
    return np.array([place[asked[row]] for row in rows])


def _unreadable(path: str | Path, error: Exception | str) -> DataError:
    said = " ".join(str(error).split())
    return DataError(f"{path} cannot be read as a file of features ({said}); give a sound .npy or HDF5 file.")
