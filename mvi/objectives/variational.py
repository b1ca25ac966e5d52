# SPDX-License-Identifier: MIT
"""Evidence lower bounds by products of experts, of any set of modalities.

Shapes: B examples, D units of all modalities.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import torch
from torch import Tensor

from mvi.models.direct import DirectModel
from mvi.models.product_of_experts import ProductOfExperts
from mvi.models.units import Gaussian
from mvi.objectives.differentiable import Differentiable, negative_log_likelihood

Untagged = Literal["observed", "missing"]


def subsets(names: Sequence[str]) -> list[tuple[str, ...]]:
    """All sets of modalities but the empty one, small ones first."""
    return [chosen for size in range(1, len(names) + 1) for chosen in combinations(names, size)]


def has(model: DirectModel, batch: Tensor, untagged: Untagged) -> dict[str, Tensor]:
    """(B,) bools by modality, false where `untagged` rows, without any tag or word, count as "missing"."""
    found = {}
    for name, part in model.slices.items():
        there = torch.ones(len(batch), dtype=torch.bool, device=batch.device)
        if untagged == "missing" and not isinstance(model.units[name], Gaussian):
            there = (batch[:, part] != 0).any(-1)
        found[name] = there
    return found


@dataclass(frozen=True)
class ProductBounds(Differentiable):
    """Bounds by the posteriors of several sets of modalities, of a `ProductOfExperts`.

    mixture: False is MVAE (Wu and Goodman 2018): the sum of the bounds of all modalities together and of each
        alone, each set explaining itself. True is MoPoE (Sutter, Daunhawer, Vogt 2021): the mean over all
        sets, each explaining every modality.
    beta: weight of the divergence from the prior
    untagged: whether the text of a row without any tag is "observed" to have none or "missing"; then only
        sets and likelihoods of what the row has count
    """

    mixture: bool
    beta: float = 1.0
    dropout: float = 0.0
    untagged: Untagged = "observed"

    def loss(
        self, model: ProductOfExperts, batch: Tensor, generator: torch.Generator, *, training: bool = True
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Minus the bound, in nats a row, a draw for each set; and the divergence of the whole set."""
        dropout = self.dropout if training else 0.0
        names = list(model.sizes)
        present = has(model, batch, self.untagged)
        experts = {name: model.expert(batch, name, dropout=dropout, generator=generator) for name in names}
        sets = [one for one in subsets(names) if self.mixture or len(one) in (1, len(names))]
        # How many sets count for each row.
        valid = {one: torch.stack([present[name] for name in one]).all(0).to(batch) for one in sets}
        share = torch.stack(list(valid.values())).sum(0).clamp_min(1) if self.mixture else 1.0
        total, divergence = batch.new_zeros(len(batch)), batch.new_zeros(())
        for one in sets:
            posterior = model.joined([experts[name] for name in one])
            z = posterior.sample(generator)
            divergence = posterior.divergence()
            bound = self.beta * divergence
            for name in names if self.mixture else one:
                a = model.modality_input(z, name, dropout=dropout, generator=generator)
                surprise = negative_log_likelihood(model.units[name], batch[:, model.slices[name]], a)
                bound = bound + surprise * present[name]
            total = total + bound * valid[one] / share
        return total.mean(), {"divergence": divergence.mean()}
