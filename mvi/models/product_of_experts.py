# SPDX-License-Identifier: MIT
"""A variational autoencoder of several modalities, each of which gives one expert of the posterior.

Shapes: B examples, D_m units of modality m and D of all, K entries of the code.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from mvi.models.direct import DirectModel, Shapes, mlp, mlp_shapes
from mvi.models.posteriors import Posterior, product
from mvi.models.units import Unit


class ProductOfExperts(DirectModel):
    """The code is the posterior mean, the posterior a product of the given modalities' experts.

    settings: "hidden", widths of hidden layers of encoders and, reversed, of decoders; "code", K;
        "prior_expert", whether the prior is an expert of every product (Wu and Goodman 2018) or of none
    """

    kind = "product_of_experts"

    @classmethod
    def shapes(cls, units: Mapping[str, Unit], settings: Mapping[str, Any]) -> Shapes:
        """The perceptrons "<modality>/encoder" and "<modality>/decoder"."""
        hidden, size = settings["hidden"], settings["code"]
        shapes: Shapes = {}
        for name, unit in units.items():
            shapes |= mlp_shapes(f"{name}/encoder", [unit.size, *hidden, 2 * size])
            shapes |= mlp_shapes(f"{name}/decoder", [size, *reversed(hidden), unit.size])
        return shapes

    def expert(self, v: Tensor, name: str, **dropping: Any) -> Posterior:
        """What one modality of joined units (B, D) says of the code; `dropping` as for `mlp`."""
        return Posterior.encoded(self.parameters, f"{name}/encoder", v[:, self.slices[name]], **dropping)

    def joined(self, experts: Sequence[Posterior]) -> Posterior:
        """Their product, as the settings say."""
        return product(experts, self.settings["prior_expert"])

    def code(self, v: Tensor, given: Sequence[str]) -> Tensor:
        """(B, K) mean of the posterior by the given modalities."""
        return self.joined([self.expert(v, name) for name in given]).mean

    def modality_input(self, h: Tensor, name: str, **dropping: Any) -> Tensor:
        """(B, D_m) what the units of a modality receive of a code (B, K)."""
        return mlp(self.parameters, f"{name}/decoder", h, **dropping)

    def modality_mean(self, h: Tensor, name: str) -> Tensor:
        """(B, D_m) expected units of one modality given the code (B, K)."""
        return self.units[name].mean(self.modality_input(h, name))
