# SPDX-License-Identifier: MIT
"""Update rules: the reference code's with its schedules, and Adam."""

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from mvi.objectives.base import Gradient

PIECE = 2**16
"""Numbers of each array that are updated at a time on a CPU."""


@dataclass(frozen=True)
class Momentum:
    """`initial` up to and including epoch `change_after`, then `final`."""

    initial: float = 0.33
    final: float = 0.47
    change_after: int = 5

    def at(self, epoch: int) -> float:
        """Momentum in epoch `epoch`, counted from 1."""
        return self.initial if epoch <= self.change_after else self.final


class Rule(Protocol):
    """How parameters follow a direction; it remembers `buffers` between updates."""

    def rate(self, epoch: int) -> float:
        """Learning rate in epoch `epoch`, counted from 1."""
        ...

    def begin(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """The buffers before the first update."""
        ...

    def update_(
        self,
        parameters: dict[str, Tensor],
        buffers: dict[str, Tensor],
        gradient: Gradient,
        *,
        epoch: int,
        rate: Tensor,
        weight_decay: float,
        accept: Tensor | None,
    ) -> None:
        """Change `parameters` and `buffers` in place, neither where `accept`, () bool, is False.

        It is `None` where the gradient is known to be finite. `rate` is a () float64 tensor on the
        parameters' device. Overwrites the arrays of `gradient`.
        """
        ...


@dataclass(frozen=True)
class UpdateRule:
    """Damped momentum: g <- m g + (1 - m) eps d; theta <- theta + g, with eps / (1 + decay t) in epoch t.

    The learning rate is inside the buffer g, which `torch.optim.SGD` with dampening does not do.
    """

    learning_rate: float = 0.01
    decay: float = 0.005
    momentum: Momentum = field(default_factory=Momentum)

    def rate(self, epoch: int) -> float:
        """Learning rate in epoch `epoch`, counted from 1: already divided in the first one."""
        return self.learning_rate / (1 + self.decay * epoch)

    def begin(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """A buffer for each parameter, at 0."""
        return {name: torch.zeros_like(theta) for name, theta in parameters.items()}

    def update_(
        self,
        parameters: dict[str, Tensor],
        buffers: dict[str, Tensor],
        gradient: Gradient,
        *,
        epoch: int,
        rate: Tensor,
        weight_decay: float,
        accept: Tensor | None,
    ) -> None:
        """As `Rule` says; `weight_decay` is the L2 coefficient, part of the direction."""
        update_(
            parameters,
            buffers,
            gradient,
            rate=rate,
            momentum=self.momentum.at(epoch),
            weight_decay=weight_decay,
            accept=accept,
        )


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba 2015), its weight decay apart from the gradient (Loshchilov and Hutter 2019)."""

    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def rate(self, epoch: int) -> float:
        """The learning rate, in every epoch the same."""
        return self.learning_rate

    def begin(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """Two running means for each parameter, at 0, and the () count of updates."""
        means = {
            f"{kind}/{name}": torch.zeros_like(theta)
            for kind in ("mean", "square")
            for name, theta in parameters.items()
        }
        return {"updates": torch.zeros_like(next(iter(parameters.values())).flatten()[0]), **means}

    def update_(
        self,
        parameters: dict[str, Tensor],
        buffers: dict[str, Tensor],
        gradient: Gradient,
        *,
        epoch: int,
        rate: Tensor,
        weight_decay: float,
        accept: Tensor | None,
    ) -> None:
        """As `Rule` says; of weights `rate` times `weight_decay` is taken off."""
        updates = buffers["updates"]
        keep = torch.ones_like(updates) if accept is None else accept.to(updates.dtype)
        step = keep * rate.to(updates.dtype)
        updates += keep
        # Before the first accepted update both corrections would be 0 / 0.
        count = updates.clamp_min(1)
        first, second = 1 - self.beta1**count, 1 - self.beta2**count
        for name, theta in parameters.items():
            direction = gradient.positive[name]
            if accept is not None:
                direction.nan_to_num_(0.0, 0.0, 0.0)
            mean, square = buffers[f"mean/{name}"], buffers[f"square/{name}"]
            mean.add_((direction - mean) * (keep * (1 - self.beta1)))
            square.add_((direction.square() - square) * (keep * (1 - self.beta2)))
            if weight_decay and is_weight(name):
                theta.mul_(1 - step * weight_decay)
            theta.addcdiv_(mean / first * step, (square / second).sqrt_().add_(self.epsilon))


def is_weight(name: str) -> bool:
    """Whether L2 weight decay applies to a parameter: to weight matrices, never to biases or stds."""
    return name.rpartition("/")[2].startswith("weight")


def all_finite(gradient: Gradient) -> Tensor:
    """() bool tensor: whether every entry of both parts is finite. Does not wait for the device."""
    parts = [*gradient.positive.values(), *(gradient.negative or {}).values()]
    # One NaN or infinity makes its sum NaN or infinite; reading once is cheaper than a mask.
    return torch.isfinite(torch.stack([part.sum() for part in parts]).sum())


def update_(
    parameters: dict[str, Tensor],
    buffers: dict[str, Tensor],
    gradient: Gradient,
    *,
    rate: Tensor,
    momentum: float,
    weight_decay: float,
    accept: Tensor | None,
) -> None:
    """Change `parameters` and `buffers` in place by one step; leave both untouched where `accept` is False.

    `rate` is a () float64 tensor and `accept` a () bool tensor, both on the parameters' device, so that a GPU
    is never waited for; `None` where the gradient is known to be finite. Overwrites the arrays of `gradient`.
    """
    # Scaling by 0-dimensional tensors is several times faster than a masked copy; 0 * NaN would still be NaN.
    rate = rate.to(next(iter(parameters.values())).dtype)
    keep = torch.ones_like(rate) if accept is None else accept.to(rate.dtype)
    fresh = keep * (rate * (1 - momentum))
    kept = 1 - keep * (1 - momentum)
    for name, theta in parameters.items():
        arrays = [theta, buffers[name], gradient.positive[name]]
        if gradient.negative is not None:
            arrays.append(gradient.negative[name])
        for part, buffer, direction, *negative in zip(*map(_pieces, arrays), strict=True):
            if weight_decay and is_weight(name):
                direction.sub_(part, alpha=weight_decay)
            if negative and not gradient.negative_at_once:
                direction.sub_(negative.pop())
            if accept is not None:
                for changes in (direction, *negative):
                    changes.nan_to_num_(0.0, 0.0, 0.0)
            part.addcmul_(buffer.mul_(kept).addcmul_(direction, fresh), keep)
            if negative:
                part.addcmul_(negative.pop(), keep * rate, value=-1)


def _pieces(array: Tensor) -> tuple[Tensor, ...]:
    """Rows of `array` that stay in a processor's cache while several passes go over them; on a GPU all."""
    return array.split(max(1, PIECE * len(array) // array.numel()) if array.is_cpu else len(array))
