# SPDX-License-Identifier: MIT
"""The batched linear classifiers against liblinear's, one class at a time."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.svm import LinearSVC

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation import batched
from mvi.evaluation import svm as linear


def make_data(rows=400, features=25, classes=4, seed=0, dtype=np.float32):
    """Sigmoid features with a common direction, like hidden probabilities, and noisy labels."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, 6)) @ rng.normal(size=(6, features)) - 1
    X = 1 / (1 + np.exp(-inputs))
    y = (X @ rng.normal(size=(features, classes)) + rng.normal(size=(rows, classes))).argmax(1)
    return X.astype(dtype), y.astype(np.int64)


def objective(weight, bias, X, y, C):
    """The primal objective of each class, written out in float64."""
    W, X = np.asarray(weight, np.float64), np.asarray(X, np.float64)
    b = np.asarray(bias, np.float64)
    signs = np.where(y[None, :] == np.unique(y)[:, None], 1.0, -1.0)
    hinge = np.maximum(0, 1 - signs * (W @ X.T + b[:, None]))
    return 0.5 * ((W**2).sum(1) + b**2) + C * (hinge**2).sum(1)


def relative_gradient(weight, bias, X, y, C):
    """The left side of liblinear's stopping rule over its right side at tolerance 1."""
    W = np.concatenate([np.asarray(weight, np.float64), np.asarray(bias, np.float64)[:, None]], 1)
    X = np.concatenate([np.asarray(X, np.float64), np.ones((len(X), 1))], 1)
    signs = np.where(y[None, :] == np.unique(y)[:, None], 1.0, -1.0)
    hinge = np.maximum(0, 1 - signs * (W @ X.T))
    gradient = np.linalg.norm(W - 2 * C * (signs * hinge) @ X, axis=1)
    start = np.linalg.norm(2 * C * signs @ X, axis=1)
    positives = (signs > 0).sum(1)
    return gradient / (np.minimum(positives, len(y) - positives) / len(y) * start)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("C", [0.003, 1.0, 300.0])
def test_equals_liblinear_at_tight_tolerance(C, dtype):
    X, y = make_data(dtype=dtype)
    ours = linear.fit(X, y, C=C, tolerance=1e-5)
    svm = LinearSVC(C=C, dual=False, tol=1e-9, max_iter=100_000, intercept_scaling=1)
    svm.fit(X.astype(np.float64), y)
    reached = objective(ours.weight, ours.bias, X, y, C)
    best = objective(svm.coef_, svm.intercept_, X, y, C)
    np.testing.assert_allclose(reached, best, rtol=1e-5)
    margin = np.sort(svm.decision_function(X), axis=1)
    clear = margin[:, -1] - margin[:, -2] > 1e-3
    assert clear.mean() > 0.95
    np.testing.assert_array_equal(ours.predict(X)[clear], svm.predict(X)[clear])


@pytest.mark.parametrize("C", [0.003, 1.0, 300.0])
def test_stops_by_the_rule_of_liblinear(C):
    X, y = make_data()
    model = linear.fit(X, y, C=C, tolerance=0.01)
    written_out = relative_gradient(model.weight, model.bias, X, y, C)
    assert (written_out <= 0.0101).all()
    np.testing.assert_allclose(model.gradient, written_out, rtol=0.02, atol=1e-6)
    # And not by a much stricter one.
    assert written_out.max() > 1e-5


def test_path_reaches_the_solution_of_each_value():
    X, y = make_data()
    grid = [0.01, 0.1, 1.0, 10.0, 1000.0]
    models = list(linear.fit_path(X, y, grid, tolerance=1e-4))
    assert len(models) == len(grid)
    for C, model in zip(grid, models, strict=True):
        alone = linear.fit(X, y, C=C, tolerance=1e-6)
        reached = objective(model.weight, model.bias, X, y, C)
        np.testing.assert_allclose(reached, objective(alone.weight, alone.bias, X, y, C), rtol=1e-4)


