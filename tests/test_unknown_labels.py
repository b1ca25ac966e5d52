# SPDX-License-Identifier: MIT
"""Labels that nobody knows: a row counts neither for nor against a class, in training, choice and scores.

Toy data worked by hand; what an unknown label is set to changes nothing.
"""

import numpy as np
import pytest

from mvi.data.store import Store
from mvi.data.store_writer import Dense, writing_store
from mvi.errors import DataError, ShapeError
from mvi.evaluation import logistic, retrieval
from mvi.evaluation.classification import Query, evaluate
from mvi.evaluation.linear_baselines import baseline
from mvi.evaluation.logistic_classifier import Logistic
from mvi.evaluation.svm_classifier import Svm

METRICS = {
    "map_known": "test_unknown_labels:share_known",
    "map_noninterpolated": "mvi.evaluation.metrics:average_precision_noninterpolated",
}


def share_known(scores, relevant):
    """A hundredth for each row that is ranked: no measure of quality, but one that tells what is counted."""
    return len(relevant) / 100


def values(scores):
    return {(s.query, s.part, s.metric, s.label): s.value for s in scores}


# -- the classifier ---------------------------------------------------------------------------------------


def make_rows(seed=0, rows=120, labels=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 6))
    Y = (X @ rng.normal(size=(6, labels)) + rng.normal(size=(rows, labels)) > 0.3).astype(np.uint8)
    return X, Y, rng.random((rows, labels)) < 0.7


