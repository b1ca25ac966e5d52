# SPDX-License-Identifier: MIT
"""MinVI (Eq. 2) of a multimodal RBM by CD-PercLoss: one conditional RBM a target modality, shared weights."""

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import softplus

from mvi.models.base import Start
from mvi.models.mrbm import MultimodalRBM
from mvi.models.numerics import sample_bernoulli
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
        h = model.hidden_mean(v)
        positive = model.statistics(v, h)
        after = self.sparsity.apply_(positive, v, h, memory)
        steps = self.gibbs_steps.at(epoch)
        start = self.start_state
        particles = [lowest_particle(model, v, name, steps, generator, start) for name in model.sizes]
        v_negative = torch.cat([particle for particle, _ in particles])
        h_negative = torch.cat([hidden for _, hidden in particles])
        negative = model.statistics(v_negative, h_negative)
        metrics = {
            "activity": h.mean(),
            "mean_gap": (positive["visible_bias"] - negative["visible_bias"]).abs().mean(),
        }
        return Gradient(positive, negative, metrics=metrics), after


def lowest_particle(
    model: MultimodalRBM,
    v: Tensor,
    target: str,
    steps: int,
    generator: torch.Generator,
    start: Start = "doubled",
) -> tuple[Tensor, Tensor]:
    """Visible states (B, D) with the target replaced, and hidden probabilities (B, K) given them.

    Of `steps` + 1 samples of P(target | others) the one of lowest free energy wins, a later one on a tie. The
    clamped modalities' own terms are the same for all samples, so they are left out of the comparison.
    """
    given = [name for name in model.sizes if name != target]
    weight = model.weight(target)
    bias = model.parameters["hidden_bias"]
    target_bias = model.parameters["visible_bias"][model.slices[target]]
    up = model.ups[target]
    conditioning = model.raised(v, given)
    # The free energy takes the input without the up factors.
    plain = scaled = conditioning + bias
    same = all(factor == 1.0 for factor in model.ups.values())
    if not same:
        plain = sum(v[:, model.slices[name]] @ model.weight(name) for name in given) + bias

    def sample_target(a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = sample_bernoulli(torch.sigmoid(a), generator)
        y = sample_bernoulli(model.modality_mean(h, target), generator)
        a_plain = torch.addmm(plain, y, weight)
        energy = -(y @ target_bias) - model.down * softplus(a_plain).sum(-1)
        a_next = a_plain if same else torch.addmm(scaled, y, weight, alpha=up)
        return y, a_next, energy

    best_y, best_a, best_energy = sample_target(conditioning * model.start_factor(given, start) + bias)
    a = best_a
    for _ in range(steps):
        y, a, energy = sample_target(a)
        better = (energy <= best_energy).unsqueeze(1)
        best_y = torch.where(better, y, best_y)
        best_a = torch.where(better, a, best_a)
        best_energy = torch.minimum(energy, best_energy)
    particle = v.clone()
    particle[:, model.slices[target]] = best_y
    return particle, torch.sigmoid(best_a)
