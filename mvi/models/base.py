# SPDX-License-Identifier: MIT
"""The interface of every model of several modalities: what evaluation and users call.

Shapes: n examples, B of them in a block, d_m columns of the values of modality m, D_m units that the
model has for it and D for all, K units of the joint representation.
"""

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, ClassVar, Literal, Self, TypeVar

import torch
from torch import Tensor

from mvi.errors import ConfigError, ShapeError
from mvi.models.arrays import Array, Given, Observed, Range, Values, given, like

Start = Literal["zeros", "doubled"]
Stop = Literal["row", "block"]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Inference:
    """How missing modalities are filled in; the defaults are the reference code's.

    iterations: mean-field updates, or passes down and up again, at most (Eqs. 8, 10 to 13)
    start: the first joint state, from the given modalities' input alone ("zeros", the paper) or from that
        input scaled to the size it has with nothing missing ("doubled", the reference code)
    tolerance: a row stays as it is once the mean absolute change of its joint state is below this
    stop: whether each "row" ends for itself, or the rows of a "block" end together by the mean of all their
        changes (reference code), so that a row's result depends on those beside it

    Raises `ConfigError` for anything else.
    """

    iterations: int = 10
    start: Start = "doubled"
    tolerance: float = 0.0
    stop: Stop = "row"

    def __post_init__(self) -> None:
        object.__setattr__(self, "iterations", whole("iterations", self.iterations, 0))
        try:
            object.__setattr__(self, "tolerance", float(self.tolerance))
        except (TypeError, ValueError) as error:
            raise ConfigError(f"tolerance is {self.tolerance!r}; give a number of 0 or more.") from error
        if not 0 <= self.tolerance < math.inf:
            raise ConfigError(f"tolerance is {self.tolerance}; give a number of 0 or more.")
        one_of("start", self.start, Start)
        one_of("stop", self.stop, Stop)


