# SPDX-License-Identifier: MIT
"""Retrieval, against rankings written out a pair of rows at a time."""

import itertools

import numpy as np
import pytest

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation import metrics, retrieval

DEFINITIONS = ("interpolated", "noninterpolated", "step")


def evaluate(*rows, **settings):
    """Value by metric, and by method and recall where there are several."""
    scores = retrieval.evaluate(*rows, query="image", **settings)
    assert all(score.query == "image" for score in scores)
    found = {
        " ".join(
            filter(None, [score.method, score.metric.removeprefix("retrieval_"), score.label])
        ): score.value
        for score in scores
    }
    assert len(found) == len(scores)
    return found


def curve(scores):
    return np.array([scores[f"precision {i / 100:.2f}"] for i in range(101)])


def make_rows(m=40, q=9, width=5, classes=6, seed=0, density=0.2):
    rng = np.random.default_rng(seed)
    database, queries = rng.random((m, width), np.float32), rng.random((q, width), np.float32)
    kept, asked = (rng.random((n, classes)) < density for n in (m, q))
    # Each of the cases that need a definition is there.
    database[3], kept[5], asked[0] = 0, 0, 0
    asked[1] = np.arange(classes) == 0
    kept[:, 0] = 0
    queries[2], asked[2] = 0, 1
    database[20] = database[10]
    return database, queries, kept.astype(np.uint8), asked.astype(np.uint8)


def cosine(a, b):
    norms = np.sqrt(np.dot(a, a)) * np.sqrt(np.dot(b, b))
    return np.float32(np.dot(a, b) / norms if norms else 0.0)


def by_pairs(database, queries, kept, asked):
    """Average precisions and curves of the queries that are evaluated, (precision by definition, curve)."""
    evaluated = []
    for query, labels in zip(queries.astype(np.float64), asked, strict=True):
        score = [cosine(query, row) for row in database.astype(np.float64)]
        relevant = [bool(set(np.flatnonzero(labels)) & set(np.flatnonzero(own))) for own in kept]
        if not any(relevant):
            continue
        order = sorted(range(len(score)), key=lambda i: (-score[i], i))
        hits = [relevant[i] for i in order]
        total = sum(hits)
        found = list(itertools.accumulate(hits))
        at = [(found[k] / total, found[k] / (k + 1)) for k in range(len(hits))]
        smooth = [found[k] / (k + 1 + 1e-4) for k in range(len(hits))]
        # Equal scores are one place of the ranking.
        groups = [list(places) for _, places in itertools.groupby(order, key=lambda i: score[i])]
        ends = list(itertools.accumulate(map(len, groups)))
        pairs = zip(groups, ends, strict=True)
        steps = [sum(relevant[i] for i in group) * found[end - 1] / end for group, end in pairs]
        precision = {
            "interpolated": sum(max(smooth[k:]) for k in range(len(hits)) if hits[k]) / (total + 1e-4),
            "noninterpolated": sum(at[k][1] for k in range(len(hits)) if hits[k]) / total,
            "step": sum(steps) / total,
        }
        levels = [j / 100 - 1e-12 for j in range(101)]
        curve = [max(p for recall, p in at if recall >= level) for level in levels]
        evaluated.append((precision, curve))
    return evaluated


@pytest.mark.parametrize("seed", range(4))
def test_scores_by_pairs(seed):
    rows = make_rows(seed=seed)
    scores = evaluate(*rows, block=4)
    evaluated = by_pairs(*rows)
    for definition in DEFINITIONS:
        expected = np.mean([precision[definition] for precision, _ in evaluated])
        assert scores[f"map_{definition}"] == pytest.approx(expected, abs=1e-12)
    assert np.allclose(curve(scores), np.mean([own for _, own in evaluated], axis=0), atol=1e-12)
    assert scores["queries_judged"] == len(evaluated)
    assert np.isfinite(list(scores.values())).all()


