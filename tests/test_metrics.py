# SPDX-License-Identifier: MIT
"""Error rate and the three definitions of average precision, by hand and against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, average_precision_score, precision_recall_curve

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation import metrics, svm

DEFINITIONS = list(metrics.DEFINITIONS.values())
RANKINGS = [
    *DEFINITIONS,
    lambda scores, labels, **known: metrics.precision_at(scores, labels, 9, **known),
    lambda scores, labels, **known: metrics.precision_at_recalls(scores, labels, 5, **known).tolist(),
]
"""What is made of one ranking."""
TYPES = [bool, *(f"{sign}int{bits}" for sign in ("u", "") for bits in (8, 16, 32, 64))]
TYPES += ["float16", "float32", "float64", ">f4", ">u2", "longdouble"]


def reference_code_average_precision(scores, relevant):
    """The reference code's procedure, step by step and with its sentinels."""
    order = np.argsort(-np.asarray(scores), kind="stable")
    truth = np.asarray(relevant)[order]
    true_positives, false_positives = np.cumsum(truth), np.cumsum(1 - truth)
    recall = true_positives / (truth.sum() + 1e-4)
    precision = true_positives / (true_positives + false_positives + 1e-4)
    recall = np.concatenate([[0], recall, [1]])
    precision = np.concatenate([[0], precision, [0]])
    for i in range(len(precision) - 2, -1, -1):
        precision[i] = max(precision[i], precision[i + 1])
    changes = np.flatnonzero(recall[1:] != recall[:-1]) + 1
    return sum((recall[i] - recall[i - 1]) * precision[i] for i in changes)


def test_error_rate():
    assert metrics.error_rate([1, 2, 3, 4], [1, 2, 0, 0]) == 50.0
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 5, 1000), rng.integers(0, 5, 1000)
    expected = 100 * (1 - accuracy_score(true, predicted))
    assert metrics.error_rate(predicted, true) == pytest.approx(expected, abs=1e-12)


def test_a_ranking_worked_by_hand():
    # Ranked: hit, miss, miss, hit, hit. Precision at the hits: 1, 1/2, 3/5.
    scores, relevant = [0.9, 0.8, 0.7, 0.6, 0.5], [1, 0, 0, 1, 1]
    plain = (1 + 1 / 2 + 3 / 5) / 3
    assert metrics.average_precision_noninterpolated(scores, relevant) == pytest.approx(plain)
    assert metrics.average_precision_step(scores, relevant) == pytest.approx(plain)
    # Made non-increasing from the right, the precision at the second hit is 3/5 too.
    envelope = (1 + 3 / 5 + 3 / 5) / 3
    assert metrics.average_precision_interpolated(scores, relevant, 0) == pytest.approx(envelope)
    smoothed = (1 / 3.0001) * (1 / 1.0001) + (2 / 3.0001) * (3 / 5.0001)
    assert metrics.average_precision_interpolated(scores, relevant) == pytest.approx(smoothed)


def test_equal_scores_worked_by_hand():
    # All rows tie: taken together the precision is 1/2; in the rows' order the hits come last.
    scores, relevant = [1.0, 1.0, 1.0, 1.0], [0, 0, 1, 1]
    assert metrics.average_precision_step(scores, relevant) == pytest.approx(0.5)
    in_order = (1 / 3 + 2 / 4) / 2
    assert metrics.average_precision_noninterpolated(scores, relevant) == pytest.approx(in_order)


