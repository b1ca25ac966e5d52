# SPDX-License-Identifier: MIT
"""The bimodal autoencoder: its loss written out, its gradient by finite differences, how it begins."""

import numpy as np
import pytest
import torch

from mvi.models.mdrnn import Layer, Mdrnn, Pathway
from mvi.models.units import Binary, Gaussian, ReplicatedSoftmax
from mvi.models.unrolled import Autoencoder
from mvi.objectives.reconstruction import Reconstruction

UNITS = {"image": Gaussian(3), "text": Binary(4)}
SETTINGS = {"layers": {"image": [3, 2], "text": [2]}, "hidden": 3}
WEIGHTS = {"image": 0.25}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def autoencoder(units=UNITS):
    model = Autoencoder.initialise(units, SETTINGS, generator(), dtype=torch.float64)
    for theta in model.parameters.values():
        theta.add_(0.3 * torch.randn(theta.shape, dtype=theta.dtype, generator=generator(theta.numel())))
    return model


def rows(count=5):
    draws = generator(3)
    image = torch.randn(count, 3, dtype=torch.float64, generator=draws)
    return torch.cat([image, torch.randint(0, 2, (count, 4), generator=draws).double()], 1)


def s(a):
    return 1 / (1 + np.exp(-a))


def loss_of_row(P, x, y):
    """From nothing but the parameters, one row and one copy at a time."""
    total = 0.0
    for image, text in ((x, y), (x, 0 * y), (0 * x, y)):
        a = s(image @ P["image/up1/weight"] + P["image/up1/bias"])
        a = s(a @ P["image/up2/weight"] + P["image/up2/bias"])
        b = s(text @ P["text/up1/weight"] + P["text/up1/bias"])
        T = s(a @ P["image/up3/weight"] + b @ P["text/up2/weight"] + P["top/bias"])
        a = s(T @ P["image/down3/weight"] + P["image/down3/bias"])
        a = s(a @ P["image/down2/weight"] + P["image/down2/bias"])
        mean = a @ P["image/down1/weight"] + P["image/down1/bias"]
        b = s(T @ P["text/down2/weight"] + P["text/down2/bias"])
        p = s(b @ P["text/down1/weight"] + P["text/down1/bias"])
        total += 0.25 * 0.5 * ((x - mean) ** 2).sum() - (y * np.log(p) + (1 - y) * np.log(1 - p)).sum()
    return total / 3


def test_the_loss_is_that_of_three_copies():
    model, v = autoencoder(), rows()
    P = {name: theta.numpy() for name, theta in model.parameters.items()}
    expected = np.mean([loss_of_row(P, one[:3], one[3:]) for one in v.numpy()])
    loss, parts = Reconstruction(WEIGHTS).loss(model, v, generator())
    assert float(loss) == pytest.approx(expected, rel=1e-12)
    assert float(0.25 * parts["reconstruction/image"] + parts["reconstruction/text"]) == pytest.approx(
        expected
    )


@pytest.mark.parametrize("units", [UNITS, UNITS | {"text": ReplicatedSoftmax(4)}], ids=["tags", "words"])
def test_the_gradient_is_that_of_finite_differences(units):
    model, v, objective = autoencoder(units), rows(), Reconstruction(WEIGHTS)
    gradient, _ = objective.step(model, v, {}, 1, generator())
    # The error of a central difference is of the order of step^2, and of eps / step by rounding.
    step = 1e-5
    for name, theta in model.parameters.items():
        flat = theta.view(-1)
        for place in range(0, len(flat), 3):
            losses = []
            for sign in (1, -1):
                flat[place] += sign * step
                losses.append(float(objective.loss(model, v, generator())[0]))
                flat[place] -= sign * step
            slope = (losses[0] - losses[1]) / (2 * step)
            assert -float(gradient.positive[name].reshape(-1)[place]) == pytest.approx(slope, abs=1e-8), name


def test_a_missing_modality_is_one_at_zero():
    """As the paper has it, and another value than 0 is another thing."""
    model, v = autoencoder(), rows()
    for missing in ("image", "text"):
        kept = {name: v[:, part] for name, part in model.slices.items() if name != missing}
        zeros = torch.zeros(5, model.sizes[missing], dtype=torch.float64)
        alone = model.encode(kept)
        torch.testing.assert_close(alone, model.encode({**kept, missing: zeros}), rtol=0, atol=1e-14)
        assert (model.encode({**kept, missing: zeros + 1}) - alone).abs().max() > 1e-3


def test_it_begins_as_the_network_that_was_unrolled():
    pathways = {
        "image": Pathway(Gaussian(3), (Layer(3, 2.0, 1.0), Layer(2, 2.0, 2.0)), up=1.5),
        "text": Pathway(Binary(4), (Layer(2, 2.0, 0.5),)),
    }
    network = Mdrnn.initialise(pathways, 3, generator(), weight_std=0.7, dtype=torch.float64, down=2.0)
    for theta in network.parameters.values():
        theta.add_(0.1)
    model = Autoencoder.unrolled(network)
    assert {name: tuple(theta.shape) for name, theta in model.parameters.items()} == Autoencoder.shapes(
        model.units, model.settings
    )
    values = {name: rows()[:, part] for name, part in model.slices.items()}
    for given in (["image", "text"], ["image"], ["text"]):
        asked = {name: values[name] for name in given}
        expected = network.encode(asked, iterations=0, start="zeros")
        torch.testing.assert_close(model.encode(asked), expected, rtol=0, atol=1e-14)
    for target in values:
        expected = network.complete(values, target, iterations=0, start="zeros")
        torch.testing.assert_close(model.complete(values, target), expected, rtol=0, atol=1e-14)
    model.parameters["top/bias"] += 1
    assert not torch.equal(model.parameters["top/bias"], network.parameters["top/bias"])
