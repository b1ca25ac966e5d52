# SPDX-License-Identifier: MIT
"""Minibatches in a random order that a generator decides."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from mvi.errors import ShapeError


@dataclass(frozen=True)
class Minibatches:
    """Rows (N, D) in memory, on any device; each epoch takes a fresh random order of all rows.

    `per_epoch` caps the number of batches (None: as many as fit); rows beyond the last whole batch wait for
    another epoch, as in the reference code. Raises `ShapeError` if there are fewer rows than a batch needs.
    """

    rows: Tensor
    size: int
    per_epoch: int | None = None

    def __post_init__(self) -> None:
        if len(self.rows) < self.size:
            raise ShapeError(
                f"a minibatch of {self.size} rows needs at least as many training rows, and there are "
                f"{len(self.rows)}; lower batch_size in the config."
            )

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        whole = len(self.rows) // self.size
        return whole if self.per_epoch is None else min(whole, self.per_epoch)

    def epoch(self, generator: torch.Generator) -> Iterator[Tensor]:
        """Yield the (size, D) batches of one epoch."""
        order = torch.randperm(len(self.rows), device=self.rows.device, generator=generator)
        for index in order[: len(self) * self.size].split(self.size):
            yield self.rows[index]

    def mean(self) -> Tensor:
        """(D,) mean row."""
        return self.rows.mean(0)
