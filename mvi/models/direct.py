# SPDX-License-Identifier: MIT
"""Models whose joint representation is computed at once, without iterations: networks from inputs to codes.

Shapes: B examples, D_m units of modality m and D of all, K entries of the code.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from itertools import pairwise
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn.functional import relu

from mvi.errors import ConfigError, ShapeError
from mvi.models import units as units_of_models
from mvi.models.arrays import Range
from mvi.models.base import Inference, MultimodalModel, Start, slices_of
from mvi.models.units import Unit

Shapes = dict[str, tuple[int, ...]]


class DirectModel(MultimodalModel):
    """A model that says by `code` what the given modalities mean; nothing is inferred by iterations.

    units: of each modality, which say its range of values, its likelihood and its mean given an input
    settings: plain values that the shapes of the parameters follow from, such as widths of layers

    A subclass stands in a module of `mvi.models` that is named by its `kind`, where
    `mvi.models.kinds.model_of` finds it.
    """

    def __init__(
        self,
        units: Mapping[str, Unit],
        settings: Mapping[str, Any],
        parameters: Mapping[str, Tensor],
        inference: Inference | None = None,
    ) -> None:
        self.units = dict(units)
        self.settings = dict(settings)
        self.parameters = dict(parameters)
        self.sizes = {name: unit.size for name, unit in self.units.items()}
        self.slices = slices_of(self.sizes)
        self.ups = dict.fromkeys(self.sizes, 1.0)
        self.vocabulary = []
        self.inference = inference or Inference(iterations=0)

    # -- what a subclass says ----------------------------------------------------------------------------

    @classmethod
    @abstractmethod
    def shapes(cls, units: Mapping[str, Unit], settings: Mapping[str, Any]) -> Shapes:
        """The shape of each parameter; raises `ConfigError` for units or settings that it cannot have."""

    @abstractmethod
    def code(self, v: Tensor, given: Sequence[str]) -> Tensor:
        """(B, K) codes of joined units (B, D), read in the slices of the `given` modalities alone."""

    # -- what all share ----------------------------------------------------------------------------------

    @classmethod
    def initialise(
        cls,
        units: Mapping[str, Unit],
        settings: Mapping[str, Any],
        generator: torch.Generator,
        *,
        inference: Inference | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> Self:
        """A model with weights from N(0, 1 / inputs), biases from N(0, 0.01), everything else at 0.

        Biases are not 0, so that a row without any tag is not the origin, which has no direction. Raises as
        `shapes`.
        """

        def first(name: str, shape: tuple[int, ...]) -> Tensor:
            word = name.rpartition("/")[2]
            if not word.startswith(("weight", "bias")):
                return torch.zeros(shape, dtype=dtype, device=generator.device)
            drawn = torch.randn(shape, dtype=dtype, device=generator.device, generator=generator)
            return drawn * (0.1 if word.startswith("bias") else shape[0] ** -0.5)

        parameters = {name: first(name, shape) for name, shape in cls.shapes(units, settings).items()}
        return cls(units, settings, parameters, inference)

    def with_parameters(self, parameters: Mapping[str, Tensor]) -> Self:
        """The same model on other tensors, such as those that a gradient is taken by."""
        other = copy(self)
        other.parameters = dict(parameters)
        return other

    @property
    def anchor(self) -> Tensor:
        """The first parameter."""
        return next(iter(self.parameters.values()))

    def accepted(self, name: str) -> Range:
        """The range of the units."""
        return self.units[name].range

    def first_state(self, v: Tensor, given: Sequence[str], start: Start) -> tuple[Tensor, Tensor]:
        """The code, twice; `start` means nothing to it."""
        h = self.code(v, given)
        return h, h

    def next_state(self, conditioning: Tensor, h: Tensor, missing: Sequence[str]) -> Tensor:
        """The code as it is."""
        return h

    def describe(self) -> dict[str, Any]:
        """Kind, units in order, settings and inference."""
        units = [{"name": name, **units_of_models.describe(unit)} for name, unit in self.units.items()]
        return {
            "kind": self.kind,
            "units": units,
            "settings": self.settings,
            "inference": vars(self.inference),
        }

    @classmethod
    def from_description(cls, description: Mapping[str, Any], parameters: Mapping[str, Tensor]) -> Self:
        """The inverse of `describe`; raises `ShapeError` where parameters are not those of the settings."""
        units = {}
        for one in description["units"]:
            options = dict(one)
            name = options.pop("name")
            units[name] = units_of_models.from_description(options)
        settings = description["settings"]
        wanted = cls.shapes(units, settings)
        found = {name: tuple(theta.shape) for name, theta in parameters.items()}
        if found != wanted:
            wrong = next(name for name in {**wanted, **found} if found.get(name) != wanted.get(name))
            raise ShapeError(f"{wrong} has shape {found.get(wrong)} where {wanted.get(wrong)} is needed")
        ordered = {name: parameters[name] for name in wanted}
        return cls(units, settings, ordered, Inference(**description["inference"]))


def require_two(units: Mapping[str, Unit], what: str) -> None:
    """Raise `ConfigError` unless there are two modalities."""
    if len(units) != 2:
        raise ConfigError(f"{what} is of two modalities, not of {', '.join(units)}; choose another method.")


# -- perceptrons ---------------------------------------------------------------------------------------------


def mlp_shapes(prefix: str, widths: Sequence[int]) -> Shapes:
    """The parameters of a perceptron with these numbers of units, from its input to its output."""
    shapes: Shapes = {}
    for level, (inputs, outputs) in enumerate(pairwise(widths), 1):
        shapes[f"{prefix}/weight{level}"] = (inputs, outputs)
        shapes[f"{prefix}/bias{level}"] = (outputs,)
    return shapes


def mlp(
    parameters: Mapping[str, Tensor],
    prefix: str,
    x: Tensor,
    *,
    dropout: float = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """(B, outputs) of a perceptron of rectified units with a linear last layer on `x` (B, inputs).

    With a `generator` each hidden unit is left out with probability `dropout`, and the others are scaled up.
    """
    level = 1
    while f"{prefix}/weight{level}" in parameters:
        if level > 1:
            x = relu(x)
            if dropout and generator is not None:
                kept = torch.rand(x.shape, dtype=x.dtype, device=x.device, generator=generator) >= dropout
                x = x * kept / (1 - dropout)
        x = torch.addmm(parameters[f"{prefix}/bias{level}"], x, parameters[f"{prefix}/weight{level}"])
        level += 1
    return x
