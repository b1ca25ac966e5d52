# SPDX-License-Identifier: MIT
"""The multimodal RBM's own formulas and samplers against the brute-force enumeration of Eq. 5."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from mvi.errors import ConfigError
from mvi.models.mrbm import MultimodalRBM
from mvi.theory.exact import Enumeration, table_of
from mvi.theory.identity import random_model
from mvi.theory.worlds import binary_states

SIZES = {"a": 3, "b": 2, "c": 2}
HIDDEN = 4


def model_and_truth(std: float = 1.0, seed: int = 0) -> tuple[MultimodalRBM, Enumeration]:
    model = random_model(SIZES, HIDDEN, std, torch.Generator().manual_seed(seed))
    return model, Enumeration(model)


def test_energy_of_equation_5_term_by_term() -> None:
    model, truth = model_and_truth()
    weight, c, b = (model.parameters[n].numpy() for n in ("weight", "visible_bias", "hidden_bias"))
    for row, column in ((0, 0), (5, 3), (87, 15), (127, 8)):
        v, h = truth.visible[row], truth.hidden[column]
        expected = -sum(v[i] * weight[i, k] * h[k] for i in range(7) for k in range(4))
        expected -= sum(c[i] * v[i] for i in range(7)) + sum(b[k] * h[k] for k in range(4))
        assert truth.energy[row, column] == pytest.approx(expected, abs=1e-12)
        assert "".join(str(int(bit)) for bit in v) == f"{row:07b}"


def test_model_energy_and_free_energy_give_the_same_partition_function() -> None:
    model, truth = model_and_truth(2.0)
    v, h = torch.from_numpy(truth.visible), torch.from_numpy(truth.hidden)
    for column in range(len(h)):
        np.testing.assert_allclose(
            model.energy(v, h[column].expand(len(v), -1)), truth.energy[:, column], atol=1e-12
        )
    free = model.free_energy(v).numpy()
    assert logsumexp(-free) == pytest.approx(truth.log_z, abs=1e-12)
    np.testing.assert_allclose(np.exp(-free - truth.log_z).reshape(8, 4, 4), truth.joint, rtol=1e-10)
    assert truth.joint.sum() == pytest.approx(1, abs=1e-12)


def test_conditionals_are_exact() -> None:
    model, truth = model_and_truth(2.0)
    v, h = torch.from_numpy(truth.visible), torch.from_numpy(truth.hidden)
    np.testing.assert_allclose(model.hidden_mean(v), truth.hidden_given_visible, atol=1e-12)
    np.testing.assert_allclose(model.visible_mean(h), truth.visible_given_hidden, atol=1e-12)
    for name in SIZES:
        np.testing.assert_allclose(
            model.modality_mean(h, name),
            truth.visible_given_hidden[:, model.slices[name]],
            atol=1e-12,
        )
    parts = {name: truth.visible[:, model.slices[name]] for name in SIZES}
    np.testing.assert_allclose(model.encode(parts), truth.hidden_given_visible, atol=1e-6)


def test_moments_are_the_derivatives_of_log_z() -> None:
    model, truth = model_and_truth()
    step = 1e-5
    for name, moments in truth.moments().items():
        for index in np.ndindex(moments.shape):
            values = []
            for sign in (1, -1):
                model.parameters[name][index] += sign * step
                values.append(Enumeration(model).log_z)
                model.parameters[name][index] -= sign * step
            slope = (values[0] - values[1]) / (2 * step)
            assert moments[index] == pytest.approx(slope, abs=1e-8), (name, index)


def test_gibbs_chains_reach_the_exact_moments() -> None:
    """Independent chains, one draw of each after mixing: every moment within 5 standard errors."""
    model, truth = model_and_truth(0.8, seed=1)
    generator = torch.Generator().manual_seed(2)
    chains = 20_000
    v = torch.zeros(chains, 7, dtype=torch.float64)
    for _ in range(100):
        h = model.sample_hidden(v, generator)
        v = model.sample_visible(h, generator)
    h = model.sample_hidden(v, generator)
    sampled = model.statistics(v, h)
    for name, expected in truth.moments().items():
        error = np.sqrt(expected * (1 - expected) / chains)  # products of bits are bits
        z = (sampled[name].numpy() - expected) / error
        assert np.abs(z).max() < 5, name
        assert np.abs(z).max() > 0.1, name
    counts = table_of(v.numpy(), SIZES) * chains
    expected = truth.joint * chains
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi2 - 127) < 5 * np.sqrt(2 * 127)


def divergence(model: MultimodalRBM, truth: Enumeration, x: np.ndarray, h: np.ndarray) -> float:
    """KL(Q(y, h) || P(y, h | a=x)) of factorised Q with Q(h) = h and the y that Eq. 8 pairs with
    h."""
    y = 1 / (1 + np.exp(-model.visible_input(torch.from_numpy(h[None]))[0, 3:].numpy()))
    q_y = np.where(binary_states(4) == 1, y, 1 - y).prod(1)
    q_h = np.where(truth.hidden == 1, h, 1 - h).prod(1)
    q = np.outer(q_y, q_h)
    clamped = (truth.visible[:, :3] == x).all(1)
    given = truth.probability[clamped]
    return float((q * np.log(q / (given / given.sum()))).sum())


@pytest.mark.parametrize("start", ["zeros", "doubled"])
@pytest.mark.parametrize("given", [["a"], ["b"], ["a", "c"]])
def test_mean_field_ends_at_a_fixed_point_of_equation_8(start: str, given: list[str]) -> None:
    model, truth = model_and_truth(1.5, seed=3)
    v = torch.from_numpy(truth.visible)
    h = model.mean_field(v, given, iterations=2000, start=start)
    filled = v.clone()
    for name in SIZES:
        if name not in given:
            filled[:, model.slices[name]] = torch.sigmoid(
                h @ model.weight(name).T + model.parameters["visible_bias"][model.slices[name]]
            )
    again = torch.sigmoid(filled @ model.parameters["weight"] + model.parameters["hidden_bias"])
    assert float((again - h).abs().max()) < 1e-9
    values = {name: v[:, model.slices[name]] if name in given else None for name in SIZES}
    encoded = model.encode(values, iterations=2000, start=start)
    assert float((encoded - h).abs().max()) < 1e-6


@pytest.mark.parametrize("start", ["zeros", "doubled"])
def test_mean_field_lowers_the_variational_divergence(start: str) -> None:
    """Each update of Eq. 8 minimises KL(Q || P) over one factor, and the end has zero gradient."""
    model, truth = model_and_truth(1.5, seed=4)
    for row in (0, 37, 127):
        x = truth.visible[row, :3]
        v = torch.from_numpy(truth.visible[row : row + 1])
        path = [
            divergence(model, truth, x, h[0].numpy())
            for h in (model.mean_field(v, ["a"], iterations=i, start=start) for i in (0, 1, 2, 5, 2000))
        ]
        assert all(b <= a + 1e-12 for a, b in pairwise(path))
        assert path[-1] >= 0
        assert path[0] - path[-1] > 1e-6
        h = model.mean_field(v, ["a"], iterations=2000, start=start)[0].numpy()
        for k in range(HIDDEN):
            # Steps in log-odds, where the divergence is smooth up to h = 0 and h = 1.
            moved = np.log(h / (1 - h)) + np.outer([1e-4, -1e-4], np.eye(HIDDEN)[k])
            higher, lower = (divergence(model, truth, x, 1 / (1 + np.exp(-logits))) for logits in moved)
            gradient = (higher - lower) / 2e-4
            assert abs(gradient) < 1e-8


def test_mean_field_comes_close_to_the_exact_posterior_for_weak_weights() -> None:
    model, truth = model_and_truth(0.1, seed=5)
    v = torch.from_numpy(binary_states(3))
    h = model.encode({"a": v, "b": None, "c": None}, iterations=50)
    gap = np.abs(h.numpy() - truth.hidden_given("a")).max()
    assert gap < 1e-3
    assert np.ptp(truth.hidden_given("a"), axis=0).max() > 10 * gap


def test_hidden_given_one_modality_averages_the_posterior() -> None:
    _, truth = model_and_truth(2.0)
    posterior = truth.hidden_given_visible.reshape(8, 4, 4, HIDDEN)
    weights = truth.joint / truth.joint.sum((0, 2), keepdims=True)
    np.testing.assert_allclose(
        truth.hidden_given("b"), np.einsum("abc,abck->bk", weights, posterior), atol=1e-12
    )


def test_table_of_rows() -> None:
    rows = np.array([[0, 1, 1], [0, 1, 1], [1, 0, 0], [1, 1, 1]], dtype=np.float32)
    table = table_of(rows, {"x": 1, "y": 2})
    np.testing.assert_array_equal(table, [[0, 0, 0, 0.5], [0.25, 0, 0, 0.25]])


def test_refuses_large_models_and_factors() -> None:
    draws = torch.Generator().manual_seed(0)
    with pytest.raises(ConfigError, match="too large to enumerate"):
        Enumeration(random_model({"x": 8, "y": 4}, 3, 1.0, draws))
    model = random_model(SIZES, HIDDEN, 1.0, draws)
    doubled = MultimodalRBM(SIZES, HIDDEN, model.parameters, down=2.0)
    with pytest.raises(ConfigError, match="set them all to 1"):
        Enumeration(doubled)
