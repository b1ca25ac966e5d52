# SPDX-License-Identifier: MIT
"""Test images that lose their tags: which ones, and that nothing is learned from it."""

import numpy as np

from mvi.evaluation import classification
from mvi.evaluation.classification import Query
from mvi.evaluation.logistic_classifier import Logistic
from mvi.evaluation.missing_tags import queries_without_tags
from mvi.evaluation.scores import UNTAGGED, Score, share_variant
from mvi.report.figures import missing_tags, style
from mvi.report.scores import Scores

TEST = np.arange(20, 60)
SHARES = (100, 0, 25)


def lost(queries):
    """Which test rows each query takes as those without tags."""
    return {query.variant: set(TEST[query.read(TEST)]) for query in queries}


def drawn(seed=0, split=1, tagged=None):
    asked = (TEST, tagged, SHARES)
    return queries_without_tags("both", lambda rows, missing: missing, *asked, seed=seed, split=split)


def test_a_larger_share_has_the_rows_of_a_smaller_one_and_untagged_ones_are_known():
    tagged = np.arange(60) % 3 > 0
    rows = lost(drawn(tagged=tagged))
    assert list(rows) == [UNTAGGED, *map(share_variant, (0, 25, 100))]
    assert rows[UNTAGGED] == set(TEST[~tagged[TEST]])
    assert not rows[share_variant(0)] and len(rows[share_variant(25)]) == 10
    assert rows[share_variant(25)] < rows[share_variant(100)] == set(TEST)
    assert lost(drawn()) == {name: one for name, one in rows.items() if name != UNTAGGED}
    others = [lost(drawn(seed=1)), lost(drawn(split=2))]
    assert all(one[share_variant(25)] != rows[share_variant(25)] for one in others)


def test_a_classifier_is_trained_as_usual_and_meets_them_at_test():
    draws = np.random.default_rng(0)
    labels = (draws.random((60, 2)) < 0.5).astype(np.uint8)
    both = (labels + 0.4 * draws.normal(size=(60, 2))).astype(np.float32)
    image = draws.normal(size=(60, 2)).astype(np.float32)
    split = {"train": np.arange(12), "validation": np.arange(12, 20), "test": TEST}
    classifier = Logistic(classes=["a", "b"], grid=(0.1, 0.01), chosen_by="step", k=5, tolerance=1e-3)
    queries = [Query("both", both.__getitem__), Query("image", image.__getitem__)]

    def lacking(rows, missing):
        return np.where(missing[:, None], image[rows], both[rows])

    also = queries_without_tags("both", lacking, TEST, None, SHARES, seed=0, split=1)
    usual = classification.evaluate(queries, labels, split, classifier)
    found = classification.evaluate(queries, labels, split, classifier, also=also)
    assert found[: len(usual)] == usual
    further = {(s.variant, s.part, s.query): s.value for s in found[len(usual) :] if s.metric == "map_step"}
    whole, alone = (
        next(s.value for s in usual if (s.metric, s.part, s.query) == ("map_step", "test", query))
        for query in ("both", "image")
    )
    assert further.keys() == {(share_variant(share), "test", "both") for share in SHARES}
    assert further[share_variant(0), "test", "both"] == whole
    assert further[share_variant(100), "test", "both"] == alone < further[share_variant(25), "test", "both"]


def test_the_figure_has_a_line_a_method():
    scores = [
        Score(
            method=method,
            variant=share_variant(share),
            query="both",
            split=split,
            part="test",
            metric="map_interpolated",
            value=(100 - share) / 200 + split / 100,
        )
        for method in ("mp", "image+text")
        for share in (0, 50, 100)
        for split in (1, 2)
    ]
    looks = style.looks({"mp": "MP", "image+text": "Linear baseline"})
    figure = missing_tags.missing_tags(Scores(scores), looks, "both", [0, 50, 100])
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    assert lines.keys() == {"MP", "Linear baseline"}
    np.testing.assert_allclose(lines["MP"].get_ydata(), [0.515, 0.265, 0.015])
    np.testing.assert_array_equal(lines["MP"].get_xdata(), [0, 50, 100])
