# SPDX-License-Identifier: MIT
"""The protocol for several labels a row, against the same protocol in plain steps of scikit-learn."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation import multilabel

GRID = [0.003, 0.3, 0.03]
NAMES = ["sky", "sea", "cat"]
EXACT = 1e-7


def make_features(rows=200, width=10, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, width))
    labels = (X @ rng.normal(size=(width, 3)) + 2 * rng.normal(size=(rows, 3)) > [0, 1, 3]).astype(np.uint8)
    order = rng.permutation(rows)
    return X, labels, {"train": order[:80], "validation": order[80:130], "test": order[130:]}


def evaluate(X, labels, split, grid=GRID, **settings):
    settings = {"classes": NAMES, "tolerance": EXACT, "top": 10} | settings
    return multilabel.evaluate(X, labels, split, grid, **settings)


def by_counting(scores, relevant, definition):
    """Average precision by counting over all pairs of rows (no equal scores)."""
    relevant = np.asarray(relevant, bool)
    above = scores[None, :] >= scores[:, None]
    rank, found = above.sum(1), (above & relevant).sum(1)
    if definition != "interpolated":
        return np.mean((found / rank)[relevant])
    # The best precision at this recall or a later one, with the reference code's constants.
    precision = found / (rank + 1e-4)
    best = [precision[scores <= scores[i]].max() for i in np.flatnonzero(relevant)]
    return sum(best) / (relevant.sum() + 1e-4)


@pytest.mark.parametrize("definition", list(multilabel.DEFINITIONS))
@pytest.mark.parametrize("seed", range(5))
def test_average_precision_by_counting(definition, seed):
    rng = np.random.default_rng(seed)
    scores, relevant = rng.permutation(60) / 7, rng.random(60) < 0.2
    found = multilabel.DEFINITIONS[definition](scores, relevant)
    assert found == pytest.approx(by_counting(scores, relevant, definition), abs=1e-12)


def written_out(X, labels, split, chosen_by="interpolated"):
    train, validation, test = (split[part] for part in ("train", "validation", "test"))

    def logits(rows, penalty, of):
        models = [LogisticRegression(C=1 / (penalty * len(rows)), tol=1e-9, max_iter=5000) for _ in NAMES]
        fitted = [model.fit(X[rows], labels[rows, k]) for k, model in enumerate(models)]
        return np.stack([model.decision_function(X[of]) for model in fitted], axis=1)

    def mean_ap(scores, rows, definition):
        return np.mean([by_counting(scores[:, k], labels[rows, k], definition) for k in range(3)])

    def precision(scores, rows):
        return np.mean([labels[rows, k][np.argsort(-scores[:, k])[:10]].mean() for k in range(3)])

    tried = {penalty: logits(train, penalty, validation) for penalty in GRID}
    best = max(GRID, key=lambda penalty: mean_ap(tried[penalty], validation, chosen_by))
    both = np.concatenate([train, validation])
    scores = {"penalty": best}
    for part, rows, found in (
        ("validation", validation, tried[best]),
        ("test", test, logits(both, best, test)),
    ):
        scores[f"{part}_precision/10"] = precision(found, rows)
        for definition in multilabel.DEFINITIONS:
            scores[f"{part}_map/{definition}"] = mean_ap(found, rows, definition)
            for k, name in enumerate(NAMES):
                value = by_counting(found[:, k], labels[rows, k], definition)
                scores[f"{part}_ap/{definition}/{name}"] = value
    return scores


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("chosen_by", ["interpolated", "noninterpolated"])
def test_equals_the_protocol_written_out(seed, chosen_by):
    X, labels, split = make_features(seed=seed)
    scores = evaluate(X, labels, split, chosen_by=chosen_by)
    expected = written_out(X, labels, split, chosen_by)
    rest = {key: scores.pop(key) for key in set(scores) - set(expected)}
    assert scores == pytest.approx(expected, abs=1e-12)
    assert rest == {
        "penalties_tried": 3,
        "penalty_at_edge": expected["penalty"] != 0.03,
        "chosen_by": chosen_by,
        "features": 10,
        "validation_labels": 3,
        "test_labels": 3,
        **{"rows/train": 80, "rows/validation": 50, "rows/test": 70},
    }
    step = average_precision_score(labels[split["test"]], _test_logits(X, labels, split, scores["penalty"]))
    assert scores["test_map/step"] == pytest.approx(step)


def _test_logits(X, labels, split, penalty):
    rows = np.concatenate([split["train"], split["validation"]])
    fitted = multilabel.fit(X[rows], labels[rows], penalty=penalty, tolerance=EXACT)
    return fitted.decision(X[split["test"]])


def test_a_grid_of_one_is_a_fixed_penalty_and_ties_go_to_the_larger():
    X, labels, split = make_features()
    fixed = evaluate(X, labels, split, [0.001])
    assert fixed["penalty"] == 0.001 and fixed["penalty_at_edge"] is False
    # Labels that a feature tells: every lambda ranks without an error.
    X[:, :3] = 20.0 * labels
    assert evaluate(X, labels, split)["penalty"] == 0.3


def test_test_rows_are_read_last_and_their_labels_choose_nothing():
    X, labels, split = make_features()
    reads = []

    def read(rows):
        reads.append(set(rows))
        return X[rows]

    scores = evaluate(read, labels, split)
    test = set(split["test"])
    assert [bool(rows & test) for rows in reads] == [False, False, False, True]
    assert scores == evaluate(X, labels, split)
    changed = labels.copy()
    changed[split["test"]] ^= 1
    others = evaluate(X, changed, split)
    assert others["test_map/step"] != scores["test_map/step"]
    kept = [key for key in scores if not key.startswith("test")]
    assert [others[key] for key in kept] == [scores[key] for key in kept]


def test_labels_without_a_positive_row_are_left_out_and_counted():
    X, labels, split = make_features()
    whole = evaluate(X, labels, split, [0.03])
    wider = np.concatenate([labels, np.zeros((200, 3), np.uint8)], axis=1)
    names = [*NAMES, "never", "test_only", "untested"]
    wider[split["test"], 4] = labels[split["test"], 0]
    wider[:, 5] = labels[:, 1]
    wider[split["test"], 5] = 0
    scores = evaluate(X, wider, split, [0.03], classes=names)
    assert scores["test_labels"] == 3 and scores["validation_labels"] == 4
    assert scores["test_map/step"] == pytest.approx(whole["test_map/step"])
    listed = {key.rsplit("/", 1)[1] for key in scores if key.startswith("test_ap/")}
    assert listed == set(NAMES)
    assert {key for key in scores if key.startswith("validation_ap/step/")} == {
        f"validation_ap/step/{name}" for name in [*NAMES, "untested"]
    }
    # Score files refuse numbers that are not finite.
    json.dumps(scores, allow_nan=False)


def test_constant_columns_and_float32():
    X, labels, split = make_features()
    wide = np.concatenate([X, np.zeros((200, 1)), np.full((200, 1), 3.0)], axis=1).astype(np.float32)
    scores, expected = evaluate(wide, labels, split, tolerance=1e-5), evaluate(X, labels, split)
    assert scores["features"] == 12
    assert scores["test_map/interpolated"] == pytest.approx(expected["test_map/interpolated"], abs=2e-3)


def test_precision_at():
    scores, relevant = [5.0, 4.0, 3.0, 2.0, 1.0], [1, 0, 1, 1, 0]
    assert multilabel.precision_at(scores, relevant, 1) == 1
    assert multilabel.precision_at(scores, relevant, 4) == 0.75
    assert multilabel.precision_at(scores, relevant, 50) == 0.6
    # Equal scores keep the rows' order.
    assert multilabel.precision_at([1.0, 1.0, 1.0], [0, 1, 1], 2) == 0.5
    with pytest.raises(ConfigError, match="from 1"):
        multilabel.precision_at(scores, relevant, 0)
    with pytest.raises(ShapeError, match="same length"):
        multilabel.precision_at(scores, relevant[1:], 1)


def test_mean_average_precision_skips_and_counts():
    scores, truth = np.array([[3.0, 1], [2, 2], [1, 3]]), np.array([[0, 0], [1, 0], [0, 0]])
    assert multilabel.mean_average_precision(scores, truth, "step") == (0.5, 1)
    mean, count = multilabel.mean_average_precision(scores, 0 * truth)
    assert np.isnan(mean) and count == 0
    with pytest.raises(ConfigError, match="'voc' is none of interpolated"):
        multilabel.mean_average_precision(scores, truth, "voc")
    with pytest.raises(ShapeError):
        multilabel.mean_average_precision(scores, truth[:, :1])


def test_arguments_that_do_not_fit_are_refused():
    X, labels, split = make_features()
    with pytest.raises(ShapeError, match="3 names"):
        evaluate(X, labels[:, :2], split)
    with pytest.raises(ShapeError, match="3 names"):
        evaluate(X, labels[:, 0], split)
    with pytest.raises(DataError, match="no validation rows"):
        evaluate(X, labels, split | {"validation": []})
    with pytest.raises(DataError, match="test part .* no label"):
        evaluate(X, labels, split | {"test": np.array([3, 200])})
    with pytest.raises(ConfigError, match="chosen_by"):
        evaluate(X, labels, split, chosen_by="voc")
    with pytest.raises(ConfigError, match="grid"):
        evaluate(X, labels, split, [])
    with pytest.raises(DataError, match="No label has both"):
        evaluate(X, 0 * labels, split)
    only_trained = labels.copy()
    only_trained[split["test"]] = 0
    with pytest.raises(DataError, match="no test|test row"):
        evaluate(X, only_trained, split)
