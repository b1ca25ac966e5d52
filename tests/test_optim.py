# SPDX-License-Identifier: MIT
"""The damped momentum rule and the schedules, by hand."""

import math

import pytest
import torch

from mvi.objectives.base import Gradient, Ramp
from mvi.training.optim import Adam, Momentum, UpdateRule, all_finite, is_weight, update_


def run(gradients, *, at_once=False, weight_decay=0.0, accept=True, start=2.0):
    theta = {"weight": torch.tensor([start]), "hidden_bias": torch.tensor([start])}
    buffers = {name: torch.zeros(1) for name in theta}
    for p, n in gradients:
        gradient = Gradient(
            {name: torch.tensor([p]) for name in theta},
            {name: torch.tensor([n]) for name in theta},
            at_once,
        )
        update_(
            theta, buffers, gradient,
            rate=torch.tensor(0.1, dtype=torch.float64), momentum=0.25, weight_decay=weight_decay,
            accept=torch.tensor(accept),
        )  # fmt: skip
    return theta, buffers


def test_momentum_on_both_phases():
    theta, buffers = run([(3.0, 1.0), (5.0, 2.0)])
    first = 0.75 * 0.1 * 2.0
    second = 0.25 * first + 0.75 * 0.1 * 3.0
    assert float(theta["weight"]) == pytest.approx(2 + first + second)
    assert float(buffers["weight"]) == pytest.approx(second)


def test_negative_at_once_bypasses_the_buffer():
    theta, buffers = run([(3.0, 1.0), (5.0, 2.0)], at_once=True)
    first = 0.75 * 0.1 * 3.0
    second = 0.25 * first + 0.75 * 0.1 * 5.0
    assert float(theta["weight"]) == pytest.approx(2 + first - 0.1 + second - 0.2)
    assert float(buffers["weight"]) == pytest.approx(second)


def test_weight_decay_spares_biases():
    theta, _ = run([(0.0, 0.0)], weight_decay=0.5)
    assert float(theta["weight"]) == pytest.approx(2 - 0.75 * 0.1 * 0.5 * 2)
    assert float(theta["hidden_bias"]) == 2.0


@pytest.mark.parametrize("at_once", [False, True])
def test_a_rejected_update_changes_nothing(at_once):
    theta, buffers = run([(math.nan, math.inf)], at_once=at_once, accept=False)
    assert float(theta["weight"]) == 2.0
    assert float(buffers["weight"]) == 0.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("part", ["positive", "negative"])
def test_one_bad_entry_is_seen(bad, part):
    good = {"weight": torch.zeros(3, 4), "hidden_bias": torch.zeros(4)}
    assert all_finite(Gradient(good, good))
    spoiled = {**good, "weight": good["weight"].clone()}
    spoiled["weight"][1, 2] = bad
    parts = {"positive": good, "negative": good} | {part: spoiled}
    assert not all_finite(Gradient(**parts))


def test_schedules_count_epochs_from_one():
    rule = UpdateRule(0.01, 0.005, Momentum(0.33, 0.47, 5))
    assert rule.rate(1) == pytest.approx(0.01 / 1.005)
    assert rule.rate(300) == pytest.approx(0.004)
    assert [rule.momentum.at(t) for t in (1, 5, 6)] == [0.33, 0.33, 0.47]
    gibbs = Ramp(1, 1, 10, 10)
    assert [gibbs.at(t) for t in (1, 10, 11, 90, 91, 300)] == [1, 1, 2, 9, 10, 10]
    assert Ramp(7).at(1) == Ramp(7).at(1000) == 7


def test_weight_decay_reaches_the_weights_of_every_layer_and_modality():
    assert all(map(is_weight, ["weight", "image/1/weight", "top/text/weight"]))
    assert not any(map(is_weight, ["hidden_bias", "image/0/bias", "top/bias", "visible_log_std"]))


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adam_is_that_of_torch_and_passes_over_what_is_rejected(weight_decay):
    draws = torch.Generator().manual_seed(0)
    theta = {"weight": torch.ones(3, dtype=torch.float64)}
    twin = torch.nn.Parameter(theta["weight"].clone())
    peer = torch.optim.AdamW([twin], lr=0.05, weight_decay=weight_decay)
    rule, rate = Adam(0.05), torch.tensor(0.05, dtype=torch.float64)
    buffers = rule.begin(theta)
    for number in range(6):
        slope = torch.randn(3, dtype=torch.float64, generator=draws)
        twin.grad = -slope
        accept = number not in (0, 3)
        if accept:
            peer.step()
        given = Gradient({"weight": slope if accept else slope * math.nan})
        rule.update_(
            theta, buffers, given, epoch=1, rate=rate, weight_decay=weight_decay, accept=torch.tensor(accept)
        )  # fmt: skip
    # A dozen roundings an update.
    torch.testing.assert_close(theta["weight"], twin.detach(), rtol=1e-14, atol=0)
