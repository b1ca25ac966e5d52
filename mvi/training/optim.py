# SPDX-License-Identifier: MIT
"""The reference code's update rule and its schedules."""

from dataclasses import dataclass, field

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
