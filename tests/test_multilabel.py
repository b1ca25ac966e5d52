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


def test_arguments_that_do_not_fit_are_refused():
    X, labels, split = make_features()
    with pytest.raises(ShapeError, match="3 names"):
        evaluate(X, labels[:, :2], split)
    with pytest.raises(ShapeError, match="3 names"):
        evaluate(X, labels[:, 0], split)
    for wrong in (-1.0, np.nan, 0.5):
        spoiled = labels.astype(float)
        spoiled[split["test"][0], 0] = wrong
        with pytest.raises(DataError, match=f"labels hold {wrong}"):
            evaluate(lambda rows: pytest.fail("refused before anything is read"), spoiled, split)
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


QUERIES = ["image+text", "image", "text"]


def make_queries(seed=0):
    """Features of three queries: those with one modality lack half of what the first one knows."""
    X, labels, split = make_features(seed=seed)
    rng = np.random.default_rng(seed + 100)
    lacking = {"image": slice(5, 10), "text": slice(0, 5)}
    features = {"image+text": X}
    for query, columns in lacking.items():
        features[query] = X.copy()
        features[query][:, columns] = 0.3 * rng.normal(size=(200, 5))
    return features, labels, split


def evaluate_queries(features, labels, split, grid=GRID, queries=QUERIES, **settings):
    settings = {"classes": NAMES, "tolerance": EXACT, "top": 10} | settings
    read = lambda query, rows: features[query][rows]  # noqa: E731
    return multilabel.evaluate_queries(read, labels, split, grid, queries=queries, **settings)


def test_one_query_is_the_case_of_evaluate():
    features, labels, split = make_queries()
    scores = evaluate_queries(features, labels, split, queries=["image+text"])
    assert scores.pop("train_on") == "multimodal"
    whole = evaluate(features["image+text"], labels, split)
    prefixed = ("test_", "validation_")
    expected = {f"image+text/{key}" if key.startswith(prefixed) else key: whole[key] for key in whole}
    assert scores == expected


@pytest.mark.parametrize("train_on", ["multimodal", "mixed"])
def test_queries_equal_the_protocol_written_out(train_on):
    features, labels, split = make_queries()
    scores = evaluate_queries(features, labels, split, train_on=train_on)
    seen = QUERIES if train_on == "mixed" else QUERIES[:1]

    def logits(rows, penalty, query, of):
        X = np.concatenate([features[name][rows] for name in seen])
        y = np.concatenate([labels[rows]] * len(seen))
        models = [LogisticRegression(C=1 / (penalty * len(X)), tol=1e-9, max_iter=5000) for _ in NAMES]
        fitted = [model.fit(X, y[:, k]) for k, model in enumerate(models)]
        return np.stack([model.decision_function(features[query][of]) for model in fitted], axis=1)

    def mean_ap(found, rows, definition="interpolated"):
        return np.mean([by_counting(found[:, k], labels[rows, k], definition) for k in range(3)])

    train, validation, test = (split[part] for part in ("train", "validation", "test"))
    tried = {
        value: np.mean([mean_ap(logits(train, value, query, validation), validation) for query in seen])
        for value in GRID
    }
    best = max(GRID, key=tried.get)
    assert scores["penalty"] == best and scores["train_on"] == train_on
    both = np.concatenate([train, validation])
    for query in QUERIES:
        for part, seen_rows, rows in (("validation", train, validation), ("test", both, test)):
            found = logits(seen_rows, best, query, rows)
            for definition in multilabel.DEFINITIONS:
                key = f"{query}/{part}_map/{definition}"
                assert scores[key] == pytest.approx(mean_ap(found, rows, definition), abs=1e-12), key
                key = f"{query}/{part}_ap/{definition}/cat"
                expected = by_counting(found[:, 2], labels[rows, 2], definition)
                assert scores[key] == pytest.approx(expected, abs=1e-12)
            assert scores[f"{query}/{part}_labels"] == 3
            assert 0 < scores[f"{query}/{part}_precision/10"] <= 1
    assert scores["features"] == 10 and scores["rows/train"] == 80
    # The whole row says more than a half, and the classifier knows it.
    assert scores["image+text/test_map/step"] > scores["image/test_map/step"]


