# SPDX-License-Identifier: MIT
"""The jointly trained logistic regressions against scikit-learn's, one label at a time."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation import batched, logistic


def make_data(rows=300, features=20, labels=4, seed=0, dtype=np.float64):
    """Correlated features of unequal scale and noisy labels, the last of which is rare."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 5)) @ rng.normal(size=(5, features)) + 0.3 * rng.normal(size=(rows, features))
    X = X * np.geomspace(0.3, 3, features) + 1
    inner = X @ rng.normal(size=(features, labels)) / 3 + rng.normal(size=(rows, labels))
    Y = inner > np.quantile(inner, np.linspace(0.4, 0.95, labels), axis=0).diagonal()
    return X.astype(dtype), Y.astype(np.uint8)


def cost(weight, bias, X, Y, penalty):
    """The cost of each label, written out in float64."""
    W, X = np.asarray(weight, np.float64), np.asarray(X, np.float64)
    logits = X @ W.T + np.asarray(bias, np.float64)
    return (np.logaddexp(0, logits) - Y * logits).mean(0) + 0.5 * penalty * (W**2).sum(1)


def scikit_learn(X, Y, penalty):
    # By Newton's method: the default solver stops where the cost no longer falls in float64, which leaves
    # errors of 1e-5 in the weights.
    settings = {"C": 1 / (penalty * len(X)), "tol": 1e-10, "max_iter": 10_000, "solver": "newton-cholesky"}
    models = [LogisticRegression(**settings).fit(X, y) for y in Y.T]
    return np.concatenate([m.coef_ for m in models]), np.concatenate([m.intercept_ for m in models])


@pytest.mark.parametrize("penalty", [1e-4, 1e-2, 1.0])
def test_equals_scikit_learn_label_by_label(penalty):
    X, Y = make_data()
    ours = logistic.fit(X, Y, penalty=penalty, tolerance=1e-9)
    weight, bias = scikit_learn(X, Y, penalty)
    np.testing.assert_allclose(ours.weight, weight, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours.bias, bias, rtol=1e-4, atol=1e-5)
    reached, best = cost(ours.weight, ours.bias, X, Y, penalty), cost(weight, bias, X, Y, penalty)
    assert (reached <= best + 1e-10).all()
    assert ours.trained.all() and (ours.gradient <= 1e-9).all() and ours.steps < 200


def test_the_penalty_multiplies_the_mean_and_spares_the_bias():
    X, Y = make_data()
    # Twice the same rows: the mean is the same, a penalty of the sum would count half.
    once = logistic.fit(X, Y, penalty=0.1, tolerance=1e-8)
    twice = logistic.fit(np.tile(X, (2, 1)), np.tile(Y, (2, 1)), penalty=0.1, tolerance=1e-8)
    np.testing.assert_allclose(once.weight, twice.weight, atol=1e-6)
    strong = logistic.fit(X, Y, penalty=1e7, tolerance=1e-8)
    share = Y.mean(0)
    np.testing.assert_allclose(strong.bias, np.log(share / (1 - share)), atol=1e-4)
    assert np.abs(strong.weight).max() < 1e-5


def test_float32_reaches_the_cost_of_float64():
    X, Y = make_data(dtype=np.float32)
    for penalty in (1e-4, 1e-2, 1.0):
        single = logistic.fit(X, Y, penalty=penalty, tolerance=1e-5)
        double = logistic.fit(X.astype(np.float64), Y, penalty=penalty, tolerance=1e-9)
        assert single.weight.dtype == single.bias.dtype == np.float32
        np.testing.assert_allclose(
            cost(single.weight, single.bias, X, Y, penalty),
            cost(double.weight, double.bias, X, Y, penalty),
            rtol=1e-5,
        )


