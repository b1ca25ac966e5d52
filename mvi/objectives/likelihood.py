# SPDX-License-Identifier: MIT
"""Maximum likelihood (Eq. 3) of an RBM, multimodal or not, by contrastive divergence, persistent or not."""

from dataclasses import dataclass, field
from typing import Literal, get_args

import torch
from torch import Tensor

from mvi.errors import ConfigError
from mvi.models.numerics import sample_bernoulli
from mvi.models.rbm import RBM
from mvi.models.units import Binary, Gaussian, ReplicatedSoftmax
from mvi.objectives.base import Gradient, Memory, Ramp, Sparsity, activity

Negative = Literal["visible_means", "hidden_means"]


@dataclass(frozen=True)
class ContrastiveDivergence:
    """CD-k, or PCD-k with `chains` persistent chains where `persistent` (Hinton 2002; Tieleman 2008).

    Positive phase: expected hidden state given the minibatch, binary pixels drawn anew from their
    intensities where `sample_input`. Negative phase: k Gibbs steps, then the statistics of `negative`:
    "visible_means", the sampled hidden state and the mean visible state given it (reference code, RBM toolbox
    and joint-likelihood trainer), or "hidden_means", the last sampled visible state and the mean hidden state
    given it (scikit-learn's `BernoulliRBM`), which are estimates as good for a matrix product less. Raises
    `ConfigError` for another word.
    """

    gibbs_steps: Ramp = field(default_factory=lambda: Ramp(1))
    persistent: bool = True
    chains: int = 500
    sparsity: Sparsity = field(default_factory=Sparsity)
    sample_input: bool = True
    negative: Negative = "visible_means"

    def __post_init__(self) -> None:
        if self.negative not in get_args(Negative):
            raise ConfigError(
                f"negative is {self.negative!r}; choose one of {', '.join(get_args(Negative))}."
            )

    def start(self, model: RBM, mean: Tensor, generator: torch.Generator) -> Memory:
        """Running sparsity means, and chains started from the visible biases (Gaussian: the data mean)."""
        memory = self.sparsity.start(model)
        if self.persistent:
            bias = mean if isinstance(model.visible, Gaussian) else model.parameters["visible_bias"]
            a = model.scaled(bias.expand(self.chains, -1))
            # A whole number of words, which only replicated softmax units look at. It stays with the host,
            # which has to know it to draw them, and would else wait for a GPU at every step.
            totals = mean.sum().round().clamp_min(1).cpu()
            v = model._visible(a, generator, totals)
            memory["chain"] = model.sample_hidden(v, generator)
            memory["totals"] = totals
        return memory

    def step(
        self, model: RBM, batch: Tensor, memory: Memory, epoch: int, generator: torch.Generator
    ) -> tuple[Gradient, Memory]:
        """Direction of the log-likelihood's estimated gradient for one minibatch (B, D)."""
        v = batch
        if self.sample_input and isinstance(model.visible, Binary):
            v = sample_bernoulli(batch, generator)
        a = model.hidden_input(v)
        h = model.hidden.mean(a)
        probability = activity(model, a, h)
        positive, after = self.sparsity.statistics(model, v, h, probability, memory)

        totals: Tensor | float
        if self.persistent:
            chain, totals = memory["chain"], memory["totals"]
        else:
            chain = model.hidden.sample(a, generator)
            totals = v.sum(-1, keepdim=True) if isinstance(model.visible, ReplicatedSoftmax) else 1.0
        for _ in range(self.gibbs_steps.at(epoch)):
            sampled = model.sample_visible(chain, generator, totals)
            bottom_up = model.hidden_input(sampled)
            chain = model.hidden.sample(bottom_up, generator)
        if self.negative == "visible_means":
            negative = model.expected_statistics(chain, totals)
        else:
            negative = model.statistics(sampled, model.hidden.mean(bottom_up))
        if self.persistent:
            after |= {"chain": chain, "totals": memory["totals"]}
        metrics = {
            "activity": probability.mean(),
            "mean_gap": (positive["visible_bias"] - negative["visible_bias"]).abs().mean(),
        }
        return Gradient(positive, negative, self.persistent, metrics), after
