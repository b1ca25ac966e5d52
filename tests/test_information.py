# SPDX-License-Identifier: MIT
"""Eqs. 1 to 4 against hand-worked tables, axioms and exact multimodal RBMs."""

import numpy as np
import pytest
import torch

from mvi.errors import ConfigError, ShapeError
from mvi.theory import information, worlds
from mvi.theory.exact import Enumeration
from mvi.theory.identity import measure, random_model

SETTINGS = {
    "x_units": 3,
    "y_units": 2,
    "hidden_units": 3,
    "weight_stds": [0.1, 2.0],
    "models": 4,
    "concentration": 0.3,
    "prototypes": 2,
    "flip_probability": 0.05,
}


def random_tables(count: int, seed: int) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [worlds.dirichlet((5, 4), 0.5, generator) for _ in range(count)]


def test_hand_worked_table() -> None:
    table = np.array([[0.5, 0.25], [0.0, 0.25]])
    half = np.log(2)
    # H(X|Y) = P(y=1) H(1/2); H(Y|X) = P(x=0) H(2/3), as y follows from x=1 and x from y=0.
    rest = -(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3))
    assert information.variation_of_information(table) == pytest.approx(0.5 * half + 0.75 * rest, abs=1e-15)
    uniform = np.full((2, 2), 0.25)
    assert information.minvi_loss(table, uniform) == pytest.approx(2 * half, abs=1e-15)
    assert information.negative_log_likelihood(table, uniform) == pytest.approx(2 * half, abs=1e-15)
    parts = information.decomposition(table, uniform)
    assert parts["marginal_x"] == pytest.approx(0.75 * np.log(1.5) + 0.25 * np.log(0.5), abs=1e-15)
    assert parts["marginal_y"] == pytest.approx(0, abs=1e-15)
    assert parts["conditional_x"] == pytest.approx(0.5 * half, abs=1e-15)
    assert parts["conditional_y"] == pytest.approx(
        0.75 * (2 / 3 * np.log(4 / 3) + 1 / 3 * np.log(2 / 3)) + 0.25 * half, abs=1e-15
    )


@pytest.mark.parametrize("world", ["independent", "dirichlet", "coupled", "prototypes"])
@pytest.mark.parametrize("std", [0.01, 1.0, 4.0])
def test_equation_4_for_exact_models(world: str, std: float) -> None:
    generator = np.random.default_rng(3)
    data = {
        "independent": lambda: worlds.independent((16, 8), generator),
        "dirichlet": lambda: worlds.dirichlet((16, 8), 0.3, generator),
        "coupled": lambda: worlds.coupled((16, 8), 0.1, generator),
        "prototypes": lambda: worlds.prototypes((4, 3), 4, 0.05, generator),
    }[world]()
    draws = torch.Generator().manual_seed(4)
    for _ in range(5):
        model = Enumeration(random_model({"x": 4, "y": 3}, 5, std, draws)).joint
        parts = information.decomposition(data, model)
        four = sum(parts[term] for term in information.TERMS)
        assert abs(2 * parts["nll"] - four - parts["constant"]) < 1e-10
        assert abs(parts["minvi"] - parts["conditionals"] - parts["conditional_constant"]) < 1e-10
        assert parts["constant"] == pytest.approx(2 * information.entropy(data), abs=1e-10)
        assert min(parts[term] for term in information.TERMS) > 1e-6


def test_the_truth_has_no_divergence() -> None:
    (table,) = random_tables(1, 5)
    parts = information.decomposition(table, table)
    assert max(abs(parts[term]) for term in information.TERMS) < 1e-14
    assert parts["minvi"] == parts["vi"]


def test_conditionals_do_not_depend_on_the_model_marginals_alone() -> None:
    """Reweighting x changes KL(X) and P(x|y), but neither P(y|x) nor its divergence."""
    data, model = random_tables(2, 6)
    weights = np.random.default_rng(0).dirichlet(np.ones(5)) / model.sum(1)
    before, after = (information.decomposition(data, t) for t in (model, model * weights[:, None]))
    assert after["conditional_y"] == pytest.approx(before["conditional_y"], abs=1e-12)
    for term in ("marginal_x", "marginal_y", "conditional_x"):
        assert abs(after[term] - before[term]) > 1e-3


