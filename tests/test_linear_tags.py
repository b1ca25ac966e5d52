# SPDX-License-Identifier: MIT
"""Logistic regressions that predict tags: those of `logistic`, and a penalty by validation rows."""

import numpy as np

from mvi.evaluation import linear_tags, logistic
from mvi.evaluation.linear_tags import chosen_penalty, tag_classifiers, tag_probabilities


def make(rows, seed=0, words=7):
    draws = np.random.default_rng(seed)
    features = draws.normal(size=(rows, 4)).astype(np.float32)
    weights = 2 * np.random.default_rng(9).normal(size=(4, words))
    tags = draws.random((rows, words)) < 1 / (1 + np.exp(-features @ weights))
    # One that no row has.
    return features, tags & (np.arange(words) != 3)


def test_each_tag_has_the_probability_of_its_own_regression(monkeypatch):
    monkeypatch.setattr(linear_tags, "_TOGETHER", 3)
    (features, tags), (asked, _) = make(200), make(30, 1)
    found = tag_probabilities(tag_classifiers(features, tags, penalty=0.01, tolerance=1e-6), asked)
    assert found.shape == (30, 7) and found.dtype == np.float32
    for word in range(7):
        model = logistic.fit(features, tags[:, [word]], penalty=0.01, tolerance=1e-6)
        expected = 1 / (1 + np.exp(-model.decision(asked)[:, 0]))
        # Both gradients end below a millionth of that at zero weights, where the curvature is at least 0.01.
        np.testing.assert_allclose(found[:, word], expected, rtol=0, atol=1e-4)
    np.testing.assert_allclose(found[:, 3], 0.5 / 201, rtol=1e-4)


def test_the_penalty_is_that_of_the_least_log_loss():
    settings = {"grid": [1e-3, 100.0], "tags": 5, "tolerance": 1e-4, "floor": 1e-6}
    assert chosen_penalty(make(400), make(200, 1), **settings) == 1e-3
    # Tags that have nothing to do with the features are predicted best by their frequencies.
    noise = [(make(40, seed)[0], np.random.default_rng(seed + 5).random((40, 7)) < 0.3) for seed in (2, 3)]
    assert chosen_penalty(*noise, **settings) == 100