def test_stops_by_the_gradient_of_each_label():
    X, Y = make_data()
    model = logistic.fit(X, Y, penalty=0.01, tolerance=1e-2)

    def norms(weight, bias):
        residuals = 1 / (1 + np.exp(-(X @ weight.T + bias))) - Y
        gradient = residuals.T @ X / len(X) + 0.01 * weight
        return np.hypot(np.linalg.norm(gradient, axis=1), residuals.mean(0))

    share = Y.mean(0)
    written_out = norms(model.weight, model.bias) / norms(0 * model.weight, np.log(share / (1 - share)))
    np.testing.assert_allclose(model.gradient, written_out, rtol=1e-6)
    assert (written_out <= 1e-2).all()
    # And not by a much stricter one.
    assert written_out.max() > 1e-4


def test_path_reaches_the_solution_of_each_value_in_fewer_steps():
    X, Y = make_data()
    grid = [1.0, 0.1, 0.01, 0.001]
    path = list(logistic.fit_path(X, Y, grid, tolerance=1e-6))
    alone = [logistic.fit(X, Y, penalty=penalty, tolerance=1e-6) for penalty in grid]
    assert len(path) == len(grid)
    for penalty, model, other in zip(grid, path, alone, strict=True):
        np.testing.assert_allclose(
            cost(model.weight, model.bias, X, Y, penalty),
            cost(other.weight, other.bias, X, Y, penalty),
            rtol=1e-8,
        )
    # The curvature that one has seen serves the next.
    assert sum(model.steps for model in path[1:]) < 0.7 * sum(model.steps for model in alone[1:])
    # What was yielded is not changed by what follows.
    np.testing.assert_allclose(path[0].weight, alone[0].weight, atol=1e-12)


