# SPDX-License-Identifier: MIT
"""What may go into a store and what may be asked of it: shapes, values, labels, splits, row indices.

`ShapeError` is raised where arrays do not fit together, `DataError` where what they hold is wrong.
"""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from mvi.data.splits import PARTS
from mvi.errors import DataError, ShapeError

# Names that a store uses, or keeps free, beside those of the modalities.
RESERVED = ("ids", "labels", "splits", "statistics")

Rows = slice | Sequence[int] | np.ndarray | None


def check_modalities(modalities: Mapping[str, np.ndarray], shapes: Mapping[str, Sequence[int]]) -> int:
    """Return the n that all modalities, (n, d) with a shape of product d each, share; values are not read."""
    if not modalities or set(modalities) != set(shapes):
        raise ShapeError(
            f"A store needs one shape for each modality, not shapes for {sorted(shapes)} where the "
            f"modalities are {sorted(modalities)}."
        )
    n_rows = len(next(iter(modalities.values())))
    for name, values in modalities.items():
        # Names become keys of HDF5 and of results, where "/" and "+" (both given) have a meaning.
        if name in RESERVED or not name.isidentifier():
            raise DataError(
                f"A modality cannot be named {name!r}; choose letters, digits and _, and none of "
                f"{', '.join(RESERVED)}."
            )
        if values.ndim != 2 or 0 in values.shape or values.dtype.kind not in "buif":
            raise ShapeError(
                f"Modality {name!r} must be an (n, d) array of real numbers, n and d at least 1, not "
                f"{values.dtype} of shape {values.shape}."
            )
        if len(values) != n_rows:
            first = next(iter(modalities))
            raise ShapeError(
                f"Modality {name!r} has {len(values)} rows but {first!r} has {n_rows}; row i of each "
                "must belong to the same example."
            )
        if prod(shapes[name]) != values.shape[1]:
            raise ShapeError(
                f"The shape {tuple(shapes[name])} of modality {name!r} does not fold rows of "
                f"{values.shape[1]} values; give one whose product is that number."
            )
    return n_rows


def checked_labels(labels: np.ndarray, n_rows: int, classes: Sequence[str]) -> np.ndarray:
    """Return `labels` as (n_rows,) int64 indices into `classes`."""
    labels = np.asarray(labels)
    if labels.shape != (n_rows,) or labels.dtype.kind not in "ui":
        raise ShapeError(
            f"Labels must be ({n_rows},) integers, one a row, not {labels.dtype} of shape {labels.shape}."
        )
    wrong = (labels < 0) | (labels >= len(classes))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"The label {labels[row]} in row {row} is no index into the {len(classes)} classes; "
            "mend the label or name all classes."
        )
    return labels.astype(np.int64)


def checked_ids(ids: np.ndarray, n_rows: int) -> np.ndarray:
    """Return `ids` as (n_rows,) int64 or, if they are strings, UTF-8 bytes of one length."""
    if ids.shape != (n_rows,) or ids.dtype.kind not in "uiU":
        raise ShapeError(
            f"Ids must be ({n_rows},) integers or strings, one a row, not {ids.dtype} of shape {ids.shape}."
        )
    # HDF5 keeps strings of a length that may vary where no checksum guards them.
    return np.char.encode(ids, "utf-8") if ids.dtype.kind == "U" else ids.astype(np.int64)


def checked_split(number: int, split: Mapping[str, np.ndarray], n_rows: int) -> dict[str, np.ndarray]:
    """Return the parts of `split`, disjoint and none empty, as int64 row indices."""
    if number < 1 or set(split) != set(PARTS):
        raise DataError(
            f"Split {number} has the parts {', '.join(split) or 'none'}; splits are numbered from 1 and "
            f"have the parts {', '.join(PARTS)}."
        )
    checked = {part: checked_rows(split[part], n_rows) for part in PARTS}
    for part, indices in checked.items():
        if not len(indices):
            raise DataError(f"The {part} part of split {number} is empty; give it at least one row.")
    values, counts = np.unique(np.concatenate(list(checked.values())), return_counts=True)
    if counts.max() > 1:
        raise DataError(
            f"Split {number} uses row {values[np.argmax(counts)]} more than once; a row may be in one "
            "part only, and once."
        )
    return checked


def check_values(name: str, block: np.ndarray, start: int) -> None:
    """Refuse a value that is not finite or not in [0, 1]; `block` (m, d) begins at row `start` of `name`."""
    # Written so that a NaN fails it: the usual case takes two passes and no temporary array.
    if block.min() >= 0 and block.max() <= 1:
        return
    wrong = ~np.isfinite(block)
    if not wrong.any():
        wrong = (block < 0) | (block > 1)
    row, column = (int(i) for i in np.argwhere(wrong)[0])
    raise DataError(
        f"Modality {name!r} has the value {block[row, column]:g} in row {start + row}, column {column}; "
        "values must be finite and in [0, 1], so mend, scale or drop that row."
    )


def checked_rows(rows: Rows, n_rows: int) -> np.ndarray:
    """Return `rows` as int64 indices (m,); raises `ShapeError` unless all are from 0 to n_rows - 1."""
    if isinstance(rows, slice):
        return np.arange(n_rows)[rows]
    indices = np.asarray(rows)
    if indices.ndim != 1 or (indices.size and indices.dtype.kind not in "ui"):
        raise ShapeError(
            f"Row indices must be a list of integers, not {indices.dtype} of shape {indices.shape}."
        )
    if indices.size and not 0 <= indices.min() <= indices.max() < n_rows:
        raise ShapeError(
            f"Row indices run from {indices.min()} to {indices.max()}, but rows from 0 to {n_rows - 1}."
        )
    return indices.astype(np.int64)
