# SPDX-License-Identifier: MIT
"""Variational CCA: codes that two modalities share, and codes that each has for itself.

Shapes: B examples, D_m units of modality m and D of all, K entries of the shared code, P of a private one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mvi.models.direct import DirectModel, Shapes, mlp, mlp_shapes, require_two
from mvi.models.posteriors import Posterior
from mvi.models.units import Unit


class SharedPrivate(DirectModel):
    """Bi-VCCA-private (Wang, Yan, Lee, Livescu 2016): each modality has a posterior of the shared code.

    The code is the mean of the shared posterior means of the given modalities; private codes are left out,
    and are at their prior mean in completion. The paper has no code of both modalities.
    settings: "hidden", widths of hidden layers; "code", K; "private", P
    """

    kind = "shared_private"

    @classmethod
    def shapes(cls, units: Mapping[str, Unit], settings: Mapping[str, Any]) -> Shapes:
        """The perceptrons "<modality>/shared", "/private" and "/decoder"; raises as `require_two`."""
        require_two(units, "variational CCA")
        hidden, size, own = settings["hidden"], settings["code"], settings["private"]
        shapes: Shapes = {}
        for name, unit in units.items():
            shapes |= mlp_shapes(f"{name}/shared", [unit.size, *hidden, 2 * size])
            shapes |= mlp_shapes(f"{name}/private", [unit.size, *hidden, 2 * own])
            shapes |= mlp_shapes(f"{name}/decoder", [size + own, *reversed(hidden), unit.size])
        return shapes

    def posterior(self, v: Tensor, name: str, of: str, **dropping: Any) -> Posterior:
        """Of the code `of` ("shared" or "private") given one modality; `dropping` as for `mlp`."""
        return Posterior.encoded(self.parameters, f"{name}/{of}", v[:, self.slices[name]], **dropping)

    def code(self, v: Tensor, given: Sequence[str]) -> Tensor:
        """(B, K) mean over the given modalities of the shared code's posterior means."""
        return torch.stack([self.posterior(v, name, "shared").mean for name in given]).mean(0)

    def modality_input(self, h: Tensor, own: Tensor, name: str, **dropping: Any) -> Tensor:
        """(B, D_m) what the units of a modality receive of a shared code (B, K) and a private one (B, P)."""
        return mlp(self.parameters, f"{name}/decoder", torch.cat([h, own], -1), **dropping)

    def modality_mean(self, h: Tensor, name: str) -> Tensor:
        """(B, D_m) expected units given the shared code (B, K), the private one at 0."""
        own = h.new_zeros(len(h), self.settings["private"])
        return self.units[name].mean(self.modality_input(h, own, name))