def test_steps_are_remembered_as_another_lambda_would_have_had_them():
    X, Y = make_data()
    problem = logistic._Problem(X, Y)
    problem.solve(0.1, 1e-3, 1, 5)
    (moved, bent, inverse), after = problem.curvature.steps(0.003)[0], problem.weights.clone()
    gradients = []
    for weights in (after, after - moved):
        problem.weights = weights
        logits = batched.scores(weights, problem.rows)
        gradients.append(problem._gradient(torch.arange(len(weights)), logits, 0.003))
    torch.testing.assert_close(bent, gradients[0] - gradients[1], rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(inverse, 1 / (moved * bent).sum(1))
    assert moved.any() and problem.curvature.penalty == 0.1


def test_a_factor_serves_lambdas_that_are_near(monkeypatch):
    X, Y = make_data()
    asked, factor = [], logistic._Problem._factor

    def listed(problem, logits, penalty):
        asked.append(penalty)
        return factor(problem, logits, penalty)

    monkeypatch.setattr(logistic._Problem, "_factor", listed)
    list(logistic.fit_path(X, Y, [1, 0.3, 0.1, 0.03, 0.001]))
    assert asked == [1, 0.1, 0.001]


def test_a_training_begins_from_one_that_is_near():
    X, Y = make_data(rows=900)
    near = logistic.fit(X[:600], Y[:600], penalty=0.01, tolerance=1e-6)
    kept, pairs = near.weight.copy(), [pair.bent.clone() for pair in near.curvature.pairs]
    alone = logistic.fit(X, Y, penalty=0.01, tolerance=1e-6)
    begun = logistic.fit(X, Y, penalty=0.01, tolerance=1e-6, near=near)
    assert 0 < begun.steps < 0.7 * alone.steps and (begun.gradient <= 1e-6).all()
    # A gradient of some size is at most that over lambda away from the solution.
    away = 2 * 1e-6 * float(logistic._Problem(X, Y).scale.max()) / 0.01
    np.testing.assert_allclose(begun.weight, alone.weight, rtol=0, atol=away)
    assert np.array_equal(near.weight, kept)
    assert all(torch.equal(pair.bent, bent) for pair, bent in zip(near.curvature.pairs, pairs, strict=True))
    # One of fewer rows than features, or for fewer rows than features, is of no use.
    few = logistic.fit(X[:4], Y[:4], penalty=0.01, tolerance=1e-6)
    assert logistic.fit(X, Y, penalty=0.01, tolerance=1e-6, near=few).steps == alone.steps
    assert np.array_equal(
        logistic.fit(X[:4], Y[:4], penalty=0.01, tolerance=1e-6, near=near).weight, few.weight
    )


def test_first_guess_of_the_inverse_hessian_saves_most_steps(monkeypatch):
    X, Y = make_data(rows=600, features=40)
    X *= np.geomspace(0.1, 10, 40)
    steps = logistic.fit(X, Y, penalty=1e-3, history=10).steps
    two_loops = logistic._two_loops

    def from_identity(gradient, pairs, factor):
        return two_loops(gradient, pairs, torch.eye(len(factor), dtype=factor.dtype))

    monkeypatch.setattr(logistic, "_two_loops", from_identity)
    assert steps < 0.5 * logistic.fit(X, Y, penalty=1e-3, history=10).steps


def test_step_lengths_are_the_minima():
    X, Y = make_data()
    problem = logistic._Problem(X, Y)
    rng = np.random.default_rng(1)
    problem.weights = torch.from_numpy(rng.normal(size=(4, 21)))
    which = torch.arange(4)
    logits = batched.scores(problem.weights, problem.rows)
    direction = -problem._gradient(which, logits, 0.1)
    change = batched.scores(direction, problem.rows)
    length = problem._step_lengths(which, direction, logits, change, 0.1)[:, None]

    def cost_at(factor):
        moved = (problem.weights + factor * length * direction).numpy()
        return cost(moved[:, :-1], moved[:, -1], X, Y, 0.1)

    assert (cost_at(1) < cost_at(0.98)).all() and (cost_at(1) < cost_at(1.02)).all()


def test_labels_that_cannot_be_trained_do_not_disturb_the_others():
    X, Y = make_data()
    wider = np.concatenate([np.zeros((len(X), 1)), Y, np.ones((len(X), 1))], axis=1)
    model = logistic.fit(X, wider, penalty=0.01)
    np.testing.assert_array_equal(model.trained, [False, True, True, True, True, False])
    assert not model.weight[[0, 5]].any() and np.isfinite(model.bias).all()
    np.testing.assert_allclose(model.bias[[0, 5]], [-np.log(601), np.log(601)])
    np.testing.assert_allclose(model.weight[1:5], logistic.fit(X, Y, penalty=0.01).weight, atol=1e-12)
    nothing = logistic.fit(X, np.zeros((len(X), 2)), penalty=0.01)
    assert nothing.steps == 0 and not nothing.weight.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_and_badly_scaled_features_stay_finite(dtype):
    X, Y = make_data(dtype=dtype)
    X[:, 0], X[:, 1] = 0, 7
    X[:, 2] *= 1e4
    X[:, 3] *= 1e-6
    for penalty in (1e-8, 1e-2):
        model = logistic.fit(X, Y, penalty=penalty)
        assert np.isfinite(model.decision(X)).all() and (model.weight[:, 0] == 0).all()
        assert (model.gradient <= 1e-3).all()
    constant = logistic.fit(np.full((300, 3), 5, dtype), Y, penalty=0.1)
    np.testing.assert_allclose(constant.decision(np.full((1, 3), 5, dtype))[0], _log_odds(Y), atol=1e-3)


def _log_odds(Y):
    return np.log(Y.mean(0) / (1 - Y.mean(0)))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_fewer_rows_than_features_equal_scikit_learn(dtype):
    X, Y = make_data(rows=40, features=90, dtype=dtype)
    # One row twice: the rows span less than their number.
    X[1], Y[1] = X[0], Y[0]
    kept = X.copy()
    ours = logistic.fit(X, Y, penalty=0.1, tolerance=1e-9)
    weight, bias = scikit_learn(X.astype(np.float64), Y, 0.1)
    assert ours.weight.shape == (4, 90) and ours.weight.dtype == ours.bias.dtype == dtype
    close = {np.float64: 1e-5, np.float32: 1e-4}[dtype]
    np.testing.assert_allclose(ours.weight, weight, atol=close)
    np.testing.assert_allclose(ours.bias, bias, atol=close)
    np.testing.assert_allclose(ours.decision(X), X @ weight.T + bias, atol=10 * close)
    np.testing.assert_array_equal(X, kept)


def test_separable_rows_and_more_features_than_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 200)).astype(np.float32)
    Y = (X[:, :2] > 0).astype(int)
    model = logistic.fit(X, Y, penalty=1e-5)
    np.testing.assert_array_equal(model.decision(X) > 0, Y)
    assert (model.gradient <= 1e-3).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_unreachable_tolerance_ends(dtype):
    X, Y = make_data(dtype=dtype)
    model = logistic.fit(X, Y, penalty=0.01, tolerance=1e-30)
    assert model.steps < 200 and (model.gradient < 1e-4).all()
    assert logistic.fit(X, Y, penalty=0.01, tolerance=1e-30, steps=3).steps == 3


