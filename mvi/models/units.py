# SPDX-License-Identifier: MIT
"""Unit types: what a layer of a restricted Boltzmann machine does with the input it receives.

Each type is an exponential family in the received input `a` (shape (B, N), biases included): it knows its
mean, how to sample, the log of its normaliser (the layer's share of a free energy when it is summed out)
and the log of its base measure (its share when it is observed). Any type can stand on either side.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from mvi.errors import ConfigError
from mvi.models.arrays import COUNTS, FINITE, PROBABILITIES, Range
from mvi.models.numerics import sample_logistic


@dataclass(frozen=True)
class Binary:
    """States 0 and 1; P(1 | a) = logistic(a) (Eqs. 6 and 7)."""

    size: int

    @property
    def range(self) -> Range:
        """Which values stand for states, or for means of them."""
        return PROBABILITIES

    def mean(self, a: Tensor) -> Tensor:
        """(B, N) probabilities of state 1."""
        return torch.sigmoid(a)

    def sample(self, a: Tensor, generator: torch.Generator) -> Tensor:
        """(B, N) states."""
        return sample_logistic(a, generator)

    def log_normaliser(self, a: Tensor) -> Tensor:
        """(B,) sum over units of log(1 + exp a)."""
        return softplus(a).sum(-1)

    def log_base(self, v: Tensor) -> Tensor:
        """(B,) log of the base measure: 0 for every state."""
        return torch.zeros_like(v[..., 0])


@dataclass(frozen=True)
class Gaussian:
    """Real states of unit variance around `a`.

    A Gaussian *visible* layer of another variance is this layer seen through v / s: `RBM` divides by its std
    s (parameter "visible_log_std") on the way up and multiplies on the way down (reference code, real
    visibles). `learn_std` says whether the objectives also train s.
    """

    size: int
    learn_std: bool = False

    @property
    def range(self) -> Range:
        """Which values stand for states, or for means of them."""
        return FINITE

    def mean(self, a: Tensor) -> Tensor:
        """(B, N) means, that is `a`."""
        return a

    def sample(self, a: Tensor, generator: torch.Generator) -> Tensor:
        """(B, N) states a + N(0, 1)."""
        noise = torch.randn(a.shape, dtype=a.dtype, device=a.device, generator=generator)
        return noise.add_(a)

    def log_normaliser(self, a: Tensor) -> Tensor:
        """(B,) sum over units of a^2 / 2 (the constant log(2 pi) / 2 a unit is left out)."""
        return a.square().sum(-1) / 2

    def log_base(self, v: Tensor) -> Tensor:
        """(B,) sum over units of -v^2 / 2."""
        return -v.square().sum(-1) / 2


@dataclass(frozen=True)
class SteppedSigmoid:
    """Sum of `copies` binary units that share weights and bias, with offsets -0.5, -1.5, ...

    The expected sum comes close to softplus(a), so that the unit behaves like a rectified one.
    """

    size: int
    copies: int = 5

    @property
    def range(self) -> Range:
        """Which values stand for states, or for means of them."""
        return Range(0, self.copies, f"give sums of {self.copies} copies")

    def _offsets(self, a: Tensor) -> Tensor:
        return torch.arange(self.copies, dtype=a.dtype, device=a.device) + 0.5

    def mean(self, a: Tensor) -> Tensor:
        """(B, N) expected sums in [0, copies]."""
        return sum((torch.sigmoid(a - offset) for offset in self._offsets(a)), torch.zeros_like(a))

    def first_copy(self, a: Tensor) -> Tensor:
        """(B, N) probability of the first copy alone, what the reference code hands to the next layer."""
        return torch.sigmoid(a - 0.5)

    def sample(self, a: Tensor, generator: torch.Generator) -> Tensor:
        """(B, N) sums of independent draws of the copies: whole numbers 0..copies."""
        total = torch.zeros_like(a)
        for offset in self._offsets(a):
            total += sample_logistic(a - offset, generator)
        return total

    def log_normaliser(self, a: Tensor) -> Tensor:
        """(B,) sum over units and copies of log(1 + exp(a - offset))."""
        return sum(
            (softplus(a - offset).sum(-1) for offset in self._offsets(a)),
            torch.zeros_like(a[..., 0]),
        )

    def log_base(self, v: Tensor) -> Tensor:
        """(B,) log of the number-weighted ways to reach each sum.

        A sum v of copies with weights exp(a - offset) has weight exp(a v) e_v, where e_v is the elementary
        symmetric polynomial of degree v of the exp(-offset).
        """
        symmetric = torch.zeros(self.copies + 1, dtype=torch.float64)
        symmetric[0] = 1
        for offset in torch.arange(self.copies, dtype=torch.float64) + 0.5:
            symmetric[1:] += symmetric[:-1].clone() * torch.exp(-offset)
        table = symmetric.log().to(v)
        return table[v.round().long().clamp(0, self.copies)].sum(-1)


@dataclass(frozen=True)
class ReplicatedSoftmax:
    """Word counts: `total` draws, (B, 1), from one softmax over the units (Salakhutdinov and Hinton 2009)."""

    size: int

    @property
    def range(self) -> Range:
        """Which values stand for states, or for means of them."""
        return COUNTS

    def mean(self, a: Tensor, total: Tensor | float = 1.0) -> Tensor:
        """(B, N) expected counts, which sum to `total` in each row."""
        return torch.softmax(a, -1) * total

    def sample(self, a: Tensor, generator: torch.Generator, total: Tensor | float = 1.0) -> Tensor:
        """(B, N) counts of `total` draws a row; `total` is whole, and waited for where a GPU holds it."""
        draws = int(torch.as_tensor(total).max())
        if draws == 0:
            return torch.zeros_like(a)
        words = torch.multinomial(torch.softmax(a, -1), draws, replacement=True, generator=generator)
        kept = (torch.arange(draws, device=a.device) < total).to(a.dtype).expand(words.shape)
        return torch.zeros_like(a).scatter_add_(1, words, kept)

    def log_normaliser(self, a: Tensor, total: Tensor | float = 1.0) -> Tensor:
        """(B,) total * log sum exp a."""
        total = torch.as_tensor(total, dtype=a.dtype, device=a.device)
        return (total * torch.logsumexp(a, -1, keepdim=True)).squeeze(-1)

    def log_base(self, v: Tensor) -> Tensor:
        """(B,) log of the number of sequences of words with these counts."""
        return torch.lgamma(v.sum(-1) + 1) - torch.lgamma(v + 1).sum(-1)


Unit = Binary | Gaussian | SteppedSigmoid | ReplicatedSoftmax

KINDS: dict[str, type[Unit]] = {
    "binary": Binary,
    "gaussian": Gaussian,
    "stepped_sigmoid": SteppedSigmoid,
    "replicated_softmax": ReplicatedSoftmax,
}


def describe(unit: Unit) -> dict[str, Any]:
    """The unit as plain values, for the metadata of a weights file."""
    kind = next(name for name, cls in KINDS.items() if type(unit) is cls)
    return {"kind": kind, **asdict(unit)}


def from_description(description: Mapping[str, Any]) -> Unit:
    """The unit that `describe` described; what has a default may be left out.

    Raises `ConfigError` for an unknown kind or settings of another type.
    """
    settings = dict(description)
    kind = settings.pop("kind")
    if kind not in KINDS:
        raise ConfigError(f"unit kind {kind!r} is unknown; choose one of {', '.join(KINDS)}.")
    wanted = {field.name: field.type for field in fields(KINDS[kind])}
    if "size" not in settings or any(type(value) is not wanted.get(key) for key, value in settings.items()):
        raise ConfigError(f"{kind} units need {', '.join(wanted)}, not {settings}.")
    return KINDS[kind](**settings)
