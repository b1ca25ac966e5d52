# SPDX-License-Identifier: MIT
"""What users give a model, checked before it computes: kinds of arrays, shapes, masks, and ranges of values.

Shapes: n examples, B of them in a block, d columns of a modality's values.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mvi.errors import DataError, ShapeError

Array = np.ndarray | Tensor
"""What a model returns: torch where the values that came in are, else numpy."""

Values = Mapping[str, Any]
"""(n, d) values by modality, `None` where it is missing: arrays, data frames or SciPy sparse matrices."""

Observed = Mapping[str, Any]
"""(n,) bools by modality, true where a row's values were observed; without an entry they all were."""


@dataclass(frozen=True)
class Range:
    """Values that make sense, and what to do about others. Rounding may take them past the ends."""

    low: float = -math.inf
    high: float = math.inf
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}" if math.isfinite(self.high) else f"{self.low:g} or more"


FINITE = Range()
PROBABILITIES = Range(0, 1, "divide by the largest possible value, or give 1 for what is there")
COUNTS = Range(0, math.inf, "give counts, 0 for what is not there")

_ROUNDING = 1e-6


@dataclass(frozen=True)
class Given:
    """The modalities that are given in the order of the model's, each (n, d), and masks of some of them.

    Entries are looked at block by block. A mask (n,) is kept where it is not true everywhere.
    """

    arrays: Mapping[str, Any]
    masks: Mapping[str, np.ndarray]
    rows: int

    def patterns(self, at: slice) -> list[tuple[list[str], np.ndarray | None]]:
        """Which modalities are observed together in some of the rows `at`, and which of these rows.

        The rows are counted from the first of `at`; `None` means all of them.
        """
        names = list(self.arrays)
        if not self.masks:
            return [(names, None)]
        rows = len(range(*at.indices(self.rows)))
        codes = np.zeros(rows, np.int64)
        for number, name in enumerate(names):
            codes |= self.masks[name][at].astype(np.int64) << number if name in self.masks else 1 << number
        found: list[tuple[list[str], np.ndarray | None]] = []
        for code in np.unique(codes):
            chosen = np.flatnonzero(codes == code)
            together = [name for number, name in enumerate(names) if code >> number & 1]
            found.append((together, None if len(chosen) == rows else chosen))
        return found or [(names, None)]

    def block(self, name: str, at: slice, like: Tensor, accepted: Range) -> Tensor:
        """(B, d) values of a modality in the rows `at`, as `like` is, 0 where they were not observed.

        Raises `DataError` where a value observed is not finite or not in the range `accepted`.
        """
        values = _tensor(self.arrays[name][at], like)
        mask = self.masks.get(name)
        if mask is not None:
            values = torch.where(torch.from_numpy(mask[at]).to(values.device)[:, None], values, 0)
        _check(name, values, accepted, at.start)
        return values


def given(
    values: Values, sizes: Mapping[str, int], observed: Observed | None = None, without: str | None = None
) -> Given:
    """What is given of the modalities in `sizes`, which have so many columns, but for the one `without`.

    Raises `ShapeError` for unknown modalities, what is no array of numbers, wrong widths, unequal lengths,
    masks that are not (n,) bools, and rows of which nothing is given.
    """
    if not isinstance(values, Mapping):
        raise ShapeError(f"values are a {_kind(values)}; give a mapping of {', '.join(sizes)} to arrays.")
    unknown = [name for name in (*values, *(observed or ())) if name not in sizes]
    arrays = {name: values[name] for name in sizes if name != without and values.get(name) is not None}
    if unknown or not arrays:
        what = f"no modality {unknown[0]!r}" if unknown else "no modality given at all"
        raise ShapeError(f"{what}; this model has {', '.join(sizes)}.")
    arrays = {name: _matrix(name, value, sizes[name]) for name, value in arrays.items()}
    shapes = {name: tuple(value.shape) for name, value in arrays.items()}
    rows = next(iter(shapes.values()))[0]
    if any(shape[0] != rows for shape in shapes.values()):
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ShapeError(f"modalities have unequal numbers of rows: {listed}; give the same rows of each.")
    masks = {name: _mask(name, mask, rows) for name, mask in (observed or {}).items() if name in arrays}
    if len(masks) == len(arrays) and not (anything := np.any(list(masks.values()), axis=0)).all():
        raise ShapeError(
            f"no modality is observed in row {int(np.argmin(anything))}; leave such rows out or give one."
        )
    return Given(arrays, {name: mask for name, mask in masks.items() if not mask.all()}, rows)


