# SPDX-License-Identifier: MIT
"""What may go into a store and what may be asked of it: shapes, values, labels, splits, row indices.

`ShapeError` is raised where arrays do not fit together, `DataError` where what they hold is wrong.
"""

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from mvi.data.splits import PARTS
from mvi.errors import DataError, ShapeError

# Names that a store uses, or keeps free, beside those of the modalities.
RESERVED = ("ids", "known", "labels", "splits", "statistics", "vocabulary")

# Types that a dense modality may be kept as, and the largest number of each.
LARGEST = {name: float(np.finfo(name).max) for name in ("float32", "float16")}

# What a processor core keeps at hand.
CACHED_BYTES = 2**18

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
        _check_name(name)
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


def check_layouts(modalities: Mapping[str, Any], n_rows: int, statistics: Sequence[str]) -> None:
    """Refuse modalities, `Dense` or `Sparse` by name, that no store can have, and statistics of others."""
    if not modalities or n_rows < 1 or min(layout.columns for layout in modalities.values()) < 1:
        raise ShapeError("A store needs at least one modality and each at least one row and one column.")
    for name, layout in modalities.items():
        _check_name(name)
        dense = hasattr(layout, "dtype")
        if dense and layout.dtype not in LARGEST:
            raise DataError(
                f"Modality {name!r} cannot be kept as {layout.dtype}; choose {' or '.join(LARGEST)}."
            )
        if dense and layout.shape is not None and prod(layout.shape) != layout.columns:
            raise ShapeError(
                f"The shape {tuple(layout.shape)} of modality {name!r} does not fold rows of "
                f"{layout.columns} values; give one whose product is that number."
            )
    if sum(not hasattr(layout, "dtype") for layout in modalities.values()) > 1:
        raise DataError("A store has one sparse modality at most, its tags; make the others dense.")
    if not set(statistics) <= set(modalities):
        raise DataError(
            f"Statistics are wanted of {', '.join(sorted(set(statistics) - set(modalities)))}, but the "
            f"modalities are {', '.join(modalities)}."
        )


def _check_name(name: str) -> None:
    # Names become keys of HDF5 and of results, where "/" and "+" (both given) have a meaning.
    if name in RESERVED or not name.isidentifier():
        raise DataError(
            f"A modality cannot be named {name!r}; choose letters, digits and _, and none of "
            f"{', '.join(RESERVED)}."
        )


def check_block(name: str, block: Any, start: int, n_rows: int, columns: int) -> None:
    """Refuse a `block`, NumPy or SciPy, unless it is (m, columns) real numbers with room from row `start`."""
    if len(block.shape) != 2 or block.shape[1] != columns or block.dtype.kind not in "buif":
        raise ShapeError(
            f"Modality {name!r} takes blocks of real numbers, {columns} a row, not {block.dtype} of shape "
            f"{block.shape}."
        )
    if start < 0 or start + block.shape[0] > n_rows:
        raise ShapeError(
            f"A block of rows {start} to {start + block.shape[0] - 1} of modality {name!r} does not fit into "
            f"the {n_rows} rows of the store."
        )


def checked_counts(name: str, block: Any, start: int) -> Any:
    """Return the SciPy matrix `block` (m, d) as int32 CSR: indices sorted, none twice, no zeros kept."""
    if not hasattr(block, "tocsr"):
        raise ShapeError(
            f"Sparse modality {name!r} takes SciPy's sparse arrays, not a {type(block).__name__}."
        )
    counts = block.tocsr(copy=True)
    try:
        counts.check_format(full_check=True)
    except ValueError as error:
        raise ShapeError(
            f"The block of modality {name!r} from row {start} on is no sound sparse matrix ({error}); make "
            "it again."
        ) from error
    counts.sum_duplicates()
    values = counts.data
    # Written so that a NaN is wrong too.
    wrong = ~((values >= 0) & (values <= np.iinfo(np.int32).max) & (values == np.floor(values)))
    if wrong.any():
        entry = int(np.argmax(wrong))
        row = int(np.searchsorted(counts.indptr, entry, side="right")) - 1
        raise DataError(
            f"Modality {name!r} has the count {values[entry]:g} in row {start + row}, column "
            f"{counts.indices[entry]}; counts must be whole numbers from 0 on, so mend that row."
        )
    counts = counts.astype(np.int32)
    counts.eliminate_zeros()
    return counts


