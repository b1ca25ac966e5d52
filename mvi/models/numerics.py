# SPDX-License-Identifier: MIT
"""Small pieces of arithmetic that stay finite at extreme inputs, and explicit sampling."""

import math
from typing import Any

import numpy as np
import torch
from numpy.random.bit_generator import ISeedSequence
from torch import Tensor
from torch.nn.functional import softplus

PROBABILITY_FLOOR = 1e-6
"""Batch means are kept this far from 0 and 1 before a logarithm (reference code, exact sparsity)."""


def sample_bernoulli(probability: Tensor, generator: torch.Generator) -> Tensor:
    """Draw 0/1 floats, shape as `probability`: 1 where the probability exceeds a uniform draw from [0, 1).

    The draws are multiples of 2^-24, for float64 of 2^-53: in half precision there are too few numbers
    between 0 and 1 for small probabilities. Many of them are `_drawn_fast` on a CPU.
    """
    if probability.dtype.itemsize < 4:
        return sample_bernoulli(probability.float(), generator).to(probability.dtype)
    if _is_fast(probability):
        return _drawn_fast(probability, probability.new_empty(probability.shape), generator)
    uniform = torch.rand(
        probability.shape, dtype=probability.dtype, device=probability.device, generator=generator
    )
    # In place, which saves a pass over a boolean array.
    return uniform.lt_(probability)


def sample_logistic(a: Tensor, generator: torch.Generator) -> Tensor:
    """Draw 0/1 floats, shape as `a`, with the logistic of `a` as the probability of 1."""
    probability = torch.sigmoid(a)
    if _is_fast(probability):
        return _drawn_fast(probability, probability, generator)
    return sample_bernoulli(probability, generator)


class _Seeds(ISeedSequence):
    """Seeds for a stream of numpy's, drawn from a generator of torch."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> np.ndarray:
        """(n_words,) random numbers of `dtype`."""
        return torch.empty(n_words, dtype=torch.int64).random_(generator=self.generator).numpy().astype(dtype)


def _is_fast(probability: Tensor) -> bool:
    # To begin a stream takes as long as torch takes for some thousand numbers.
    return probability.is_cpu and probability.dtype == torch.float32 and probability.numel() >= 2**12


def _drawn_fast(probability: Tensor, out: Tensor, generator: torch.Generator) -> Tensor:
    """What `sample_bernoulli` draws, of float32 on a CPU, in a third of the time that `torch.rand` takes.

    The 16 leading bits of each uniform draw are of an SFC64 stream of numpy's, which `generator` seeds anew
    at each call. The 8 bits after them are common to a row or to a column, whichever is the shorter: they
    decide of one draw in 65,536 alone. So each draw is distributed exactly as one by `torch.rand`, and the
    covariance of two that have bits in common is at most 2^-34. `out` may be `probability`.
    """
    *rows, columns = probability.shape
    common = (*rows, 1) if math.prod(rows) >= columns else (columns,)
    ends, count = math.prod(common), probability.numel()
    stream = np.random.SFC64(_Seeds(generator))  # type: ignore[arg-type]  # Seeds of any kind will do.
    words = stream.random_raw(-(-(ends + count) // 4)).view(np.uint16)
    end = torch.from_numpy((words[:ends] >> 8) / np.float32(-256)).view(common)
    # u < 2^16 p - (the bits after u), which is exact: p has 24 bits. One pass compares and makes floats.
    threshold = torch.add(end, probability, alpha=2.0**16, out=out).numpy()
    np.less(words[ends : ends + count].reshape(out.shape), threshold, out=threshold, casting="unsafe")
    return out


def logit(probability: Tensor, floor: float) -> Tensor:
    """Log-odds, shape as `probability`, of the probability clipped to [floor, 1 - floor]."""
    return torch.logit(probability.clamp(floor, 1 - floor))


def binary_cross_entropy(target: Tensor, logits: Tensor) -> Tensor:
    """Cross-entropy in nats, elementwise, of targets in [0, 1] and the logistic of `logits`.

    -t log s(a) - (1-t) log(1-s(a)) = softplus(a) - t a, which cannot overflow.
    """
    return softplus(logits) - target * logits