def test_path_moves_for_every_value_even_at_a_loose_tolerance():
    X, y = make_data()
    first, second = linear.fit_path(X, y, [1.0, 1.01], tolerance=10.0)
    assert not np.array_equal(first.weight, second.weight)


def test_small_blocks_and_unsorted_labels(monkeypatch):
    X, y = make_data()
    names = np.array([40, 7, 9, 3])
    whole = linear.fit(X, y, C=1.0, tolerance=1e-5)
    monkeypatch.setattr(batched, "_BLOCK_NUMBERS", 33 * X.shape[1])
    blocked = linear.fit(X, names[y], C=1.0, tolerance=1e-5)
    np.testing.assert_array_equal(blocked.classes, [3, 7, 9, 40])
    np.testing.assert_allclose(blocked.weight, whole.weight[np.argsort(names)], rtol=2e-3, atol=2e-3)
    assert np.isin(blocked.predict(X), names).all()


def test_many_more_rows_than_the_preconditioner_sees():
    X, y = make_data(rows=3000, features=8, classes=3)
    C = 10.0
    ours = linear.fit(X, y, C=C, tolerance=1e-5)
    svm = LinearSVC(C=C, dual=False, tol=1e-9, max_iter=100_000).fit(X, y)
    np.testing.assert_allclose(
        objective(ours.weight, ours.bias, X, y, C),
        objective(svm.coef_, svm.intercept_, X, y, C),
        rtol=1e-5,
    )


def test_two_classes_mirror_each_other():
    X, y = make_data(classes=2)
    model = linear.fit(X, y, C=1.0, tolerance=1e-5)
    np.testing.assert_allclose(model.weight[0], -model.weight[1], atol=1e-3)


def test_separable_rows_and_badly_scaled_features_stay_finite():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 10)).astype(np.float32)
    X[:, 0] *= 1e4
    X[:, 1] = 0
    X[:, 2] *= 1e-6
    y = (X[:, 3] > 0).astype(int)
    for C in (1e-6, 1e6):
        model = linear.fit(X, y, C=C)
        assert np.isfinite(model.weight).all() and np.isfinite(model.decision(X)).all()
    np.testing.assert_array_equal(model.predict(X), y)


def test_an_unreachable_tolerance_ends(monkeypatch):
    X, y = make_data(rows=100, features=5)
    steps = []
    solve = linear._Problem._newton_direction
    monkeypatch.setattr(
        linear._Problem,
        "_newton_direction",
        lambda self, *rest: steps.append(1) or solve(self, *rest),
    )
    assert (linear.fit(X, y, C=1.0, tolerance=1e-30).gradient < 1e-5).all()
    assert len(steps) < 50


def test_newton_direction_against_the_explicit_hessian():
    X, y = make_data(dtype=np.float64)
    C = 5.0
    problem = linear._Problem(X, y)
    rng = np.random.default_rng(1)
    active = rng.random((4, len(X))) < np.array([[0.01], [0.1], [0.5], [1.0]])
    gradient = rng.normal(size=(4, X.shape[1] + 1))
    wide = np.concatenate([X, np.ones((len(X), 1))], axis=1)
    hessians = [np.eye(wide.shape[1]) + 2 * C * (wide.T * row) @ wide for row in active]
    arguments = (torch.from_numpy(gradient), torch.from_numpy(active * 1.0), C)

    curved = problem._curvature(*arguments).numpy()
    expected = [hessian @ g for hessian, g in zip(hessians, gradient, strict=True)]
    np.testing.assert_allclose(curved, expected, rtol=1e-10)

    direction = problem._newton_direction(*arguments).numpy()
    for hessian, g, d in zip(hessians, gradient, direction, strict=True):
        assert np.linalg.norm(hessian @ d + g) <= linear._INNER_TOLERANCE * np.linalg.norm(g)


