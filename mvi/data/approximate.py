# SPDX-License-Identifier: MIT
"""Rows near to queries by an index of FAISS (the extra `faiss`): faster than all rows, and some are missed.

What `mvi.data.search` says of shapes and lengths holds here. An index is given each row once: graphs (HNSW)
lose copies of a row, since a copy's neighbours are all copies, and any index may return some copies and not
the first. Copies come back beside the row found, products are taken again in float64, and rows of equal
cosine are put in their order, so that only what the index did not find differs from an exact search.
"""

import hashlib
from typing import Any

import numpy as np

from mvi.data.search import blocks_of, nearest, products_of
from mvi.errors import ConfigError, ShapeError

# Rows of a list in an inverted file, about the root of a million.
_LIST = 1000
# Of the rows that centres of lists are learned from, for each list; FAISS warns of fewer than 39.
_LEARNED_FROM = 64


class Copies:
    """Which rows are equal: of m rows d are distinct, `first` (d,) says where each stands first."""

    def __init__(self, rows: np.ndarray) -> None:
        known: dict[bytes, int] = {}
        number = np.empty(len(rows), np.int64)
        place = 0
        for block in blocks_of(rows):
            # Adding 0 makes one zero of two.
            for row in block + block.dtype.type(0):
                digest = hashlib.blake2b(row.data, digest_size=16).digest()
                number[place] = known.setdefault(digest, len(known))
                place += 1
        self._rows = np.argsort(number, kind="stable")
        self._starts = np.searchsorted(number[self._rows], np.arange(len(known) + 1))
        self.first = self._rows[self._starts[:-1]]

    def of(self, distinct: np.ndarray, count: int) -> np.ndarray:
        """The first `count` rows, or as many as there are, of each of the `distinct` rows' numbers."""
        starts, stops = (
            self._starts[distinct],
            np.minimum(self._starts[distinct + 1], self._starts[distinct] + count),
        )
        spans = [self._rows[start:stop] for start, stop in zip(starts, stops, strict=True)]
        return np.concatenate([np.empty(0, np.int64), *spans])


class Approximate:
    """An index of `rows` (m, K), float16, float32 or float64 of length 1 or 0, which stay where they are.

    kind: the index, as FAISS's `index_factory` names it; None is an inverted file of lists of about a
        thousand rows, "HNSW32" a graph, which answers sooner and takes many times as long to build
    probes: of an inverted file, lists looked through for a query; of a graph, `efSearch`

    Takes what FAISS does, for the default 4 x m x K bytes. The same rows, kind and version of FAISS give the
    same index on one thread. Raises `ConfigError` where FAISS is not installed or knows no such kind.
    """

    def __init__(self, rows: np.ndarray, *, kind: str | None = None, probes: int = 32) -> None:
        faiss = _faiss()
        if rows.ndim != 2 or not rows.size:
            raise ShapeError(f"Rows have shape {rows.shape}; give (rows, numbers), neither 0.")
        self.rows, self.copies = rows, Copies(rows)
        first = self.copies.first
        lists = max(1, len(first) // _LIST)
        kind = kind or f"IVF{lists},Flat"
        try:
            self.index = faiss.index_factory(rows.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
        except RuntimeError as error:
            raise ConfigError(
                f"FAISS knows no index {kind!r}; give one that its index_factory takes."
            ) from error
        if not self.index.is_trained:
            # Evenly spaced, and so without a draw.
            step = max(1, len(first) // (_LEARNED_FROM * getattr(self.index, "nlist", lists)))
            self.index.train(np.ascontiguousarray(rows[first[::step]], np.float32))
        for some in blocks_of(first):
            self.index.add(np.ascontiguousarray(rows[some], np.float32))
        if hasattr(self.index, "nprobe"):
            self.index.nprobe = probes
        if hasattr(self.index, "hnsw"):
            self.index.hnsw.efSearch = probes

    def nearest(self, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """`count` rows near to each query (q, K), as `mvi.data.search.nearest` returns them.

        A query for which the index finds fewer is compared with all rows. Raises as the exact search does.
        """
        asked = np.ascontiguousarray(queries, np.float32)
        distinct = len(self.copies.first)
        if not 1 <= count <= len(self.rows) or asked.ndim != 2 or asked.shape[1] != self.rows.shape[1]:
            # Which says what is wrong.
            return nearest(blocks_of(self.rows), queries, count)
        _, found = self.index.search(asked, min(count, distinct))
        places = np.empty((len(asked), count), np.int64)
        cosines = np.empty((len(asked), count), np.float32)
        for number, own in enumerate(found):
            rows = self.copies.of(own[own >= 0], count)
            if len(rows) < count:
                all_rows = nearest(blocks_of(self.rows), queries[number : number + 1], count)
                places[number], cosines[number] = all_rows[0][0], all_rows[1][0]
                continue
            query = np.broadcast_to(np.asarray(queries[number], np.float64), (len(rows), asked.shape[1]))
            cosine = products_of(query, self.rows[rows].astype(np.float64))
            order = np.lexsort((rows, -cosine))[:count]
            places[number], cosines[number] = rows[order], cosine[order]
        return places, cosines


def recall(found: np.ndarray, exact: np.ndarray) -> float:
    """Share of the exactly nearest rows (q, k) that are among those `found` (q, k), mean over queries."""
    return float(np.mean([np.isin(own, near).mean() for own, near in zip(exact, found, strict=True)]))


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise ConfigError(
            "An approximate search needs the Python package faiss-cpu; install mvi with its extra: faiss."
        ) from error
    return faiss
