# SPDX-License-Identifier: MIT
"""CCA against its closed form and scikit-learn, and the objective of deep CCA on whitened data."""

import math

import numpy as np
import pytest
import torch
from sklearn.cross_decomposition import CCA

from mvi.errors import ConfigError
from mvi.models.canonical import Canonical, directions
from mvi.models.deep_canonical import DeepCanonical
from mvi.models.units import Binary, Gaussian
from mvi.objectives.correlation import Correlation, correlation
from mvi.training.canonical import fit_canonical
from mvi.training.decoding import covariance


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def views(n=300):
    """(n, 5) and (n, 4) that have two numbers in common, joined."""
    draws = np.random.default_rng(0)
    common = draws.normal(size=(n, 2)) * [1.0, 0.5]
    sides = [common @ draws.normal(size=(2, d)) + draws.normal(size=(n, d)) for d in (5, 4)]
    return torch.from_numpy(np.concatenate(sides, 1))


def fitted(v, code=2, ridge=0.0, text=Gaussian):
    units = {"image": Gaussian(5), "text": text(4)}
    model = Canonical.initialise(units, {"code": code}, generator(), dtype=torch.float64)
    fit_canonical(model, lambda: v.split(70), ridge)
    return model


def test_correlations_are_those_that_the_covariances_were_made_with():
    wanted = torch.tensor([0.8, 0.3], dtype=torch.float64)
    a, b = (torch.randn(2, 2, dtype=torch.float64, generator=generator(seed)) for seed in (1, 2))
    xx, yy, xy = a @ a.T, b @ b.T, a @ torch.diag(wanted) @ b.T
    x, y, found = directions(xx, xy, yy, 0.0, 2)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=0)
    identity = torch.eye(2, dtype=torch.float64)
    torch.testing.assert_close(x.T @ xx @ x, identity, rtol=0, atol=1e-12)
    torch.testing.assert_close(y.T @ yy @ y, identity, rtol=0, atol=1e-12)
    torch.testing.assert_close(x.T @ xy @ y, torch.diag(wanted), rtol=0, atol=1e-12)


def test_the_ridge_is_in_mean_variances():
    """Of one column each: cov / sqrt(var (1 + r) var (1 + r)), whatever the units; scores have variance 1."""
    xx, xy, yy = (torch.tensor([[one]], dtype=torch.float64) for one in (4.0, 1.2, 0.01 * 9))
    x, y, found = directions(xx, xy / 10, yy, 0.5, 1)
    assert float(found) == pytest.approx(0.12 / math.sqrt(4 * 0.09) / 1.5)
    assert abs(float(x)) == pytest.approx(0.5) and abs(float(y)) == pytest.approx(1 / 0.3)


def test_moments_are_those_of_numpy_in_any_blocks():
    v = views() + 1000
    first, second, found = covariance((block[:, :5], block[:, 5:]) for block in v.split(64))
    wanted = np.cov(v.numpy().T, ddof=0)[:5, 5:]
    # Six digits of the sixteen are of the mean.
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(torch.cat([first, second]), v.mean(0), rtol=1e-14)


def test_scores_are_those_of_scikit_learn():
    v = views()
    model = fitted(v)
    peer = CCA(n_components=2, scale=False, tol=1e-12, max_iter=10_000).fit(
        v[:, :5].numpy(), v[:, 5:].numpy()
    )
    for name, theirs in zip(("image", "text"), (peer._x_scores, peer._y_scores), strict=True):
        ours = model.scores(v, name).numpy()
        ours = ours * np.sign((ours * theirs).sum(0))
        np.testing.assert_allclose(ours, theirs / theirs.std(0), atol=1e-6)
    own = [np.corrcoef(peer._x_scores[:, k], peer._y_scores[:, k])[0, 1] for k in range(2)]
    np.testing.assert_allclose(model.parameters["correlations"], own, atol=1e-9)


