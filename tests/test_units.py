# SPDX-License-Identifier: MIT
"""Each unit type against a direct sum or integral over its states."""

import itertools
import math

import numpy as np
import pytest
import torch

from mvi.errors import ConfigError
from mvi.models.numerics import sample_bernoulli, sample_logistic
from mvi.models.units import (
    Binary,
    Gaussian,
    ReplicatedSoftmax,
    SteppedSigmoid,
    describe,
    from_description,
)

N = 4
DRAWS = 200_000


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def inputs(seed=0):
    return torch.randn(1, N, dtype=torch.float64, generator=generator(seed)) * 1.5


def states(unit):
    """All states of a layer of N discrete units; replicated softmax: those of three words."""
    top = {Binary: 1, SteppedSigmoid: 3, ReplicatedSoftmax: 3}[type(unit)]
    grid = torch.tensor(list(itertools.product(range(top + 1), repeat=N)), dtype=torch.float64)
    return grid[grid.sum(1) == 3] if isinstance(unit, ReplicatedSoftmax) else grid


DISCRETE = [Binary(N), SteppedSigmoid(N, 3), ReplicatedSoftmax(N)]


@pytest.mark.parametrize("unit", DISCRETE, ids=lambda unit: type(unit).__name__)
def test_normaliser_and_mean_are_sums_over_the_states(unit):
    a = inputs()
    extra = (3.0,) if isinstance(unit, ReplicatedSoftmax) else ()
    v = states(unit)
    log_weight = (v * a).sum(-1) + unit.log_base(v)
    expected = torch.logsumexp(log_weight, 0)
    torch.testing.assert_close(unit.log_normaliser(a, *extra)[0], expected)
    mean = torch.softmax(log_weight, 0) @ v
    torch.testing.assert_close(unit.mean(a, *extra)[0], mean)


@pytest.mark.parametrize("unit", [*DISCRETE, Gaussian(N)], ids=lambda unit: type(unit).__name__)
def test_samples_have_the_exact_moments(unit):
    a = inputs().expand(DRAWS, N)
    extra = (3.0,) if isinstance(unit, ReplicatedSoftmax) else ()
    v = unit.sample(a, generator(1), *extra)
    mean = unit.mean(a[:1], *extra)[0]
    # A state deviates by at most a few units, so five standard errors are below 5 * 2 / sqrt(DRAWS).
    assert (v.mean(0) - mean).abs().max() < 10 / DRAWS**0.5
    if isinstance(unit, Gaussian):
        assert v.var(0).sub(1).abs().max() < 5 * (2 / DRAWS) ** 0.5
    else:
        weights = torch.softmax((states(unit) * a[0]).sum(-1) + unit.log_base(states(unit)), 0)
        variance = weights @ (states(unit) - mean).square()
        assert (v.var(0) - variance).abs().max() < 0.02


def test_gaussian_normaliser_is_the_integral():
    a = torch.tensor([[0.7]], dtype=torch.float64)
    v = torch.linspace(-12, 12, 4001, dtype=torch.float64).unsqueeze(1)
    density = torch.exp((v * a).squeeze(1) + Gaussian(1).log_base(v))
    integral = torch.trapezoid(density, v.squeeze(1)) / (2 * torch.pi) ** 0.5
    torch.testing.assert_close(Gaussian(1).log_normaliser(a)[0].exp(), integral)


def test_stepped_sigmoid_offsets_and_first_copy():
    a = torch.tensor([[0.0, 2.0]], dtype=torch.float64)
    expected = sum(torch.sigmoid(a - j + 0.5) for j in range(1, 6))
    torch.testing.assert_close(SteppedSigmoid(2, 5).mean(a), expected)
    torch.testing.assert_close(SteppedSigmoid(2, 5).first_copy(a), torch.sigmoid(a - 0.5))


def test_replicated_softmax_keeps_the_number_of_words():
    totals = torch.tensor([[1.0], [4.0], [9.0]])
    unit = ReplicatedSoftmax(N)
    v = unit.sample(torch.zeros(3, N), generator(), totals)
    assert torch.equal(v.sum(1, keepdim=True), totals)
    torch.testing.assert_close(unit.mean(torch.zeros(3, N), totals).sum(1, keepdim=True), totals)


