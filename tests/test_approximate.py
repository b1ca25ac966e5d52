# SPDX-License-Identifier: MIT
"""Approximate search: no copy is lost, ties are in the order of the rows, and without FAISS it says so."""

import sys

import numpy as np
import pytest

from mvi.data.approximate import Approximate, Copies, recall
from mvi.data.search import blocks_of, nearest
from mvi.errors import ConfigError, ShapeError


def directions(rows, columns, seed=0):
    """Rows of length 1, float32."""
    drawn = np.random.default_rng(seed).standard_normal((rows, columns))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_copies_are_found_in_the_order_of_the_rows(kind):
    few = directions(4, 6).astype(kind)
    few[3] = 0
    rows = few[[2, 0, 2, 3, 1, 0, 2, 3]]
    # The same zeros.
    rows[7] = -rows[7]
    copies = Copies(rows)
    assert copies.first.tolist() == [0, 1, 3, 4]
    assert copies.of(np.array([2, 0]), 5).tolist() == [3, 7, 0, 2, 6]
    assert copies.of(np.array([0, 1]), 2).tolist() == [0, 2, 1, 5]
    assert copies.of(np.array([], np.int64), 2).tolist() == []


def test_recall_is_the_share_of_what_was_to_be_found():
    exact = np.array([[1, 2], [3, 4]])
    assert recall(exact, exact) == 1
    assert recall(np.array([[2, 9], [8, 7]]), exact) == 0.25


def test_without_faiss_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(
        ConfigError, match="needs the Python package faiss-cpu; install mvi with its extra: faiss"
    ):
        Approximate(np.eye(3, dtype=np.float32))


@pytest.fixture
def _faiss():
    pytest.importorskip("faiss", reason="FAISS is not installed (the extra `faiss`)")


KINDS = ["Flat", "HNSW32", "IVF3,Flat", None]


@pytest.mark.usefixtures("_faiss")
@pytest.mark.parametrize("kind", KINDS)
def test_no_copy_is_lost_and_all_come_in_order(kind):
    """Half of all rows are one, more than a graph has neighbours, and twice as many as are asked for."""
    rows = directions(400, 16)
    alike = np.random.default_rng(1).permutation(400)[:200]
    rows[alike] = rows[alike[0]]
    index = Approximate(rows, kind=kind, probes=64)
    places, cosines = index.nearest(rows[alike[:1]], 100)
    assert places[0].tolist() == np.sort(alike)[:100].tolist() and len(set(cosines[0])) == 1


@pytest.mark.usefixtures("_faiss")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_found_is_as_of_an_exact_search(kind):
    """All lists and the whole graph are looked through, so that nothing is missed."""
    rows, queries = directions(300, 8), directions(9, 8, 1)
    rows[100:200] = rows[:100]
    exact = nearest(blocks_of(rows), queries, 12)
    found = Approximate(rows, kind=kind, probes=300).nearest(queries, 12)
    for one, other in zip(found, exact, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("_faiss")
def test_of_few_lists_something_is_missed_and_never_too_little_found():
    rows, queries = directions(4000, 32), directions(20, 32, 1)
    exact, _ = nearest(blocks_of(rows), queries, 10)
    found, cosines = Approximate(rows, kind="IVF400,Flat", probes=1).nearest(queries, 10)
    assert 0.02 < recall(found, exact) < 0.9
    assert (np.diff(cosines, axis=1) <= 0).all() and all(len(set(own)) == 10 for own in found.tolist())
    more, _ = Approximate(rows, kind="IVF400,Flat", probes=100).nearest(queries, 10)
    assert recall(more, exact) > recall(found, exact)


@pytest.mark.usefixtures("_faiss")
def test_mistakes_are_refused():
    with pytest.raises(ConfigError, match="no index 'Nonsense'"):
        Approximate(directions(9, 4), kind="Nonsense")
    with pytest.raises(ShapeError, match="neither 0"):
        Approximate(np.empty((0, 4), np.float32))
    index = Approximate(directions(9, 4), kind="Flat")
    with pytest.raises(ConfigError, match="The 10 nearest of 9"):
        index.nearest(directions(1, 4), 10)
    with pytest.raises(ShapeError, match="encode both alike"):
        index.nearest(directions(1, 5), 2)
