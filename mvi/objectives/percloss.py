# SPDX-License-Identifier: MIT
"""MinVI (Eq. 2) of a multimodal RBM by CD-PercLoss: one conditional RBM a target modality, shared weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce

import torch
from torch import Tensor

from mvi.models.base import Start
from mvi.models.mrbm import MultimodalRBM
from mvi.models.numerics import sample_bernoulli, sample_logistic
from mvi.objectives.base import Gradient, Memory, Ramp, Sparsity, check_mean_field


@dataclass(frozen=True)
class CDPercLoss:
    """Contrastive divergence with a perceptron loss (Mnih, Larochelle, Hinton 2011), paper section 3.2.

    For each target modality a Gibbs chain runs with the others clamped; of its first sample and the k that
    follow, the one of lowest free energy is the negative particle. The directions of the targets are
    averaged, with one common positive phase (reference code; the paper says "accumulate", which differs by a
    constant factor). `start_state` is that of the chains: the hidden units are first drawn given the clamped
    modalities alone, with their input doubled (reference code) or as it is ("zeros"). Raises `ConfigError`
    for another word.
    """

    gibbs_steps: Ramp = field(default_factory=lambda: Ramp(10))
    sparsity: Sparsity = field(default_factory=Sparsity)
    sample_input: bool = True
    start_state: Start = "doubled"

    def __post_init__(self) -> None:
        check_mean_field(self.start_state)

    def start(self, model: MultimodalRBM, mean: Tensor, generator: torch.Generator) -> Memory:
        """Running sparsity means only: each example starts its own chains."""
        return self.sparsity.start(model)

    def step(
        self,
        model: MultimodalRBM,
        batch: Tensor,
        memory: Memory,
        epoch: int,
        generator: torch.Generator,
    ) -> tuple[Gradient, Memory]:
        """Direction for one minibatch (B, D)."""
        v = sample_bernoulli(batch, generator) if self.sample_input else batch
        bottom_up = {name: model.bottom_up_input(v, [name]) for name in model.sizes}
        h = sum(bottom_up.values(), model.parameters["hidden_bias"]).sigmoid_()
        positive, after = self.sparsity.statistics(model, v, h, h, memory)
        steps, start = self.gibbs_steps.at(epoch), self.start_state
        particles = [
            lowest_particle(model, v, bottom_up, name, steps, generator, start) for name in model.sizes
        ]
        v_negative, h_negative = (torch.cat(states) for states in zip(*particles, strict=True))
        negative = model.statistics(v_negative, h_negative)
        metrics = {
            "activity": h.mean(),
            "mean_gap": (positive["visible_bias"] - negative["visible_bias"]).abs().mean(),
        }
        return Gradient(positive, negative, metrics=metrics), after


def lowest_particle(
    model: MultimodalRBM,
    v: Tensor,
    bottom_up: Mapping[str, Tensor],
    target: str,
    steps: int,
    generator: torch.Generator,
    start: Start = "doubled",
) -> tuple[Tensor, Tensor]:
    """Visible states (B, D) with the target replaced, and hidden probabilities (B, K) given them.

    Of `steps` + 1 samples of P(target | others) the one of lowest free energy wins, a later one on a tie. The
    clamped modalities' own terms are the same for all samples, so they are left out of the comparison.
    `bottom_up` is each modality's input (B, K) to the hidden units (`MultimodalRBM.bottom_up_input`).
    """
    given = [name for name in model.sizes if name != target]
    weight, up = model.weight(target), model.ups[target]
    part, bias = model.slices[target], model.parameters["hidden_bias"]
    conditioning = reduce(torch.add, (bottom_up[name] for name in given))
    scaled = plain = conditioning + bias
    # The free energy takes the input without the up factors.
    same = set(model.ups.values()) == {1.0}
    if not same:
        plain = sum((bottom_up[name] / model.ups[name] for name in given), bias)

    h = torch.sigmoid(conditioning * model.start_factor(given, start) + bias)
    targets = v.new_empty(steps + 1, len(v), weight.shape[0])
    hidden = v.new_empty(steps + 1, *h.shape)
    summed_out = v.new_empty(steps + 1, len(v))
    for i in range(steps + 1):
        state = sample_bernoulli(h, generator)
        y = targets[i].copy_(sample_logistic(model.modality_input(state, target), generator))
        # The floor, where both are 0, keeps the logarithm finite.
        a = torch.addmm(plain, y, weight).clamp_(min=-80)
        h = torch.sigmoid(a, out=hidden[i])
        # log(1 + exp a) = a - log s(a), and the logistic s(a) is needed anyway.
        torch.sum(a.sub_(h.log()), -1, out=summed_out[i])
        if not same:
            h = torch.sigmoid(torch.addmm(scaled, y, weight, alpha=up), out=hidden[i])
    energies = -(targets @ model.parameters["visible_bias"][part]) - model.down * summed_out
    best = steps - energies.flip(0).argmin(0)
    rows = torch.arange(len(v), device=v.device)
    particle = v.clone()
    particle[:, part] = targets[best, rows]
    return particle, hidden[best, rows]
