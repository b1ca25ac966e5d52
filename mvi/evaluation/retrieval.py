# SPDX-License-Identifier: MIT
"""Retrieval by joint representations: how well a query finds rows that share a label with it.

The protocol is that of Sohn et al. (2014, section 4.2), who follow Srivastava and Salakhutdinov (2012): a
database and disjoint queries are drawn from the test rows, the database is ranked by the cosine similarity
of joint representations, and a row is relevant if it shares any label with the query. Average precision has
three definitions (see `metrics`), so all three are reported.

Shapes: m rows of the database, q queries, K dimensions of a representation, C labels.
"""

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from mvi.data import search
from mvi.errors import ConfigError, DataError, ShapeError
from mvi.evaluation.metrics import (
    DEFINITIONS,
    RECALLS,
    array_of,
    partly,
    precision_at_recalls,
    truth_of,
)
from mvi.evaluation.scores import Score

CHANCE = "chance"
"""The method of what a random ranking reaches."""


def draw(
    test: np.ndarray,
    *,
    seed: int | Sequence[int],
    database: int = 5000,
    queries: int = 1000,
    out_of: int = 10_000,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the rows of the database (m,) and of the queries (q,) from the rows `test`; no row is in both.

    `database` and `queries` are the numbers for a test part of `out_of` rows or more (Sohn et al. 2014:
    5,000 and 1,000 of 10,000); a smaller part gives the same proportions of its rows, rounded down, and at
    least one. Both come in the random order drawn, so that rows of equal similarity, which keep the order of
    the database, are ordered by chance.

    Raises `ConfigError` for numbers that cannot be drawn and `DataError` where there are fewer than two rows.
    """
    if min(database, queries) < 1 or database + queries > out_of:
        raise ConfigError(
            f"Retrieval needs at least 1 query and 1 row of the database and no more than {out_of} together, "
            f"not {queries} and {database}."
        )
    test = np.asarray(test)
    if len(test) < 2:
        raise DataError(f"Retrieval needs at least 2 test rows, not {len(test)}; use a larger split.")
    size = min(len(test), out_of)
    m, q = (max(1, count * size // out_of) for count in (database, queries))
    order = np.random.default_rng(seed).permutation(test)
    return order[:m], order[m : m + q]


def evaluate(
    database: np.ndarray,
    queries: np.ndarray,
    database_labels: np.ndarray,
    query_labels: np.ndarray,
    *,
    query: str,
    known: tuple[np.ndarray, np.ndarray] | None = None,
    block: int = 256,
) -> list[Score]:
    """Mean average precision and precision-recall curve of the queries.

    A query without any label, and one that shares no label with any row of the database, has nothing to find:
    both are counted and left out of every mean. A row of the database without any label is never relevant,
    and stays in the ranking. A representation of zeros has no direction: its similarity to everything
    is 0.

    database, queries: (m, K) and (q, K), the joint representations
    database_labels, query_labels: (m, C) and (q, C) of 0 and 1
    known: (m, C) and (q, C) bool, which of the labels of the database and of the queries are known; a row of
        the database that may share a label with a query, for all that is known, is left out of its ranking
    query: what the queries give of their rows, as in `Score`
    block: queries compared at a time

    Returns, with means over the queries that are evaluated:

    - "retrieval_map_<definition>" of each of `metrics.DEFINITIONS`;
    - "retrieval_precision" with the recall as its label, 0.00, 0.01, ..., 1.00: the highest precision of a
      query's ranking at this recall or a later one;
    - of the method `CHANCE`: "retrieval_precision" without a label, the share of relevant rows, which is the
      precision of a random ranking at any recall, and "retrieval_map_noninterpolated", its expectation;
    - "retrieval_queries", "retrieval_queries_judged", "retrieval_queries_without_label",
      "retrieval_queries_without_relevant" (with a label but none that the database has),
      "retrieval_queries_zero" (representations of zeros); "retrieval_database",
      "retrieval_database_without_label", "retrieval_database_zero"; and "retrieval_features" (K).

    Takes K x (m + q) x 8 bytes beside its arguments, and 2 s of one core for 1,000 queries, 5,000 rows and
    2,048 dimensions each. Raises `ShapeError` where arguments do not fit and `DataError` for representations
    that are not finite or where no query can be evaluated.
    """
    database, queries = _checked(database, "database"), _checked(queries, "queries")
    in_database, of_queries = known or (None, None)
    kept, kept_possibly = _checked_labels(database_labels, database, in_database)
    asked, asked_possibly = _checked_labels(query_labels, queries, of_queries)
    partial = kept is not kept_possibly or asked is not asked_possibly
    if kept.shape[1] != asked.shape[1]:
        raise ShapeError(
            f"The database has {kept.shape[1]} labels and the queries have {asked.shape[1]}; give the same "
            "classes for both."
        )
    precisions: dict[str, list[float]] = {definition: [] for definition in DEFINITIONS}
    curves, shares, expected = np.zeros(RECALLS), [], []
    for start, similarity in _similarities(database, queries, block):
        rows = slice(start, start + len(similarity))
        relevant = asked[rows] @ kept.T > 0
        possible = asked_possibly[rows] @ kept_possibly.T > 0 if partial else relevant
        for scores, own, perhaps in zip(similarity, relevant, possible, strict=True):
            if own.any():
                if partial:
                    certain = own | ~perhaps
                    scores, own = scores[certain], own[certain]
                for definition, measure in DEFINITIONS.items():
                    precisions[definition].append(measure(scores, own))
                curves += precision_at_recalls(scores, own)
                shares.append(own.mean())
                expected.append(_expected_precision(int(own.sum()), len(own)))
    evaluated, unlabelled = len(shares), int((~asked.any(axis=1)).sum())
    if not evaluated:
        raise DataError("No query shares a label with any row of the database; use a larger split.")
    measured = {f"map_{name}": float(np.mean(values)) for name, values in precisions.items()}
    chance = {"precision": float(np.mean(shares)), "map_noninterpolated": float(np.mean(expected))}
    counts = {
        "queries": len(queries),
        "queries_judged": evaluated,
        "queries_without_label": unlabelled,
        "queries_without_relevant": len(queries) - evaluated - unlabelled,
        "queries_zero": int((~queries.any(axis=1)).sum()),
        "database": len(database),
        "database_without_label": int((~kept.any(axis=1)).sum()),
        "database_zero": int((~database.any(axis=1)).sum()),
    }

    def score(metric: str, value: float, method: str = "", label: str = "") -> Score:
        name = f"retrieval_{metric}"
        return Score(method=method, query=query, part="test", metric=name, label=label, value=float(value))

    return [
        *(score(metric, value) for metric, value in measured.items()),
        *(score(metric, value, CHANCE) for metric, value in chance.items()),
        *(score(metric, value) for metric, value in counts.items()),
        Score(metric="retrieval_features", query=query, value=database.shape[1]),
        *(
            score("precision", total / evaluated, label=f"{i / (RECALLS - 1):.2f}")
            for i, total in enumerate(curves)
        ),
    ]


def nearest(
    database: np.ndarray, queries: np.ndarray, count: int, *, block: int = search.ROWS
) -> tuple[np.ndarray, np.ndarray]:
    """The `count` most similar rows of the database to each query, and their cosine similarities.

    Both (q, count), most similar first: positions in `database`, int64, and float32. Equal similarities keep
    the database's order, and zeros are as in `evaluate`. Raises as `evaluate` does, and `ConfigError` where
    the database has fewer rows than `count`.

    block: rows of the database compared at a time
    """
    database, queries = _checked(database, "database"), _checked(queries, "queries")
    _check_widths(database, queries)
    return search.nearest(map(_directions, search.blocks_of(database, block)), _directions(queries), count)


def _similarities(database: np.ndarray, queries: np.ndarray, block: int) -> Iterator[tuple[int, np.ndarray]]:
    """First query of each block, and cosines (block, m) float32."""
    _check_widths(database, queries)
    if block < 1:
        raise ConfigError(f"A block of queries must have at least 1, not {block}.")
    kept, asked = _directions(database), _directions(queries)
    for start in range(0, len(asked), block):
        # The last bits depend on where a row stands in the product; without them equal rows are equal.
        yield start, (asked[start : start + block] @ kept.T).astype(np.float32)


def _check_widths(database: np.ndarray, queries: np.ndarray) -> None:
    if database.shape[1] != queries.shape[1]:
        raise ShapeError(
            f"The database has {database.shape[1]} dimensions and the queries have {queries.shape[1]}; "
            "encode both by the same model."
        )


def _directions(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1 in float64; zeros stay zeros."""
    # By the largest entry first, so that no square of a very small or large number is 0 or infinite. In
    # float64 before the sign is turned: the least whole number of a type has no opposite in it.
    highest, lowest = (ends(axis=1, keepdims=True).astype(np.float64) for ends in (rows.max, rows.min))
    largest = np.maximum(highest, -lowest)
    scaled = rows / np.where(largest == 0, 1, largest)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return scaled / np.where(length == 0, 1, length)


@cache
def _harmonic(rows: int) -> float:
    """1 + 1/2 + ... + 1/n."""
    return float(np.sum(1 / np.arange(1, rows + 1)))


def _expected_precision(relevant: int, rows: int) -> float:
    """Mean of the non-interpolated average precision over all orders of `rows`, `relevant` of them relevant.

    A place k is relevant with probability R / n, and each of the k - 1 places before it is then so with
    probability (R - 1) / (n - 1).
    """
    others = (relevant - 1) / max(rows - 1, 1)
    harmonic = _harmonic(rows)
    return (harmonic + others * (rows - harmonic)) / rows


def _checked(rows: np.ndarray, name: str) -> np.ndarray:
    rows = array_of(rows, f"representations of the {name}")
    if rows.ndim != 2 or not rows.size:
        raise ShapeError(
            f"The representations of the {name} have shape {rows.shape}; give (rows, dimensions), neither 0."
        )
    if not np.isfinite(rows).all():
        raise DataError(f"Representations of the {name} are not finite; look at what computed them.")
    return rows


def _checked_labels(
    labels: np.ndarray, rows: np.ndarray, known: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Labels that rows have and that they may have, float32, so that their product is a fast one."""
    labels = array_of(labels, "labels")
    if labels.ndim != 2 or len(labels) != len(rows):
        raise ShapeError(
            f"There are labels of shape {labels.shape} for {len(rows)} representations; give a row of 0 and "
            "1 for each."
        )
    mask = partly(known, labels.shape)
    if mask is None:
        truth = truth_of(labels, counts=True).astype(np.float32)
        return truth, truth
    certain = truth_of(np.where(mask, labels, 0), counts=True)
    return certain.astype(np.float32), (certain | ~mask).astype(np.float32)
