# SPDX-License-Identifier: MIT
"""Enumerable worlds: data-generating joint tables P_D(x, y) that are known exactly.

A table is a float64 array (X, Y) that sums to 1. Where x and y are made of binary units, a state's
number is its bits read from the first unit on as a binary number, as in `binary_states`.
"""

import numpy as np

from mvi.errors import ConfigError


def binary_states(units: int) -> np.ndarray:
    """(2^units, units) float64: every state of binary units; row r holds the bits of r, highest first."""
    return (np.arange(2**units)[:, None] >> np.arange(units)[::-1] & 1).astype(np.float64)


def independent(shape: tuple[int, int], generator: np.random.Generator) -> np.ndarray:
    """Two unrelated modalities with uneven marginals: nothing can be said about one from the other."""
    x, y = (generator.dirichlet(np.ones(states)) for states in shape)
    return np.outer(x, y)


def dirichlet(shape: tuple[int, int], concentration: float, generator: np.random.Generator) -> np.ndarray:
    """A table drawn from a symmetric Dirichlet distribution: the smaller `concentration`, the more uneven."""
    table = generator.dirichlet(np.full(shape[0] * shape[1], concentration)).reshape(shape)
    # A tiny concentration underflows to cells of exactly 0, which would leave a state without
    # conditionals.
    table = np.maximum(table, np.finfo(np.float64).tiny)
    return table / table.sum()


def coupled(shape: tuple[int, int], leak: float, generator: np.random.Generator) -> np.ndarray:
    """Modalities that nearly determine each other, and so a chain between them that mixes slowly.

    A share 1 - leak of the mass lies on pairs (x, x mod Y) and the rest anywhere. Where X is larger
    than Y several x share one y.
    """
    rows = max(shape)
    linked = np.zeros(shape)
    linked[np.arange(rows) % shape[0], np.arange(rows) % shape[1]] = generator.dirichlet(np.full(rows, 5.0))
    return (1 - leak) * linked + leak * dirichlet(shape, 1.0, generator)


def prototypes(
    units: tuple[int, int], count: int, flip_probability: float, generator: np.random.Generator
) -> np.ndarray:
    """(2^Nx, 2^Ny): `count` equally likely pairs of binary patterns, each bit flipped
    independently.

    The patterns of a modality have an even number of ones and are drawn without repetition. Two of
    them therefore differ in two bits at least, which makes each a mode of its marginal: `count`
    modes in each marginal, but a single one in each conditional, the situation of the paper's
    section 2.2.

    Raises `ConfigError` where there are fewer even patterns than `count`.
    """
    available = 2 ** (min(units) - 1)
    if count > available:
        raise ConfigError(
            f"prototypes is {count}, but {min(units)} binary units have only {available} patterns "
            "two flips apart; lower prototypes or raise x_units and y_units."
        )
    noisy = [_flipped(size, flip_probability)[generator.permutation(_even(size))[:count]] for size in units]
    return np.einsum("px,py->xy", *noisy) / count


def _even(units: int) -> np.ndarray:
    return np.flatnonzero(binary_states(units).sum(1) % 2 == 0)


def _flipped(units: int, flip_probability: float) -> np.ndarray:
    """(2^units, 2^units) probability that the pattern of the row turns into that of the column."""
    states = binary_states(units)
    flips = np.abs(states[:, None] - states[None]).sum(-1)
    return flip_probability**flips * (1 - flip_probability) ** (units - flips)
