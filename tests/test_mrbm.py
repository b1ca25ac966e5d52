# SPDX-License-Identifier: MIT
"""The multimodal RBM: conditionals by modality, Eq. 8, and the interface users call."""

import numpy as np
import pytest
import torch

from mvi.errors import ShapeError
from mvi.models.mrbm import MultimodalRBM

SIZES = {"left": 4, "right": 3}


def machine(seed=0, dtype=torch.float64, **factors):
    draws = torch.Generator().manual_seed(seed)
    model = MultimodalRBM.initialise(SIZES, 5, draws, weight_std=0.7, dtype=dtype, **factors)
    for name in ("visible_bias", "hidden_bias"):
        theta = model.parameters[name]
        theta += 0.5 * torch.randn(theta.shape, dtype=dtype, generator=draws)
    return model


def values(rows=6, seed=1):
    draws = np.random.default_rng(seed)
    return {name: draws.random((rows, size)) for name, size in SIZES.items()}


def unrolled(model, x, iterations, factor):
    """Eq. 8 for left given, right missing, written out."""
    W = model.parameters["weight"]
    b, c = model.parameters["hidden_bias"], model.parameters["visible_bias"][4:]
    ux, uy, d = model.ups["left"], model.ups["right"], model.down
    h = torch.sigmoid(factor * ux * x @ W[:4] + b)
    for _ in range(iterations):
        y = torch.sigmoid(d * h @ W[4:].T + c)
        h = torch.sigmoid(ux * x @ W[:4] + uy * y @ W[4:] + b)
    return h, torch.sigmoid(d * h @ W[4:].T + c)


@pytest.mark.parametrize("iterations", [0, 1, 7])
@pytest.mark.parametrize("start", ["zeros", "doubled"])
@pytest.mark.parametrize("factors", [{}, {"up": {"left": 2.0, "right": 0.5}, "down": 1.5}])
def test_encode_and_complete_follow_the_recurrence(iterations, start, factors):
    model = machine(**factors)
    given = values()
    x = torch.as_tensor(given["left"])
    ups = factors.get("up", {"left": 1.0, "right": 1.0})
    factor = 1.0 if start == "zeros" else sum(ups.values()) / ups["left"]
    h, y = unrolled(model, x, iterations, factor)
    missing = {"left": given["left"], "right": None}
    options = {"iterations": iterations, "start": start}
    np.testing.assert_allclose(model.encode(missing, **options), h, rtol=1e-12)
    np.testing.assert_allclose(model.complete(missing, "right", **options), y, rtol=1e-12)


def test_everything_given_is_one_exact_pass():
    model = machine(up={"left": 2.0, "right": 0.5})
    given = values()
    v = model.join(given)
    assert model.encode(given).tolist() == model.hidden_mean(v).tolist()
    W = model.parameters["weight"]
    expected = torch.sigmoid(2 * v[:, :4] @ W[:4] + 0.5 * v[:, 4:] @ W[4:] + model.parameters["hidden_bias"])
    torch.testing.assert_close(model.hidden_mean(v), expected)


@pytest.mark.parametrize("up", [{}, {"left": 2.0, "right": 2.0}, {"left": 2.0, "right": 0.5}])
def test_factors_are_those_of_the_modalities_alone(up):
    model = machine(up=up)
    v, ups = model.join(values()), {"left": 1.0, "right": 1.0} | up
    W, b = model.parameters["weight"], model.parameters["hidden_bias"]
    expected = ups["left"] * v[:, :4] @ W[:4] + ups["right"] * v[:, 4:] @ W[4:] + b
    torch.testing.assert_close(model.hidden_input(v), expected)
    assert not hasattr(model, "up")
    with pytest.raises(ShapeError, match="factors are given for middle; this model has left, right"):
        machine(up={"middle": 2.0})


def test_many_iterations_reach_a_fixed_point():
    model = machine()
    v = model.join(values())
    for start in ("zeros", "doubled"):
        h = model.mean_field(v, ["left"], iterations=2000, start=start)
        y = model.modality_mean(h, "right")
        filled = torch.cat([v[:, :4], y], 1)
        torch.testing.assert_close(model.hidden_mean(filled), h, atol=1e-10, rtol=0)


def test_tolerance_stops_early():
    model = machine()
    v = model.join(values())
    exact = model.mean_field(v, ["left"], iterations=2000)
    assert torch.equal(
        model.mean_field(v, ["left"], iterations=2000, tolerance=1e9),
        model.mean_field(v, ["left"], iterations=1),
    )
    stopped = model.mean_field(v, ["left"], iterations=2000, tolerance=1e-8)
    torch.testing.assert_close(stopped, exact, atol=1e-6, rtol=0)


def test_blocks_do_not_change_the_result_and_inputs_stay():
    model = machine()
    given = values(23)
    kept = {name: array.copy() for name, array in given.items()}
    missing = {"left": None, "right": given["right"]}
    np.testing.assert_allclose(model.encode(missing, block=5), model.encode(missing), rtol=1e-12)
    model.complete(given, "left")
    for name, array in kept.items():
        np.testing.assert_array_equal(given[name], array)


def test_the_target_itself_is_not_looked_at():
    model = machine()
    one, other = values(seed=1), values(seed=2)
    other["left"] = one["left"]
    np.testing.assert_array_equal(model.complete(one, "right"), model.complete(other, "right"))


def test_results_are_of_the_kind_that_came_in():
    model = machine(dtype=torch.float32)
    arrays = values()
    tensors = {name: torch.as_tensor(array) for name, array in arrays.items()}
    assert isinstance(model.encode(arrays), np.ndarray)
    assert model.encode(arrays).dtype == np.float32
    assert isinstance(model.encode(tensors), torch.Tensor)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"left": None, "right": None}, "no modality given at all; this model has left, right"),
        ({}, "no modality given at all"),
        ({"image": np.zeros((2, 4))}, "no modality 'image'; this model has left, right"),
        ({"left": np.zeros((2, 5)), "right": None}, r"'left' has shape \(2, 5\) where \(rows, 4\)"),
        ({"left": np.zeros(4), "right": None}, r"'left' has shape \(4,\)"),
        ({"left": np.zeros((2, 4)), "right": np.zeros((3, 3))}, "unequal numbers of rows"),
    ],
)
def test_wrong_input_is_one_sentence(given, message):
    with pytest.raises(ShapeError, match=message):
        machine().encode(given)


def test_unknown_target_is_named():
    with pytest.raises(ShapeError, match="no modality 'text'"):
        machine().complete(values(), "text")
