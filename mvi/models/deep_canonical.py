# SPDX-License-Identifier: MIT
"""Deep canonical correlation analysis: a perceptron for each of two modalities, and CCA of their outputs."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mvi.models.canonical import Canonical
from mvi.models.direct import Shapes, mlp, mlp_shapes
from mvi.models.units import Unit


class DeepCanonical(Canonical):
    """`Canonical` of what the perceptron "<modality>/tower" makes of each modality (Andrew et al. 2013).

    settings: "hidden", widths of hidden layers, and "code", the number of outputs and of directions
    """

    kind = "deep_canonical"

    @classmethod
    def features_of(cls, unit: Unit, settings: Mapping[str, Any]) -> int:
        """The outputs of a perceptron."""
        return settings["code"]

    @classmethod
    def shapes(cls, units: Mapping[str, Unit], settings: Mapping[str, Any]) -> Shapes:
        """The perceptrons, then those of `Canonical`."""
        shapes: Shapes = {}
        for name, unit in units.items():
            shapes |= mlp_shapes(f"{name}/tower", [unit.size, *settings["hidden"], settings["code"]])
        return shapes | super().shapes(units, settings)

    def features(self, v: Tensor, name: str) -> Tensor:
        """(B, F_m) outputs of the perceptron."""
        return mlp(self.parameters, f"{name}/tower", v[:, self.slices[name]])
