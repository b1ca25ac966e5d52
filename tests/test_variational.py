# SPDX-License-Identifier: MIT
"""Bounds of the variational autoencoders against quadrature over codes of one entry."""

import math

import numpy as np
import pytest
import torch

from mvi.errors import ConfigError
from mvi.models.posteriors import Posterior, product
from mvi.models.product_of_experts import ProductOfExperts
from mvi.models.shared_private import SharedPrivate
from mvi.models.units import Binary, Gaussian, ReplicatedSoftmax
from mvi.objectives.differentiable import negative_log_likelihood
from mvi.objectives.shared_private import SharedPrivateBound
from mvi.objectives.variational import ProductBounds, has, subsets

UNITS = {"image": Gaussian(2), "text": Binary(2)}
ROW = torch.tensor([[0.7, -1.2, 1.0, 0.0]], dtype=torch.float64)
# Beyond eight standard deviations of the prior nothing is left; sums of a smooth decaying function at equal
# steps are exact to rounding.
GRID = torch.linspace(-8, 8, 321, dtype=torch.float64)
PRIOR = torch.distributions.Normal(0.0, 1.0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def made(cls, prior=True, **more):
    settings = {"hidden": [3], "code": 1, **more}
    if cls is ProductOfExperts:
        settings["prior_expert"] = prior
    model = cls.initialise(UNITS, settings, generator(1), dtype=torch.float64)
    # Larger than initial weights are, so that posteriors and likelihoods differ from the prior's.
    return model.with_parameters({name: 1.5 * theta for name, theta in model.parameters.items()})


def log_likelihood(model, name, a):
    """Log-likelihood (G,), without constants, of the row's modality where its units receive `a` (G, 2)."""
    return -negative_log_likelihood(UNITS[name], ROW[:, model.slices[name]].expand(len(a), 2), a)


def log_integral(values, log_density):
    return float(torch.logsumexp(values + log_density, 0) + math.log(GRID[1] - GRID[0]))


def mean_under(posterior, values):
    density = torch.distributions.Normal(posterior.mean[0, 0], (posterior.log_variance[0, 0] / 2).exp())
    return float((density.log_prob(GRID).exp() * values).sum() * (GRID[1] - GRID[0]))


def sampled(objective, model, rows=2000, batches=20):
    """The loss by draws: mean over batches, and its standard error."""
    batch = ROW.expand(rows, -1)
    losses = [float(objective.loss(model, batch, generator(seed))[0]) for seed in range(batches)]
    return np.mean(losses), np.std(losses, ddof=1) / math.sqrt(batches)


@pytest.mark.parametrize("mixture", [False, True], ids=["sum", "mixture"])
@pytest.mark.parametrize("beta", [1.0, 0.3])
def test_bounds_of_products_are_those_of_quadrature(mixture, beta):
    model = made(ProductOfExperts, prior=not mixture)
    experts = {name: model.expert(ROW, name) for name in UNITS}
    scores = {name: log_likelihood(model, name, model.modality_input(GRID[:, None], name)) for name in UNITS}
    wanted = []
    for chosen in subsets(list(UNITS)):
        posterior = model.joined([experts[name] for name in chosen])
        explained = sum(scores[name] for name in (UNITS if mixture else chosen))
        divergence = mean_under(
            posterior,
            torch.distributions.Normal(
                posterior.mean[0, 0], (posterior.log_variance[0, 0] / 2).exp()
            ).log_prob(GRID)
            - PRIOR.log_prob(GRID),
        )
        assert float(posterior.divergence()) == pytest.approx(divergence, abs=1e-9)
        bound = mean_under(posterior, explained) - divergence
        assert bound <= log_integral(explained, PRIOR.log_prob(GRID)) + 1e-9
        wanted.append(-mean_under(posterior, explained) + beta * divergence)
    expected = np.mean(wanted) if mixture else np.sum(wanted)
    found, error = sampled(ProductBounds(mixture, beta), model)
    assert 0 < error < 0.05 and abs(found - expected) < 5 * error


def test_the_bound_of_shared_and_private_codes_is_that_of_quadrature():
    model = made(SharedPrivate, private=1)
    private = {name: model.posterior(ROW, name, "private") for name in UNITS}
    pairs = torch.cartesian_prod(GRID, GRID)
    inputs = {name: model.modality_input(pairs[:, :1], pairs[:, 1:], name) for name in UNITS}
    # By shared code (rows) and private code (columns).
    scores = {name: log_likelihood(model, name, inputs[name]).view(len(GRID), -1) for name in UNITS}
    expected = {name: torch.zeros_like(GRID) for name in UNITS}
    evidence = torch.zeros_like(GRID)
    step = math.log(GRID[1] - GRID[0])
    for name, score in scores.items():
        expected[name] = torch.tensor([mean_under(private[name], row) for row in score])
        evidence += torch.logsumexp(score + PRIOR.log_prob(GRID), 1) + step
    whole = log_integral(evidence, PRIOR.log_prob(GRID))
    apart = sum(float(one.divergence()) for one in private.values())
    bounds = {}
    for view in UNITS:
        shared = model.posterior(ROW, view, "shared")
        explained = sum(mean_under(shared, one) for one in expected.values())
        bounds[view] = explained - float(shared.divergence()) - apart
        assert bounds[view] < whole
    for weights in ({"image": 1.0}, {"image": 0.3, "text": 0.7}):
        found, error = sampled(SharedPrivateBound(weights), model)
        assert abs(found + sum(weight * bounds[view] for view, weight in weights.items())) < 5 * error
    even, half = (
        sampled(SharedPrivateBound(), model),
        sampled(SharedPrivateBound(dict.fromkeys(UNITS, 0.5)), model),
    )
    assert even == half


def test_a_product_is_the_normalised_product_of_densities():
    experts = [Posterior(*(torch.tensor([[one]]) for one in pair)) for pair in ((1.0, 0.2), (-0.5, -1.0))]
    for prior in (False, True):
        found = product(experts, prior)
        precisions = [math.exp(-0.2), math.exp(1.0)]
        total = sum(precisions) + prior
        assert float(found.mean) == pytest.approx((precisions[0] - 0.5 * precisions[1]) / total)
        assert float(found.log_variance.exp()) == pytest.approx(1 / total)


def test_codes_are_posterior_means_of_what_is_given():
    model = made(ProductOfExperts)
    image, text = (model.expert(ROW, name) for name in UNITS)
    assert torch.equal(model.code(ROW, ["image"]), product([image], True).mean)
    assert torch.equal(model.code(ROW, ["image", "text"]), product([image, text], True).mean)
    model = made(SharedPrivate, private=2)
    one, other = (model.code(ROW, [name]) for name in UNITS)
    torch.testing.assert_close(model.code(ROW, ["image", "text"]), (one + other) / 2)


def test_rows_without_tags_teach_nothing_of_tags_where_these_are_missing():
    model = made(ProductOfExperts)
    rows = ROW.repeat(4, 1)
    rows[1:3, 2:] = 0
    assert has(model, rows, "missing")["text"].tolist() == [True, False, False, True]
    assert all(one.all() for one in has(model, rows, "observed").values())
    for mixture in (False, True):
        objective = ProductBounds(mixture, untagged="missing")
        gradient, _ = objective.step(model, rows[1:3], {}, 1, generator())
        for name, slope in gradient.positive.items():
            assert slope.any() == name.startswith("image/"), name
        alone, _ = ProductBounds(mixture).step(model, rows[1:3], {}, 1, generator())
        assert alone.positive["text/encoder/weight2"].any()
    # With one set of what there is, both are the bound of the image alone.
    sums = [
        float(ProductBounds(m, untagged="missing").loss(model, rows[1:2], generator())[0])
        for m in (False, True)
    ]
    assert sums[0] == pytest.approx(sums[1])


def test_likelihoods_are_those_of_the_units():
    a = torch.tensor([[0.3, -1.0]], dtype=torch.float64)
    y = torch.tensor([[2.0, 1.0]], dtype=torch.float64)
    gaussian = ((y - a) ** 2).sum() / 2
    assert float(negative_log_likelihood(Gaussian(2), y, a)) == pytest.approx(float(gaussian))
    shares = torch.softmax(a, -1)
    words = -(2 * shares[0, 0].log() + shares[0, 1].log())
    assert float(negative_log_likelihood(ReplicatedSoftmax(2), y, a)) == pytest.approx(float(words))
    p = torch.sigmoid(a)
    tags = -(p[0, 0].log() + (1 - p[0, 1]).log())
    given = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    assert float(negative_log_likelihood(Binary(2), given, a)) == pytest.approx(float(tags))


def test_three_modalities_have_seven_sets_and_no_variational_cca():
    assert len(subsets(["a", "b", "c"])) == 7 and subsets(["a", "b"]) == [("a",), ("b",), ("a", "b")]
    with pytest.raises(ConfigError, match="variational CCA is of two modalities, not of a, b, c"):
        settings = {"hidden": [], "code": 1, "private": 1}
        SharedPrivate.shapes({name: Binary(1) for name in "abc"}, settings)