def test_counts():
    database, queries, kept, asked = make_rows()
    scores = evaluate(database, queries, kept, asked)
    assert (scores["queries"], scores["database"], scores["features"]) == (9, 40, 5)
    without = (~asked.any(axis=1)).sum()
    hopeless = (asked.any(axis=1) & ~(asked.astype(int) @ kept.T.astype(int)).any(axis=1)).sum()
    assert scores["queries_without_label"] == without >= 1
    assert scores["queries_without_relevant"] == hopeless >= 1
    assert scores["queries_judged"] == 9 - without - hopeless
    assert (scores["queries_zero"], scores["database_zero"]) == (1, 1)
    assert scores["database_without_label"] == (~kept.any(axis=1)).sum() >= 1


def test_hand_worked():
    database = np.array([[1, 0], [1, 1], [0, 1], [1, 3]], float)
    # Cosines 1, 0.71, 0, 0.32: the order is 0, 1, 3, 2 and the relevant rows 1 and 2 come second and last.
    labels = np.array([[0, 1], [1, 0], [1, 1], [0, 0]])
    scores = evaluate(database, np.array([[2.0, 0]]), labels, np.array([[1, 0]]))
    assert scores["map_noninterpolated"] == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert scores["precision 0.00"] == scores["precision 1.00"] == 0.5
    assert scores["chance precision"] == 0.5


def test_perfect_ranking():
    labels = np.eye(3, dtype=np.uint8)[np.arange(30) % 3]
    scores = evaluate(labels, labels[:6], labels, labels[:6])
    assert scores["map_step"] == scores["map_noninterpolated"] == 1
    assert set(curve(scores)) == {1.0}
    assert scores["chance precision"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("relevant", [1, 2, 4, 6])
def test_chance_is_the_mean_over_all_orders(relevant):
    """The expected mAP of a random ranking, against every ranking of six rows."""
    truth = np.arange(6) < relevant
    orders = [np.array(order, float) for order in itertools.permutations(range(6))]
    expected = np.mean([metrics.average_precision_noninterpolated(order, truth) for order in orders])
    rows = np.random.default_rng(0).random((6, 3))
    scores = evaluate(rows, rows[:1], truth[:, None], np.ones((1, 1)))
    assert scores["chance map_noninterpolated"] == pytest.approx(expected, abs=1e-12)


def test_curve_counts_in_whole_numbers():
    """7 of 100 relevant rows are a recall of 0.07, though 0.07 x 100 is above 7 in floating point."""
    relevant = np.arange(200) < 100
    scores = np.where(relevant, 0.0, 1.0)
    scores[:7] = 2
    precision = metrics.precision_at_recalls(scores, relevant)
    assert precision[7] == 1.0 and precision[8] < 0.6


def test_scale_and_blocks_change_nothing():
    database, queries, kept, asked = make_rows()
    expected = evaluate(database, queries, kept, asked)
    assert evaluate(database, queries, kept, asked, block=1) == expected
    tiny = database.astype(np.float64) * 1e-200, queries.astype(np.float64) * 1e200
    assert evaluate(*tiny, kept, asked) == expected
    assert evaluate(database, queries, kept * 3, asked.astype(bool)) == expected


def test_equal_rows_are_equally_similar():
    """Also where they end up in different corners of the matrix product."""
    rng = np.random.default_rng(0)
    row, query = rng.random(301, np.float32), rng.random((1, 301), np.float32)
    places, similarities = retrieval.nearest(np.tile(row, (1003, 1)), query, 1003)
    assert len(set(similarities[0])) == 1 and (places == np.arange(1003)).all()
    places, similarities = retrieval.nearest(np.stack([query[0], row]), row[None] * 3, 2)
    assert places.tolist() == [[1, 0]] and similarities[0, 0] == 1


def test_nearest_is_the_head_of_the_ranking():
    database, queries, *_ = make_rows()
    places, similarities = retrieval.nearest(database, queries, 6, block=4)
    for query, own, found in zip(queries.astype(np.float64), places, similarities, strict=True):
        score = [cosine(query, row) for row in database.astype(np.float64)]
        assert own.tolist() == sorted(range(40), key=lambda i: (-score[i], i))[:6]
        assert np.allclose(found, np.array(score)[own], atol=1e-6)
    # The query of zeros: nothing is nearer than anything else.
    assert places[2].tolist() == [0, 1, 2, 3, 4, 5] and not similarities[2].any()
    with pytest.raises(ConfigError, match="The 41 nearest of 40"):
        retrieval.nearest(database, queries, 41)


def test_nearest_of_whole_numbers_has_their_signs():
    """The opposite of -128 is not among the numbers of 8 bits."""
    database, query = np.array([[127, 127], [-128, -128]], np.int8), np.array([[-128, -128]], np.int8)
    places, similarities = retrieval.nearest(database, query, 2)
    assert places.tolist() == [[1, 0]] and similarities.tolist() == [[1, -1]]


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "uint16", "int32", "int64", "uint64", "bool"])
def test_representations_of_whole_numbers_are_those_of_floats(kind):
    """With the ends of the type among them; none of the numbers is rounded on its way to float64."""
    rng = np.random.default_rng(0)
    if kind == "bool":
        rows, kept = rng.random((12, 5)) < 0.5, rng.integers(0, 2, (12, 3))
    else:
        about = np.iinfo(kind)
        rows, kept = rng.integers(0, 100, (12, 5)).astype(kind), rng.integers(0, 2, (12, 3))
        rows[0, :2], rows[1] = about.min, about.min
    found = retrieval.nearest(rows, rows, 12), evaluate(rows, rows, kept, kept)
    real = rows.astype(np.float64)
    expected = retrieval.nearest(real, real, 12), evaluate(real, real, kept, kept)
    np.testing.assert_array_equal(found[0], expected[0])
    assert found[1] == expected[1]