def checked_vocabulary(words: Sequence[str], columns: Sequence[int]) -> np.ndarray:
    """Return `words` as UTF-8 bytes of one length; `columns` are those of each sparse modality."""
    if list(columns) != [len(words)]:
        raise ShapeError(
            f"A vocabulary of {len(words)} words needs one sparse modality with as many columns, and "
            f"the sparse modalities have {', '.join(map(str, columns)) or 'none'}."
        )
    values, counts = np.unique(np.asarray(words, str), return_counts=True)
    if counts.max() > 1 or "" in values:
        raise DataError(
            f"The word {str(values[np.argmax(counts)])!r} is in the vocabulary twice, or one is empty; "
            "each column must have a word of its own."
        )
    return np.char.encode(np.asarray(words, str), "utf-8")


def check_one_label_a_row(labels: np.ndarray, n_rows: int) -> None:
    """Refuse `labels` that are not (n_rows,) integers."""
    labels = np.asarray(labels)
    if labels.shape != (n_rows,) or labels.dtype.kind not in "ui":
        raise ShapeError(
            f"Labels must be ({n_rows},) integers, one a row, not {labels.dtype} of shape {labels.shape}."
        )


def checked_labels(labels: np.ndarray | None, n_rows: int, classes: Sequence[str]) -> np.ndarray:
    """Return the `labels` of the first L rows, (L,) int64 or (L, classes) uint8; None stands for L = 0.

    The former are indices into `classes`, the latter 0 or 1 for each of them.
    """
    labels = np.empty((0, len(classes)), np.uint8) if labels is None else np.asarray(labels)
    several = labels.ndim == 2
    if (
        labels.ndim not in (1, 2)
        or len(labels) > n_rows
        or labels.dtype.kind not in ("bui" if several else "ui")
    ):
        raise ShapeError(
            f"Labels must be integers, one a row or one a row and class, for at most {n_rows} rows, not "
            f"{labels.dtype} of shape {labels.shape}."
        )
    if several and labels.shape[1] != len(classes):
        raise ShapeError(f"Labels have {labels.shape[1]} columns but there are {len(classes)} classes.")
    if several:
        wrong = (labels != 0) & (labels != 1)
        if wrong.any():
            row, column = (int(i) for i in np.argwhere(wrong)[0])
            raise DataError(
                f"The label of class {classes[column]} in row {row} is {labels[row, column]}, and must be 0 "
                "or 1; mend it."
            )
        return labels.astype(np.uint8)
    wrong = (labels < 0) | (labels >= len(classes))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"The label {labels[row]} in row {row} is no index into the {len(classes)} classes; "
            "mend the label or name all classes."
        )
    return labels.astype(np.int64)


def checked_known(known: np.ndarray | None, labels: np.ndarray, classes: Sequence[str]) -> np.ndarray | None:
    """Return the mask `known` (L, classes) bool of the `labels` that are known; None where all of them are.

    A row may be neither positive nor negative for a class (as the difficult ones of PASCAL VOC are); its
    label is then 0 and its place in the mask False.
    """
    if known is None:
        return None
    known = np.asarray(known)
    if labels.ndim != 2 or known.shape != labels.shape or known.dtype != bool:
        raise ShapeError(
            "What labels are known must be truth values, one a row and class, of the shape "
            f"{labels.shape} of the labels, not {known.dtype} of shape {known.shape}."
        )
    wrong = ~known & (labels != 0)
    if wrong.any():
        row, column = (int(i) for i in np.argwhere(wrong)[0])
        raise DataError(
            f"The label of class {classes[column]} in row {row} is {labels[row, column]} and is said to be "
            "unknown; an unknown label must be 0."
        )
    return None if known.all() else known


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


