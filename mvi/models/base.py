# SPDX-License-Identifier: MIT
"""The verbs that evaluation and users call, the same for every model of several modalities.

Shapes: n examples, B of them in a block, D visible units in all, D_m of modality m, K units of the joint
representation.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from mvi.errors import ShapeError

Start = Literal["zeros", "doubled"]
Array = np.ndarray | Tensor
Values = Mapping[str, Array | None]


class Verbs:
    """`encode` and `complete` for a model that has `mean_field` and `modality_mean`.

    `sizes` are the D_m in the order in which modalities are joined, `slices` where each lies then.
    """

    sizes: dict[str, int]
    slices: dict[str, slice]
    parameters: dict[str, Tensor]

    def mean_field(
        self, v: Tensor, given: Sequence[str], *, iterations: int, tolerance: float, start: Start
    ) -> Tensor:
        """(B, K) joint representation of joined values (B, D), read only where `given`."""
        raise NotImplementedError

    def modality_mean(self, h: Tensor, name: str) -> Tensor:
        """(B, D_m) expected values of one modality given its joint representation (B, K)."""
        raise NotImplementedError

    def encode(
        self,
        values: Values,
        *,
        iterations: int = 10,
        tolerance: float = 0.0,
        start: Start = "doubled",
        block: int = 5000,
    ) -> Array:
        """Joint representation (n, K) of n examples; `None` where a modality is missing.

        Rows go through in blocks of `block`. Arrays of numpy give numpy, of torch give torch, in the
        precision of the parameters.
        Raises `ShapeError` for unknown modalities, wrong widths, unequal lengths or nothing given.
        """
        states = [
            self.mean_field(v, given, iterations=iterations, tolerance=tolerance, start=start)
            for v, given in self._blocks(values, block)
        ]
        return like(torch.cat(states), values)

    def complete(
        self,
        values: Values,
        target: str,
        *,
        iterations: int = 10,
        tolerance: float = 0.0,
        start: Start = "doubled",
        block: int = 5000,
    ) -> Array:
        """Expected values (n, D_target) of the target modality given the others.

        What `values` may hold for the target itself is not looked at. Raises as `encode`.
        """
        if target not in self.sizes:
            raise ShapeError(f"no modality {target!r}; this model has {', '.join(self.sizes)}.")
        others = {name: None if name == target else value for name, value in values.items()}
        means = [
            self.modality_mean(
                self.mean_field(v, given, iterations=iterations, tolerance=tolerance, start=start),
                target,
            )
            for v, given in self._blocks(others, block)
        ]
        return like(torch.cat(means), values)

    def join(self, values: Values) -> Tensor:
        """(n, D) tensor of the modalities side by side, zeros where one is `None`; raises as `encode`."""
        given = {name: value for name, value in values.items() if value is not None}
        unknown = [name for name in values if name not in self.sizes]
        if unknown or not given:
            what = f"no modality {unknown[0]!r}" if unknown else "no modality given at all"
            raise ShapeError(f"{what}; this model has {', '.join(self.sizes)}.")
        lengths = {name: len(value) for name, value in given.items()}
        if len(set(lengths.values())) > 1:
            raise ShapeError(f"modalities have unequal numbers of rows: {lengths}.")
        theta = next(iter(self.parameters.values()))
        v = theta.new_zeros(next(iter(lengths.values())), sum(self.sizes.values()))
        for name, value in given.items():
            if value.ndim != 2 or value.shape[1] != self.sizes[name]:
                raise ShapeError(
                    f"modality {name!r} has shape {tuple(value.shape)} where "
                    f"(rows, {self.sizes[name]}) is needed."
                )
            v[:, self.slices[name]] = torch.as_tensor(value, device=theta.device).to(v.dtype)
        return v

    def _blocks(self, values: Values, block: int) -> Iterator[tuple[Tensor, list[str]]]:
        given = [name for name in self.sizes if values.get(name) is not None]
        length = len(values[given[0]]) if given else 0
        for begin in range(0, max(length, 1), block):
            part = {
                name: None if value is None else value[begin : begin + block]
                for name, value in values.items()
            }
            yield self.join(part), given


def slices_of(sizes: Mapping[str, int]) -> dict[str, slice]:
    """Where each modality lies when they are joined in the order of `sizes`."""
    slices, begin = {}, 0
    for name, size in sizes.items():
        slices[name] = slice(begin, begin + size)
        begin += size
    return slices


def like(result: Tensor, values: Values) -> Array:
    """`result` as the kind of array that `values` holds: numpy, or torch on the same device."""
    first = next(value for value in values.values() if value is not None)
    if isinstance(first, Tensor):
        return result.to(first.device)
    return result.cpu().numpy()
