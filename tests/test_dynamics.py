# SPDX-License-Identifier: MIT
"""Exact gradients, the mean-field loss, and the following of each method's training."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mvi.errors import ConfigError
from mvi.models.mrbm import MultimodalRBM
from mvi.objectives.base import Ramp
from mvi.objectives.likelihood import ContrastiveDivergence
from mvi.report.figures import style
from mvi.report.figures import theory as figures
from mvi.theory import consistency, dynamics, identity, information
from mvi.theory.exact import Enumeration, table_of
from mvi.theory.worlds import binary_states
from mvi.workflow.results import theory_looks

SIZES = {"x": 3, "y": 2}
NONE = {"kind": "none"}
SETTINGS = {
    "x_units": 4,
    "y_units": 4,
    "hidden_units": 3,
    "prototypes": 5,
    "flip_probability": 0.05,
    "rows": 200,
    "seeds": 2,
    "weight_std": 0.1,
    "epochs": 60,
    "batch_size": 100,
    "learning_rate": 1.0,
    "decay": 0.0,
    "momentum": {"initial": 0.33, "final": 0.47, "change_after": 5},
    "l2": 0.0,
    "rate_after_rejection": 0.95,
    "rejected_share": 0.1,
    "mean_field_iterations": 10,
    "methods": {
        "pcd": {"chains": 100, "gibbs_steps": {"start": 5}, "sparsity": NONE},
        "cd_percloss": {"gibbs_steps": {"start": 1}, "start_state": "doubled", "sparsity": NONE},
        "mp": {
            "iterations": 5,
            "bptt_depth": {"start": 5},
            "reveal": 0.0,
            "start_state": "doubled",
            "sparsity": NONE,
        },
    },
}


def model_and_rows() -> tuple[MultimodalRBM, torch.Tensor]:
    draws = torch.Generator().manual_seed(0)
    model = identity.random_model(SIZES, 4, 1.0, draws)
    return model, torch.randint(0, 2, (30, 5), generator=draws).double()


@pytest.mark.parametrize(
    ("loss", "value"),
    [
        ("nll", information.negative_log_likelihood),
        ("minvi", lambda data, model: information.minvi_loss(data, model) / 2),
    ],
)
def test_exact_gradients_against_finite_differences(
    loss: str, value: Callable[[np.ndarray, np.ndarray], float]
) -> None:
    model, rows = model_and_rows()
    before = {name: theta.clone() for name, theta in model.parameters.items()}
    gradient, memory = dynamics.ExactGradient(loss).step(model, rows, {}, 1, torch.Generator())
    assert memory == {}
    assert gradient.negative is None
    data, step = table_of(rows.numpy(), SIZES), 1e-5
    for name, theta in model.parameters.items():
        assert torch.equal(theta, before[name])
        for index in np.ndindex(tuple(theta.shape)):
            around = []
            for sign in (1, -1):
                theta[index] += sign * step
                around.append(value(data, Enumeration(model).joint))
                theta[index] -= sign * step
            slope = (around[0] - around[1]) / (2 * step)
            assert float(gradient.positive[name][index]) == pytest.approx(-slope, abs=1e-9)


def test_likelihood_gradient_is_data_moments_minus_model_moments() -> None:
    model, rows = model_and_rows()
    gradient, _ = dynamics.ExactGradient("nll").step(model, rows, {}, 1, torch.Generator())
    data = model.statistics(rows, model.hidden_mean(rows))
    for name, moments in Enumeration(model).moments().items():
        np.testing.assert_allclose(gradient.positive[name], data[name].numpy() - moments, atol=1e-12)


def test_pcd_estimates_the_exact_likelihood_gradient() -> None:
    """Many chains after many Gibbs steps: each entry within 5 standard errors of the exact gradient."""
    model, rows = model_and_rows()
    chains = 20_000
    generator = torch.Generator().manual_seed(1)
    objective = ContrastiveDivergence(gibbs_steps=Ramp(50), chains=chains)
    memory = objective.start(model, rows.mean(0), generator)
    estimated, _ = objective.step(model, rows, memory, 1, generator)
    exact, _ = dynamics.ExactGradient("nll").step(model, rows, {}, 1, generator)
    moments = Enumeration(model).moments()
    for name, expected in exact.positive.items():
        found = (estimated.positive[name] - estimated.negative[name]).numpy()
        # Means given the hidden state vary less than the bits themselves, whose error this is.
        error = np.sqrt(moments[name] * (1 - moments[name]) / chains)
        assert (np.abs(found - expected.numpy()) < 5 * error).all(), name


def test_mean_field_loss_is_that_of_the_completions() -> None:
    model, _ = model_and_rows()
    data = np.random.default_rng(2).dirichlet(np.ones(32)).reshape(8, 4)
    x, y = (torch.from_numpy(binary_states(size)) for size in (3, 2))
    y_of_x = model.complete({"x": x, "y": None}, "y", iterations=7).double().numpy()
    x_of_y = model.complete({"x": None, "y": y}, "x", iterations=7).double().numpy()
    expected = 0.0
    for i in range(8):
        for j in range(4):
            q_y = np.where(y[j].numpy() == 1, y_of_x[i], 1 - y_of_x[i])
            q_x = np.where(x[i].numpy() == 1, x_of_y[j], 1 - x_of_y[j])
            expected -= data[i, j] * (np.log(q_y).sum() + np.log(q_x).sum())
    assert dynamics.mean_field_loss(model, data, 7) == pytest.approx(expected, abs=1e-6)


def test_mean_field_is_exact_for_unconnected_units() -> None:
    model, _ = model_and_rows()
    model.parameters["weight"].zero_()
    data = np.random.default_rng(3).dirichlet(np.ones(32)).reshape(8, 4)
    exact = information.minvi_loss(data, Enumeration(model).joint)
    assert dynamics.mean_field_loss(model, data, 1) == pytest.approx(exact, abs=1e-12)


@pytest.fixture(scope="module")
def measured() -> tuple[dict[str, float], dict[str, np.ndarray]]:
    return dynamics.measure(SETTINGS, 1)


def test_measure_follows_every_method(measured: tuple[dict, dict]) -> None:
    numbers, curves = measured
    methods = ["exact_nll", "exact_minvi", "pcd", "cd_percloss", "mp"]
    assert list(curves["methods"]) == methods
    for method in methods:
        for quantity in dynamics.MEASURED:
            curve = curves[f"{method}/{quantity}"]
            assert curve.shape == (2, 61)
            assert (curve[0] != curve[1]).all()
            np.testing.assert_array_equal(curve[:, 0], curves[f"pcd/{quantity}"][:, 0])
            key = f"{method}/{quantity}"
            assert numbers[f"{key}/last"] == curve[:, -1].mean()
            assert numbers[f"{key}/least"] == curve.mean(0)[numbers[f"{key}/least_epoch"]]
        four = sum(curves[f"{method}/{term}"] for term in information.TERMS)
        np.testing.assert_allclose(2 * curves[f"{method}/nll"] - numbers["constant"], four, atol=1e-10)
        assert (curves[f"{method}/minvi"] >= numbers["vi"]).all()
        assert (curves[f"{method}/mean_field"] >= numbers["vi"]).all()


def test_what_each_method_lowers(measured: tuple[dict, dict]) -> None:
    numbers, _ = measured

    def last(method: str, quantity: str) -> float:
        return numbers[f"{method}/{quantity}/last"]

    for method in ("exact_nll", "exact_minvi", "pcd", "cd_percloss", "mp"):
        assert last(method, "minvi") < numbers[f"{method}/minvi/first"] - 0.5
    assert last("exact_nll", "marginals") < last("mp", "marginals")
    assert last("exact_nll", "marginals") < last("exact_minvi", "marginals")
    for other in ("exact_nll", "pcd", "cd_percloss"):
        assert last("mp", "mean_field") < last(other, "mean_field")


def test_measure_is_reproducible_and_checks_its_size(measured: tuple[dict, dict]) -> None:
    short = {**SETTINGS, "epochs": 2}
    first, again, other = (dynamics.measure(short, seed) for seed in (1, 1, 2))
    assert first[0] == again[0] != other[0]
    np.testing.assert_array_equal(first[1]["mp/nll"], measured[1]["mp/nll"][:, :3])
    with pytest.raises(ConfigError, match="too large to enumerate"):
        dynamics.measure({**SETTINGS, "hidden_units": 7}, 1)
    with pytest.raises(ConfigError, match="lower prototypes"):
        dynamics.measure({**SETTINGS, "prototypes": 9}, 1)
    one = dynamics.measure({**short, "seeds": 1}, 1)[0]
    assert one["pcd/nll/last_sd"] == 0


def test_figures(measured: tuple[dict, dict], tmp_path: Path) -> None:
    """Every figure can be drawn from what its experiment returns, and shows its numbers."""
    equation = identity.measure(
        {
            **SETTINGS,
            "weight_stds": [0.1, 1.0],
            "models": 3,
            "concentration": 0.3,
        },
        1,
    )
    theorem = consistency.measure(
        {
            "x_states": 4,
            "y_states": 3,
            "concentration": 1.0,
            "leak": 0.05,
            "smoothing": 0.5,
            "sample_sizes": [100, 1000, 10_000],
            "fit_from": 100,
            "repetitions": 5,
        },
        1,
    )
    drawn = {
        "identity": figures.identity(*equation),
        "consistency": figures.consistency(*theorem),
        "dynamics": figures.dynamics(*measured, style.looks(theory_looks())),
    }
    for name, figure in drawn.items():
        style.save(figure, tmp_path / f"{name}.png", tmp_path / f"{name}.svg")
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000
    tops = [patch.get_y() + patch.get_height() for patch in drawn["identity"].axes[0].patches[-2:]]
    numbers = equation[0]
    for top, std in zip(tops, ("0.1", "1"), strict=True):
        left = 2 * numbers[f"independent/nll/{std}"] - numbers["independent/constant"]
        assert top == pytest.approx(left, abs=1e-10)
    labels = [text.get_text() for text in drawn["consistency"].axes[0].get_legend().get_texts()]
    assert f"{theorem[0]['diffuse/two_samples/joint/slope']:.3f}" in labels[0]
