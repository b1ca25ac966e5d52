# SPDX-License-Identifier: MIT
"""Closed forms on top of codes: linear completion, and linear CCA of features. In double precision."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from mvi.errors import ConfigError
from mvi.models.canonical import Canonical, directions
from mvi.models.decoded import DecodedModel

Blocks = Callable[[], Iterable[Tensor]]
"""Makes an iterable of blocks (B, D) of all training rows, joined units."""

LEAST = 1e-6
"""Share of the mean variance of codes that keeps a regression on constant ones solvable."""


def covariance(blocks: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor, Tensor]:
    """Means (D_a,), (D_b,) and covariance (D_a, D_b) of pairs of blocks (B, D_a), (B, D_b), in float64."""
    count, firsts, seconds, products = 0, torch.zeros(0), torch.zeros(0), torch.zeros(0)
    shift_a, shift_b = torch.zeros(0), torch.zeros(0)
    for first, second in blocks:
        a, b = first.double(), second.double()
        if not count:
            # Sums of squares about a row near the mean lose no digits.
            shift_a, shift_b = a.mean(0), b.mean(0)
            firsts, seconds = torch.zeros_like(shift_a), torch.zeros_like(shift_b)
            products = a.new_zeros(a.shape[1], b.shape[1])
        a, b = a - shift_a, b - shift_b
        count += len(a)
        firsts += a.sum(0)
        seconds += b.sum(0)
        products.addmm_(a.T, b)
    firsts, seconds = firsts / count, seconds / count
    return firsts + shift_a, seconds + shift_b, products / count - torch.outer(firsts, seconds)


@torch.no_grad()
def fit_decoder(model: DecodedModel, blocks: Blocks) -> None:
    """Set the parameters that complete each modality: least squares from the code of all others."""
    for name in model.sizes:
        others = [other for other in model.sizes if other != name]

        def pairs(target: str = name, given: list[str] = others) -> Iterable[tuple[Tensor, Tensor]]:
            for v in blocks():
                code = model.code(v, given)
                yield code, torch.cat([code, v[:, model.slices[target]]], 1)

        code_mean, means, products = covariance(pairs())
        size = len(code_mean)
        own = products[:, :size]
        own.diagonal().add_(LEAST * own.diagonal().mean() + torch.finfo(own.dtype).tiny)
        slopes = torch.linalg.solve(own, products[:, size:])
        model.parameters[f"{name}/slopes"].copy_(slopes)
        model.parameters[f"{name}/at_zero"].copy_(means[size:] - code_mean @ slopes)


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
