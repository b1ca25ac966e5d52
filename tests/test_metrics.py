# SPDX-License-Identifier: MIT
"""Error rate and the three definitions of average precision, by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, average_precision_score

from mvi.errors import DataError, ShapeError
from mvi.evaluation import metrics

DEFINITIONS = [
    metrics.average_precision_interpolated,
    metrics.average_precision_noninterpolated,
    metrics.average_precision_step,
]


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
