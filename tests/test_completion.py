# SPDX-License-Identifier: MIT
"""Completion of a missing modality against `MultimodalRBM.complete` and exact enumeration."""

import numpy as np
import pytest
import torch

from mvi.evaluation.completion import conditional_sample
from mvi.models.mrbm import MultimodalRBM
from mvi.theory.exact import Enumeration
from mvi.theory.worlds import binary_states
from mvi.training.monitors import baseline_cross_entropy, cross_entropies, cross_entropy_monitor

SIZES = {"left": 3, "right": 2}


@pytest.fixture
def model():
    generator = torch.Generator().manual_seed(1)
    return MultimodalRBM.initialise(SIZES, 4, generator, weight_std=1.5, dtype=torch.float64)


@pytest.fixture
def values():
    generator = np.random.default_rng(2)
    return {name: generator.random((11, size)) for name, size in SIZES.items()}


@pytest.mark.parametrize("start", ["zeros", "doubled"])
@pytest.mark.parametrize("target", SIZES)
def test_cross_entropies_are_those_of_the_completions(model, values, target, start):
    found = cross_entropies(model, values, target, iterations=4, start=start, block=4)
    truth = values[target]
    for k in range(5):
        q = model.complete(values, target, iterations=k, start=start)
        expected = -(truth * np.log(q) + (1 - truth) * np.log(1 - q)).sum(1).mean()
        assert found[k] == pytest.approx(expected, rel=1e-12)
    assert len(set(found)) == 5


def test_the_baseline_by_hand():
    train, rows = np.array([[1.0], [0.0], [0.0]]), np.array([[1.0], [0.5]])
    expected = -(1.5 * np.log(1.5 / 4) + 0.5 * np.log(2.5 / 4)) / 2
    assert baseline_cross_entropy(train, rows) == pytest.approx(expected, rel=1e-14)
    assert np.isfinite(baseline_cross_entropy(np.zeros((5, 1)), rows))


def test_what_is_known_of_the_target_is_only_compared_with(model, values):
    settings = {"gibbs_steps": 3, "iterations": 5, "tolerance": 0.0, "start": "zeros"}
    other = {**values, "right": 1 - values["right"]}
    first, second = (
        conditional_sample(model, given, "right", generator=torch.Generator().manual_seed(3), **settings)
        for given in (values, other)
    )
    np.testing.assert_array_equal(first, second)


def test_inputs_are_left_alone(model, values):
    before = {name: value.copy() for name, value in values.items()}
    cross_entropies(model, values, "left", iterations=2, start="zeros")
    for name, value in before.items():
        np.testing.assert_array_equal(values[name], value)


def test_samples_have_the_exact_conditional_distribution():
    n, given = 40_000, [1.0, 0.0, 1.0]
    draws = torch.Generator().manual_seed(8)
    model = MultimodalRBM.initialise(SIZES, 4, draws, weight_std=2.0, dtype=torch.float64)
    drawn = conditional_sample(
        model,
        {"left": np.tile([given], (n, 1)), "right": None},
        "right",
        gibbs_steps=60,
        generator=draws,
        iterations=5,
        tolerance=0.0,
        start="doubled",
    )
    joint = Enumeration(model).joint
    truth = joint[binary_states(3).tolist().index(given)]
    truth = truth / truth.sum()
    found = [(drawn == state).all(1).mean() for state in binary_states(2)]
    # Four standard errors of a share of n independent draws.
    bound = 4 * np.sqrt(0.25 / n)
    np.testing.assert_allclose(found, truth, atol=bound)
    # The mean-field solution that the chain starts from would not have passed.
    left, right = model.complete({"left": np.array([given])}, "right", iterations=5)[0]
    product = np.outer([1 - left, left], [1 - right, right]).ravel()
    assert np.abs(product - truth).max() > 5 * bound


def test_the_monitor_reports_the_last_iteration(model, values):
    seen = cross_entropy_monitor(values, iterations=3, start="zeros")(model)
    assert set(seen) == {f"validation/{name}" for name in SIZES}
    for name in SIZES:
        curve = cross_entropies(model, values, name, iterations=3, start="zeros")
        assert seen[f"validation/{name}"] == curve[-1]