@pytest.mark.parametrize("rows_per_feature", [1000, 10])
def test_preconditioner_is_the_hessian_of_a_random_share_of_rows(rows_per_feature, monkeypatch):
    monkeypatch.setattr(batched, "_GRAM_ROWS_PER_FEATURE", rows_per_feature)
    X, y = make_data(rows=2000, features=10, dtype=np.float64)
    wide = np.concatenate([X, np.ones((len(X), 1))], axis=1)
    vectors = np.random.default_rng(1).normal(size=(4, 11))
    share = np.array([0.01, 0.1, 0.5, 1.0])
    found = linear._Problem(X, y)._precondition(torch.from_numpy(vectors), torch.from_numpy(share), 5.0)
    for vector, part, result in zip(vectors, share, found.numpy(), strict=True):
        exact = np.linalg.solve(np.eye(11) + 2 * 5.0 * part * wide.T @ wide, vector)
        # All rows are used in the first case and every twentieth in the second.
        loose = 1e-8 if rows_per_feature == 1000 else 0.7
        assert np.linalg.norm(result - exact) <= loose * np.linalg.norm(exact)


def test_inputs_are_not_changed_or_copied_and_may_be_read_only():
    X, y = make_data()
    before, labels = X.copy(), y.copy()
    X.flags.writeable = y.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = linear.fit(X, y, C=1.0)
        model.decision(X)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(y, labels)
    assert batched.as_matrix(X).data_ptr() == X.ctypes.data


def test_same_data_same_bytes_and_torch_as_numpy():
    X, y = make_data()
    first = linear.fit(X, y, C=1.0)
    second = linear.fit(torch.from_numpy(X), torch.from_numpy(y), C=1.0)
    assert first.weight.tobytes() == second.weight.tobytes()
    assert first.weight.dtype == np.float32


@pytest.mark.parametrize(
    "other", [lambda a: a[::-1].copy()[::-1], lambda a: a.astype(a.dtype.newbyteorder()), np.ndarray.tolist]
)
def test_reversed_views_and_foreign_bytes_are_the_same_numbers(other):
    X, y = make_data()
    X = X.astype(np.float64)
    model, same = linear.fit(X, y, C=1.0), linear.fit(other(X), other(y), C=1.0)
    assert model.weight.tobytes() == same.weight.tobytes()
    np.testing.assert_array_equal(model.predict(other(X)), model.predict(X))


def test_equal_scores_go_to_the_lower_label():
    model = linear.LinearClassifier(
        np.zeros((3, 2), np.float32), np.zeros(3, np.float32), np.array([2, 5, 8]), np.zeros(3)
    )
    np.testing.assert_array_equal(model.predict(np.ones((4, 2), np.float32)), [2, 2, 2, 2])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_not_finite_are_refused(bad):
    X, y = make_data()
    X[17, 3] = bad
    with pytest.raises(DataError, match="not finite"):
        linear.fit(X, y, C=1.0)


def test_wrong_shapes_and_settings_are_refused():
    X, y = make_data()
    with pytest.raises(ShapeError, match="one label"):
        linear.fit(X, y[:-1], C=1.0)
    with pytest.raises(ShapeError, match="rows, features"):
        linear.fit(X[0], y, C=1.0)
    with pytest.raises(ShapeError, match="float32 or float64"):
        linear.fit(X.astype(np.int64), y, C=1.0)
    with pytest.raises(DataError, match="at least two"):
        linear.fit(X, np.zeros_like(y), C=1.0)
    with pytest.raises(ShapeError, match="trained on 25 features"):
        linear.fit(X, y, C=1.0).predict(X[:, :-1])
    with pytest.raises(DataError, match="class labels are not finite"):
        linear.fit(X, np.where(y == y[0], np.nan, y), C=1.0)
    with pytest.raises(DataError, match="masked array"):
        linear.fit(np.ma.masked_less(X, 0), y, C=1.0)
    for grid in ([], [0.0, 1.0], [1.0, 0.1], [1.0, 1.0], [np.nan], [0.1, np.nan]):
        with pytest.raises(ConfigError, match="ascending"):
            linear.fit_path(X, y, grid)
    with pytest.raises(ConfigError, match="tolerance"):
        linear.fit(X, y, C=1.0, tolerance=0.0)