def test_the_code_is_the_mean_of_what_is_given_weighted_by_correlations():
    v = views()
    model = fitted(v, ridge=0.5)
    x, y, weights = model.scores(v, "image"), model.scores(v, "text"), model.parameters["correlations"]
    assert weights[0] > weights[1] > 0
    torch.testing.assert_close(model.code(v, ["text"]), y * weights)
    torch.testing.assert_close(model.code(v, ["image", "text"]), (x + y) / 2 * weights)


def test_completion_is_the_regression_on_the_other_s_code():
    v = views()
    model = fitted(v, ridge=0.5)
    code = model.code(v, ["text"]).numpy()
    design = np.column_stack([np.ones(len(v)), code])
    wanted = design @ np.linalg.lstsq(design, v[:, :5].numpy(), rcond=None)[0]
    found = model.complete({"text": v[:, 5:]}, "image")
    # Up to `LEAST` of the codes' variance.
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_completed_tags_are_probabilities():
    v = views()
    v[:, 5:] = (v[:, 5:] > 1).double()
    found = fitted(v, text=Binary).complete({"image": 10 * v[:, :5]}, "text")
    assert found.min() == 0 and found.max() == 1


def test_more_directions_than_columns_are_refused():
    with pytest.raises(ConfigError, match="5 directions are more than the 4 features"):
        fitted(views(), code=5)


def whitened(n=40):
    """Outputs of variance 1 and no correlation among themselves, whose canonical correlations are known."""
    wanted = torch.tensor([0.9, 0.5, 0.1], dtype=torch.float64)
    columns = torch.randn(n, 6, dtype=torch.float64, generator=generator(3))
    columns = torch.linalg.qr(columns - columns.mean(0))[0] * math.sqrt(n - 1)
    turned = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=generator(4)))[0]
    y = columns[:, :3] * wanted + columns[:, 3:] * (1 - wanted**2).sqrt()
    return columns[:, :3], y @ turned, wanted


def test_deep_cca_maximises_the_sum_of_correlations_and_not_of_their_squares():
    x, y, wanted = whitened()
    assert float(correlation(x, y, 0.0)) == pytest.approx(float(wanted.sum()), rel=1e-12)
    assert float(correlation(x, y, 0.25)) == pytest.approx(float(wanted.sum()) / 1.25, rel=1e-12)
    mixed = torch.tensor([[1.0, 2, 0], [0, 1, 3], [0, 0, 1]], dtype=torch.float64)
    assert float(correlation(x @ mixed + 7, y, 0.0)) == pytest.approx(float(wanted.sum()), rel=1e-12)


def test_its_gradient_is_that_of_finite_differences():
    x, y, _ = whitened(12)
    assert torch.autograd.gradcheck(
        lambda a, b: correlation(a, b, 0.1), (x.requires_grad_(), y.requires_grad_())
    )


def test_a_perceptron_without_hidden_layers_has_the_correlations_of_linear_cca():
    v = views()
    units = {"image": Gaussian(5), "text": Gaussian(4)}
    model = DeepCanonical.initialise(units, {"hidden": [], "code": 4}, generator(), dtype=torch.float64)
    fit_canonical(model, lambda: v.split(100), 0.0)
    linear = fitted(v, code=4).parameters["correlations"]
    # Four outputs keep four of the five columns of one side, and lose what is in the fifth.
    found = model.parameters["correlations"]
    assert (found <= linear + 1e-9).all() and found[0] > 0.5
    loss, _ = Correlation(ridge=0.0).loss(model, v, generator())
    # The same correlations, by the outputs of all rows as one minibatch.
    assert float(loss) == pytest.approx(-float(found.sum()), rel=1e-9)


def test_a_minibatch_no_larger_than_the_code_is_refused():
    units = {"image": Gaussian(5), "text": Gaussian(4)}
    model = DeepCanonical.initialise(units, {"hidden": [], "code": 4}, generator())
    with pytest.raises(ConfigError, match="a minibatch of 4 rows says nothing of 4 correlations"):
        Correlation().loss(model, views()[:4].float(), generator())
