# SPDX-License-Identifier: MIT
"""The nearest of many rows: exact by blocks, whatever the blocks, with ties in the order of the rows."""

import numpy as np
import pytest

from mvi.data.search import blocks_of, nearest, products_of
from mvi.errors import ConfigError, DataError, ShapeError


def directions(rows, columns, seed=0):
    """Rows of length 1, float32."""
    drawn = np.random.default_rng(seed).standard_normal((rows, columns))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def brute_force(database, queries, count):
    """Every pair by itself in float64, rounded to float32; sorted by cosine, then by row."""
    places, cosines = [], []
    for query in queries.astype(np.float64):
        pairs = np.broadcast_to(query, database.shape), database.astype(np.float64)
        own = np.einsum("ij,ij->i", *pairs).astype(np.float32)
        places.append(sorted(range(len(own)), key=lambda row: (-own[row], row))[:count])
        cosines.append(own[places[-1]])
    return np.array(places), np.array(cosines)


@pytest.mark.parametrize("size", [1, 3, 64, 1000])
@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_the_nearest_are_those_of_all_pairs(size, kind):
    database, queries = directions(500, 33).astype(kind), directions(20, 33, 1)
    places, cosines = nearest(blocks_of(database, size), queries, 7)
    expected = brute_force(database, queries, 7)
    assert places.dtype == np.int64 and cosines.dtype == np.float32
    np.testing.assert_array_equal(places, expected[0])
    np.testing.assert_array_equal(cosines, expected[1])


@pytest.mark.parametrize("size", [2, 60, 301])
def test_copies_come_in_the_order_of_the_rows(size):
    """Wherever they stand in blocks, and more of them than are asked for."""
    few = directions(3, 257)
    copied = np.random.default_rng(0).integers(0, 3, 301)
    places, cosines = nearest(blocks_of(few[copied], size), few, 40)
    for query in range(3):
        assert places[query].tolist() == np.flatnonzero(copied == query)[:40].tolist()
        assert len(set(cosines[query])) == 1


def test_what_float32_would_put_in_another_order():
    """Cosines closer to each other than the rounding of a float32 product is."""
    query = np.zeros((1, 2048), np.float32)
    query[0, :64] = 1 / 8
    # Of length 1; the first numbers are a little larger from row to row.
    share = 1 / 8 * (1 - np.arange(300)[::-1, None] * 2.0**-24)
    database = np.zeros((300, 2048))
    database[:, :64] = share
    database[:, 64] = np.sqrt(1 - (database**2).sum(1))
    order = np.random.default_rng(0).permutation(300)
    places, cosines = nearest(blocks_of(database[order], 50), query, 300)
    assert (np.diff(cosines[0]) <= 0).all() and len(set(cosines[0])) > 250
    expected = brute_force(database[order], query, 300)
    np.testing.assert_array_equal(places, expected[0])


@pytest.mark.parametrize("size", [9, 1000])
def test_rows_that_are_much_alike(size, monkeypatch):
    """So much that float32 products leave nearly all of them; few pairs are multiplied by themselves."""
    rows = 1 + 1e-6 * directions(2000, 64)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float64)
    pairs = []

    def counted(asked, rows):
        pairs.append(len(rows))
        return products_of(asked, rows)

    monkeypatch.setattr("mvi.data.search.products_of", counted)
    places, _ = nearest(blocks_of(rows, size), rows[:3], 5)
    np.testing.assert_array_equal(places, brute_force(rows, rows[:3], 5)[0])
    rows[500:] = rows[0]
    pairs.clear()
    places, _ = nearest(blocks_of(rows, 500), rows[:3], 5)
    np.testing.assert_array_equal(places, brute_force(rows, rows[:3], 5)[0])
    # What ties with the last kept comes too late, and nothing of the last three blocks is multiplied again.
    assert sum(pairs) <= 3 * 500


def test_more_queries_than_are_taken_at_a_time(monkeypatch):
    database, queries = directions(90, 8), directions(25, 8, 1)
    whole = nearest(blocks_of(database), queries, 4)
    monkeypatch.setattr("mvi.data.search.QUERIES", 4)
    monkeypatch.setattr("mvi.data.search._PAIRED", 24)
    for one, other in zip(nearest(blocks_of(database, 20), queries, 4), whole, strict=True):
        np.testing.assert_array_equal(one, other)


def test_rows_of_zeros_are_near_to_nothing():
    places, cosines = nearest(iter([np.zeros((3, 5), np.float32)]), np.eye(5)[:1], 2)
    assert places.tolist() == [[0, 1]] and not cosines.any()


@pytest.mark.parametrize(
    "database, queries, count, error, said",
    [
        (np.eye(4), np.eye(4), 5, ConfigError, "The 5 nearest of 4 rows"),
        (np.eye(4), np.eye(4), 0, ConfigError, "ask for 1 to 4"),
        (np.eye(4), np.eye(3), 1, ShapeError, "encode both alike"),
        (np.eye(4), np.ones(4), 1, ShapeError, "give \\(queries, numbers\\)"),
        (np.ones((4, 0)), np.ones((2, 0)), 1, ShapeError, "of at least 1 number"),
        (3 * np.eye(4), np.eye(4), 1, ShapeError, "rows 2 to 3 .* is 3 and no cosine"),
        (np.eye(4), 2 * np.eye(4), 1, ShapeError, "the queries .* no cosine"),
        (np.full((4, 4), np.nan), np.eye(4), 1, DataError, "rows 0 to 1 .* not finite"),
        (np.eye(4), np.full((1, 4), np.inf), 1, DataError, "the queries .* not finite"),
    ],
)
def test_what_cannot_be_searched_is_refused(database, queries, count, error, said):
    if said.startswith("rows 2"):
        database = np.vstack([np.eye(4)[:2], database[2:]])
    with pytest.raises(error, match=said):
        nearest(blocks_of(database, 2), queries, count)