def like(result: Tensor, values: Values) -> Array:
    """`result` as the kind of array that `values` holds: numpy, or torch on the same device."""
    first = next(value for value in values.values() if value is not None)
    return result.to(first.device) if isinstance(first, Tensor) else result.cpu().numpy()


def _kind(value: Any) -> str:
    return "masked array" if isinstance(value, np.ma.MaskedArray) else type(value).__name__


def _matrix(name: str, value: Any, width: int) -> Any:
    """`value` as something of shape (n, width) whose rows can be sliced, not yet looked at."""
    what = f"modality {name!r} is a {_kind(value)}"
    if isinstance(value, np.ma.MaskedArray):
        raise ShapeError(f"{what}; fill it, and say by `observed` which rows were not observed.")
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        raise ShapeError(f"{what}; give an array of numpy or torch, a data frame or a sparse matrix.")
    if value.dtype.is_complex if isinstance(value, Tensor) else np.dtype(value.dtype).kind not in "biuf":
        raise ShapeError(f"modality {name!r} has entries of type {value.dtype}; give real numbers.")
    if len(value.shape) != 2 or value.shape[1] != width:
        raise ShapeError(f"modality {name!r} has shape {tuple(value.shape)} where (rows, {width}) is needed.")
    if isinstance(value, Tensor):
        return value if value.layout == torch.strided else value.to_dense()
    return value.tocsr() if hasattr(value, "tocsr") else value


def _mask(name: str, value: Any, rows: int) -> np.ndarray:
    """The mask of a modality as (rows,) bools of numpy."""
    mask = value.cpu().numpy() if isinstance(value, Tensor) else value
    mask = mask.to_numpy() if hasattr(mask, "to_numpy") else mask
    whole = isinstance(mask, np.ndarray) and not isinstance(mask, np.ma.MaskedArray)
    if not whole or mask.dtype != bool or mask.shape != (rows,):
        found = f"{mask.dtype} of shape {mask.shape}" if whole else f"a {_kind(mask)}"
        raise ShapeError(
            f"`observed` for modality {name!r} is {found}; give an array of {rows} bools, one for each row."
        )
    # torch takes no backward strides.
    return mask.copy()


def _tensor(value: Any, like: Tensor) -> Tensor:
    """Some rows as a tensor of the type and on the device of `like`; perhaps the memory of `value`."""
    if isinstance(value, Tensor):
        return value.to(like)
    array = np.asarray(value.toarray() if hasattr(value, "toarray") else value)
    wanted = np.float64 if like.dtype == torch.float64 else np.float32
    # What is too large becomes infinite here and is refused as such.
    with np.errstate(over="ignore"):
        # torch takes neither other byte orders nor backward strides, and warns of memory that is read-only.
        return torch.from_numpy(np.require(array, wanted, ["C", "W"])).to(like)


def _check(name: str, values: Tensor, accepted: Range, first: int) -> None:
    """Raise `DataError` for values (B, d) that are not finite or not accepted; `first` is their first row."""
    if not values.numel():
        return
    low, high = accepted.low - _ROUNDING, accepted.high + _ROUNDING
    # A NaN is neither; one look at the two ends is all that a sound block costs.
    ends = torch.aminmax(values)
    least, most = float(ends.min), float(ends.max)
    if low <= least and most <= high and math.isfinite(least) and math.isfinite(most):
        return
    wrong = ~((values >= low) & (values <= high) & values.isfinite())
    row, column = (int(number) for number in wrong.nonzero()[0])
    value = float(values[row, column])
    where = f"modality {name!r} has {value:g} in row {first + row}, column {column}"
    if math.isfinite(value):
        raise DataError(f"{where}, where values are {accepted}; {accepted.hint}.")
    raise DataError(f"{where}; give finite numbers, and say by `observed` which rows were not observed.")
