# SPDX-License-Identifier: MIT
"""What the objectives share: their interface and the sparsity regularisers.

An objective is a frozen record of settings with two pure functions. `start` makes the tensors that it
remembers between updates (persistent chains, running means); `step` turns a minibatch and that memory into
an ascent direction and the next memory. Neither changes the model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, get_args

import torch
from torch import Tensor

from mvi.errors import ConfigError
from mvi.models.base import Start
from mvi.models.numerics import PROBABILITY_FLOOR
from mvi.models.rbm import RBM
from mvi.models.units import SteppedSigmoid

Memory = dict[str, Tensor]


@dataclass(frozen=True)
class Ramp:
    """Grows with the epoch t = 1, 2, ...: min(maximum, start + step * ((t-1) // every)).

    Examples:
        >>> [Ramp(start=1, step=1, every=2, maximum=3).at(epoch) for epoch in range(1, 8)]
        [1, 1, 2, 2, 3, 3, 3]
    """

    start: int
    step: int = 0
    every: int = 1
    maximum: int = 10**9

    def at(self, epoch: int) -> int:
        """Value in epoch `epoch`, counted from 1."""
        return min(self.maximum, self.start + self.step * ((epoch - 1) // self.every))


@dataclass(frozen=True)
class Gradient:
    """An ascent direction in two parts, each keyed as the parameters, and numbers worth logging.

    `negative` is subtracted. With `negative_at_once` it bypasses the momentum buffer, as the reference code
    does for persistent chains alone. `weight_decay` is the L2 coefficient applied to "weight" parameters in
    the positive part.
    """

    positive: Mapping[str, Tensor]
    negative: Mapping[str, Tensor] | None = None
    negative_at_once: bool = False
    metrics: Mapping[str, Tensor] = field(default_factory=dict)


class Objective(Protocol):
    """What `mvi.training.loop.train` asks of an objective, which knows the models that it trains."""

    def start(self, model: Any, mean: Tensor, generator: torch.Generator) -> Memory:
        """Memory before the first update; `mean` (D,) is the mean training row."""
        ...

    def step(
        self, model: Any, batch: Tensor, memory: Memory, epoch: int, generator: torch.Generator
    ) -> tuple[Gradient, Memory]:
        """Direction for one minibatch (B, D) in epoch 1, 2, ..., and the memory after it."""
        ...


@dataclass(frozen=True)
class Sparsity:
    """Pull hidden units towards a mean activity of `target`.

    "exact" is the gradient of weight * sum KL(target || batch mean); "approximate" follows a running mean
    r <- damping r + (1 - damping) mean(p) and pushes by weight * (r - target). Where an objective works on
    `on_weights` = False the approximate push acts on the hidden bias alone, as in the reference code's
    multimodal trainers; its layerwise trainers push the weights too.
    """

    kind: Literal["none", "approximate", "exact"] = "none"
    weight: float = 0.0
    target: float = 0.1
    damping: float = 0.9
    on_weights: bool = False

    def start(self, model: RBM) -> Memory:
        """Running means at 0, as in the reference code."""
        if self.kind == "approximate":
            return {"activity": torch.zeros_like(model.parameters["hidden_bias"])}
        return {}

    def statistics(
        self, model: RBM, v: Tensor, h: Tensor, probability: Tensor, memory: Memory
    ) -> tuple[dict[str, Tensor], Memory]:
        """`RBM.statistics` of v (B, D) and mean h (B, K) less the penalty's gradient, and the next memory.

        The penalty looks at the hidden units' `probability` (B, K) in the positive phase. On the weights it
        acts as if it were taken off h, which needs no product of its own.
        """
        if self.kind == "none":
            return model.statistics(v, h), {}
        mean, after = probability.mean(0), {}
        if self.kind == "approximate":
            after["activity"] = memory["activity"] * self.damping + mean * (1 - self.damping)
            push = (after["activity"] - self.target) * self.weight
        else:
            push = self.slope(mean) * probability * (1 - probability)
        on_weights = self.on_weights or self.kind == "exact"
        result = model.statistics(v, h, h - push if on_weights else h)
        result["hidden_bias"] -= push if push.dim() == 1 else push.mean(0)
        return result, after

    def slope(self, mean: Tensor) -> Tensor:
        """(K,) derivative of weight * KL(target || mean) by the mean, floored away from 0 and 1."""
        mean = mean.clamp(PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
        return self.weight * ((1 - self.target) / (1 - mean) - self.target / mean)


def check_mean_field(start_state: str, iterations: int = 0) -> None:
    """Raise `ConfigError` unless the start is one of `Start` and `iterations` a whole number from 0."""
    if start_state not in get_args(Start):
        raise ConfigError(f"start_state is {start_state!r}; choose one of {', '.join(get_args(Start))}.")
    if not isinstance(iterations, int) or iterations < 0:
        raise ConfigError(f"mean-field iterations are {iterations!r}; give a whole number from 0.")


def activity(model: RBM, a: Tensor, mean: Tensor) -> Tensor:
    """(B, K) what sparsity looks at: the first copy of stepped units, else the mean itself."""
    if isinstance(model.hidden, SteppedSigmoid):
        return model.hidden.first_copy(a)
    return mean
