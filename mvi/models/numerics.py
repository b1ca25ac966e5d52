# SPDX-License-Identifier: MIT
"""Small pieces of arithmetic that stay finite at extreme inputs, and explicit sampling."""

import torch
from torch import Tensor
from torch.nn.functional import softplus

PROBABILITY_FLOOR = 1e-6
"""Batch means are kept this far from 0 and 1 before a logarithm (reference code, exact sparsity)."""


def sample_bernoulli(probability: Tensor, generator: torch.Generator) -> Tensor:
    """Draw 0/1 floats, shape as `probability`: 1 where the probability exceeds a uniform draw from [0, 1).

    Comparing with uniform numbers is several times faster on a CPU than `torch.bernoulli`. They have single
    precision at least: in half precision there are too few between 0 and 1 for small probabilities.
    """
    half = probability.dtype.itemsize < 4
    uniform = torch.rand(
        probability.shape,
        dtype=torch.float32 if half else probability.dtype,
        device=probability.device,
        generator=generator,
    )
    # `lt` into the float buffer saves a pass over a boolean array.
    return torch.lt(uniform, probability, out=uniform).to(probability.dtype)


def logit(probability: Tensor, floor: float) -> Tensor:
    """Log-odds, shape as `probability`, of the probability clipped to [floor, 1 - floor]."""
    return torch.logit(probability.clamp(floor, 1 - floor))


def binary_cross_entropy(target: Tensor, logits: Tensor) -> Tensor:
    """Cross-entropy in nats, elementwise, of targets in [0, 1] and the logistic of `logits`.

    -t log s(a) - (1-t) log(1-s(a)) = softplus(a) - t a, which cannot overflow.
    """
    return softplus(logits) - target * logits
