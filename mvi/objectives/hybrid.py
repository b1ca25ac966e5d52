# SPDX-License-Identifier: MIT
"""A weighted sum of multi-prediction and joint likelihood; in the reference code, not in the paper."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mvi.models.mrbm import MultimodalRBM
from mvi.objectives.base import Gradient, Memory
from mvi.objectives.likelihood import ContrastiveDivergence
from mvi.objectives.multiprediction import MultiPrediction


@dataclass(frozen=True)
class Hybrid:
    """alpha * multi-prediction + (1 - alpha) * persistent contrastive divergence.

    Regularisers are weighted like the part they belong to; both phases of the likelihood part go through
    the momentum buffer, unlike pure PCD (reference code). In the first `warm_up` epochs alpha is 0: an
    addition of ours, by which multi-prediction starts from features that model both modalities together.
    """

    alpha: float
    prediction: MultiPrediction
    likelihood: ContrastiveDivergence
    warm_up: int = 0

    def start(self, model: MultimodalRBM, mean: Tensor, generator: torch.Generator) -> Memory:
        """The likelihood part's chains and running means."""
        return self.likelihood.start(model, mean, generator)

    def step(
        self,
        model: MultimodalRBM,
        batch: Tensor,
        memory: Memory,
        epoch: int,
        generator: torch.Generator,
    ) -> tuple[Gradient, Memory]:
        """Direction for one minibatch (B, D): grey values for the first part, sampled for the second."""
        likely, after = self.likelihood.step(model, batch, memory, epoch, generator)
        if epoch <= self.warm_up:
            return replace(likely, negative_at_once=False), after
        predicted, _ = self.prediction.step(model, batch, {}, epoch, generator)
        positive = {
            name: part.mul_(self.alpha).add_(likely.positive[name], alpha=1 - self.alpha)
            for name, part in predicted.positive.items()
        }
        assert likely.negative is not None, "contrastive divergence has two phases"
        negative = {name: part.mul_(1 - self.alpha) for name, part in likely.negative.items()}
        metrics = {**predicted.metrics, **likely.metrics}
        return Gradient(positive, negative, metrics=metrics), after