@pytest.mark.parametrize("seed", range(20))
def test_against_scikit_learn_and_the_reference_procedure(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 60))
    relevant = rng.random(n) < 0.3
    relevant[rng.integers(n)] = True
    # Few distinct values: many ties.
    scores = rng.integers(0, 8, n) / 7 if seed % 2 else rng.normal(size=n)
    assert metrics.average_precision_step(scores, relevant) == pytest.approx(
        average_precision_score(relevant, scores), abs=1e-12
    )
    assert metrics.average_precision_interpolated(scores, relevant) == pytest.approx(
        reference_code_average_precision(scores, relevant.astype(int)), abs=1e-12
    )
    interpolated = metrics.average_precision_interpolated(scores, relevant, 0)
    assert interpolated >= metrics.average_precision_noninterpolated(scores, relevant) - 1e-12


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_perfect_and_single_rankings(definition):
    assert definition([3.0, 2.0, 1.0], [1, 1, 0]) == pytest.approx(1, abs=2e-4)
    assert definition([1.0], [1]) == pytest.approx(1, abs=3e-4)


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_undefined_rankings_are_refused(definition):
    with pytest.raises(DataError, match="without a positive"):
        definition([1.0, 2.0], [0, 0])
    with pytest.raises(DataError, match="not finite"):
        definition([1.0, np.nan], [0, 1])
    with pytest.raises(ShapeError, match="same length"):
        definition([1.0, 2.0], [1])


def test_empty_error_rate_is_refused():
    with pytest.raises(ShapeError):
        metrics.error_rate([], [])


def test_precision_at():
    scores, relevant = [5.0, 4.0, 3.0, 2.0, 1.0], [1, 0, 1, 1, 0]
    assert metrics.precision_at(scores, relevant, 1) == 1
    assert metrics.precision_at(scores, relevant, 4) == 0.75
    assert metrics.precision_at(scores, relevant, 50) == 0.6
    # Equal scores keep the rows' order.
    assert metrics.precision_at([1.0, 1.0, 1.0], [0, 1, 1], 2) == 0.5
    with pytest.raises(ConfigError, match="from 1"):
        metrics.precision_at(scores, relevant, 0)
    with pytest.raises(ShapeError, match="same length"):
        metrics.precision_at(scores, relevant[1:], 1)


def test_mean_average_precision_skips_and_counts():
    scores, truth = np.array([[3.0, 1], [2, 2], [1, 3]]), np.array([[0, 0], [1, 0], [0, 0]])
    assert metrics.mean_average_precision(scores, truth, "step") == (0.5, 1)
    mean, count = metrics.mean_average_precision(scores, 0 * truth)
    assert np.isnan(mean) and count == 0
    with pytest.raises(ConfigError, match="'voc' is none of interpolated"):
        metrics.mean_average_precision(scores, truth, "voc")
    with pytest.raises(ShapeError):
        metrics.mean_average_precision(scores, truth[:, :1])


@pytest.mark.parametrize("kind", TYPES)
def test_known_values_whatever_the_type_of_the_scores(kind):
    """The positive row is the last of three: precision 1/3 at its rank."""
    scores = np.array([0, 1, 1] if kind is bool else [0, 1, 2], kind)
    for definition in ("noninterpolated", "step"):
        assert metrics.DEFINITIONS[definition](scores, [1, 0, 0]) == pytest.approx(1 / 3), definition
    assert metrics.average_precision_interpolated(scores, [1, 0, 0], 0) == pytest.approx(1 / 3)
    assert metrics.precision_at(scores, [1, 0, 0], 2) == 0
    assert metrics.precision_at(scores, [0, 0, 1], 1) == (0 if kind is bool else 1)
    assert metrics.precision_at_recalls(scores, [1, 0, 0], 3) == pytest.approx(1 / 3)
    assert metrics.mean_average_precision(scores[:, None], [[1], [0], [0]], "step") == (
        pytest.approx(1 / 3),
        1,
    )


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind is not bool and "int" in kind])
def test_whole_numbers_rank_to_the_ends_of_their_type(kind):
    """Against Python's own numbers, which have no ends."""
    about = np.iinfo(kind)
    rng = np.random.default_rng(0)
    scores = rng.integers(about.min, about.max, 50, kind, endpoint=True)
    scores[:6] = [about.min, about.max - 1, about.min, about.max, 0, 1]
    expected = sorted(range(50), key=lambda row: (-int(scores[row]), row))
    assert metrics.descending(scores).tolist() == expected
    labels, places = rng.random(50) < 0.3, np.unique(scores, return_inverse=True)[1]
    for ranking in RANKINGS:
        assert ranking(scores, labels) == ranking(places, labels)


