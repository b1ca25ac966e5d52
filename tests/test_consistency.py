# SPDX-License-Identifier: MIT
"""Theorem 2.1: transition operators, stationary distributions and their rate of convergence."""

import numpy as np
import pytest

from mvi.errors import ConfigError, NonFiniteError
from mvi.theory import consistency, worlds
from mvi.theory.information import conditional

SETTINGS = {
    "x_states": 8,
    "y_states": 6,
    "concentration": 1.0,
    "leak": 0.05,
    "smoothing": 0.5,
    "sample_sizes": [100, 1000, 10_000, 100_000, 1_000_000],
    "fit_from": 1000,
    "repetitions": 40,
}


def world(seed: int = 0) -> np.ndarray:
    return worlds.dirichlet((5, 4), 1.0, np.random.default_rng(seed))


def test_true_conditionals_give_the_true_joint() -> None:
    table = world()
    truth = conditional(table, "y"), conditional(table, "x")
    t_x, t_y = consistency.transitions(*truth)
    np.testing.assert_allclose(t_x.sum(0), 1, atol=1e-14)
    np.testing.assert_allclose(t_y.sum(0), 1, atol=1e-14)
    # Written out from section 2.3, entry by entry.
    for new in range(5):
        for old in range(5):
            expected = sum(
                table[new, y] / table[:, y].sum() * table[old, y] / table[old].sum() for y in range(4)
            )
            # Sums of at most 5 terms below 1, of which each is a product of two quotients of such sums.
            assert t_x[new, old] == pytest.approx(expected, abs=4 * 5 * np.finfo(float).eps)
    np.testing.assert_allclose(consistency.stationary(t_x), table.sum(1), atol=1e-14)
    np.testing.assert_allclose(consistency.stationary(t_y), table.sum(0), atol=1e-14)
    assert max(consistency.errors(table, *truth).values()) < 1e-14


def test_stationary_against_the_powers_of_the_chain() -> None:
    generator = np.random.default_rng(1)
    chains = generator.dirichlet(np.ones(6), size=(3, 6)).swapaxes(-1, -2)
    found = consistency.stationary(chains)
    np.testing.assert_allclose(np.linalg.matrix_power(chains, 200)[..., 0], found, rtol=0, atol=1e-12)


@pytest.mark.parametrize("noise", [0.0, 1e-16])
def test_refuses_a_reducible_chain(noise: float) -> None:
    chain = np.kron(np.eye(2), np.full((2, 2), 0.5)) + noise
    with pytest.raises(NonFiniteError, match="reducible"):
        consistency.stationary(chain)


def test_one_sample_gives_back_its_own_table() -> None:
    """Conditionals of one smoothed table belong to it, so that the chains cannot but return it."""
    counts = np.random.default_rng(2).multinomial(50, world().ravel(), size=7).reshape(7, 5, 4)
    estimated = consistency.estimate(counts, 0.5)
    smoothed = (counts + 0.5) / (50 + 0.5 * 20)
    t_x, t_y = consistency.transitions(*estimated)
    np.testing.assert_allclose(consistency.stationary(t_x), smoothed.sum(2), atol=1e-13)
    np.testing.assert_allclose(consistency.stationary(t_y), smoothed.sum(1), atol=1e-13)
    for table, *pair in zip(smoothed, *estimated, strict=True):
        assert max(consistency.errors(table, *pair).values()) < 1e-13


def test_two_samples_have_no_joint_of_their_own() -> None:
    generator = np.random.default_rng(3)
    counts = generator.multinomial(100, world().ravel(), size=(2, 6)).reshape(2, 6, 5, 4)
    x_given_y = consistency.estimate(counts[0], 0.5)[0]
    y_given_x = consistency.estimate(counts[1], 0.5)[1]
    found = consistency.errors(world(), x_given_y, y_given_x)
    assert found["disagreement"].min() > 0.01
    assert all(values.shape == (6,) for values in found.values())


def test_smoothing_vanishes() -> None:
    table = world()
    for n, gap in ((10**3, 0.1), (10**6, 1e-4), (10**9, 1e-7)):
        x_given_y, y_given_x = consistency.estimate(n * table, 0.5)
        assert np.abs(x_given_y - conditional(table, "y")).max() < gap
        assert np.abs(y_given_x - conditional(table, "x")).max() < gap
    x_given_y, y_given_x = consistency.estimate(np.zeros((3, 2)), 0.5)
    np.testing.assert_allclose(x_given_y, 1 / 3)
    np.testing.assert_allclose(y_given_x, 1 / 2)


def test_slope_of_a_power_law() -> None:
    sizes = np.array([10, 100, 1000])
    measured = 3.0 * sizes[:, None] ** np.array([-0.5, -0.4])
    mean, error = consistency.slope(sizes, measured)
    assert mean == pytest.approx(-0.45, abs=1e-12)
    assert error == pytest.approx(0.1 / np.sqrt(2) / np.sqrt(2), abs=1e-12)


def test_measured_rate() -> None:
    numbers, curves = consistency.measure(SETTINGS, 1)
    for name in ("diffuse", "coupled"):
        assert numbers[f"{name}/bound"] <= 1
        for sampling in consistency.SAMPLINGS:
            for kind in ("conditionals", "marginal_x", "marginal_y", "joint"):
                key = f"{name}/{sampling}/{kind}"
                assert curves[key].shape == (5, 40)
                assert -0.6 < numbers[f"{key}/slope"] < -0.4, key
                assert np.all(np.diff(curves[key].mean(1)) < 0), key
            assert numbers[f"{name}/{sampling}/joint/last"] < 0.01
    for sampling in consistency.SAMPLINGS:
        key = f"diffuse/{sampling}/joint"
        assert numbers[f"{key}/slope"] == pytest.approx(-0.5, abs=0.02)
    # A chain that mixes slowly turns equal errors of the conditionals into larger ones of the
    # joint.
    assert numbers["coupled/mixing"] > 0.9 > numbers["diffuse/mixing"]
    ratio = {
        name: numbers[f"{name}/two_samples/joint/last"] / numbers[f"{name}/two_samples/conditionals/last"]
        for name in ("diffuse", "coupled")
    }
    assert ratio["coupled"] > 2 * ratio["diffuse"]
    assert curves["coupled/one_sample/disagreement"].max() < 1e-10


def test_measure_is_reproducible_and_checks_its_settings() -> None:
    small = {**SETTINGS, "sample_sizes": [100, 1000, 10_000], "repetitions": 3}
    first, again, other = (consistency.measure(small, seed)[0] for seed in (1, 1, 2))
    assert first == again != other
    with pytest.raises(ConfigError, match="fit_from"):
        consistency.measure({**small, "fit_from": 10_000}, 1)