def check_values(name: str, block: np.ndarray, start: int, dtype: str, pixels: bool) -> None:
    """Refuse a value that is not finite, too large for `dtype` or, of `pixels`, not in [0, 1].

    `block` (m, d) begins at row `start` of `name`.
    """
    low, high = (0, 1) if pixels else (-LARGEST[dtype], LARGEST[dtype])
    # Written so that a NaN fails it: the usual case takes two passes and no temporary array.
    if block.min() >= low and block.max() <= high:
        return
    wrong = ~np.isfinite(block)
    finite = not wrong.any()
    if finite:
        wrong = (block < low) | (block > high)
    row, column = (int(i) for i in np.argwhere(wrong)[0])
    where = f"Modality {name!r} has the value {block[row, column]:g} in row {start + row}, column {column}"
    if finite and not pixels:
        raise DataError(f"{where}; {dtype} holds at most {high:g}, so choose a wider type or mend that row.")
    wanted = "finite and in [0, 1], so mend, scale" if pixels else "finite, so mend"
    raise DataError(f"{where}; values must be {wanted} or drop that row.")


def check_read(
    path: Path, name: str, block: np.ndarray, rows: Rows, remedy: str, *, pixels: bool = False
) -> None:
    """Refuse a NaN or infinity in the `block` (m, d) that was read from `rows` of `name` in the file `path`.

    Of `pixels` what is not in [0, 1] is refused too. The sentence ends with the `remedy`. A row of 3,857
    columns takes 3 microseconds as float16, 8 as float32.
    """
    # In pieces that stay in the processor's cache.
    step = max(1, CACHED_BYTES // max(1, block[:1].nbytes))
    for start in range(0, len(block), step):
        piece = block[start : start + step]
        if pixels:
            # Written so that a NaN fails it.
            sound = piece.min() >= 0 and piece.max() <= 1
        elif piece.dtype == np.float16:
            # By the bits of the exponent: NumPy's own check of half precision takes six times as long.
            sound = (piece.view(np.uint16) & np.uint16(0x7C00)).max() < 0x7C00
        else:
            sound = np.isfinite(piece).all()
        if sound:
            continue
        wrong = ~((piece >= 0) & (piece <= 1)) if pixels else ~np.isfinite(piece)
        row, column = (int(i) for i in np.argwhere(wrong)[0])
        found = piece[row, column]
        row += start
        if isinstance(rows, slice):
            row += rows.start or 0
        elif rows is not None:
            row = int(rows[row])
        raise DataError(f"{path} has the value {found:g} in row {row}, column {column} of {name}; {remedy}.")


def check_counts(name: str, indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, columns: int) -> None:
    """Refuse parts of a CSR matrix of `columns` columns that are none, or whose counts are not from 1 on.

    A row has its columns in order, none of them twice.
    """
    if any(part.ndim != 1 or part.dtype.kind not in "iu" for part in (indptr, indices, data)):
        raise DataError(f"the parts of {name} are no lists of whole numbers")
    steps = np.diff(indptr)
    if indptr[0] != 0 or (steps < 0).any() or not indptr[-1] == len(indices) == len(data):
        row = int(np.argmax(steps < 0)) if (steps < 0).any() else len(steps) - 1
        raise DataError(f"the entries of row {row} of {name} are not where {name}/indptr says")
    for what, wrong in (
        ("index", (indices < 0) | (indices >= columns)),
        ("count", data < 1),
    ):
        if wrong.any():
            entry = int(np.argmax(wrong))
            row = int(np.searchsorted(indptr, entry, side="right")) - 1
            value = (indices if what == "index" else data)[entry]
            raise DataError(f"row {row} of {name} has the {what} {value}, and there are {columns} columns")
    falling = np.diff(indices) <= 0
    firsts = indptr[(indptr > 0) & (indptr < len(indices))]
    falling[firsts - 1] = False
    if falling.any():
        row = int(np.searchsorted(indptr, int(np.argmax(falling)), side="right")) - 1
        raise DataError(f"row {row} of {name} has a column twice, or columns out of order")


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
