# SPDX-License-Identifier: MIT
"""Canonical correlation analysis of the training rows, in closed form and double precision."""

from collections.abc import Iterable

import torch
from torch import Tensor

from mvi.errors import ConfigError
from mvi.models.canonical import Canonical, directions
from mvi.training.decoding import covariance, fit_decoder
from mvi.training.rows import Blocks


@torch.no_grad()
def fit_canonical(model: Canonical, blocks: Blocks, ridge: float) -> None:
    """Set projections, means and correlations by the closed form on the model's features, then `fit_decoder`.

    Raises `ConfigError` where there are fewer features than directions.
    """
    first, second = model.sizes
    size = model.settings["code"]
    widths = [model.features_of(unit, model.settings) for unit in model.units.values()]
    if size > min(widths):
        raise ConfigError(f"{size} directions are more than the {min(widths)} features; lower code.")

    def pairs() -> Iterable[tuple[Tensor, Tensor]]:
        for v in blocks():
            both = torch.cat([model.features(v, name) for name in (first, second)], 1)
            yield both, both

    mean, _, both = covariance(pairs())
    cut = widths[0]
    x, y, correlations = directions(both[:cut, :cut], both[:cut, cut:], both[cut:, cut:], ridge, size)
    model.parameters["correlations"].copy_(correlations)
    for name, part, projection in ((first, mean[:cut], x), (second, mean[cut:], y)):
        model.parameters[f"{name}/mean"].copy_(part)
        model.parameters[f"{name}/projection"].copy_(projection)
    fit_decoder(model, blocks)