def test_many_rankings_at_once():
    scores = np.random.default_rng(0).integers(0, 4, (5, 30)).astype(np.uint8)
    expected = [metrics.descending(row).tolist() for row in scores]
    assert metrics.descending(scores).tolist() == expected
    assert expected == [sorted(range(30), key=lambda k, row=row: (-int(row[k]), k)) for row in scores]


@pytest.mark.parametrize("ranking", RANKINGS)
@pytest.mark.parametrize("wrong", [-1, 2, 0.5, np.nan, np.inf])
def test_labels_that_are_neither_0_nor_1_are_refused(ranking, wrong):
    with pytest.raises(DataError, match=f"labels hold {wrong}"):
        ranking([3.0, 2.0, 1.0], [wrong, 1, 0])
    with pytest.raises(DataError, match=f"labels hold {wrong}"):
        metrics.mean_average_precision([[3.0], [2.0]], [[wrong], [1]])


@pytest.mark.parametrize("ranking", RANKINGS)
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_refused(ranking, wrong):
    with pytest.raises(DataError, match="scores that are not finite"):
        ranking([3.0, wrong, 1.0], [1, 1, 0])
    with pytest.raises(DataError, match="scores that are not finite"):
        metrics.mean_average_precision([[3.0], [wrong]], [[0], [1]])


@pytest.mark.parametrize("ranking", [*RANKINGS, metrics.error_rate])
def test_what_is_no_array_of_numbers_is_refused_in_a_sentence(ranking):
    rows = np.array([3.0, 2.0, 1.0])
    leaf = torch.tensor(rows, requires_grad=True)
    for error, text, scores, labels in (
        (ShapeError, "cannot be read as an array", [[3.0], [2.0, 1.0]], [1, 0, 0]),
        (ShapeError, "cannot be read as an array", rows, [[1], [0, 0]]),
        (ShapeError, "cannot be read as an array", leaf, [1, 0, 0]),
        (ShapeError, "same length", rows, [1, 0]),
        (ShapeError, "same length", rows[:, None], np.ones((3, 1))),
        (ShapeError, "same length", rows[:0], rows[:0]),
        (DataError, "of type complex128", rows * 1j, [1, 0, 0]),
        (DataError, "of type object", np.array([None, 1, 2]), [1, 0, 0]),
        (DataError, "masked array", np.ma.masked_less(rows, 2), [1, 0, 0]),
        (DataError, "masked array", rows, np.ma.masked_less([1, 0, 0], 1)),
    ):
        with pytest.raises(error, match=text):
            ranking(scores, labels)


def test_arrays_of_torch_and_reversed_views_are_taken():
    scores, labels = np.array([1.0, 2.0, 3.0]), np.array([0, 1, 0])
    for ranking in RANKINGS:
        expected = ranking([3.0, 2.0, 1.0], [0, 1, 0])
        assert ranking(scores[::-1], labels[::-1]) == expected
        assert ranking(torch.tensor(scores[::-1].copy()), torch.tensor(labels)) == expected


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_classes_that_are_not_finite_are_no_errors(wrong):
    with pytest.raises(DataError, match="classes are not finite"):
        metrics.error_rate([1.0, wrong], [1, 0])
    with pytest.raises(DataError, match="classes are not finite"):
        metrics.error_rate([1, 0], [1.0, wrong])


def test_classes_have_numbers_or_names():
    assert metrics.error_rate(["cat", "dog"], ["cat", "cow"]) == 50
    assert metrics.error_rate(np.array([255, 1], np.uint8), np.array([-1, 1], np.int8)) == 50
    with pytest.raises(DataError, match="cannot be compared"):
        metrics.error_rate(["1", "2"], [1, 2])


def test_rows_without_scores_have_no_class():
    """A maximum over scores that are not numbers would be the first class."""
    model = svm.LinearClassifier(np.eye(2), np.zeros(2), np.array([4, 7]), np.zeros(2))
    assert model.predict(np.array([[0.0, 1.0]])) == [7]
    with pytest.raises(DataError, match="scores are not finite"):
        model.predict(np.array([[0.0, 1.0], [np.nan, 1.0]]))


