# SPDX-License-Identifier: MIT
"""Whether two methods differ, by what they score on splits that overlap."""

from collections.abc import Sequence
from math import inf, sqrt
from statistics import fmean, variance

from scipy.stats import t as student

from mvi.errors import ShapeError


def corrected_t_test(differences: Sequence[float], ratio: float) -> float:
    """Two-sided p-value of the corrected resampled t-test (Nadeau and Bengio 2003, Inference for the
    generalization error, section 4): of the hypothesis that the mean of `differences` is 0.

    The J differences are of one split each, and splits drawn from the same rows share most of them: the
    variance of their mean is larger than its 1/J, and is taken for (1/J + ratio) times their variance.

    ratio: test rows for each row that is learned from

    Raises `ShapeError` for fewer than two differences, whose variance is not known.
    """
    count = len(differences)
    if count < 2:
        raise ShapeError(f"There is {count} difference to be tested; give those of two splits at least.")
    mean, deviation = fmean(differences), sqrt((1 / count + ratio) * variance(differences))
    # The same difference on every split is no chance, unless it is none.
    size = abs(mean) / deviation if deviation else (inf if mean else 0.0)
    return float(2 * student.sf(size, count - 1))
