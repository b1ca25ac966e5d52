# SPDX-License-Identifier: MIT
"""The regression that completes modalities from codes, and moments of streamed rows, in double precision."""

from collections.abc import Iterable

import torch
from torch import Tensor

from mvi.models.decoded import DecodedModel
from mvi.training.rows import Blocks

LEAST = 1e-6
"""Share of the mean variance of codes that keeps a regression on constant ones solvable."""


def covariance(blocks: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor, Tensor]:
    """Means (D_a,), (D_b,) and covariance (D_a, D_b) of pairs of blocks (B, D_a), (B, D_b), in float64."""
    count, firsts, seconds, products = 0, torch.zeros(0), torch.zeros(0), torch.zeros(0)
    shift_a, shift_b = torch.zeros(0), torch.zeros(0)
    for first, second in blocks:
        a, b = first.double(), second.double()
        if not count:
            # Sums of squares about a row near the mean lose no digits.
            shift_a, shift_b = a.mean(0), b.mean(0)
            firsts, seconds = torch.zeros_like(shift_a), torch.zeros_like(shift_b)
            products = a.new_zeros(a.shape[1], b.shape[1])
        a, b = a - shift_a, b - shift_b
        count += len(a)
        firsts += a.sum(0)
        seconds += b.sum(0)
        products.addmm_(a.T, b)
    firsts, seconds = firsts / count, seconds / count
    return firsts + shift_a, seconds + shift_b, products / count - torch.outer(firsts, seconds)


@torch.no_grad()
def fit_decoder(model: DecodedModel, blocks: Blocks) -> None:
    """Set the parameters that complete each modality: least squares from the code of all others."""
    for name in model.sizes:
        others = [other for other in model.sizes if other != name]

        def pairs(target: str = name, given: list[str] = others) -> Iterable[tuple[Tensor, Tensor]]:
            for v in blocks():
                code = model.code(v, given)
                yield code, torch.cat([code, v[:, model.slices[target]]], 1)

        code_mean, means, products = covariance(pairs())
        size = len(code_mean)
        own = products[:, :size]
        own.diagonal().add_(LEAST * own.diagonal().mean() + torch.finfo(own.dtype).tiny)
        slopes = torch.linalg.solve(own, products[:, size:])
        model.parameters[f"{name}/slopes"].copy_(slopes)
        model.parameters[f"{name}/at_zero"].copy_(means[size:] - code_mean @ slopes)