@pytest.mark.parametrize("seed", range(10))
def test_curve_against_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    labels = rng.random(40) < 0.3
    labels[0] = True
    scores = rng.permutation(40).astype(np.uint8)
    precision, recall, _ = precision_recall_curve(labels, scores)
    # The point (recall 0, precision 1) that scikit-learn adds is no place of the ranking.
    precision, recall = precision[:-1], recall[:-1]
    levels = np.arange(metrics.RECALLS) / (metrics.RECALLS - 1)
    expected = [precision[recall >= level - 1e-12].max() for level in levels]
    assert metrics.precision_at_recalls(scores, labels) == pytest.approx(expected, abs=1e-12)


def test_a_curve_has_two_ends():
    with pytest.raises(ConfigError, match="at least 2"):
        metrics.precision_at_recalls([1.0], [1], 1)
    with pytest.raises(DataError, match="without a positive"):
        metrics.precision_at_recalls([1.0], [0])


@pytest.mark.parametrize("ranking", RANKINGS)
def test_rows_whose_label_is_unknown_are_as_if_they_were_not_there(ranking):
    rng = np.random.default_rng(1)
    scores, labels, known = rng.normal(size=40), rng.random(40) < 0.4, rng.random(40) < 0.7
    expected = ranking(scores[known], labels[known])
    assert ranking(scores, labels, known=known) == expected != ranking(scores, labels)
    # Nothing of them is looked at.
    scores[~known] = np.nan
    assert ranking(scores, np.where(known, labels, -1), known=known) == expected
    assert ranking(scores[known], labels[known], known=np.ones(known.sum(), bool)) == expected
    with pytest.raises(DataError, match=r"No row's label is known"):
        ranking(scores, labels, known=np.zeros(40, bool))


def test_errors_are_counted_where_the_class_is_known():
    assert metrics.error_rate([1, 2, 3, 4], [1, 0, 3, 0], known=[True, True, True, False]) == pytest.approx(
        100 / 3
    )
    assert metrics.error_rate([1, 2.0, np.nan], [1, 2, 0], known=[True, True, False]) == 0
    with pytest.raises(DataError, match="No row's class is known"):
        metrics.error_rate([1], [1], known=[False])


def test_what_is_known_of_each_label_or_of_all_of_a_row():
    """Labels of 1, 0 for neither and -1, as those of VOC: what is neither is left out label by label."""
    rng = np.random.default_rng(2)
    scores, marks = rng.normal(size=(60, 4)), rng.integers(-1, 2, (60, 4))
    marks[:, 3] = np.where(marks[:, 3] == 1, 0, marks[:, 3])
    labels, known = (marks == 1).astype(int), marks != 0
    found = metrics.per_label(scores, labels, metrics.average_precision_step, known=known)
    expected = [average_precision_score(labels[known[:, k], k], scores[known[:, k], k]) for k in range(3)]
    assert found[:3] == pytest.approx(expected, abs=1e-12) and np.isnan(found[3])
    assert metrics.mean_average_precision(scores, labels, "step", known=known) == (
        pytest.approx(np.mean(expected)),
        3,
    )
    rows = known[:, 0]
    together = metrics.per_label(scores, labels, metrics.average_precision_step, known=rows)
    apart = metrics.per_label(scores[rows], labels[rows], metrics.average_precision_step)
    np.testing.assert_array_equal(together, apart)


@pytest.mark.parametrize(
    "known", [[0, 1], [True], [[True], [True]], [1.0, 0.0], np.ones((2, 3), bool), "yes"]
)
def test_a_mask_is_made_of_truth_values_a_row(known):
    with pytest.raises(ShapeError, match="give truth values of shape"):
        metrics.average_precision_step([1.0, 2.0], [0, 1], known=known)
    with pytest.raises(ShapeError, match="give truth values of shape"):
        metrics.error_rate([1, 2], [0, 1], known=known)