def test_vi_is_a_metric() -> None:
    """Symmetry, triangle inequality on random triples, zero exactly for bijections."""
    generator = np.random.default_rng(7)
    for _ in range(200):
        triple = generator.dirichlet(np.full(4 * 3 * 5, 0.2)).reshape(4, 3, 5)
        xy, yz, xz = (information.variation_of_information(triple.sum(i)) for i in (2, 0, 1))
        assert xz <= xy + yz + 1e-12
        assert xy <= xz + yz + 1e-12
        assert yz <= xy + xz + 1e-12
        assert xy > 1e-3
        assert information.variation_of_information(triple.sum(2).T) == pytest.approx(xy, abs=1e-12)
    bijection = np.zeros((5, 5))
    bijection[np.arange(5), generator.permutation(5)] = generator.dirichlet(np.ones(5))
    assert information.variation_of_information(bijection) == 0
    function = np.zeros((4, 3))
    function[np.arange(4), [0, 1, 2, 2]] = 0.25
    assert information.variation_of_information(function) == pytest.approx(0.5 * np.log(2))


def test_vi_from_entropies() -> None:
    for table in random_tables(20, 8):
        x, y, both = map(information.entropy, (table.sum(1), table.sum(0), table))
        assert information.variation_of_information(table) == pytest.approx(2 * both - x - y, abs=1e-12)


def test_minvi_is_least_at_the_truth() -> None:
    data, *others = random_tables(50, 9)
    best = information.minvi_loss(data, data)
    assert all(information.minvi_loss(data, other) > best for other in others)


def test_mass_that_the_model_misses() -> None:
    data = np.array([[0.5, 0.0], [0.0, 0.5]])
    model = np.array([[1.0, 0.0], [0.0, 0.0]])
    parts = information.decomposition(data, model)
    assert parts["nll"] == parts["minvi"] == parts["marginal_x"] == np.inf
    assert information.decomposition(data, np.full((2, 2), 0.25))["nll"] == pytest.approx(2 * np.log(2))


@pytest.mark.parametrize(
    "table", [np.full((2, 2), 0.3), np.array([[1.5, -0.5]]), np.array([[np.nan, 1.0]]), np.ones(1)]
)
def test_refuses_what_is_no_table(table: np.ndarray) -> None:
    with pytest.raises(ShapeError):
        information.variation_of_information(table)
    with pytest.raises(ShapeError):
        information.decomposition(np.full((1, 2), 0.5), np.full((2, 2), 0.25))


def test_worlds_are_distributions_with_the_structure_promised() -> None:
    generator = np.random.default_rng(10)
    linked = worlds.coupled((8, 6), 0.05, generator)
    names = ("independent", "dirichlet", "tiny", "coupled", "prototypes")
    tables = (
        worlds.independent((8, 6), generator),
        worlds.dirichlet((8, 6), 1.0, generator),
        worlds.dirichlet((8, 6), 1e-3, generator),
        linked,
        worlds.prototypes((4, 4), 8, 0.05, generator),
    )
    for name, table in zip(names, tables, strict=True):
        assert table.sum() == pytest.approx(1, abs=1e-12), name
        assert table.min() > 0, name
    assert linked[np.arange(8), np.arange(8) % 6].sum() > 0.95
    marginal = tables[-1].sum(1)
    states = worlds.binary_states(4)
    near = np.abs(states[:, None] - states[None]).sum(-1) == 1
    modes = [marginal[r] > marginal[near[r]].max() for r in range(16)]
    assert sum(modes) == 8
    # One mode in each conditional: given a prototype x, one y holds most of the mass.
    given = information.conditional(tables[-1], "x")[np.flatnonzero(modes)]
    assert given.max(1).min() > 0.6
    with pytest.raises(ConfigError, match="lower prototypes"):
        worlds.prototypes((4, 3), 5, 0.05, generator)


def test_measure() -> None:
    numbers, curves = measure(SETTINGS, 1)
    assert 0 < numbers["largest_residual"] < 1e-10
    assert curves["dirichlet/nll"].shape == (2, 4)
    assert numbers["dirichlet/nll/2"] == pytest.approx(curves["dirichlet/nll"][1].mean())
    again, _ = measure(SETTINGS, 1)
    other, _ = measure(SETTINGS, 2)
    assert again == numbers != other
    with pytest.raises(ConfigError, match="too large to enumerate"):
        measure({**SETTINGS, "hidden_units": 12}, 1)