@pytest.mark.parametrize(
    "rows, m, q", [(10_000, 5000, 1000), (12_000, 5000, 1000), (640, 320, 64), (3, 1, 1)]
)
def test_draw_sizes(rows, m, q):
    test = np.arange(rows) * 3 + 7
    database, queries = retrieval.draw(test, seed=1)
    assert (len(database), len(queries)) == (m, q)
    drawn = np.concatenate([database, queries])
    assert len(set(drawn)) == m + q and np.isin(drawn, test).all()


def test_draw_is_by_seed():
    test = np.arange(200)
    first, again, other = (np.concatenate(retrieval.draw(test, seed=seed)) for seed in (5, 5, 6))
    assert (first == again).all() and (first != other).any()
    # A random order breaks ties, and the head of the part is not preferred.
    assert (np.diff(first) < 0).any() and 80 < first.mean() < 120
    assert len(retrieval.draw(test, seed=[0, 1], database=50, queries=150, out_of=200)[1]) == 150


@pytest.mark.parametrize("settings", [{"queries": 0}, {"database": 9500}, {"out_of": 10}])
def test_draw_refuses(settings):
    with pytest.raises(ConfigError, match="at least 1 query"):
        retrieval.draw(np.arange(100), seed=0, **settings)
    with pytest.raises(DataError, match="2 test rows"):
        retrieval.draw(np.arange(1), seed=0)


def test_wrong_arguments():
    database, queries, kept, asked = make_rows()
    broken = database.copy()
    broken[4, 2] = np.nan
    for error, text, given in (
        (DataError, "not finite", (broken, queries, kept, asked)),
        (DataError, "labels hold -1", (database, queries, kept.astype(int) - 1, asked)),
        (DataError, "labels hold nan", (database, queries, kept, np.where(asked, np.nan, 0.0))),
        (DataError, "database are of type complex64", (database * 1j, queries, kept, asked)),
        (ShapeError, "queries cannot be read", (database, [[1.0] * 5, [2.0]], kept, asked)),
        (ShapeError, "same model", (database[:, :4], queries, kept, asked)),
        (ShapeError, "for 40", (database, queries, kept[:39], asked)),
        (ShapeError, "same classes", (database, queries, kept[:, :4], asked)),
        (ShapeError, "neither 0", (database, queries[:0], kept, asked[:0])),
        (DataError, "No query shares", (database, queries, kept * 0, asked)),
    ):
        with pytest.raises(error, match=text):
            evaluate(*given)
    with pytest.raises(ConfigError, match="block"):
        evaluate(database, queries, kept, asked, block=0)
