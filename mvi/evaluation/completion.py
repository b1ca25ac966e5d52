# SPDX-License-Identifier: MIT
"""Samples of a missing modality given the others. Shapes: n examples, D_t units of the target modality."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from mvi.models.mrbm import MultimodalRBM
from mvi.models.numerics import sample_bernoulli


def conditional_sample(
    model: MultimodalRBM,
    values: Mapping[str, np.ndarray | None],
    target: str,
    *,
    gibbs_steps: int,
    generator: torch.Generator,
    **inference: Any,
) -> np.ndarray:
    """(n, D_t) of 0 and 1: the target drawn given the others, which stay clamped.

    A Gibbs chain of `gibbs_steps` steps, at least 1, that starts from the mean-field solution by `inference`,
    the settings of `MultimodalRBM.mean_field`. `values` maps modalities to (n, D_m) arrays; that of the
    target is not looked at.
    """
    v = model.join({name: None if name == target else value for name, value in values.items()})
    given = [name for name in model.sizes if name != target]
    h = model.mean_field(v, given, **inference)
    for _ in range(gibbs_steps):
        state = sample_bernoulli(h, generator)
        drawn = sample_bernoulli(model.modality_mean(state, target), generator)
        v[:, model.slices[target]] = drawn
        h = model.hidden_mean(v)
    return drawn.cpu().numpy()
