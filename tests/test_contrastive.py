# SPDX-License-Identifier: MIT
"""InfoNCE on four rows by hand, the temperature that is learned, and the gradient through both towers."""

import math

import pytest
import torch

from mvi.models.two_towers import TwoTowers
from mvi.models.units import Binary, Gaussian
from mvi.objectives.contrastive import Contrastive, info_nce

COMPASS = torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1]], dtype=torch.float64)


@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_four_rows_by_hand(scale):
    """Each direction has similarity s to itself, -s to its opposite and 0 to the two others."""
    every = math.log(math.exp(scale) + math.exp(-scale) + 2)
    assert float(info_nce(COMPASS, COMPASS, scale)) == pytest.approx(every - scale)
    assert float(info_nce(COMPASS, COMPASS.roll(1, 0), scale)) == pytest.approx(every)
    # All partners alike: from here any of four, from there as far as each direction is from the first.
    east = COMPASS[:1].expand(4, 2)
    assert float(info_nce(COMPASS, east, scale)) == pytest.approx((math.log(4) + every) / 2)


def towers(dtype=torch.float64):
    units = {"image": Gaussian(4), "text": Binary(3)}
    draws = torch.Generator().manual_seed(0)
    model = TwoTowers.initialise(units, {"hidden": [5], "code": 2}, draws, dtype=dtype)
    v = torch.randn(6, 7, dtype=dtype, generator=draws)
    v[:, 4:] = (v[:, 4:] > 0).to(dtype)
    return model, v


def test_codes_have_unit_length_also_of_a_row_without_tags():
    model, v = towers()
    v[0, 4:] = 0
    for given in (["image"], ["text"], ["image", "text"]):
        torch.testing.assert_close(model.code(v, given).norm(dim=1), torch.ones(6, dtype=torch.float64))


def test_the_temperature_starts_at_seven_hundredths_and_similarities_grow_to_a_hundred_times():
    model, v = towers()
    draws = torch.Generator()
    assert float(Contrastive().loss(model, v, draws)[1]["scale"]) == pytest.approx(1 / 0.07)
    model.parameters["log_scale"].fill_(50)
    assert float(Contrastive().loss(model, v, draws)[1]["scale"]) == pytest.approx(100)


def test_a_step_is_the_gradient_by_finite_differences():
    model, v = towers()
    gradient, _ = Contrastive().step(model, v, {}, 1, torch.Generator())
    for name in ("image/tower/weight1", "text/tower/bias2", "log_scale"):
        theta = model.parameters[name].view(-1)[0:1]
        kept, losses = theta.clone(), []
        for step in (1e-5, -1e-5):
            theta.copy_(kept + step)
            losses.append(float(Contrastive().loss(model, v, torch.Generator())[0]))
        theta.copy_(kept)
        slope = -float(gradient.positive[name].view(-1)[0])
        # The error of central differences is the square of the step.
        assert (losses[0] - losses[1]) / 2e-5 == pytest.approx(slope, rel=1e-6, abs=1e-9)
    assert not gradient.positive["image/slopes"].any()


def test_hidden_units_are_left_out_in_training_alone():
    model, v = towers()
    loss = Contrastive(dropout=0.5)
    draws = [torch.Generator().manual_seed(seed) for seed in (0, 0, 1)]
    first, same, other = (float(loss.loss(model, v, one)[0]) for one in draws)
    assert first == same != other
    whole = float(Contrastive().loss(model, v, draws[0])[0])
    assert float(loss.loss(model, v, draws[0], training=False)[0]) == whole
