# SPDX-License-Identifier: MIT
"""Monitors are made once: what they look at is drawn before the training and stays where the model is."""

import pytest
import torch

from mvi.models.mrbm import MultimodalRBM
from mvi.models.rbm import RBM
from mvi.models.units import Binary
from mvi.training.monitors import cross_entropy_monitor, reconstruction_monitor

ROWS = torch.rand(30, 9, generator=torch.Generator().manual_seed(0))


def layer():
    draws = torch.Generator().manual_seed(1)
    model = RBM.initialise(Binary(9), Binary(6), draws, weight_std=0.5)
    return model, lambda: reconstruction_monitor(ROWS, ROWS.mean(0), 30)


def joint():
    model = MultimodalRBM.initialise(
        {"left": 5, "right": 4}, 6, torch.Generator().manual_seed(1), weight_std=0.5
    )
    values = {name: ROWS[:, part] for name, part in model.slices.items()}
    return model, lambda: cross_entropy_monitor(values, iterations=2, start="zeros")


@pytest.mark.parametrize("subject", [layer, joint])
def test_a_measure_draws_nothing_and_leaves_the_device_with_numbers_only(subject, monkeypatch):
    model, make = subject()
    measure = make()

    def never(*_args, **_settings):
        raise AssertionError("this belongs before the training")

    for place, name in (
        *((torch, name) for name in ("rand", "randn", "bernoulli", "randperm", "from_numpy", "tensor")),
        *((torch.Tensor, name) for name in ("numpy", "__array__", "tolist")),
    ):
        monkeypatch.setattr(place, name, never)
    first, second = measure(model), measure(model)
    assert first == second and all(isinstance(value, float) for value in first.values())


def test_the_entries_that_a_layer_must_predict_are_drawn_by_seed():
    model, _ = layer()
    measures = [reconstruction_monitor(ROWS, ROWS.mean(0), 30, seed=seed)(model) for seed in (0, 0, 1)]
    assert measures[0] == measures[1] != measures[2]
    assert measures[0]["validation/explained"] == measures[2]["validation/explained"]


def test_a_monitor_changes_nothing_in_the_training():
    for subject in (layer, joint):
        model, make = subject()
        before = {name: theta.clone() for name, theta in model.parameters.items()}
        kept, state = ROWS.clone(), torch.get_rng_state()
        make()(model)
        assert all(torch.equal(theta, before[name]) for name, theta in model.parameters.items())
        assert torch.equal(ROWS, kept) and torch.equal(torch.get_rng_state(), state)
