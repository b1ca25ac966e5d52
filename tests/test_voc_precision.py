# SPDX-License-Identifier: MIT
"""Average precision as VOC computes it, by hand and at its traps."""

import numpy as np
import pytest

from mvi.errors import DataError
from mvi.evaluation.metrics import average_precision_noninterpolated, per_label
from mvi.evaluation.voc_precision import average_precision_11_points as points
from mvi.evaluation.voc_precision import average_precision_2010 as area


def scores_of(hits):
    """Scores that rank rows in their order."""
    return np.arange(len(hits), 0, -1.0)


def literally(scores, values):
    """The kit of 2007 in words: difficult rows (0) stay in the list and count as nothing.

    At each of eleven recalls, in whole tenths, the greatest precision among the ranks that reach it, where
    ranks without a precision are passed over.
    """
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    positives = sum(value == 1 for value in values)
    hits = false_alarms = 0
    curve = []
    for i in order:
        hits += values[i] == 1
        false_alarms += values[i] == -1
        if hits + false_alarms:
            curve.append((hits, hits / (hits + false_alarms)))
    total = 0.0
    for tenth in range(11):
        total += max((p for found, p in curve if 10 * found >= tenth * positives), default=0.0)
    return total / 11


def test_by_hand():
    # Two positives, at ranks 1 and 4: precision 1 up to a half (recalls 0 to 0.5, six), then 1/2 (five).
    hits = [1, 0, 0, 1]
    assert points(scores_of(hits), hits) == pytest.approx((6 * 1 + 5 * 0.5) / 11, rel=1e-14)
    assert area(scores_of(hits), hits) == pytest.approx((1 + 0.5) / 2, rel=1e-14)
    # Later precision counts for earlier recalls: at ranks 2 and 3 it is 1/2 and 2/3.
    hits = [0, 1, 1]
    for measure in (points, area):
        assert measure(scores_of(hits), hits) == pytest.approx(2 / 3, rel=1e-14)
    assert average_precision_noninterpolated(scores_of(hits), hits) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert points([1.0], [1]) == area([1.0], [1]) == 1


@pytest.mark.parametrize("tenth", range(1, 10))
def test_recall_of_exactly_so_many_tenths_reaches_that_point(tenth):
    """Of ten positives `tenth` come first, the others after very many false alarms."""
    hits = [1] * tenth + [0] * 990 + [1] * (10 - tenth)
    late = [(tenth + i) / (990 + tenth + i) for i in range(1, 11 - tenth)]
    wanted = ((tenth + 1) * 1 + (10 - tenth) * max(late)) / 11
    assert points(scores_of(hits), hits) == pytest.approx(wanted, rel=1e-14)


def test_floating_point_recalls_would_miss_three_points():
    missed = [k for k in range(11) if k / 10 < np.linspace(0, 1, 11)[k]]
    assert missed == [3, 6, 7]


def test_equal_scores_keep_the_order_of_the_rows():
    assert points([5, 5, 5, 5], [1, 0, 0, 0]) == 1
    assert points([5, 5, 5, 5], [0, 0, 0, 1]) == pytest.approx(1 / 4)


def test_difficult_rows_first_give_what_the_others_give():
    scores, labels = [9.0, 8.0, 7.0, 6.0, 5.0], [0, 0, 1, 0, 1]
    known = np.array([False, False, True, True, True])
    found = points(scores, labels, known=known)
    assert np.isfinite(found) and found == points(scores[2:], labels[2:])
    assert found == pytest.approx((6 + 5 * 2 / 3) / 11)
    table = per_label(np.array(scores)[:, None], np.array(labels)[:, None], points, known=known[:, None])
    assert table[0] == found


@pytest.mark.parametrize("seed", range(20))
def test_the_kit_in_words_gives_the_same(seed):
    draws = np.random.default_rng(seed)
    n = int(draws.integers(5, 60))
    values = draws.choice([-1, 0, 1], n, p=[0.6, 0.15, 0.25])
    values[draws.integers(n)] = 1
    # Coarse, so that scores are equal.
    scores = draws.integers(0, 12, n) / 4
    found = points(scores, values == 1, known=values != 0)
    assert found == pytest.approx(literally(scores.tolist(), values.tolist()), rel=1e-13)


def test_nothing_to_find_is_refused():
    with pytest.raises(DataError, match="without a positive row"):
        points([1, 2], [0, 0])
    with pytest.raises(DataError, match="not finite"):
        points([1, np.nan], [0, 1])
