# SPDX-License-Identifier: MIT
"""Eq. 4 measured: twice the NLL of a multimodal RBM is four divergences and a constant."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from mvi.models.mrbm import MultimodalRBM
from mvi.theory import worlds
from mvi.theory.exact import Enumeration, check_size
from mvi.theory.information import TERMS, decomposition

MEASURED = (*TERMS, "nll", "minvi", "vi", "constant", "nll_residual", "minvi_residual")


def random_model(
    sizes: Mapping[str, int], hidden: int, std: float, generator: torch.Generator
) -> MultimodalRBM:
    """Float64 model whose weights and biases are all drawn from N(0, std^2)."""
    visible = sum(sizes.values())
    shapes = {"weight": (visible, hidden), "visible_bias": (visible,), "hidden_bias": (hidden,)}
    parameters = {
        name: std * torch.randn(shape, dtype=torch.float64, generator=generator)
        for name, shape in shapes.items()
    }
    return MultimodalRBM(sizes, hidden, parameters)


def measure(settings: Mapping[str, Any], seed: int) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Both sides of Eq. 4 for random models under three worlds.

    `settings`: x_units, y_units, hidden_units; weight_stds and models (so many random models for
    each std and world); concentration, prototypes and flip_probability of the worlds.

    Returns flat numbers: "<world>/<quantity>/<weight std>", the mean over models of each of
    `MEASURED` (residuals: the largest absolute value); "<world>/vi", "<world>/constant";
    "largest_residual" over all. Arrays: "<world>/<quantity>" (stds, models), "weight_stds" and
    "<world>/table".
    """
    sizes = {"x": settings["x_units"], "y": settings["y_units"]}
    check_size(sum(sizes.values()), settings["hidden_units"])
    shape = (2 ** sizes["x"], 2 ** sizes["y"])
    generator = np.random.default_rng(seed)
    torch_generator = torch.Generator().manual_seed(seed)
    tables = {
        "independent": worlds.independent(shape, generator),
        "dirichlet": worlds.dirichlet(shape, settings["concentration"], generator),
        "prototypes": worlds.prototypes(
            (sizes["x"], sizes["y"]),
            settings["prototypes"],
            settings["flip_probability"],
            generator,
        ),
    }
    stds = settings["weight_stds"]
    numbers: dict[str, float] = {}
    curves: dict[str, np.ndarray] = {"weight_stds": np.asarray(stds, dtype=np.float64)}
    for world, table in tables.items():
        found = [
            [
                decomposition(
                    table,
                    Enumeration(random_model(sizes, settings["hidden_units"], std, torch_generator)).joint,
                )
                for _ in range(settings["models"])
            ]
            for std in stds
        ]
        truth = decomposition(table, table)
        numbers |= {f"{world}/vi": truth["vi"], f"{world}/constant": truth["constant"]}
        curves[f"{world}/table"] = table
        for quantity in MEASURED:
            values = np.array([[one[quantity] for one in row] for row in found])
            curves[f"{world}/{quantity}"] = values
            summary = np.abs(values).max(1) if "residual" in quantity else values.mean(1)
            for std, value in zip(stds, summary, strict=True):
                numbers[f"{world}/{quantity}/{std:g}"] = float(value)
    numbers["largest_residual"] = max(value for key, value in numbers.items() if "_residual/" in key)
    return numbers, curves
