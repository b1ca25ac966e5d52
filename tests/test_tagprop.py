# SPDX-License-Identifier: MIT
"""TagProp on cases worked by hand, and its slopes against finite differences."""

import math

import numpy as np
import pytest

from mvi.errors import DataError
from mvi.evaluation import groups as groups_module
from mvi.evaluation.classification import Answers
from mvi.evaluation.groups import Distances, Group
from mvi.evaluation.tagprop import (
    Neighbours,
    Propagation,
    TagProp,
    balanced,
    loss_of_sigmoids,
    loss_of_weights,
    nearest,
    propagated,
    weights_of,
)

LINE = [Group(slice(0, 1), words=False)]
TWO = [Group(slice(0, 2), words=False), Group(slice(2, 5), words=True)]


def column(*values):
    return np.array(values, np.float32)[:, None]


def test_equal_distances_keep_the_order_of_the_database():
    assert nearest(np.array([[2, 1, 1, 0, 1]]), 4).tolist() == [[3, 1, 2, 4]]


@pytest.mark.parametrize("held", [2**24, 3])
def test_a_row_is_no_neighbour_of_its_own_though_others_are_like_it(held, monkeypatch):
    """Whatever number of distances is held at a time."""
    monkeypatch.setattr(groups_module, "BLOCK_NUMBERS", held)
    database = column(0, 0, 1, 3)
    found = Neighbours.find(Distances(LINE, database), database, 2, own=True)
    assert found.index.tolist() == [[1, 2], [0, 2], [0, 1], [2, 0]]
    # One that is asked about later may find its like.
    again = Neighbours.find(Distances(LINE, database), database, 2)
    assert again.index.tolist() == [[0, 1], [0, 1], [2, 0], [3, 2]]
    with pytest.raises(DataError, match="4 neighbours are asked for where there are 3"):
        Neighbours.find(Distances(LINE, database), database, 4, own=True)


def test_distances_by_hand():
    """Numbers: 4 of 8 pairs of each row are squared distance 4 apart, so 2 on average. Words: by cosines."""
    features = np.array([[0, 0, 1, 0, 0], [0, 2, 0, 2, 0], [0, 0, 3, 3, 0], [0, 2, 0, 0, 0]], np.float32)
    distances = Distances(TWO, features)
    root = math.sqrt(0.5)
    numbers = np.array([[0, 4, 0, 4], [4, 0, 4, 0], [0, 4, 0, 4], [4, 0, 4, 0]]) / 2
    words = 1 - np.array([[1, 0, root, 0], [0, 1, root, 0], [root, root, 1, 0], [0, 0, 0, 0]])
    np.testing.assert_allclose(distances.to(features, 0), numbers, atol=1e-6)
    np.testing.assert_allclose(distances.to(features, 1), words / words.mean(), atol=1e-6)
    assert distances.spreads == pytest.approx([2.0, words.mean()])
    # The mean of both: rows 0 and 2 are nearest to each other, and a row without words is far from itself.
    near = Neighbours.find(distances, features, 1, own=True)
    assert near.index[[0, 2]].tolist() == [[2], [0]]
    np.testing.assert_allclose(near.distances[0, 0], [0, (1 - root) / words.mean()], atol=1e-6)


def test_weights_and_scores_by_hand():
    distances = np.array([[[0.0], [math.log(3)]], [[0.0], [0.0]]])
    np.testing.assert_allclose(weights_of("rank", np.log([2.0, 1.0]), distances), [[2 / 3, 1 / 3]] * 2)
    np.testing.assert_allclose(weights_of("distance", np.ones(1), distances), [[0.75, 0.25], [0.5, 0.5]])
    known = np.array([[1, 0], [0, 1], [1, 1]])
    near = Neighbours(np.array([[2, 0], [1, 0]]), distances)
    found = propagated("distance", np.ones(1), near, known)
    np.testing.assert_allclose(found, [[1, 0.75], [0.5, 0.5]])
    # Of the database 0, 1, 3 the nearest to 2.5 is 3, then 1: weights 2/3 and 1/3.
    model = Propagation(
        Distances(LINE, column(0, 1, 3)),
        known,
        np.ones(2, bool),
        2,
        "rank",
        np.log([2.0, 1.0]),
        np.array([2, 3, -1, 1.0]),
    )
    np.testing.assert_allclose(model.decision(column(2.5)), [[2 * 2 / 3 - 1, 3 * 1 + 1]])