@pytest.mark.parametrize("rows", [120, 5], ids=["many rows", "fewer rows than features"])
def test_each_label_is_trained_on_the_rows_that_are_known_of_it(rows):
    X, Y, known = (array[:rows] for array in make_rows(seed=1))
    known[:, 0], Y[:2] = True, [[0, 1, 0], [1, 0, 1]]
    known[:2] = True
    settings = {"penalty": 0.03, "tolerance": 1e-9}
    found = logistic.fit(X, Y, known=known, **settings)
    for label in range(3):
        chosen = known[:, label]
        alone = logistic.fit(X[chosen], Y[chosen, label : label + 1], **settings)
        np.testing.assert_allclose(found.weight[label], alone.weight[0], rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(found.bias[label], alone.bias[0], rtol=1e-5, atol=1e-7)
    counted = logistic.fit(X, Y, **settings)
    assert np.abs(counted.weight[1:] - found.weight[1:]).max() > 0.01


@pytest.mark.parametrize("given", [0, 1, 7])
def test_what_an_unknown_label_is_said_to_be_changes_no_weight(given):
    X, Y, known = make_rows()
    fit = logistic.fit(X, Y, known=known, penalty=0.01)
    again = logistic.fit(X, np.where(known, Y, given), known=known, penalty=0.01)
    np.testing.assert_array_equal(fit.weight, again.weight)
    np.testing.assert_array_equal(fit.bias, again.bias)
    # With all known nothing is masked, to the last bit.
    for mask in (None, np.ones_like(known)):
        np.testing.assert_array_equal(
            logistic.fit(X, Y, known=mask, penalty=0.01).weight, logistic.fit(X, Y, penalty=0.01).weight
        )


def test_a_label_without_a_known_positive_or_negative_is_not_trained():
    X, Y, known = make_rows()
    known[:, 0], known[:, 1], known[:, 2] = Y[:, 0] == 1, Y[:, 1] == 0, False
    found = logistic.fit(X, Y, known=known, penalty=0.01)
    assert not found.trained.any() and not found.weight.any()
    positives, negatives = Y[:, 0].sum(), (1 - Y[:, 1]).sum()
    odds = [np.log((positives + 0.5) / 0.5), np.log(0.5 / (negatives + 0.5)), 0]
    np.testing.assert_allclose(found.bias, odds, rtol=1e-12, atol=1e-12)
    with pytest.raises(ShapeError, match="What is known is given as"):
        logistic.fit(X, Y, known=known[:, :2], penalty=0.01)


# -- the protocol -----------------------------------------------------------------------------------------

# Two features: a weak one that is always right about the class and a strong one that is right thrice of four.
TRAIN = np.array([[0.1, 1], [0.1, 1], [0.1, 1], [0.1, -1], [-0.1, -1], [-0.1, -1], [-0.1, -1], [-0.1, 1]])
TRUTH = np.array([1, 1, 1, 1, 0, 0, 0, 0])
# By the strong feature the first row leads, by the weak one the others.
VALIDATION = np.array([[-0.1, 1], [0.1, -1], [0.1, -1], [0.1, -1]])
# The first by either feature; the rest in the order of the rows.
TEST = np.array([[0.2, 3], [0.1, 1], [0.0, 0], [-0.1, -1]])
TOY = np.concatenate([TRAIN, VALIDATION, TEST])
SPLIT = {"train": np.arange(8), "validation": np.arange(8, 12), "test": np.arange(12, 16)}
GRID = [1.0, 1e-5]
# Two rows of validation and one of test.
DIFFICULT = [9, 10, 12]


def toy(difficult, *, masked):
    """Labels of two classes, those of the second all known; the mask, or none."""
    first = np.concatenate([TRUTH, [1, difficult, difficult, 0], [difficult, 1, 0, 0]])
    second = np.concatenate([1 - TRUTH, [1, 1, 0, 0], [0, 0, 1, 1]])
    labels, known = np.stack([first, second], axis=1).astype(np.uint8), np.ones((16, 2), bool)
    known[DIFFICULT, 0] = False
    return labels, known if masked else None


def scored(difficult, *, masked, **settings):
    labels, known = toy(difficult, masked=masked)
    classifier = Logistic(
        GRID, ["a", "b"], chosen_by="noninterpolated", k=2, tolerance=1e-8, metrics=METRICS, **settings
    )
    queries = [Query("x", TOY.__getitem__)]
    return values(evaluate(queries, labels, SPLIT, classifier, known=known))


def test_unknown_labels_count_in_no_part_of_the_protocol():
    found = scored(0, masked=True)
    assert found == scored(1, masked=True)
    # Row 12 leads the test rows; without it the positive row does, and with it it is the second.
    assert found["x", "test", "ap_noninterpolated", "a"] == 1
    assert scored(0, masked=False)["x", "test", "ap_noninterpolated", "a"] == 1 / 2
    # Three rows of a, four of b.
    assert found["x", "test", "ap_known", "a"] == 0.03 and found["x", "test", "ap_known", "b"] == 0.04
    assert found["x", "test", "map_known", ""] == pytest.approx(0.035)
    assert found["x", "validation", "ap_known", "a"] == 0.02


def test_unknown_labels_do_not_choose_lambda():
    # AP by the strong feature (lambda 1) and by the weak one: of b 3/4 and 1. Of a 1 and 1/2 where difficult
    # rows are left out; 1 and 11/12 were they positive, which would choose the other; else 1 and 1/4.
    assert scored(0, masked=True)["", "", "lambda", ""] == scored(1, masked=True)["", "", "lambda", ""] == 1.0
    assert [scored(d, masked=False)["", "", "lambda", ""] for d in (0, 1)] == [1.0, 1e-5]


def test_baselines_read_what_the_store_says_is_known(tmp_path):
    labels, known = toy(0, masked=True)
    path, layout = tmp_path / "store.h5", {"image": Dense(1), "y": Dense(1)}
    with writing_store(path, dataset="toy", n_rows=16, modalities=layout, statistics=["image"]) as writer:
        for column, name in enumerate(layout):
            writer.write(name, 0, TOY[:, [column]].astype(np.float32))
        writer.annotate(labels=labels, known=known, splits={1: SPLIT}, classes=["a", "b"])
    classifier = Logistic(GRID, ["a", "b"], chosen_by="noninterpolated", metrics=METRICS)
    with Store(path) as store:
        for name, query in (("raw_own", "image+y"), ("raw_filled", "image+y"), ("image", "image")):
            found = values(baseline(store, name, classifier, text_scale=1, floor="epsilon")(1))
            assert found[query, "test", "ap_known", "a"] == 0.03
            assert found[query, "test", "ap_noninterpolated", "a"] == 1


def test_an_svm_refuses_what_it_cannot_leave_out():
    known = np.ones((16, 2), bool)
    queries, labels = [Query("x", TOY.__getitem__)], np.arange(16) % 2
    evaluate(queries, labels, SPLIT, Svm([1.0]), known=known)
    known[3] = False
    with pytest.raises(ShapeError):
        evaluate(queries, labels, SPLIT, Svm([1.0]), known=known)


# -- retrieval ----------------------------------------------------------------------------------------------


def searched(unknown_of_query, unknown_of_row, *, masked=True):
    """One query of class 0, perhaps 1 too; four rows, the most similar first, of which the third has 0."""
    angles = np.array([0.1, 0.2, 0.3, 0.4])
    database = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    labels = np.array([[0, 1, 0], [unknown_of_row, 0, 0], [1, 0, 0], [0, 0, 1]])
    known = np.ones((4, 3), bool)
    known[1, 0] = False
    asked, sure = np.array([[1, unknown_of_query, 0]]), np.array([[True, False, True]])
    found = retrieval.evaluate(
        database,
        np.array([[1.0, 0.0]]),
        labels,
        asked,
        query="x",
        known=(known, sure) if masked else None,
    )
    return {(s.method, s.metric): s.value for s in found if not s.label}


def test_rows_that_may_be_relevant_are_left_out_of_a_ranking():
    found = searched(0, 0)
    # The first row may share class 1 and the second class 0: of the other two the relevant one is first.
    assert found["", "retrieval_map_noninterpolated"] == 1
    assert found["chance", "retrieval_precision"] == 1 / 2
    # Of two rows, one relevant: precision 1 or 1/2.
    assert found["chance", "retrieval_map_noninterpolated"] == 3 / 4
    assert found == searched(1, 0) == searched(0, 1) == searched(1, 1)
    counted = searched(0, 0, masked=False)
    assert counted["", "retrieval_map_noninterpolated"] == 1 / 3
    assert counted["chance", "retrieval_precision"] == 1 / 4


def test_what_is_surely_shared_is_relevant_whatever_else_is_unknown():
    rows, labels = np.eye(2), np.array([[1, 0], [0, 0]])
    known = np.array([[True, False], [True, True]])
    found = retrieval.evaluate(rows, rows[:1], labels, labels[:1], query="x", known=(known, known[:1]))
    assert {s.metric: s.value for s in found}["retrieval_map_step"] == 1
    with pytest.raises(DataError, match="No query shares a label"):
        retrieval.evaluate(rows, rows[:1], labels, labels[:1], query="x", known=(~known, ~known[:1]))
