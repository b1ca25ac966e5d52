# SPDX-License-Identifier: MIT
"""Symmetric InfoNCE: each row's embedding must find its partner among those of the minibatch."""

import math
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from mvi.models.two_towers import FIRST_TEMPERATURE, TwoTowers
from mvi.objectives.differentiable import Differentiable

LARGEST_SCALE = 100.0


@dataclass(frozen=True)
class Contrastive(Differentiable):
    """`info_nce` of every two modalities, with a learned temperature (Radford et al. 2021).

    The similarities are multiplied by at most `LARGEST_SCALE`, as there.
    """

    dropout: float = 0.0

    def loss(
        self, model: TwoTowers, batch: Tensor, generator: torch.Generator, *, training: bool = True
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The () mean over pairs of modalities, and the scale of the similarities."""
        dropout = self.dropout if training else 0.0
        embeddings = [
            model.embedding(batch, name, dropout=dropout, generator=generator) for name in model.sizes
        ]
        largest = math.log(LARGEST_SCALE * FIRST_TEMPERATURE)
        scale = model.parameters["log_scale"].clamp(max=largest).exp() / FIRST_TEMPERATURE
        losses = [info_nce(a, b, scale) for a, b in combinations(embeddings, 2)]
        return torch.stack(losses).mean(), {"scale": scale}


def info_nce(a: Tensor, b: Tensor, scale: Tensor | float) -> Tensor:
    """() mean cross-entropy, in nats, of each row's partner, from `a` (B, K) to `b` (B, K) and back."""
    similarities = a @ b.T * scale
    partners = torch.arange(len(a), device=a.device)
    return (cross_entropy(similarities, partners) + cross_entropy(similarities.T, partners)) / 2
