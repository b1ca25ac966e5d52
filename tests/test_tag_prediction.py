# SPDX-License-Identifier: MIT
"""Predicted tags, against counting by hand and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation import metrics, tag_prediction

DEFINITIONS = ("interpolated", "noninterpolated", "step")


def make_world(n=400, size=12, seed=0):
    """The probabilities that tags are drawn by, the tags, and a blurred view of the probabilities."""
    rng = np.random.default_rng(seed)
    optimal = 1 / (1 + np.exp(3 - 2 * rng.normal(size=(n, size))))
    tags = (rng.random((n, size)) < optimal) * rng.integers(1, 3, (n, size))
    model = 0.3 * optimal + 0.3 * rng.random((n, size))
    return model, tags, optimal


def evaluate(model, tags, optimal=None, **settings):
    frequencies = tag_prediction.tag_frequencies((tags > 0).sum(axis=0), len(tags))
    scores = tag_prediction.evaluate(model, tags, frequencies, optimal=optimal, **settings)
    found = {(score.method, score.metric.removeprefix("tags_")): score.value for score in scores}
    assert len(found) == len(scores) and np.isfinite(list(found.values())).all()
    return found


def test_hand_worked():
    probabilities = np.array([[0.9, 0.5, 0.1], [0.2, 0.8, 0.3], [0.5, 0.5, 0.5]])
    tags = np.array([[1, 0, 1], [0, 2, 0], [0, 0, 0]])
    scores = evaluate(probabilities, tags, ks=(1, 2, 3), minimum_positives=1)
    assert scores["", "precision_at_1"] == 1
    assert scores["", "precision_at_2"] == (1 / 2 + 1 / 2) / 2
    assert (
        scores["", "precision_at_3"]
        == scores["oracle", "precision_at_3"]
        == pytest.approx((2 / 3 + 1 / 3) / 2)
    )
    assert (scores["", "pictures"], scores["", "pictures_without_tag"], scores["", "per_picture"]) == (
        3,
        1,
        1,
    )
    # Of the third tag's image the probability is the lowest of three: precision 1/3.
    assert scores["", "map_noninterpolated"] == pytest.approx((1 + 1 + 1 / 3) / 3)
    p = [0.9, 0.5, 0.1, 0.8, 0.8, 0.7, 0.5, 0.5, 0.5]
    assert scores["", "log_loss"] == pytest.approx(-np.log(p).sum() / 3)


def test_against_counting_and_scikit_learn():
    model, tags, optimal = make_world()
    true = tags > 0
    scores = evaluate(model, tags, optimal)
    for name, given in (("", model), ("optimal", optimal)):
        columns = range(12)
        step = [average_precision_score(true[:, t], given[:, t]) for t in columns]
        assert scores[name, "map_step"] == pytest.approx(np.mean(step), abs=1e-12)
        reference = [metrics.average_precision_interpolated(given[:, t], true[:, t]) for t in columns]
        assert scores[name, "map_interpolated"] == pytest.approx(np.mean(reference), abs=1e-12)
        losses = [log_loss(true[:, t], given[:, t], labels=[0, 1]) for t in columns]
        assert scores[name, "log_loss"] == pytest.approx(sum(losses), rel=1e-9)
        for k in (1, 3, 5, 10):
            own = [
                np.mean([true[i, t] for t in sorted(columns, key=lambda t, p=p: -p[t])[:k]])
                for i, p in enumerate(given)
                if true[i].any()
            ]
            assert scores[name, f"precision_at_{k}"] == pytest.approx(np.mean(own), abs=1e-12)


def test_optimal_is_best_and_marginal_worst():
    scores = evaluate(*make_world())
    by_loss = sorted(("", "marginal", "optimal"), key=lambda name: scores[name, "log_loss"])
    assert by_loss[0] == "optimal"
    for key in ("precision_at_1", "precision_at_3", "map_step"):
        assert scores["optimal", key] > scores["", key] > scores["marginal", key]
    assert scores["oracle", "precision_at_1"] == 1


def test_marginal():
    _, tags, _ = make_world()
    true = tags > 0
    scores = evaluate(np.full(tags.shape, 0.5), tags)
    assert scores["marginal", "map_step"] == pytest.approx(true.mean())
    frequencies = (true.sum(axis=0) + 0.5) / (len(true) + 1)
    entropy = -(true * np.log(frequencies) + ~true * np.log(1 - frequencies)).sum(axis=1).mean()
    assert scores["marginal", "log_loss"] == pytest.approx(entropy)
    most = np.argmax(frequencies)
    assert scores["marginal", "precision_at_1"] == pytest.approx(true[true.any(axis=1), most].mean())
    assert ("optimal", "log_loss") not in scores


def test_ties_keep_the_vocabulary_order():
    tags = np.zeros((5, 10), int)
    tags[:, 1] = 1
    scores = evaluate(np.full((5, 10), 0.3, np.float32), tags, ks=(1, 2), minimum_positives=1)
    assert (scores["", "precision_at_1"], scores["", "precision_at_2"]) == (0, 0.5)


@pytest.mark.parametrize("kind", [bool, "uint8", "int8", "float16"])
def test_certain_probabilities_of_any_type(kind):
    """The first of the true tags is given in each row, and the second, which none has, in none."""
    tags = np.tile([1, 0, 1], (4, 1))
    scores = evaluate(np.tile([0, 0, 1], (4, 1)).astype(kind), tags, ks=(1, 2), minimum_positives=1)
    assert (scores["", "precision_at_1"], scores["", "precision_at_2"]) == (1, 1)
    scores = evaluate(np.tile([0, 1, 0], (4, 1)).astype(kind), tags, ks=(1, 2), minimum_positives=1)
    assert (scores["", "precision_at_1"], scores["", "precision_at_2"]) == (0, 0.5)


def test_rare_tags_are_left_out():
    model, tags, _ = make_world()
    tags[:, 4] = 0
    tags[7, 4] = 1
    true = tags > 0
    scores = evaluate(model, tags, minimum_positives=2)
    step = [average_precision_score(true[:, t], model[:, t]) for t in range(12) if t != 4]
    assert scores["", "judged"] == 11 and scores["", "map_step"] == pytest.approx(np.mean(step))
    with pytest.raises(DataError, match="No tag has 500"):
        evaluate(model, tags, minimum_positives=500)


def test_certain_and_wrong_is_finite():
    scores = evaluate(np.zeros((4, 10)), np.ones((4, 10)), minimum_positives=1, floor=1e-3)
    assert scores["", "log_loss"] == pytest.approx(10 * np.log(1e3))
    right = evaluate(np.ones((4, 10)), np.ones((4, 10)), minimum_positives=1, floor=1e-3)
    assert right["", "log_loss"] == pytest.approx(-10 * np.log(0.999))


def test_blocks_change_nothing(monkeypatch):
    world = make_world()
    expected = evaluate(*world)
    monkeypatch.setattr(tag_prediction, "_BLOCK", 7)
    assert evaluate(*world) == pytest.approx(expected, rel=1e-12)


def test_tag_frequencies():
    assert tag_prediction.tag_frequencies([0, 1, 3], 3).tolist() == [0.125, 0.375, 0.875]
    with pytest.raises(DataError, match="between 0 and 3"):
        tag_prediction.tag_frequencies([4], 3)
    with pytest.raises(ShapeError):
        tag_prediction.tag_frequencies([[1]], 3)


def test_wrong_arguments():
    model, tags, optimal = make_world()
    frequencies = np.full(12, 0.1)
    for error, text, given, settings in (
        (DataError, "predicted do not lie", (model - 1, tags, frequencies), {}),
        (DataError, "predicted do not lie", (np.full_like(model, np.nan), tags, frequencies), {}),
        (DataError, "optimal probabilities do not lie", (model, tags, frequencies), {"optimal": optimal + 1}),
        (DataError, "true tags hold -1", (model, np.where(tags > 0, 1, -1), frequencies), {}),
        (DataError, "true tags hold nan", (model, np.where(tags > 0, 1, np.nan), frequencies), {}),
        (ShapeError, "probabilities predicted have shape", (model[:, :5], tags, frequencies), {}),
        (ShapeError, "frequencies of tags have shape", (model, tags, frequencies[:5]), {}),
        (ShapeError, "neither 0", (model[:0], tags[:0], frequencies), {}),
        (ConfigError, "first 13 tags", (model, tags, frequencies), {"ks": [13]}),
        (ConfigError, "first no tags", (model, tags, frequencies), {"ks": []}),
        (ConfigError, "floor", (model, tags, frequencies), {"floor": 0}),
        (ConfigError, "at least 1 image", (model, tags, frequencies), {"minimum_positives": 0}),
    ):
        with pytest.raises(error, match=text):
            tag_prediction.evaluate(*given, **settings)
