# SPDX-License-Identifier: MIT
"""The test of differences over splits that overlap."""

import math

import pytest
from scipy import stats

from mvi.errors import ShapeError
from mvi.evaluation.significance import corrected_t_test


def test_a_case_worked_by_hand():
    """Mean 2 and variance 1 over three splits, two test rows for three learned from: t = 2, with 2 degrees
    of freedom, whose tail beyond t is (1 - t / sqrt(2 + t^2)) / 2.
    """
    assert corrected_t_test([1.0, 2.0, 3.0], 2 / 3) == pytest.approx(1 - 2 / math.sqrt(6), rel=1e-12)
    # Which side is subtracted from which makes no difference.
    assert corrected_t_test([-1.0, -2.0, -3.0], 2 / 3) == corrected_t_test([1.0, 2.0, 3.0], 2 / 3)


def test_without_overlap_it_is_student_s_test():
    differences = [0.011, 0.004, 0.02, 0.009, -0.001]
    plain = stats.ttest_1samp(differences, 0.0)
    assert corrected_t_test(differences, 0.0) == pytest.approx(plain.pvalue, rel=1e-12)
    # Five splits of two test rows for three learned from: the interval is sqrt(1 + 5 * 2 / 3) as wide.
    wider = 2 * stats.t.sf(plain.statistic / math.sqrt(1 + 5 * 2 / 3), 4)
    assert corrected_t_test(differences, 2 / 3) == pytest.approx(wider, rel=1e-12)
    assert plain.pvalue < 0.1 < corrected_t_test(differences, 2 / 3)


def test_differences_without_any_spread():
    assert corrected_t_test([0.5, 0.5], 1.0) == 0.0
    assert corrected_t_test([0.0, 0.0, 0.0], 1.0) == 1.0


@pytest.mark.parametrize("few", [[], [0.3]])
def test_one_split_has_no_test(few):
    with pytest.raises(ShapeError, match=f"There is {len(few)} difference"):
        corrected_t_test(few, 1.0)
