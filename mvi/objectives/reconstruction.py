# SPDX-License-Identifier: MIT
"""Reconstruction of all modalities from all and from each alone (Ngiam et al. 2011, section 3.3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mvi.models.unrolled import Autoencoder
from mvi.objectives.differentiable import Differentiable, negative_log_likelihood


@dataclass(frozen=True)
class Reconstruction(Differentiable):
    """Each row comes in copies, with all modalities and with one alone, and all are to be given back.

    The loss is the mean over copies and rows of minus the log-likelihood of every modality, times its entry
    of `weights`, which is 1 unless given.
    """

    weights: Mapping[str, float] = field(default_factory=dict)

    def loss(  # type: ignore[override]  # Of one class of models.
        self, model: Autoencoder, batch: Tensor, generator: torch.Generator, *, training: bool = True
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The () loss of joined units (B, D), and that of each modality without its weight."""
        copies = [list(model.units), *([name] for name in model.units)]
        codes = [model.code(batch, given) for given in copies]
        parts = {}
        for name, unit in model.units.items():
            truth = batch[:, model.slices[name]]
            losses = [
                negative_log_likelihood(unit, truth, model.modality_input(h, name)).mean() for h in codes
            ]
            parts[name] = torch.stack(losses).mean()
        total = torch.stack([self.weights.get(name, 1.0) * loss for name, loss in parts.items()]).sum()
        return total, {f"reconstruction/{name}": loss for name, loss in parts.items()}
