# SPDX-License-Identifier: MIT
"""Rankings, against counting by hand."""

import numpy as np
import pytest

from mvi.errors import ConfigError, ShapeError
from mvi.evaluation import metrics as rankings


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


@pytest.mark.parametrize("definition", list(rankings.DEFINITIONS))
@pytest.mark.parametrize("seed", range(5))
def test_average_precision_by_counting(definition, seed):
    rng = np.random.default_rng(seed)
    scores, relevant = rng.permutation(60) / 7, rng.random(60) < 0.2
    found = rankings.DEFINITIONS[definition](scores, relevant)
    assert found == pytest.approx(by_counting(scores, relevant, definition), abs=1e-12)


def test_precision_at():
    scores, relevant = [5.0, 4.0, 3.0, 2.0, 1.0], [1, 0, 1, 1, 0]
    assert rankings.precision_at(scores, relevant, 1) == 1
    assert rankings.precision_at(scores, relevant, 4) == 0.75
    assert rankings.precision_at(scores, relevant, 50) == 0.6
    # Equal scores keep the rows' order.
    assert rankings.precision_at([1.0, 1.0, 1.0], [0, 1, 1], 2) == 0.5
    with pytest.raises(ConfigError, match="from 1"):
        rankings.precision_at(scores, relevant, 0)
    with pytest.raises(ShapeError, match="same length"):
        rankings.precision_at(scores, relevant[1:], 1)


def test_mean_average_precision_skips_and_counts():
    scores, truth = np.array([[3.0, 1], [2, 2], [1, 3]]), np.array([[0, 0], [1, 0], [0, 0]])
    assert rankings.mean_average_precision(scores, truth, "step") == (0.5, 1)
    mean, count = rankings.mean_average_precision(scores, 0 * truth)
    assert np.isnan(mean) and count == 0
    with pytest.raises(ConfigError, match="'voc' is none of interpolated"):
        rankings.mean_average_precision(scores, truth, "voc")
    with pytest.raises(ShapeError):
        rankings.mean_average_precision(scores, truth[:, :1])