class MultimodalModel(ABC):
    """A model whose modalities may be missing, for all rows or for some.

    parameters: all tensors by name
    sizes: d_m by modality, the columns of values
    slices: where the D_m units of each modality lie when they are joined
    ups: what multiplies the input that each modality gives to the joint layer
    vocabulary: the words that the columns of the text count; [] where there are none
    inference: how missing modalities are filled in unless a call says otherwise; kept in the weights file.
        None in what a training leaves: then every call must say it
    centres: (K,) mean state of each kind of query, named by its modalities in the order of `sizes`, joined by
        "+"; {} where they are unknown. Of networks that the workflow exports they are over training rows

    `values` map names of modalities to (n, d_m) arrays of numpy or torch, data frames or SciPy sparse
    matrices, `None` (or no entry) where a modality is missing. `observed` maps names to (n,) bools, where it
    is missing in some rows only: there the values are not read, and NaN among them changes nothing. An
    observed 0 is another thing. A block of rows is computed once for each combination of modalities that its
    rows have: a row without a modality gets what the whole block asked without it gives that row, byte for
    byte (but for rounding where both a tolerance is set and another modality has missing rows too), and what
    the row alone would get up to rounding.

    Rows are taken in blocks of `block`. Results are in the parameters' precision, of torch where the values
    are (on their device), else of numpy. No result depends on the rows beside it beyond rounding, unless
    `stop` is "block".

    All methods raise `ShapeError` for unknown modalities, what is no array of numbers, wrong widths, unequal
    lengths or rows of which nothing is given, `DataError` for values that are not finite or out of their
    range, and `ConfigError` for settings of inference that do not exist.
    """

    kind: ClassVar[str]
    block_rows: ClassVar[int] = 5000

    parameters: dict[str, Tensor]
    sizes: dict[str, int]
    slices: dict[str, slice]
    ups: dict[str, float]
    vocabulary: list[str]
    inference: Inference | None
    centres: Mapping[str, Tensor]

    # -- what a model says of itself -------------------------------------------------------------------

    @property
    @abstractmethod
    def anchor(self) -> Tensor:
        """Any parameter of the joint layer: values are brought to its type and device."""

    @abstractmethod
    def accepted(self, name: str) -> Range:
        """Which values a modality may have."""

    def seen(self, name: str, values: Tensor) -> Tensor:
        """(B, D_m) what the units of a modality take of its values (B, d_m): these themselves, or scaled."""
        return values

    @abstractmethod
    def first_state(self, v: Tensor, given: Sequence[str], start: Start) -> tuple[Tensor, Tensor]:
        """What the `given` modalities give to every joint state (B, K), and the first of these (B, K).

        Joined units `v` (B, D) are read in the slices of the `given` modalities alone. With none missing the
        first state is exact.
        """

    @abstractmethod
    def next_state(self, conditioning: Tensor, h: Tensor, missing: Sequence[str]) -> Tensor:
        """(B, K) joint state after `h` (B, K), the `missing` modalities being predicted from that."""

    @abstractmethod
    def modality_mean(self, h: Tensor, name: str) -> Tensor:
        """(B, D_m) expected units of one modality given the joint state (B, K)."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Everything but the parameters, as plain values, for a weights file."""

    @classmethod
    @abstractmethod
    def from_description(cls, description: Mapping[str, Any], parameters: Mapping[str, Tensor]) -> Self:
        """The inverse of `describe`."""

    # -- interface --------------------------------------------------------------------------------------

    def encode(
        self,
        values: Values,
        *,
        observed: Observed | None = None,
        iterations: int | None = None,
        tolerance: float | None = None,
        start: Start | None = None,
        stop: Stop | None = None,
        block: int | None = None,
        centre: bool = False,
    ) -> Array:
        """(n, K) joint representations. What is `None` is as in `inference`; raises as the class says.

        States of queries that give other modalities lie in other regions (the modality gap), so that the
        cosine between them says little. `centre` subtracts from each row the mean state of queries that give
        what it gives (`centres`): for searching, not for classifying. Raises `ConfigError` where the model
        holds no such mean.
        """
        asked = self._asked(iterations=iterations, tolerance=tolerance, start=start, stop=stop)

        def states(v: Tensor, given: list[str]) -> dict[str, Tensor]:
            mean = self._centre(given) if centre else None
            h = self.mean_field(v, given, **vars(asked))
            return {"h": h if mean is None else h - mean.to(h)}

        return self._by_blocks(values, observed, block, states)["h"]

    def complete(
        self,
        values: Values,
        target: str,
        *,
        observed: Observed | None = None,
        iterations: int | None = None,
        tolerance: float | None = None,
        start: Start | None = None,
        stop: Stop | None = None,
        block: int | None = None,
    ) -> Array:
        """(n, D_target) expected units of the target modality given the others.

        What `values` and `observed` may hold for the target itself is not looked at. What is `None` is as in
        `inference`; raises as the class says, and `ShapeError` for an unknown target.
        """
        asked = self._asked(iterations=iterations, tolerance=tolerance, start=start, stop=stop)
        if target not in self.sizes:
            raise ShapeError(f"no modality {target!r}; this model has {', '.join(self.sizes)}.")

        def means(v: Tensor, given: list[str]) -> dict[str, Tensor]:
            return {"mean": self.modality_mean(self.mean_field(v, given, **vars(asked)), target)}

        return self._by_blocks(values, observed, block, means, without=target)["mean"]

    def sweep(
        self,
        values: Values,
        iterations: Sequence[int],
        *,
        observed: Observed | None = None,
        start: Start | None = None,
        block: int | None = None,
    ) -> dict[int, Array]:
        """What `encode` gives for each number of `iterations`, at the price of the largest; no tolerance."""
        counts = [whole("iterations", count, 0) for count in iterations]
        if not counts:
            raise ConfigError("a sweep needs numbers of iterations; give at least one.")
        first = self._asked(iterations=max(counts), start=start).start

        def states(v: Tensor, given: list[str]) -> dict[int, Tensor]:
            found = islice(self._states(v, given, first), max(counts) + 1)
            return {count: h for count, h in enumerate(found) if count in counts}

        found = self._by_blocks(values, observed, block, states)
        return {count: found[count] for count in counts}

    # -- their parts -----------------------------------------------------------------------------------

    def join(self, values: Values, observed: Observed | None = None) -> Tensor:
        """(n, D) units of all modalities side by side, 0 where one is missing; raises as the class says."""
        found = given(values, self.sizes, observed)
        return self._joined(found, slice(0, found.rows))

    def start_factor(self, given: Sequence[str], start: Start) -> float:
        """What multiplies the given modalities' input to the first joint state.

        "zeros" (the paper: missing units start at zero): 1. "doubled" (the reference code): the sum of all up
        factors over that of the given modalities, so that the input keeps its usual size. Raises
        `ConfigError` for another word.
        """
        if one_of("start", start, Start) == "zeros":
            return 1.0
        return sum(self.ups.values()) / sum(self.ups[name] for name in given)

    def mean_field(
        self,
        v: Tensor,
        given: Sequence[str],
        *,
        iterations: int,
        tolerance: float = 0.0,
        start: Start = "doubled",
        stop: Stop = "row",
    ) -> Tensor:
        """(B, K) joint states of joined units (B, D), read only in the slices of the `given` modalities.

        The settings are those of `Inference`. With none missing the first state is exact, and is returned.
        """
        conditioning, h = self.first_state(v, given, start)
        missing = self._missing(given)
        if not missing:
            return h
        if not tolerance or stop == "block":
            for _ in range(iterations):
                previous, h = h, self.next_state(conditioning, h, missing)
                if tolerance and float((h - previous).abs().mean()) < tolerance:
                    break
            return h
        found, rows = h.clone(), torch.arange(len(h), device=h.device)
        for _ in range(iterations):
            previous, h = h, self.next_state(conditioning, h, missing)
            found[rows] = h
            change = (h - previous).abs().mean(-1).double()
            moving = (~(change < tolerance)).nonzero().flatten()
            if not len(moving):
                break
            if len(moving) < len(h):
                rows, conditioning, h = rows[moving], conditioning[moving], h[moving]
        return found

    def _states(self, v: Tensor, given: Sequence[str], start: Start) -> Iterator[Tensor]:
        """Joint states (B, K) after 0, 1, 2, ... iterations, without end."""
        conditioning, h = self.first_state(v, given, start)
        missing = self._missing(given)
        while True:
            yield h
            h = self.next_state(conditioning, h, missing) if missing else h

    def _missing(self, given: Sequence[str]) -> list[str]:
        return [name for name in self.slices if name not in given]

    def _asked(self, **settings: Any) -> Inference:
        """The model's `inference` but for the `settings` that are not `None`."""
        told = {key: one for key, one in settings.items() if one is not None}
        if self.inference is None and not {"iterations", "start"} <= told.keys():
            raise ConfigError(
                "this model's file, left by a training, does not say how a missing modality is inferred; "
                "give iterations and start, or load the file that the target `model` makes."
            )
        return replace(self.inference or REFERENCE, **told)

    def _centre(self, given: Sequence[str]) -> Tensor:
        query = "+".join(given)
        if query not in self.centres:
            raise ConfigError(
                f"this model holds no mean state of queries that give {query}, so that their codes cannot be "
                "centred; take a model that the workflow exported (target model), or leave out centre."
            )
        return self.centres[query]

    def _joined(self, found: Given, at: slice) -> Tensor:
        rows = len(range(*at.indices(found.rows)))
        v = self.anchor.new_zeros(rows, sum(part.stop - part.start for part in self.slices.values()))
        for name in found.arrays:
            v[:, self.slices[name]] = self.seen(name, found.block(name, at, v, self.accepted(name)))
        return v

    def _by_blocks(
        self,
        values: Values,
        observed: Observed | None,
        block: int | None,
        compute: Callable[[Tensor, list[str]], Mapping[Key, Tensor]],
        without: str | None = None,
    ) -> dict[Key, Array]:
        """What `compute` gives for joined units and the names of the given modalities, of all rows.

        The modality `without` is taken as missing.
        """
        size = whole("block", self.block_rows if block is None else block, 1)
        found = given(values, self.sizes, observed, without)
        results: dict[Key, Tensor] = {}
        for begin in range(0, max(found.rows, 1), size):
            at = slice(begin, min(begin + size, found.rows))
            v = self._joined(found, at)
            for names, chosen in found.patterns(at):
                for key, part in compute(v, names).items():
                    if key not in results:
                        results[key] = part.new_empty(found.rows, *part.shape[1:])
                    if chosen is None:
                        results[key][at] = part
                    else:
                        rows = torch.from_numpy(chosen).to(part.device)
                        results[key][begin + rows] = part[rows]
        return {key: like(result, values) for key, result in results.items()}


def describe_inference(inference: Inference | None) -> dict[str, Any]:
    """The part of a model's description that says how it is asked."""
    return {"inference": None if inference is None else vars(inference)}


def inference_of(description: Mapping[str, Any]) -> Inference | None:
    """The inverse of `describe_inference`; of older files, which lack it, the reference code's."""
    said = description.get("inference", {})
    return None if said is None else Inference(**said)


def slices_of(sizes: Mapping[str, int]) -> dict[str, slice]:
    """Where each modality lies when they are joined in the order of `sizes`."""
    slices, begin = {}, 0
    for name, size in sizes.items():
        slices[name] = slice(begin, begin + size)
        begin += size
    return slices


def whole(name: str, value: Any, least: int) -> int:
    """`value` as an int; raises `ConfigError` where it is not whole or smaller than `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise ConfigError(f"{name} is {value!r}; give a whole number of {least} or more.")
    return number


def one_of(name: str, value: Any, words: Any) -> Any:
    """`value`, which must be one of the `words` of a `Literal`; raises `ConfigError` else."""
    if value not in words.__args__:
        raise ConfigError(f"{name} is {value!r}; choose {' or '.join(words.__args__)}.")
    return value


REFERENCE = Inference()
"""As the reference code infers what is missing."""
