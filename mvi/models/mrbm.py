# SPDX-License-Identifier: MIT
"""Multimodal RBM: one machine over the joined visible units of all modalities, any of which may be missing.

Shapes: B examples, D visible units in all, D_m of modality m, K hidden units.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor

from mvi.errors import ShapeError
from mvi.models.base import Start, Verbs, slices_of
from mvi.models.rbm import RBM, initial_parameters
from mvi.models.units import Binary


class MultimodalRBM(Verbs, RBM):
    """Binary RBM with v = [x; y; ...] (Eqs. 5 to 7) that knows which units belong to which modality.

    `sizes` maps modality names to D_m, in the order in which they are joined, `up` to their factors.
    """

    kind = "mrbm"

    def __init__(
        self,
        sizes: Mapping[str, int],
        hidden: int,
        parameters: Mapping[str, Tensor],
        up: Mapping[str, float] | None = None,
        down: float = 1.0,
    ) -> None:
        self.sizes = dict(sizes)
        super().__init__(Binary(sum(self.sizes.values())), Binary(hidden), parameters, down=down)
        self.ups = dict.fromkeys(self.sizes, 1.0) | dict(up or {})
        if self.ups.keys() != self.sizes.keys():
            raise ShapeError(
                f"factors are given for {', '.join(up or {})}; this model has {', '.join(self.sizes)}."
            )
        self.slices = slices_of(self.sizes)
        factors = set(self.ups.values())
        self.up = factors.pop() if len(factors) == 1 else 1.0
        self._same_up = not factors

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

    def raised(self, v: Tensor, names: Sequence[str]) -> Tensor:
        """(B, K) input from some modalities alone, sum of up_m v_m W_m, without the hidden bias."""
        return sum((v[:, self.slices[name]] @ self.weight(name)) * self.ups[name] for name in names)

    def hidden_input(self, v: Tensor) -> Tensor:
        """(B, K) input of the hidden units given every modality (Eq. 6)."""
        if self._same_up:
            return super().hidden_input(v)
        return self.raised(v, list(self.sizes)).add_(self.parameters["hidden_bias"])

    def start_factor(self, given: Sequence[str], start: Start) -> float:
        """What multiplies the given modalities' input in the first hidden state.

        "zeros" (the paper: missing units start at zero): 1. "doubled" (the reference code): the sum of all
        up factors over that of the given modalities, so that the input keeps its usual size.
        """
        if start == "zeros":
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
    ) -> Tensor:
        """(B, K) hidden probabilities after at most `iterations` updates of Eq. 8.

        `v` (B, D) is only read in the slices of the `given` modalities. With none missing the first state is
        exact (Eq. 6) and is returned. Stops early when the mean absolute change falls below `tolerance`.
        """
        missing = [name for name in self.sizes if name not in given]
        conditioning = self.raised(v, given)
        bias = self.parameters["hidden_bias"]
        if not missing:
            return torch.sigmoid(conditioning + bias)
        h = torch.sigmoid(conditioning * self.start_factor(given, start) + bias)
        for _ in range(iterations):
            previous, h = h, conditioning + bias
            for name in missing:
                filled = self.modality_mean(previous, name)
                h = torch.addmm(h, filled, self.weight(name), alpha=self.ups[name])
            h = torch.sigmoid(h)
            if tolerance > 0 and float((h - previous).abs().mean()) < tolerance:
                break
        return h

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
        )
