# SPDX-License-Identifier: MIT
"""The classification protocol against the same protocol written out with scikit-learn."""

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation import protocol
from mvi.evaluation.queries import queries_of

QUERIES = ["left+right", "left", "right"]
GRID = [0.003, 0.1, 1.0]
EXACT = 1e-5


def make_features(rows=240, width=12, seed=0):
    """Features of three queries: those of one half are noisy versions of the multimodal ones."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, rows)
    both = rng.normal(size=(3, width))[labels] + 1.5 * rng.normal(size=(rows, width))
    features = {"left+right": both}
    for name in ("left", "right"):
        features[name] = both + rng.normal(size=both.shape)
    order = rng.permutation(rows)
    split = {"train": order[:120], "validation": order[120:180], "test": order[180:]}
    return {name: value.astype(np.float32) for name, value in features.items()}, labels, split


def svm(features, labels, C):
    return LinearSVC(C=C, dual=False, tol=1e-8, max_iter=100_000).fit(features, labels)


def error(model, features, labels):
    return 100 * np.mean(model.predict(features) != labels)


def written_out(features, labels, split, seen):
    """The protocol in plain steps; `seen` are the queries whose features train the classifier."""
    train, validation, test = (split[name] for name in ("train", "validation", "test"))
    many = len(seen)
    errors, models = [], []
    for C in GRID:
        stacked = np.concatenate([features[q][train] for q in seen])
        models.append(svm(stacked, np.tile(labels[train], many), C))
        errors.append(np.mean([error(models[-1], features[q][validation], labels[validation]) for q in seen]))
    best = int(np.argmin(errors))
    rows = np.concatenate([train, validation])
    stacked = np.concatenate([features[q][rows] for q in seen])
    final = svm(stacked, np.tile(labels[rows], many), GRID[best])
    scores = {"C": GRID[best]}
    for q in QUERIES:
        scores[f"validation_error/{q}"] = error(models[best], features[q][validation], labels[validation])
        scores[f"test_error/{q}"] = error(final, features[q][test], labels[test])
    return scores


@pytest.mark.parametrize("train_on", ["multimodal", "mixed"])
@pytest.mark.parametrize("seed", range(3))
def test_equals_the_protocol_written_out(train_on, seed):
    features, labels, split = make_features(seed=seed)
    scores = protocol.evaluate(
        features, labels, split, GRID, queries=QUERIES, train_on=train_on, tolerance=EXACT
    )
    seen = QUERIES if train_on == "mixed" else QUERIES[:1]
    expected = written_out(features, labels, split, seen)
    assert scores.pop("train_on") == train_on
    rows = {name: scores.pop(f"rows/{name}") for name in split}
    assert rows == {"train": 120, "validation": 60, "test": 60}
    assert scores == pytest.approx(expected)


def test_first_of_equally_good_values_wins():
    features, labels, split = make_features()
    # Classes so far apart that every C makes no error.
    features = {name: value + 100 * np.eye(12)[labels] for name, value in features.items()}
    scores = protocol.evaluate(features, labels, split, GRID, queries=QUERIES)
    assert scores["validation_error/left+right"] == 0
    assert scores["C"] == GRID[0]


def test_test_rows_are_read_last_and_their_labels_choose_nothing():
    features, labels, split = make_features()
    reads = []

    def read(query, rows):
        reads.append((query, set(rows)))
        return features[query][rows]

    scores = protocol.evaluate(read, labels, split, GRID, queries=QUERIES)
    test = set(split["test"])
    touched = [query for query, rows in reads if rows & test]
    assert touched == QUERIES and all(rows == test for _, rows in reads[-3:])
    # One-sided training rows are never asked for.
    assert all(query == "left+right" for query, rows in reads if rows & set(split["train"]))

    changed = labels.copy()
    changed[split["test"]] = (changed[split["test"]] + 1) % 3
    others = protocol.evaluate(features, changed, split, GRID, queries=QUERIES)
    assert others["test_error/left"] != scores["test_error/left"]
    for key in ("C", "validation_error/left", "validation_error/left+right"):
        assert others[key] == scores[key]


def test_a_mapping_and_a_reader_give_the_same_and_nothing_is_changed():
    features, labels, split = make_features()
    kept = {name: value.copy() for name, value in features.items()}
    by_mapping = protocol.evaluate(features, labels, split, GRID, queries=QUERIES)
    by_reader = protocol.evaluate(
        lambda query, rows: features[query][rows], labels, split, GRID, queries=QUERIES
    )
    assert by_mapping == by_reader
    for name, value in kept.items():
        np.testing.assert_array_equal(features[name], value)


def make_halves():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, 240)
    halves = {
        name: rng.random((3, 7))[labels] * 0.6 + 0.4 * rng.random((240, 7)) for name in ("left", "right")
    }
    split = {"train": np.arange(120), "validation": np.arange(120, 180), "test": np.arange(180, 240)}
    return {name: half.astype(np.float32) for name, half in halves.items()}, labels, split


def test_raw_pixels_with_a_classifier_for_each_query():
    halves, labels, split = make_halves()
    scores = protocol.evaluate_raw_own(halves, labels, split, GRID, queries=QUERIES, tolerance=EXACT)
    inputs = {
        "left+right": np.concatenate([halves["left"], halves["right"]], axis=1),
        **halves,
    }
    rows = np.concatenate([split["train"], split["validation"]])
    for query, X in inputs.items():
        models = [svm(X[split["train"]], labels[split["train"]], C) for C in GRID]
        errors = [error(m, X[split["validation"]], labels[split["validation"]]) for m in models]
        best = int(np.argmin(errors))
        assert scores[f"C/{query}"] == GRID[best]
        assert scores[f"validation_error/{query}"] == pytest.approx(errors[best])
        final = svm(X[rows], labels[rows], GRID[best])
        assert scores[f"test_error/{query}"] == pytest.approx(
            error(final, X[split["test"]], labels[split["test"]])
        )
    assert scores["train_on"] == "own" and scores["rows/test"] == 60


def test_raw_pixels_with_the_missing_half_at_its_training_mean():
    halves, labels, split = make_halves()
    filled = {"left+right": np.concatenate([halves["left"], halves["right"]], axis=1)}
    for given, missing in (("left", "right"), ("right", "left")):
        mean = np.broadcast_to(halves[missing][split["train"]].mean(0), halves[missing].shape)
        parts = {given: halves[given], missing: mean}
        filled[given] = np.concatenate([parts["left"], parts["right"]], axis=1)
    scores = protocol.evaluate_raw_filled(halves, labels, split, GRID, queries=QUERIES, tolerance=EXACT)
    expected = written_out(filled, labels, split, QUERIES[:1])
    assert {key: scores[key] for key in expected} == pytest.approx(expected)


def test_queries_of_two_halves():
    assert queries_of(["left", "right"]) == QUERIES


def test_what_does_not_fit_is_refused():
    features, labels, split = make_features()
    with pytest.raises(ConfigError, match="train_on"):
        protocol.evaluate(features, labels, split, GRID, queries=QUERIES, train_on="all")
    with pytest.raises(DataError, match="'right'"):
        protocol.evaluate(
            {"left+right": features["left+right"], "left": features["left"]},
            labels,
            split,
            GRID,
            queries=QUERIES,
        )
    with pytest.raises(DataError, match="no test rows"):
        protocol.evaluate(features, labels, {**split, "test": []}, GRID, queries=QUERIES)
    with pytest.raises(ShapeError, match="one class index"):
        protocol.evaluate(features, np.eye(3)[labels], split, GRID, queries=QUERIES)


@pytest.mark.parametrize(("train_on", "one_sided"), [("multimodal", []), ("mixed", ["left", "right"])])
def test_copies_train_with_their_multimodal_features_only(train_on, one_sided):
    features, labels, split = make_features(rows=300)
    split = {"train": np.arange(100), "validation": np.arange(100, 150), "test": np.arange(150, 200)}
    split["copies"] = np.arange(200, 300)
    # What is read of copies but their multimodal features would be noticed.
    for name in ("left", "right"):
        features[name] = features[name][:200]
    scores = protocol.evaluate(
        features, labels, split, [0.1], queries=QUERIES, train_on=train_on, tolerance=EXACT
    )
    rows = np.arange(150)
    seen = [features["left+right"][[*rows, *split["copies"]]], *(features[name][rows] for name in one_sided)]
    known = np.concatenate([labels[[*rows, *split["copies"]]], *(labels[rows] for _ in one_sided)])
    model = svm(np.concatenate(seen), known, 0.1)
    for query in QUERIES:
        expected = error(model, features[query][split["test"]], labels[split["test"]])
        assert scores[f"test_error/{query}"] == pytest.approx(expected)
    assert (scores["rows/train"], scores["rows/copies"]) == (100, 100)
