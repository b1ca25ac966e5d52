# SPDX-License-Identifier: MIT
"""The objective of deep CCA: the sum of the canonical correlations of a minibatch."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mvi.errors import ConfigError
from mvi.models.deep_canonical import DeepCanonical
from mvi.models.direct import mlp
from mvi.objectives.differentiable import Differentiable


@dataclass(frozen=True)
class Correlation(Differentiable):
    """Minus `correlation` of the outputs of the two perceptrons (Andrew, Arora, Bilmes, Livescu 2013).

    It must be of minibatches several times as large as the code (Wang et al. 2015): where there are fewer
    rows than directions, any outputs correlate perfectly.
    """

    ridge: float = 1e-3
    dropout: float = 0.0

    def loss(
        self, model: DeepCanonical, batch: Tensor, generator: torch.Generator, *, training: bool = True
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """As the class says; raises `ConfigError` for a minibatch that is no larger than the code."""
        if len(batch) <= model.settings["code"]:
            raise ConfigError(
                f"a minibatch of {len(batch)} rows says nothing of {model.settings['code']} correlations; "
                "raise training.batch_size or lower code."
            )
        dropout = self.dropout if training else 0.0
        x, y = (
            mlp(model.parameters, f"{name}/tower", batch[:, part], dropout=dropout, generator=generator)
            for name, part in model.slices.items()
        )
        return -correlation(x, y, self.ridge), {}


def correlation(x: Tensor, y: Tensor, ridge: float) -> Tensor:
    """() sum of the canonical correlations of `x` (B, K) and `y` (B, L), with `ridge` added to variances.

    That is the nuclear norm of Cxx^(-1/2) Cxy Cyy^(-1/2), not its squared Frobenius norm, which some
    libraries maximise. Computed in double precision.
    """
    x, y = x.double() - x.double().mean(0), y.double() - y.double().mean(0)
    factors = []
    for one in (x, y):
        penalty = ridge * torch.eye(one.shape[1], dtype=one.dtype, device=one.device)
        factors.append(torch.linalg.cholesky(one.T @ one / (len(one) - 1) + penalty))
    whitened = torch.linalg.solve_triangular(factors[0], x.T @ y / (len(x) - 1), upper=False)
    whitened = torch.linalg.solve_triangular(factors[1], whitened.T, upper=False)
    return torch.linalg.svdvals(whitened).sum()