def test_present_and_absent_labels_count_the_same():
    cost = balanced(Answers(np.array([[1, 0, 0], [0, 1, 0]])))
    np.testing.assert_allclose(cost, [[1 / 4, 1 / 8, 1 / 8], [1 / 8, 1 / 4, 1 / 8]])
    assert np.isfinite(balanced(Answers(np.zeros((2, 2))))).all()
    # What is unknown counts nothing, whatever is written for it.
    mask = np.array([[True, True, False], [True, False, True]])
    cost = balanced(Answers(np.array([[1, 0, 0], [0, 1, 0]]), mask))
    np.testing.assert_allclose(cost, [[1 / 2, 1 / 6, 0], [1 / 6, 0, 1 / 6]])


def case(seed=0, rows=9, labels=3, count=4, groups=2):
    random = np.random.default_rng(seed)
    known = random.integers(0, 2, (rows, labels)).astype(float)
    near = Neighbours(random.integers(0, rows, (rows, count)), random.random((rows, count, groups)))
    return random, known, near, balanced(Answers(known)), random.normal(size=2 * labels)


@pytest.mark.parametrize("kind", ["rank", "distance"])
def test_the_slope_by_weights_is_that_of_finite_differences(kind, monkeypatch):
    monkeypatch.setattr("mvi.evaluation.tagprop.ROWS", 4)
    random, known, near, cost, sigmoids = case()
    parameters = random.random(4 if kind == "rank" else 2)
    _, slope = loss_of_weights(parameters, kind, near, known, sigmoids, known, cost)
    assert np.abs(slope).max() > 1e-3
    check(lambda x: loss_of_weights(x, kind, near, known, sigmoids, known, cost)[0], parameters, slope)


def test_the_slope_by_sigmoids_is_that_of_finite_differences_of_the_balanced_loss():
    random, known, near, cost, sigmoids = case()
    sums = propagated("rank", random.random(4), near, known)
    loss, slope = loss_of_sigmoids(sigmoids, sums, known, cost)
    p = 1 / (1 + np.exp(-(sums * sigmoids[:3] + sigmoids[3:])))
    positive = -np.log(p)[known > 0].mean() / 2 - np.log(1 - p)[known == 0].mean() / 2
    assert loss == pytest.approx(positive + 5e-7 * (sigmoids**2).sum(), rel=1e-12)
    check(lambda x: loss_of_sigmoids(x, sums, known, cost)[0], sigmoids, slope)


def check(loss, at, slope):
    """Central differences, whose error is of the order of the squared step."""
    step = 1e-5
    for place in range(len(at)):
        moved = np.eye(len(at))[place] * step
        assert slope[place] == pytest.approx((loss(at + moved) - loss(at - moved)) / (2 * step), abs=1e-9)


def sample(rows=150, seed=3):
    """A group that tells the two labels, and one that is noise."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, (rows, 2))
    told = labels + 0.3 * random.normal(size=(rows, 2))
    return np.concatenate([told, random.normal(size=(rows, 2))], axis=1).astype(np.float32), labels


def test_distances_that_tell_are_weighted_and_others_are_not():
    features, labels = sample()
    groups = [Group(slice(0, 2), words=False), Group(slice(2, 4), words=False)]
    classifier = TagProp.of(groups, ["a", "b"], weights=["distance", "rank"], neighbours=[20, 40])
    (_, model), *_, (last, by_rank) = classifier.path(features[:100], Answers(labels[:100]))
    assert (
        model.kind == "distance" and model.parameters[0] > 1 and model.parameters[0] > 5 * model.parameters[1]
    )
    assert (model.parameters >= 0).all()
    # Neighbours by the mean of both distances: the first are the better half.
    assert by_rank.kind == "rank" and by_rank.count == 40
    assert by_rank.parameters[:10].mean() > by_rank.parameters[-10:].mean() + 0.5
    assert [score.value for score in classifier.choice(last)] == [40, 0, 4]
    scores = classifier.scores(model, features[100:], Answers(labels[100:]), "test")
    assert {score.metric: score.value for score in scores if not score.label}["map_step"] > 0.95


def test_a_label_that_nobody_has_is_left_out_and_harms_nobody():
    features, labels = sample()
    groups = [Group(slice(0, 2), words=False)]
    padded = np.concatenate([labels, np.zeros((len(labels), 1), int)], axis=1)
    models = [
        TagProp.of(groups, names, weights=["rank"], neighbours=[10]).fit(features, Answers(truth), 0.0)
        for names, truth in ((["a", "b"], labels), (["a", "b", "c"], padded))
    ]
    assert models[1].trained.tolist() == [True, True, False]
    assert np.isfinite(models[1].decision(features)).all()
