# SPDX-License-Identifier: MIT
"""The RBM of any unit pair against its own energy, summed over every state."""

import itertools

import pytest
import torch

from mvi.errors import DataError, ShapeError
from mvi.models.rbm import RBM
from mvi.models.units import Binary, Gaussian, ReplicatedSoftmax, SteppedSigmoid

STEPS = 2


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def machine(visible, hidden, seed=0, **factors):
    draws = generator(seed)
    model = RBM.initialise(visible, hidden, draws, weight_std=0.8, dtype=torch.float64, **factors)
    for theta in model.parameters.values():
        theta += 0.3 * torch.randn(theta.shape, dtype=theta.dtype, generator=draws)
    return model


def states(unit):
    if isinstance(unit, ReplicatedSoftmax):
        return torch.eye(unit.size, dtype=torch.float64)
    top = STEPS if isinstance(unit, SteppedSigmoid) else 1
    grid = itertools.product(range(top + 1), repeat=unit.size)
    return torch.tensor(list(grid), dtype=torch.float64)


VISIBLE = [Binary(3), SteppedSigmoid(3, STEPS), ReplicatedSoftmax(3), Gaussian(3)]
HIDDEN = [Binary(2), SteppedSigmoid(2, STEPS), ReplicatedSoftmax(2)]
PAIRS = [pytest.param(v, h, id=f"{v}-{h}") for v in VISIBLE for h in HIDDEN]


def rows(visible):
    if isinstance(visible, Gaussian):
        return torch.randn(5, visible.size, dtype=torch.float64, generator=generator(2))
    return states(visible)


@pytest.mark.parametrize(("visible", "hidden"), PAIRS)
def test_free_energy_and_hidden_mean_sum_the_energy(visible, hidden):
    model = machine(visible, hidden)
    h = states(hidden)
    for v in rows(visible):
        energy = model.energy(v.expand(len(h), -1), h)
        torch.testing.assert_close(model.free_energy(v[None])[0], -torch.logsumexp(-energy, 0))
        mean = torch.softmax(-energy, 0) @ h
        torch.testing.assert_close(model.hidden_mean(v[None])[0], mean)


@pytest.mark.parametrize(("visible", "hidden"), PAIRS)
def test_visible_mean_sums_the_energy(visible, hidden):
    model = machine(visible, hidden)
    for h in states(hidden):
        if isinstance(visible, Gaussian):
            # Completing the square: the energy is least, with unit curvature over s^2, at the mean.
            mean = model.visible_mean(h[None])
            leaf = mean.clone().requires_grad_()
            (slope,) = torch.autograd.grad(model.energy(leaf, h[None]).sum(), leaf)
            assert slope.abs().max() < 1e-12
            continue
        v = states(visible)
        weights = torch.softmax(-model.energy(v, h.expand(len(v), -1)), 0)
        torch.testing.assert_close(model.visible_mean(h[None])[0], weights @ v)


@pytest.mark.parametrize(("visible", "hidden"), PAIRS)
def test_statistics_are_minus_the_energy_gradient(visible, hidden):
    if isinstance(visible, Gaussian):
        visible = Gaussian(visible.size, learn_std=True)
    model = machine(visible, hidden)
    v, h = rows(visible), states(hidden)
    count = min(len(v), len(h))
    v, h = v[:count], h[:count]
    for theta in model.parameters.values():
        theta.requires_grad_()
    names = list(model.parameters)
    slopes = torch.autograd.grad(
        -model.energy(v, h).mean(), [model.parameters[name] for name in names], allow_unused=True
    )
    found = model.statistics(v, h)
    for name, slope in zip(names, slopes, strict=True):
        expected = slope
        if name == "visible_log_std":
            # The statistics are those of |v - c|^2 / 2 s^2; the energy lacks its constant c^2 / 2 s^2.
            c, log_std = model.parameters["visible_bias"], model.parameters["visible_log_std"]
            expected = slope + (c / log_std.exp()).square()
        torch.testing.assert_close(found[name], expected)


@pytest.mark.parametrize("learn_std", [False, True])
def test_expected_statistics_average_over_the_visible_units(learn_std):
    model = machine(Gaussian(3, learn_std=learn_std), Binary(2))
    h = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    v = model.sample_visible(h.expand(400_000, 2), generator(4))
    sampled = model.statistics(v, h.expand(400_000, 2))
    for name, tensor in model.expected_statistics(h).items():
        assert (sampled[name] - tensor).abs().max() < 0.02, name


def test_fixed_std_gets_no_gradient():
    model = machine(Gaussian(3), Binary(2))
    found = model.statistics(rows(Gaussian(3)), torch.ones(5, 2, dtype=torch.float64))
    assert torch.count_nonzero(found["visible_log_std"]) == 0


def test_gaussian_sampling_uses_the_std():
    model = machine(Gaussian(3), Binary(2))
    h = torch.ones(200_000, 2, dtype=torch.float64)
    v = model.sample_visible(h, generator(3))
    std = model.parameters["visible_log_std"].exp()
    assert ((v.std(0) - std) / std).abs().max() < 5 / (2 * 200_000) ** 0.5
    mean = model.visible_mean(h[:1])[0]
    assert ((v.mean(0) - mean) / std).abs().max() < 5 / 200_000**0.5


def test_up_and_down_multiply_weights_and_never_biases():
    model = machine(Binary(3), Binary(2), up=2.0, down=0.5)
    v, h = states(Binary(3)), states(Binary(2))
    weight = model.parameters["weight"]
    torch.testing.assert_close(model.hidden_input(v), 2 * v @ weight + model.parameters["hidden_bias"])
    torch.testing.assert_close(model.visible_input(h), 0.5 * h @ weight.T + model.parameters["visible_bias"])


def test_visible_bias_starts_at_clipped_log_odds():
    mean = torch.tensor([0.0, 0.25, 1.0])
    model = RBM.initialise(Binary(3), Binary(2), generator(), visible_mean=mean)
    expected = torch.logit(torch.tensor([0.01, 0.25, 0.99]))
    torch.testing.assert_close(model.parameters["visible_bias"], expected)
    assert torch.count_nonzero(model.parameters["hidden_bias"]) == 0
    gaussian = RBM.initialise(Gaussian(3), Binary(2), generator(), visible_mean=mean)
    assert torch.count_nonzero(gaussian.parameters["visible_bias"]) == 0


def test_words_that_no_row_has_start_no_bias():
    with pytest.raises(DataError, match="no row that is to be learned from has a word"):
        RBM.initialise(ReplicatedSoftmax(3), Binary(2), generator(), visible_mean=torch.zeros(3))


def test_wrong_shapes_are_named():
    good = machine(Binary(3), Binary(2)).parameters
    with pytest.raises(ShapeError, match="rbm of 4 visible and 2 hidden units needs"):
        RBM(Binary(4), Binary(2), good)