def test_small_blocks_and_many_more_rows_than_features(monkeypatch):
    X, Y = make_data(rows=2000)
    whole = logistic.fit(X, Y, penalty=0.01, tolerance=1e-10)
    monkeypatch.setattr(batched, "_BLOCK_NUMBERS", 33 * X.shape[1])
    monkeypatch.setattr(batched, "_GRAM_ROWS_PER_FEATURE", 3)
    blocked = logistic.fit(X, Y, penalty=0.01, tolerance=1e-10)
    np.testing.assert_allclose(blocked.weight, whole.weight, atol=1e-6)


def test_second_moments_include_the_constant(monkeypatch):
    X, _ = make_data()
    monkeypatch.setattr(batched, "_GRAM_COLUMNS", 2)
    wide = np.concatenate([X, np.ones((len(X), 1))], axis=1)
    rounding = 2 * len(X) * np.finfo(float).eps * (abs(wide).T @ abs(wide) / len(X)).max()
    np.testing.assert_allclose(
        batched.second_moments(torch.from_numpy(X)).tril(),
        np.tril(wide.T @ wide / len(X)),
        rtol=0,
        atol=rounding,
    )


def test_inputs_are_not_changed_or_copied_and_may_be_read_only():
    X, Y = make_data()
    before, labels = X.copy(), Y.copy()
    X.flags.writeable = Y.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        logistic.fit(X, Y, penalty=1.0).decision(X)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(Y, labels)
    assert batched.as_matrix(X).data_ptr() == X.ctypes.data


def test_same_data_same_bytes_and_torch_as_numpy():
    X, Y = make_data()
    first = logistic.fit(X, Y, penalty=1.0)
    second = logistic.fit(torch.from_numpy(X), torch.from_numpy(Y), penalty=1.0)
    assert first.weight.tobytes() == second.weight.tobytes()
    by_bool = logistic.fit(X, Y[::-1].astype(bool)[::-1], penalty=1.0)
    assert first.weight.tobytes() == by_bool.weight.tobytes()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(bad):
    X, Y = make_data(rows=1000)
    X[17, 3] = bad
    with pytest.raises(DataError, match="not finite"):
        logistic.fit(X, Y, penalty=1.0)


def test_wrong_shapes_and_settings_are_refused():
    X, Y = make_data()
    with pytest.raises(ShapeError, match="row of labels for each row"):
        logistic.fit(X, Y[:-1], penalty=1.0)
    with pytest.raises(ShapeError, match="row of labels for each row"):
        logistic.fit(X, Y[:, 0], penalty=1.0)
    with pytest.raises(ShapeError, match="float32 or float64"):
        logistic.fit(X.astype(np.int64), Y, penalty=1.0)
    with pytest.raises(DataError, match="other than 0 and 1"):
        logistic.fit(X, Y * 2, penalty=1.0)
    with pytest.raises(ShapeError, match="trained on 20 features"):
        logistic.fit(X, Y, penalty=1.0).decision(X[:, :-1])
    for grid in ([], [0.0], [0.1, 1.0], [1.0, 1.0], [1.0, np.nan]):
        with pytest.raises(ConfigError, match="descending"):
            logistic.fit_path(X, Y, grid)
    for setting in ({"tolerance": 0.0}, {"steps": 0}, {"history": 0}):
        with pytest.raises(ConfigError, match="positive"):
            logistic.fit(X, Y, penalty=1.0, **setting)
