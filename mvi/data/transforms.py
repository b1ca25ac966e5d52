# SPDX-License-Identifier: MIT
"""From what a store holds to what a model sees: standardised features, binary tags, counts, or the same.

A transform is a function of the values (n, d) of one modality that gives (n, D), row by row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mvi.data.batches import Minibatches
from mvi.data.checks import Rows
from mvi.data.facts import Facts
from mvi.data.statistics import Moments, standard_deviation
from mvi.data.store import Store, StoredMoments
from mvi.data.stream import StreamingMinibatches
from mvi.errors import ConfigError, DataError, MviError, ShapeError
from mvi.tensors import read_tensors, write_tensors

Transform = Callable[[Tensor], Tensor]

BLOCK_BYTES = 2**26
"""What a block of rows as stored may take in memory while it is transformed."""


@dataclass(frozen=True, eq=False)
class Standardise:
    """(values - mean) / std by column, then kept within [-clip, clip] where `clip` is given.

    With `signed_sqrt` the signed square roots are taken first (power normalisation); `mean` and `std` (d,)
    are those of the roots.
    """

    mean: Tensor
    std: Tensor
    clip: float | None = None
    signed_sqrt: bool = False

    def __post_init__(self) -> None:
        if self.mean.ndim != 1 or self.mean.shape != self.std.shape:
            raise ShapeError(
                f"means of shape {tuple(self.mean.shape)} and deviations of shape {tuple(self.std.shape)} "
                "cannot scale columns; give one of each for every column."
            )

    def __call__(self, values: Tensor) -> Tensor:
        """(n, d) standardised values."""
        result = ((signed_square_root(values) if self.signed_sqrt else values) - self.mean).div_(self.std)
        return result if self.clip is None else result.clamp_(-self.clip, self.clip)

    @classmethod
    def from_store(
        cls,
        store: Store,
        name: str,
        split: int,
        *,
        clip: float | None = None,
        signed_sqrt: bool = False,
        rows: Rows = None,
        device: torch.device | str = "cpu",
        **floor: Any,
    ) -> "Standardise":
        """By the moments of modality `name` that `store` keeps for `split`, or of the roots of its `rows`.

        `floor` holds the arguments of `mvi.data.statistics.standard_deviation`. Raises `DataError` where
        there are no such moments.
        """
        moments: Moments | StoredMoments
        if signed_sqrt:
            moments = of_roots = Moments(store.sizes[name])
            for block in store.blocks(rows, max(1, BLOCK_BYTES // (8 * store.sizes[name]))):
                of_roots.update(signed_square_root(torch.from_numpy(store.read(name, block))).numpy())
        else:
            moments = store.moments(name, split)
        deviation = standard_deviation(moments.variance, **floor)
        mean, std = (
            torch.from_numpy(values.astype(np.float32)).to(device) for values in (moments.mean, deviation)
        )
        return cls(mean, std, clip, signed_sqrt)


def signed_square_root(values: Tensor) -> Tensor:
    """Square roots of the magnitudes, with the signs of the values: power normalisation."""
    return values.sign() * values.abs().sqrt()


@dataclass(frozen=True)
class Binarise:
    """1 where a count is above 0, else 0 (reference code: a tag is there or it is not)."""

    def __call__(self, values: Tensor) -> Tensor:
        """(n, d) zeros and ones."""
        # Counts are whole; unlike a comparison or a sign this keeps a NaN, so that it is found.
        return values.clamp(0, 1)


@dataclass(frozen=True)
class Counts:
    """Counts as they are, or none above `clip`."""

    clip: float | None = None

    def __call__(self, values: Tensor) -> Tensor:
        """(n, d) counts."""
        return values if self.clip is None else values.clamp_max(self.clip)


@dataclass(frozen=True)
class AsStored:
    """The values of the store, such as intensities in [0, 1]."""

    def __call__(self, values: Tensor) -> Tensor:
        """(n, d) values."""
        return values


KINDS: dict[str, type] = {
    "as_stored": AsStored,
    "standardise": Standardise,
    "binarise": Binarise,
    "counts": Counts,
}


def from_settings(
    store: Store,
    name: str,
    split: int,
    settings: Mapping[str, Any],
    device: torch.device | str = "cpu",
    *,
    rows: Rows = None,
    floor: str = "reference",
) -> Transform:
    """The transform of modality `name` that `settings` ask for.

    They hold `kind`, one of `KINDS`, and what that takes: `signed_sqrt`, `clip` and the arguments of
    `standard_deviation` for standardise, `clip` for counts, nothing for the others. `rows` are
    those that the moments of roots are taken over, `floor` keeps small deviations from 0. Raises
    `ConfigError` for another kind.
    """
    options = dict(settings)
    kind = options.pop("kind")
    if kind not in KINDS:
        raise ConfigError(f"transform {kind!r} is unknown; choose one of {', '.join(KINDS)}.")
    if kind == "standardise":
        options = {"floor": floor, **options}
        return Standardise.from_store(store, name, split, rows=rows, device=device, **options)
    return KINDS[kind](**{key: value for key, value in options.items() if key == "clip" and kind == "counts"})


def save(
    path: str | Path,
    transforms: Mapping[str, Transform],
    vocabulary: Sequence[str] = (),
    features: Facts | None = None,
) -> None:
    """Write transforms by modality, with the words that the columns of the text count.

    `features` are those of the store.
    """
    described, tensors = describe(transforms)
    about = {"transforms": described, "vocabulary": list(vocabulary)}
    write_tensors(path, tensors, about | ({"features": dict(features)} if features else {}))


def load(path: str | Path, device: torch.device | str = "cpu") -> tuple[dict[str, Transform], list[str]]:
    """What `save` wrote: transforms and vocabulary; raises as `read_tensors` where it is no such file."""
    tensors, about = read_tensors(path, device)
    if "transforms" not in about:
        raise DataError(f"{path} does not hold the scale of inputs; give the file that the workflow made.")
    try:
        return from_description(about["transforms"], tensors), words_of(about)
    except (LookupError, TypeError, ValueError, AttributeError, MviError) as error:
        raise DataError(
            f"{path} does not describe a whole scale of inputs ({error}); delete it and run the workflow "
            "again."
        ) from error


def features_of(path: str | Path) -> Facts | None:
    """What described the images that a scale was made for, if its file says so; raises as `read_tensors`."""
    return read_tensors(path)[1].get("features")


def words_of(description: Mapping[str, Any]) -> list[str]:
    """The "vocabulary" of a description; raises `ConfigError` where it is no list of words."""
    words = description["vocabulary"]
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ConfigError("the vocabulary must be a list of words.")
    return words


def kind_of(transform: Transform) -> str:
    """The `kind` of a transform in the config."""
    return next(key for key, cls in KINDS.items() if type(transform) is cls)


# The names of fields in files, where they differ, and back.
_STORED = {"signed_sqrt": "root"}
_FIELDS = {stored: field for field, stored in _STORED.items()}


def describe(transforms: Mapping[str, Transform]) -> tuple[list[dict[str, Any]], dict[str, Tensor]]:
    """The settings of each transform in order, and its tensors as "<modality>/<name>"."""
    described: list[dict[str, Any]] = []
    tensors: dict[str, Tensor] = {}
    for name, transform in transforms.items():
        held = {key: value for key, value in vars(transform).items() if isinstance(value, Tensor)}
        plain = {_STORED.get(key, key): value for key, value in vars(transform).items() if key not in held}
        described.append({"name": name, "kind": kind_of(transform), **plain})
        tensors |= {f"{name}/{key}": value.cpu().contiguous() for key, value in held.items()}
    return described, tensors


def from_description(
    described: Sequence[Mapping[str, Any]], tensors: Mapping[str, Tensor]
) -> dict[str, Transform]:
    """The inverse of `describe`; raises `ConfigError` where a setting is not of its type."""
    found: dict[str, Transform] = {}
    for one in described:
        options = dict(one)
        name, kind = options.pop("name"), options.pop("kind")
        plain = isinstance(options.get("clip"), float | int | None)
        if not plain or options.get("root", False) not in (True, False):
            raise ConfigError(f"the {kind} transform of modality {name!r} cannot have {options}.")
        options = {_FIELDS.get(key, key): value for key, value in options.items()}
        held = {key.split("/", 1)[1]: value for key, value in tensors.items() if key.startswith(f"{name}/")}
        found[name] = KINDS[kind](**options, **held)
    return found


def read(
    store: Store, transforms: Mapping[str, Transform], rows: Rows = None, device: torch.device | str = "cpu"
) -> Tensor:
    """(n, D) float32: `rows` of the modalities named in `transforms`, transformed and set side by side.

    `rows` are as for `Store.read`. A block of rows is read at a time, so that only the result is ever
    whole in memory.
    """
    columns = sum(store.sizes[name] for name in transforms)
    blocks = list(store.blocks(rows, max(1, BLOCK_BYTES // (4 * columns))))
    result, start = torch.empty(0), 0
    for block in blocks:
        parts = [
            transform(torch.from_numpy(store.read(name, block)).to(device))
            for name, transform in transforms.items()
        ]
        part = torch.cat(parts, 1) if len(parts) > 1 else parts[0]
        if not start:
            result = part.new_empty(sum(map(len, blocks)), part.shape[1])
        result[start : start + len(part)] = part
        start += len(part)
    return result


def minibatches(
    path: str | Path,
    transforms: Mapping[str, Transform],
    rows: np.ndarray,
    size: int,
    *,
    memory_bytes: int,
    per_epoch: int | None = None,
    window: int = 2**13,
    device: torch.device | str = "cpu",
) -> Minibatches | StreamingMinibatches:
    """Minibatches (size, D) of `rows` of a store: its modalities transformed and set side by side.

    All rows are transformed once and kept on `device` where they take at most `memory_bytes` as float32;
    else an epoch streams them from the file and transforms each batch anew. `per_epoch` and `window` are as
    for `StreamingMinibatches`. Raises `ShapeError` if there are fewer rows than a batch needs.
    """
    if not len(rows):
        raise ShapeError(f"There is no row of {path} to make minibatches of.")
    with Store(path) as store:
        columns = read(store, transforms, rows[:1], device).shape[1]
        if 4 * columns * len(rows) <= memory_bytes:
            # Ascending rows are the cheapest to read; an epoch takes them in an order of its own.
            return Minibatches(read(store, transforms, np.unique(rows), device), size, per_epoch)

    def side_by_side(values: Mapping[str, Tensor]) -> Tensor:
        return torch.cat([transforms[name](part) for name, part in values.items()], 1)

    return StreamingMinibatches(path, list(transforms), size, rows, per_epoch, window, side_by_side, device)
