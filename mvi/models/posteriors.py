# SPDX-License-Identifier: MIT
"""Gaussian posteriors with diagonal covariance, as variational autoencoders have them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from mvi.models.direct import mlp

LOG_VARIANCES = (-10.0, 10.0)
"""Where log variances are kept, so that no precision overflows."""


@dataclass(frozen=True)
class Posterior:
    """N(mean, exp(log_variance)) of each entry; both (B, K)."""

    mean: Tensor
    log_variance: Tensor

    @classmethod
    def encoded(cls, parameters: Mapping[str, Tensor], prefix: str, x: Tensor, **dropping: Any) -> Self:
        """What a perceptron of 2 K outputs says of its input; the arguments are those of `mlp`."""
        mean, log_variance = mlp(parameters, prefix, x, **dropping).chunk(2, -1)
        return cls(mean, log_variance.clamp(*LOG_VARIANCES))

    def sample(self, generator: torch.Generator) -> Tensor:
        """(B, K) a draw of each row, which a gradient goes through."""
        mean = self.mean
        noise = torch.randn(mean.shape, dtype=mean.dtype, device=mean.device, generator=generator)
        return mean + noise * (self.log_variance / 2).exp()

    def divergence(self) -> Tensor:
        """(B,) Kullback-Leibler divergence from the standard normal prior, in nats."""
        return (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance).sum(-1) / 2


def product(posteriors: Sequence[Posterior], prior: bool) -> Posterior:
    """The normalised product of Gaussian experts, the standard normal among them where `prior` says so."""
    means = torch.stack([one.mean for one in posteriors])
    precisions = torch.stack([(-one.log_variance).exp() for one in posteriors])
    precision = precisions.sum(0) + int(prior)
    return Posterior((means * precisions).sum(0) / precision, -precision.log())
