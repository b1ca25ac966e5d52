# SPDX-License-Identifier: MIT
"""Multimodal RBM: one machine over the joined visible units of all modalities, any of which may be missing.

Shapes: B examples, D visible units in all, D_m of modality m, K hidden units.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Self

import torch
from torch import Tensor

from mvi.errors import ShapeError
from mvi.models.arrays import Range
from mvi.models.base import (
    REFERENCE,
    Inference,
    MultimodalModel,
    Start,
    describe_inference,
    inference_of,
    slices_of,
)
from mvi.models.rbm import RBM, initial_parameters
from mvi.models.units import Binary


class MultimodalRBM(MultimodalModel, RBM):
    """Binary RBM with v = [x; y; ...] (Eqs. 5 to 7) that knows which units belong to which modality.

    `sizes` maps modality names to D_m, in the order in which they are joined, `up` to their factors, which
    take the place of the one factor of an `RBM`.

    Examples:
        >>> model = MultimodalRBM.initialise({"x": 3, "y": 2}, 4, torch.Generator().manual_seed(0))
        >>> model.encode({"x": torch.ones(5, 3), "y": None}).shape
        torch.Size([5, 4])
        >>> model.complete({"x": torch.ones(5, 3), "y": None}, target="y").shape
        torch.Size([5, 2])
    """

    kind = "mrbm"

    def __init__(
        self,
        sizes: Mapping[str, int],
        hidden: int,
        parameters: Mapping[str, Tensor],
        up: Mapping[str, float] | None = None,
        down: float = 1.0,
        inference: Inference | None = REFERENCE,
    ) -> None:
        self.sizes = dict(sizes)
        self._hold(Binary(sum(self.sizes.values())), Binary(hidden), parameters, down)
        self.ups = dict.fromkeys(self.sizes, 1.0) | dict(up or {})
        if self.ups.keys() != self.sizes.keys():
            raise ShapeError(
                f"factors are given for {', '.join(up or {})}; this model has {', '.join(self.sizes)}."
            )
        self.slices = slices_of(self.sizes)
        self.vocabulary = []
        self.centres = {}
        self.inference = inference

    @classmethod
    def initialise(  # type: ignore[override]
        cls,
        sizes: Mapping[str, int],
        hidden: int,
        generator: torch.Generator,
        *,
        weight_std: float = 0.01,
        visible_mean: Tensor | None = None,
        dtype: torch.dtype = torch.float32,
        **factors: Any,
    ) -> Self:
        """Start values as `RBM.initialise`; `visible_mean` (D,) in the joined order."""
        parameters = initial_parameters(
            Binary(sum(sizes.values())),
            hidden,
            generator,
            weight_std=weight_std,
            visible_mean=visible_mean,
            dtype=dtype,
        )
        return cls(sizes, hidden, parameters, **factors)

    def weight(self, name: str) -> Tensor:
        """(D_m, K) view of one modality's weights."""
        return self.parameters["weight"][self.slices[name]]

    def bottom_up_input(self, v: Tensor, names: Sequence[str]) -> Tensor:
        """(B, K) input from some modalities alone, sum of up_m v_m W_m, without the hidden bias."""
        parts = ((v[:, self.slices[name]] @ self.weight(name)) * self.ups[name] for name in names)
        return reduce(torch.add, parts)

    def hidden_input(self, v: Tensor) -> Tensor:
        """(B, K) input of the hidden units given every modality (Eq. 6)."""
        factors = set(self.ups.values())
        if len(factors) == 1:
            return self._bottom_up_input(v, factors.pop())
        return self.bottom_up_input(v, list(self.sizes)).add_(self.parameters["hidden_bias"])

    @property
    def anchor(self) -> Tensor:
        """The weights."""
        return self.parameters["weight"]

    def accepted(self, name: str) -> Range:
        """0 to 1: the units are binary."""
        return self.visible.range

    def first_state(self, v: Tensor, given: Sequence[str], start: Start) -> tuple[Tensor, Tensor]:
        """The given modalities' input to the hidden units with the bias, and the first probabilities."""
        conditioning = self.bottom_up_input(v, given)
        bias = self.parameters["hidden_bias"]
        h = torch.sigmoid(conditioning * self.start_factor(given, start) + bias)
        return conditioning + bias, h

    def next_state(self, conditioning: Tensor, h: Tensor, missing: Sequence[str]) -> Tensor:
        """(B, K) hidden probabilities after one update of Eq. 8."""
        a = conditioning
        for name in missing:
            a = torch.addmm(a, self.modality_mean(h, name), self.weight(name), alpha=self.ups[name])
        return torch.sigmoid(a)

    def modality_input(self, h: Tensor, name: str) -> Tensor:
        """(B, D_m) input of one modality's units given h."""
        bias = self.parameters["visible_bias"][self.slices[name]]
        return torch.addmm(bias, h, self.weight(name).T, alpha=self.down)

    def modality_mean(self, h: Tensor, name: str) -> Tensor:
        """(B, D_m) probabilities of one modality's units given h (Eq. 7)."""
        return torch.sigmoid(self.modality_input(h, name))

    def describe(self) -> dict[str, Any]:
        """Everything but the parameters, as plain values."""
        return {
            "kind": self.kind,
            # A list: modalities are in the order of the columns, and mappings are sorted when saved.
            "sizes": list(self.sizes.items()),
            "hidden": self.hidden.size,
            "up": self.ups,
            "down": self.down,
            **describe_inference(self.inference),
        }

    @classmethod
    def from_description(cls, description: Mapping[str, Any], parameters: Mapping[str, Tensor]) -> Self:
        """The inverse of `describe`."""
        sizes = dict(description["sizes"])
        return cls(
            sizes,
            description["hidden"],
            parameters,
            up={name: float(description["up"][name]) for name in sizes},
            down=float(description["down"]),
            inference=inference_of(description),
        )
