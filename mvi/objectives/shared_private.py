# SPDX-License-Identifier: MIT
"""The evidence lower bound of variational CCA with private codes.

Shapes: B examples, D units of all modalities.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mvi.models.shared_private import SharedPrivate
from mvi.objectives.differentiable import Differentiable, negative_log_likelihood


@dataclass(frozen=True)
class SharedPrivateBound(Differentiable):
    """Bi-VCCA-private: the convex combination of the bounds by either modality's posterior.

    `weights` of the modalities sum to 1; equal unless given. With all weight on one modality this is the
    paper's VCCA-private, whose other modality has no shared code.
    """

    weights: Mapping[str, float] | None = None
    beta: float = 1.0
    dropout: float = 0.0

    def loss(
        self, model: SharedPrivate, batch: Tensor, generator: torch.Generator, *, training: bool = True
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Minus the bound, in nats a row, and the divergences of shared and private codes."""
        dropout = self.dropout if training else 0.0
        dropping = {"dropout": dropout, "generator": generator}
        names = list(model.sizes)
        weights = self.weights or dict.fromkeys(names, 1 / len(names))
        private = {name: model.posterior(batch, name, "private", **dropping) for name in names}
        apart = torch.stack([one.divergence() for one in private.values()]).sum(0)
        total, together = self.beta * apart, torch.zeros_like(apart)
        for view, weight in weights.items():
            shared = model.posterior(batch, view, "shared", **dropping)
            z, divergence = shared.sample(generator), shared.divergence()
            bound = self.beta * divergence
            for name, own in private.items():
                a = model.modality_input(z, own.sample(generator), name, **dropping)
                bound = bound + negative_log_likelihood(model.units[name], batch[:, model.slices[name]], a)
            total, together = total + weight * bound, together + weight * divergence
        return total.mean(), {"shared": together.mean(), "private": apart.mean()}