@pytest.mark.parametrize("totals", [0.0, torch.zeros(3, 1), torch.tensor([[0.0], [2.0], [0.0]])])
def test_rows_without_a_word_stay_empty(totals):
    expected = torch.as_tensor(totals).expand(3, 1)
    unit, a = ReplicatedSoftmax(N), torch.zeros(3, N)
    assert torch.equal(unit.sample(a, generator(), totals).sum(1, keepdim=True), expected)
    assert torch.equal(unit.mean(a, totals).sum(1, keepdim=True), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("probability", [0.001, 0.01, 0.5])
def test_small_probabilities_are_met_in_every_precision(dtype, probability):
    p = torch.full((1, DRAWS), probability, dtype=dtype)
    drawn = sample_bernoulli(p, generator(3))
    assert drawn.dtype == dtype and set(drawn.double().flatten().tolist()) == {0.0, 1.0}
    exact = float(p[0, 0])
    assert abs(float(drawn.double().mean()) - exact) < 5 * (exact * (1 - exact) / DRAWS) ** 0.5


class EveryDraw:
    """In place of a stream: all 2^24 draws, their leading 16 bits by place, the 8 after them by row."""

    def __init__(self, seed):
        pass

    def random_raw(self, count):
        rows = np.arange(2**16, dtype=np.uint16)
        leading = (rows[:, None] << 8) + np.arange(2**8, dtype=np.uint16)
        return np.concatenate([rows & 0xFF00, leading.ravel()]).view(np.uint64)


@pytest.mark.parametrize("probability", [0, 1e-9, 2**-24, 1e-4, 0.3, 0.5, 0.7, 1 - 1e-4, 1 - 2**-24, 1])
def test_fast_draws_are_multiples_of_two_to_the_minus_24(probability, monkeypatch):
    """Of all there are as many below the probability as there ought to be, not one less or more."""
    monkeypatch.setattr(np.random, "SFC64", EveryDraw)
    p = torch.full((2**16, 2**8), float(probability))
    expected = math.ceil(float(p[0, 0]) * 2**24)
    assert int(sample_bernoulli(p, generator()).sum(dtype=torch.float64)) == expected


@pytest.mark.parametrize("shape", [(2000, 500), (500, 2000), (1_000_000,), (1, 1_000_000), (1_000_000, 1)])
@pytest.mark.parametrize("probability", [1e-4, 0.02, 0.5, 1 - 1e-4])
def test_many_draws_have_the_exact_moments(shape, probability):
    """The mean, the variance of sums over each dimension, and the correlation of neighbours, in 4 sigma."""
    drawn = sample_bernoulli(torch.full(shape, probability), generator(11))
    p = float(torch.tensor(probability))
    variance, count = p * (1 - p), drawn.numel()
    assert abs(float(drawn.sum(dtype=torch.float64)) - count * p) < 4 * (count * variance) ** 0.5
    off = drawn.double() - p
    for dim, size in enumerate(shape):
        if 1 < size < count:
            sums = off.sum(dim).square() / (size * variance)
            # A squared standardised sum has mean 1 and variance 2 + (1 - 6 variance) / (variance size).
            sigma = ((2 + (1 - 6 * variance) / (variance * size)) / sums.numel()) ** 0.5
            assert abs(float(sums.mean()) - 1) < 4 * sigma
        if size > 1:
            pairs = off.narrow(dim, 0, size - 1) * off.narrow(dim, 1, size - 1)
            assert abs(float(pairs.sum())) < 4 * variance * pairs.numel() ** 0.5
    assert set(drawn.unique().tolist()) == {0.0, 1.0}


def test_fast_draws_follow_their_probabilities_and_leave_them():
    """Each entry its own, in rows and columns; the generator decides, and moves on."""
    a = torch.linspace(-6, 6, 3000).reshape(60, 50)
    p = torch.sigmoid(a)
    kept, draws = (a.clone(), p.clone()), generator(5)
    total = sum(sample_bernoulli(p.expand(40, 60, 50), draws).sum(0) for _ in range(50))
    assert ((total - 2000 * p).abs() < 5 * (2000 * p * (1 - p)).sqrt() + 1).all()
    states = [sample_logistic(a.repeat(2, 1), generator(seed)) for seed in (6, 6, 7)]
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])
    assert torch.equal(sample_bernoulli(p.repeat(2, 1), generator(6)), states[0])
    assert torch.equal(a, kept[0]) and torch.equal(p, kept[1])
    assert not sample_bernoulli(torch.full((80, 80), torch.nan), draws).any()


@pytest.mark.parametrize("unit", [*DISCRETE, Gaussian(N)], ids=lambda unit: type(unit).__name__)
def test_extreme_inputs_stay_finite(unit):
    a = torch.tensor([[-1e4, 1e4, 0.0, 80.0]])
    assert unit.mean(a).isfinite().all()
    assert unit.sample(a, generator()).isfinite().all()
    assert unit.log_normaliser(a).isfinite().all()


def test_description_round_trip():
    for unit in (*DISCRETE, Gaussian(N, learn_std=True)):
        assert from_description(describe(unit)) == unit
    assert from_description({"kind": "stepped_sigmoid", "size": 3}) == SteppedSigmoid(3)
    for wrong in ({"size": 3.0}, {}, {"size": 3, "copies": 5}, {"size": 3, "learn_std": 1}):
        with pytest.raises(ConfigError, match="gaussian units need size, learn_std, not"):
            from_description({"kind": "gaussian", **wrong})
    with pytest.raises(ConfigError, match="'softmax' is unknown"):
        from_description({"kind": "softmax", "size": 3})
