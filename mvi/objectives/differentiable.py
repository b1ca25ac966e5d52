# SPDX-License-Identifier: MIT
"""Objectives that are a loss, whose gradient comes by automatic differentiation."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from mvi.models.direct import DirectModel
from mvi.models.numerics import binary_cross_entropy
from mvi.models.units import Gaussian, ReplicatedSoftmax, Unit
from mvi.objectives.base import Gradient, Memory


class Differentiable(ABC):
    """An `Objective` for `DirectModel`s; a subclass is a frozen record of settings with a `loss`."""

    @abstractmethod
    def loss(
        self, model: Any, batch: Tensor, generator: torch.Generator, *, training: bool = True
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The () loss of joined units (B, D), and () numbers worth logging.

        Whatever is drawn comes from `generator`; hidden units are left out by chance only in `training`.
        """

    def start(self, model: DirectModel, mean: Tensor, generator: torch.Generator) -> Memory:
        """Nothing is remembered."""
        return {}

    def step(
        self, model: DirectModel, batch: Tensor, memory: Memory, epoch: int, generator: torch.Generator
    ) -> tuple[Gradient, Memory]:
        """Minus the gradient of the loss of one minibatch (B, D)."""
        with torch.enable_grad():
            leaves = {name: theta.detach().requires_grad_() for name, theta in model.parameters.items()}
            loss, metrics = self.loss(model.with_parameters(leaves), batch, generator)
        slopes = torch.autograd.grad(-loss, list(leaves.values()), allow_unused=True)
        gradient = {
            name: torch.zeros_like(theta) if slope is None else slope
            for (name, theta), slope in zip(model.parameters.items(), slopes, strict=True)
        }
        shown = {"loss": loss, **metrics}
        return Gradient(gradient, metrics={name: one.detach() for name, one in shown.items()}), memory

    @torch.no_grad()
    def validation_loss(self, model: DirectModel, rows: Tensor, size: int) -> float:
        """Mean loss of `rows` (n, D) in batches of `size`, without the last where it is smaller than others.

        Draws are the same at every call.
        """
        whole = max(1, len(rows) // size)
        losses = []
        for batch in rows[: whole * size].split(size):
            # Of its own, so that the training draws the same whether it is monitored or not.
            draws = torch.Generator(rows.device).manual_seed(0)
            losses.append(float(self.loss(model, batch, draws, training=False)[0]))
        return sum(losses) / len(losses)


def negative_log_likelihood(unit: Unit, y: Tensor, a: Tensor) -> Tensor:
    """(B,) minus the log-likelihood of states `y` (B, N) whose units receive `a` (B, N), in nats.

    Without what does not depend on `a`: log(2 pi) / 2 a Gaussian unit, of unit variance, and the number of
    sequences of words with the same counts.
    """
    if isinstance(unit, ReplicatedSoftmax):
        return -(y * log_softmax(a, -1)).sum(-1)
    if isinstance(unit, Gaussian):
        return (y - a).square().sum(-1) / 2
    return binary_cross_entropy(y, a).sum(-1)