def test_the_mean_of_the_queries_chooses_lambda_where_all_are_trained_on():
    chosen = set()
    for seed in range(8):
        features, labels, split = make_queries(seed)
        of = [
            evaluate_queries(features, labels, split, train_on=way)["penalty"] for way in multilabel.TRAIN_ON
        ]
        chosen.add(of[0] == of[1])
    assert chosen == {True, False}


def test_unimodal_and_test_rows_choose_nothing():
    features, labels, split = make_queries()
    scores = evaluate_queries(features, labels, split)
    changed = {"image+text": features["image+text"].copy()} | {q: features[q][::-1] for q in QUERIES[1:]}
    changed["image+text"][split["test"]] = 0
    others = evaluate_queries(changed, labels, split)
    same = ("penalty", "image+text/validation_map/interpolated", "image+text/validation_precision/10")
    assert [others[key] for key in same] == [scores[key] for key in same]
    assert others["image/validation_map/step"] != scores["image/validation_map/step"]
    assert others["image+text/test_map/step"] != scores["image+text/test_map/step"]


@pytest.mark.parametrize("chosen_by", ["interpolated", "step"])
def test_iterations_are_judged_by_one_classifier_of_multimodal_rows(chosen_by):
    features, labels, split = make_queries()
    asked = []

    def text(rows):
        asked.append(set(rows))
        return features["text"][rows]

    settings = {"classes": NAMES, "tolerance": EXACT, "top": 10, "chosen_by": chosen_by}
    unimodal = {10: lambda rows: features["image"][rows], 0: text}
    multimodal = lambda rows: features["image+text"][rows]  # noqa: E731
    found = multilabel.sweep(multimodal, unimodal, labels, split, GRID, **settings)
    # What lacks a modality is judged on validation and test rows, and trains nothing.
    assert asked == [set(split["validation"]), set(split["test"])]
    arrays = {10: features["image"], 0: features["text"]}
    assert multilabel.sweep(features["image+text"], arrays, labels, split, GRID, **settings) == found
    # All that `evaluate_queries` gives, the queries by other names.
    expected = evaluate_queries(features, labels, split, chosen_by=chosen_by)
    names = {"image/": "image/n10/", "text/": "image/n0/"}
    for old, new in names.items():
        expected = {
            new + key.removeprefix(old) if key.startswith(old) else key: value
            for key, value in expected.items()
            if not key.startswith(new)
        }
    assert found == expected
    assert {f"image/n{n}/{part}_map/step" for n in (0, 10) for part in ("test", "validation")} < set(found)
    assert {"image+text/test_precision/10", "image/n0/test_ap/step/cat", "image/n10/test_labels"} < set(found)
    assert (found["rows/test"], found["train_on"], found["chosen_by"]) == (70, "multimodal", chosen_by)
    assert not [key for key in found if key.startswith(("test_", "validation_", "image/test", "image/valid"))]


def test_iterations_have_names_of_their_own_and_precision_of_fifty_rows():
    features, labels, split = make_queries()
    settings = {"classes": NAMES, "queries": ("all", "words")}
    found = multilabel.sweep(features["image+text"], {3: features["text"]}, labels, split, [0.03], **settings)
    prefixes = {key.rpartition("/")[0].split("/test")[0] for key in found if "/test_" in key}
    assert prefixes == {"all", "words/n3"}
    assert [key for key in found if "test_precision" in key] == [
        "all/test_precision/50",
        "words/n3/test_precision/50",
    ]


def test_queries_that_do_not_fit_are_refused():
    features, labels, split = make_queries()
    with pytest.raises(ConfigError, match="train_on is 'all'"):
        evaluate_queries(features, labels, split, train_on="all")
    with pytest.raises(ConfigError, match="once"):
        evaluate_queries(features, labels, split, queries=["image", "image"])
    with pytest.raises(ConfigError, match="none"):
        evaluate_queries(features, labels, split, queries=[])
    for known, match in (
        (["train"], "no validation and no test rows"),
        (["train", "validation"], "no test rows"),
    ):
        parts = {part: split[part] for part in known}
        with pytest.raises(DataError, match=match):
            multilabel.sweep(features["text"], {}, labels, parts, GRID, classes=NAMES)
    with pytest.raises(ShapeError, match="9 and 10 features"):
        evaluate_queries(features | {"text": features["text"][:, :9]}, labels, split)
