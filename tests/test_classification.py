# SPDX-License-Identifier: MIT
"""The protocol of classification, against the same protocol in plain steps of scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.svm import LinearSVC
from test_rankings import by_counting

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation.classification import TRAIN_ON, Answers, Query, evaluate, evaluate_each
from mvi.evaluation.linear_baselines import concatenated, mean_imputed
from mvi.evaluation.logistic_classifier import Logistic
from mvi.evaluation.metrics import DEFINITIONS
from mvi.evaluation.queries import queries_of
from mvi.evaluation.svm_classifier import Svm

QUERIES = ["left+right", "left", "right"]
C_GRID, LAMBDAS = [0.003, 0.1, 1.0], [0.003, 0.3, 0.03]
NAMES = ["sky", "sea", "cat"]


def make_features(multilabel, rows=240, width=12, seed=0):
    """Features of three queries, those of one modality noisier, labels and a split."""
    rng = np.random.default_rng(seed)
    if multilabel:
        both = rng.normal(size=(rows, width))
        noise = 2 * rng.normal(size=(rows, 3))
        labels = (both @ rng.normal(size=(width, 3)) + noise > [0, 1, 3]).astype(np.uint8)
    else:
        labels = rng.integers(0, 3, rows)
        both = rng.normal(size=(3, width))[labels] + 1.5 * rng.normal(size=(rows, width))
    features = {"left+right": both}
    features |= {name: both + rng.normal(size=both.shape) for name in ("left", "right")}
    order = rng.permutation(rows)
    split = {"train": order[:100], "validation": order[100:160], "test": order[160:]}
    return features, labels, split


def classifier_of(multilabel, **settings):
    if multilabel:
        return Logistic(LAMBDAS, **{"classes": NAMES, "k": 10, "tolerance": 1e-7} | settings)
    return Svm(C_GRID, **{"tolerance": 1e-5} | settings)


def asked(features):
    """Queries that read arrays."""
    return [Query(name, rows.__getitem__) for name, rows in features.items()]


def values(scores):
    """Value by what identifies it."""
    found = {(s.query, s.iterations, s.part, s.metric, s.label): s.value for s in scores}
    assert len(found) == len(scores) and all(isinstance(s.value, int | float) for s in scores)
    return found


def score(multilabel, features, labels, split, **settings):
    own = {key: settings.pop(key) for key in ("train_on",) if key in settings}
    return values(evaluate(asked(features), labels, split, classifier_of(multilabel, **settings), **own))


class ByHand:
    """Each classifier in scikit-learn, and what it is scored by."""

    def __init__(self, multilabel, chosen_by="interpolated"):
        self.multilabel, self.chosen_by = multilabel, chosen_by
        self.grid = LAMBDAS if multilabel else C_GRID

    def fit(self, X, y, setting, near=None):
        if not self.multilabel:
            return LinearSVC(C=setting, dual=False, tol=1e-8, max_iter=100_000).fit(X, y)
        C = 1 / (setting * len(X))
        models = [LogisticRegression(C=C, tol=1e-9, max_iter=5000).fit(X, y[:, k]) for k in range(3)]
        return lambda rows: np.stack([model.decision_function(rows) for model in models], axis=1)

    def scores(self, model, X, y):
        if not self.multilabel:
            return {("error", ""): 100 * np.mean(model.predict(X) != y)}
        logits = model(X)
        ap = {
            (f"ap_{definition}", name): by_counting(logits[:, k], y[:, k], definition)
            for definition in DEFINITIONS
            for k, name in enumerate(NAMES)
        }
        means = {(f"map_{d}", ""): np.mean([ap[f"ap_{d}", name] for name in NAMES]) for d in DEFINITIONS}
        top = [y[np.argsort(-logits[:, k])[:10], k].mean() for k in range(3)]
        return ap | means | {("precision_at_10", ""): np.mean(top), ("labels", ""): 3}

    def quality(self, model, X, y):
        found = self.scores(model, X, y)
        return found[f"map_{self.chosen_by}", ""] if self.multilabel else -found["error", ""]


def written_out(hand, features, labels, split, seen):
    """The protocol in plain steps; `seen` are the queries whose features train the classifier."""
    train, validation, test = (split[part] for part in ("train", "validation", "test"))

    def fitted(rows, setting):
        X = np.concatenate([features[query][rows] for query in seen])
        return hand.fit(X, np.concatenate([labels[rows]] * len(seen)), setting)

    models = {setting: fitted(train, setting) for setting in hand.grid}
    quality = {
        setting: np.mean([hand.quality(m, features[q][validation], labels[validation]) for q in seen])
        for setting, m in models.items()
    }
    best = max(hand.grid, key=quality.get)
    final = fitted(np.concatenate([train, validation]), best)
    expected = {("", None, "", "lambda" if hand.multilabel else "C", ""): best}
    for part, model, rows in (("validation", models[best], validation), ("test", final, test)):
        for query in QUERIES:
            for (metric, label), value in hand.scores(model, features[query][rows], labels[rows]).items():
                expected[query, None, part, metric, label] = value
    return expected


@pytest.mark.parametrize("train_on", TRAIN_ON)
@pytest.mark.parametrize("multilabel", [False, True], ids=["svm", "logistic"])
@pytest.mark.parametrize("seed", range(3))
def test_equals_the_protocol_written_out(multilabel, train_on, seed):
    features, labels, split = make_features(multilabel, seed=seed)
    found = score(multilabel, features, labels, split, train_on=train_on)
    seen = QUERIES if train_on == "mixed" else QUERIES[:1]
    expected = written_out(ByHand(multilabel), features, labels, split, seen)
    rest = {key: found.pop(key) for key in set(found) - set(expected)}
    assert found == pytest.approx(expected, abs=1e-12)
    counts = {(part, "rows"): len(rows) for part, rows in split.items()} | {("", "features"): 12}
    if multilabel:
        edge = expected["", None, "", "lambda", ""] != 0.03
        counts |= {("", "lambdas_tried"): 3, ("", "lambda_at_edge"): edge}
    assert rest == {("", None, part, metric, ""): value for (part, metric), value in counts.items()}


def test_another_definition_may_choose_lambda_and_scikit_learn_agrees_on_the_step():
    features, labels, split = make_features(True)
    found = score(True, features, labels, split, chosen_by="noninterpolated")
    expected = written_out(ByHand(True, "noninterpolated"), features, labels, split, QUERIES[:1])
    assert {key: found[key] for key in expected} == pytest.approx(expected, abs=1e-12)
    both = np.concatenate([split["train"], split["validation"]])
    setting = found["", None, "", "lambda", ""]
    model = classifier_of(True).fit(features["left"][both], Answers(labels[both]), setting)
    step = average_precision_score(labels[split["test"]], model.decision(features["left"][split["test"]]))
    alone = score(True, {"left": features["left"]}, labels, split, chosen_by="noninterpolated")
    if alone["", None, "", "lambda", ""] == setting:
        assert alone["left", None, "test", "map_step", ""] == pytest.approx(step)


@pytest.mark.parametrize("multilabel", [False, True])
def test_the_mean_of_the_queries_chooses_where_all_are_trained_on(multilabel):
    same = set()
    for seed in range(8):
        given = make_features(multilabel, seed=seed)
        chosen = [
            score(multilabel, *given, train_on=way)["", None, "", "lambda" if multilabel else "C", ""]
            for way in TRAIN_ON
        ]
        same.add(chosen[0] == chosen[1])
    assert same == {True, False}


def test_the_first_of_equally_good_settings_wins():
    features, labels, split = make_features(False)
    far = {name: rows + 100 * np.eye(12)[labels] for name, rows in features.items()}
    found = score(False, far, labels, split)
    assert found["left+right", None, "validation", "error", ""] == 0
    assert found["", None, "", "C", ""] == C_GRID[0]
    features, labels, split = make_features(True)
    features["left+right"][:, :3] = 20.0 * labels
    assert score(True, features, labels, split)["", None, "", "lambda", ""] == 0.3


@pytest.mark.parametrize("multilabel", [False, True])
def test_test_rows_are_read_last_and_choose_nothing(multilabel):
    features, labels, split = make_features(multilabel)
    reads = []

    def query(name):
        def read(rows):
            reads.append((name, set(rows)))
            return features[name][rows]

        return Query(name, read)

    classifier = classifier_of(multilabel)
    found = values(evaluate([query(name) for name in QUERIES], labels, split, classifier))
    assert found == score(multilabel, features, labels, split)
    test = set(split["test"])
    assert reads[-3:] == [(name, test) for name in QUERIES]
    assert not any(rows & test for _, rows in reads[:-3])
    # What lacks a modality trains nothing.
    assert all(name == "left+right" for name, rows in reads if rows & set(split["train"]))
    changed = labels.copy()
    changed[split["test"]] = 1 - changed[split["test"]] if multilabel else (changed[split["test"]] + 1) % 3
    unimodal = {name: rows[::-1] if name != "left+right" else rows for name, rows in features.items()}
    others = score(multilabel, features, changed, split)
    metric = "map_step" if multilabel else "error"
    assert others["left", None, "test", metric, ""] != found["left", None, "test", metric, ""]
    kept = [key for key in found if key[2] != "test"]
    assert [others[key] for key in kept] == [found[key] for key in kept]
    others = score(multilabel, unimodal, labels, split)
    kept = [key for key in found if key[0] in ("", "left+right")]
    assert [others[key] for key in kept] == [found[key] for key in kept]


def test_iterations_tell_queries_of_one_name_apart():
    features, labels, split = make_features(True)
    given = [Query("left+right", features["left+right"].__getitem__)]
    given += [Query("left", features[name].__getitem__, n) for n, name in ((0, "left"), (10, "right"))]
    found = values(evaluate(given, labels, split, classifier_of(True)))
    expected = score(True, features, labels, split)
    named = {"left": ("left", 0), "right": ("left", 10)}
    assert found == {(*named.get(key[0], key[:2]), *key[2:]): value for key, value in expected.items()}


def test_labels_without_a_positive_row_are_left_out_and_counted():
    features, labels, split = make_features(True)
    alone = {"left+right": features["left+right"]}
    whole = score(True, alone, labels, split)
    wider = np.concatenate([labels, np.zeros((240, 3), np.uint8)], axis=1)
    wider[split["test"], 4] = labels[split["test"], 0]
    wider[:, 5] = labels[:, 1]
    wider[split["test"], 5] = 0
    names = [*NAMES, "never", "test_only", "untested"]
    found = score(True, alone, wider, split, classes=names)
    labelled = {
        part: {key[4] for key in found if key[2] == part and key[4]} for part in ("test", "validation")
    }
    assert labelled == {"test": set(NAMES), "validation": {*NAMES, "untested"}}
    at = "left+right", None
    assert (found[*at, "test", "labels", ""], found[*at, "validation", "labels", ""]) == (3, 4)
    assert found[*at, "test", "map_step", ""] == pytest.approx(whole[*at, "test", "map_step", ""], abs=0.05)


def test_constant_columns_and_float32():
    features, labels, split = make_features(True)
    X = features["left+right"]
    wide = np.concatenate([X, np.zeros((240, 1)), np.full((240, 1), 3.0)], axis=1).astype(np.float32)
    found = score(True, {"left+right": wide}, labels, split, tolerance=1e-5)
    expected = score(True, {"left+right": X}, labels, split)
    key = "left+right", None, "test", "map_interpolated", ""
    assert found["", None, "", "features", ""] == 14
    assert found[key] == pytest.approx(expected[key], abs=2e-3)


@pytest.mark.parametrize("train_on", TRAIN_ON)
def test_copies_train_with_their_multimodal_features_only(train_on):
    features, labels, split = make_features(False, rows=300)
    split = {"train": np.arange(100), "validation": np.arange(100, 150), "test": np.arange(150, 200)}
    split["copies"] = np.arange(200, 300)
    # What is read of copies but their multimodal features would be noticed.
    features |= {name: features[name][:200] for name in ("left", "right")}
    classifier = Svm([0.1], 1e-5)
    found = values(evaluate(asked(features), labels, split, classifier, train_on=train_on))
    one_sided = ["left", "right"] if train_on == "mixed" else []
    rows, both = np.arange(150), np.r_[np.arange(150), split["copies"]]
    X = np.concatenate([features["left+right"][both], *(features[name][rows] for name in one_sided)])
    y = np.concatenate([labels[both], *(labels[rows] for _ in one_sided)])
    model = ByHand(False).fit(X, y, 0.1)
    for query in QUERIES:
        expected = ByHand(False).scores(model, features[query][split["test"]], labels[split["test"]])
        assert found[query, None, "test", "error", ""] == pytest.approx(expected["error", ""])
    assert found["", None, "copies", "rows", ""] == found["", None, "train", "rows", ""] == 100


def make_halves():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, 240)
    halves = {
        name: (rng.random((3, 7))[labels] * 0.6 + 0.4 * rng.random((240, 7))).astype(np.float32)
        for name in ("left", "right")
    }
    split = {"train": np.arange(120), "validation": np.arange(120, 180), "test": np.arange(180, 240)}
    return halves, labels, split


def test_raw_pixels_with_a_classifier_for_each_query():
    halves, labels, split = make_halves()
    inputs = {"left+right": np.concatenate([halves["left"], halves["right"]], axis=1), **halves}
    found = values(evaluate_each(concatenated(halves, QUERIES), labels, split, classifier_of(False)))
    for query, X in inputs.items():
        alone = score(False, {query: X}, labels, split)
        expected = {(query, *key[1:]): value for key, value in alone.items()}
        assert {key: value for key, value in found.items() if key[0] == query} == expected
    assert len({found[query, None, "", "C", ""] for query in QUERIES}) > 1


def test_raw_pixels_with_the_missing_half_at_its_training_mean():
    halves, labels, split = make_halves()
    filled = {"left+right": np.concatenate([halves["left"], halves["right"]], axis=1)}
    for given, missing in (("left", "right"), ("right", "left")):
        mean = np.broadcast_to(halves[missing][split["train"]].mean(0), halves[missing].shape)
        parts = {given: halves[given], missing: mean}
        filled[given] = np.concatenate([parts["left"], parts["right"]], axis=1)
    queries = mean_imputed(halves, QUERIES, split["train"])
    found = values(evaluate(queries, labels, split, classifier_of(False)))
    expected = written_out(ByHand(False), filled, labels, split, QUERIES[:1])
    assert {key: found[key] for key in expected} == pytest.approx(expected)
    # Two means of 120 positive numbers in float32, each summed in an order of its own.
    rounding = 2 * 120 * np.finfo(np.float32).eps
    np.testing.assert_allclose(queries[1].read(np.array([3]))[:, 7:], filled["left"][[3], 7:], rtol=rounding)


def test_queries_of_two_halves():
    assert queries_of(["left", "right"]) == QUERIES


def test_what_does_not_fit_is_refused():
    for multilabel, wrong, match in (
        (False, lambda labels: np.eye(3)[labels], "one class index"),
        (True, lambda labels: labels[:, :2], "3 names"),
        (True, lambda labels: labels[:, 0], "3 names"),
    ):
        features, labels, split = make_features(multilabel)
        with pytest.raises(ShapeError, match=match):
            score(multilabel, features, wrong(labels), split)
    features, labels, split = make_features(True)
    for error, match, changes in (
        (ConfigError, "train_on is 'all'", {"train_on": "all"}),
        (ConfigError, "chosen_by is 'voc'", {"chosen_by": "voc"}),
    ):
        with pytest.raises(error, match=match):
            score(True, features, labels, split, **changes)
    with pytest.raises(ConfigError, match="grid"):
        evaluate(asked(features), labels, split, Logistic([], NAMES))
    for known, match in (
        (["train"], "no validation and no test rows"),
        (["train", "validation"], "no test rows"),
    ):
        with pytest.raises(DataError, match=match):
            score(True, features, labels, {part: split[part] for part in known})
    with pytest.raises(DataError, match="test part .* no label"):
        score(True, features, labels, split | {"test": np.array([3, 240])})
    with pytest.raises(DataError, match="No label has both"):
        score(True, features, 0 * labels, split)
    only_trained = labels.copy()
    only_trained[split["test"]] = 0
    with pytest.raises(DataError, match="has a test row"):
        score(True, features, only_trained, split)
    with pytest.raises(ShapeError, match="11 and 12 features"):
        score(True, features | {"right": features["right"][:, :11]}, labels, split)
    for names, match in ((["left", "left"], "left, left; give each one once"), ([], "none")):
        with pytest.raises(ConfigError, match=match):
            evaluate([Query(name, features["left"].__getitem__) for name in names], labels, split, Svm([1.0]))
