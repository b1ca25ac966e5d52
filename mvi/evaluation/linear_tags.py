# SPDX-License-Identifier: MIT
"""Tags predicted from input features by a logistic regression each: what models are to be compared with.

Shapes: n rows, d columns of features, V tags of the vocabulary.
"""

from collections.abc import Sequence

import numpy as np

from mvi.evaluation import logistic
from mvi.evaluation.tag_prediction import log_loss

_TOGETHER = 200
"""Tags that are fitted at a time: what is remembered of all steps takes some 30 numbers a weight."""


def chosen_penalty(
    train: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    *,
    grid: Sequence[float],
    tags: int,
    tolerance: float,
    floor: float,
) -> float:
    """The lambda of `grid` with the least log loss of validation rows, one for all tags.

    From the largest down, until the loss rises: small ones take by far the most steps.

    train, validation: features (n, d) and tags (n, V) of 0 and 1 of some rows each
    tags: so many of the commonest tags of the training rows choose
    tolerance: as `logistic.fit` takes it
    floor: as `tag_prediction.evaluate` takes it
    """
    some = np.argsort(-train[1].sum(0), kind="stable")[:tags]
    descending = sorted(grid, reverse=True)
    path = logistic.fit_path(train[0], train[1][:, some], descending, tolerance=tolerance)
    known, asked = validation[1][:, some], validation[0]
    best, least = descending[0], np.inf
    for penalty, model in zip(descending, path, strict=True):
        loss = log_loss(_probabilities(model.decision(asked)), known, floor)
        if loss >= least:
            break
        best, least = penalty, loss
    return best


def tag_classifiers(
    features: np.ndarray, tags: np.ndarray, *, penalty: float, tolerance: float
) -> list[logistic.LogisticClassifier]:
    """Learn from `features` (n, d) and `tags` (n, V) of 0 and 1, some tags at a time.

    A tag that no row has gets its smoothed frequency. Takes n x d x 4 bytes beside its arguments.
    """
    return [
        logistic.fit(features, tags[:, first : first + _TOGETHER], penalty=penalty, tolerance=tolerance)
        for first in range(0, tags.shape[1], _TOGETHER)
    ]


def tag_probabilities(classifiers: Sequence[logistic.LogisticClassifier], asked: np.ndarray) -> np.ndarray:
    """(m, V) float32 probability of each tag for the features `asked` (m, d)."""
    return _probabilities(np.concatenate([one.decision(asked) for one in classifiers], axis=1))


def _probabilities(logits: np.ndarray) -> np.ndarray:
    # Of both signs without overflow.
    return (0.5 * (1 + np.tanh(logits / 2))).astype(np.float32)
