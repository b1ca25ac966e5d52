# SPDX-License-Identifier: MIT
"""The rows nearest to queries, exactly, among more rows than fit into memory.

Shapes: m rows, q queries, K numbers of each. Rows and queries have length 1, or 0, so that a product of two
is their cosine. Products of a block of rows are taken in float32, which is fast and whose last bits depend on
where a row stands; what may be among the nearest by them, allowing for the most that rounding can do, is
multiplied again in float64, each pair by itself. So equal rows get equal cosines and are told by their order.
Where that leaves too many, as of rows that are much alike, all are multiplied in float64 first.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from mvi.errors import ConfigError, DataError, ShapeError

ROWS = 4096
"""Of a block: with as many queries as are taken at a time, 16 MB of products."""
QUERIES = 1024
# Numbers of pairs that are multiplied in float64 at a time: 32 MB of each side.
_PAIRED = 2**22
# So many pairs by themselves take as long as all of them by a matrix product in float64.
_SHARE = 1 / 16
# A product of two lengths of 1 but for rounding, to float16 too.
_LONGEST = 1 + 2**-7


def blocks_of(rows: np.ndarray, size: int = ROWS) -> Iterator[np.ndarray]:
    """Slices of `size` rows; `rows` is an array, in memory, of a file (`np.memmap`) or an HDF5 dataset."""
    return (rows[start : start + size] for start in range(0, len(rows), size))


def nearest(blocks: Iterable[np.ndarray], queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` rows nearest to each query, and their cosines: (q, count) int64 and float32.

    The nearest come first, rows of equal cosine in their order. `blocks` are the rows in their order, (b, K)
    each, of any real type; one is in memory at a time, beside it q x (count + K) x 12 bytes and less than
    200 MB. Queries are (q, K).

    Raises `ShapeError` where rows and queries are of different or no length K, or longer than 1 by more than
    rounding; `DataError` for numbers that are not finite; `ConfigError` for a `count` that there is not.
    """
    asked = np.asarray(queries, np.float64)
    if asked.ndim != 2 or not asked.shape[1]:
        raise ShapeError(f"Queries have shape {asked.shape}; give (queries, numbers), of at least 1 number.")
    _check(np.einsum("ij,ij->i", asked, asked), "the queries")
    single, width = asked.astype(np.float32), asked.shape[1]
    found = np.full((len(asked), max(count, 1)), -np.inf, np.float32)
    places = np.full(found.shape, -1, np.int64)
    seen = 0
    for block in blocks:
        if block.ndim != 2 or block.shape[1] != width:
            raise ShapeError(f"Rows have shape {block.shape} and queries {asked.shape}; encode both alike.")
        rows = np.asarray(block, np.float32)
        for start in range(0, len(asked) if len(rows) else 0, QUERIES):
            some = slice(start, start + QUERIES)
            products = single[some] @ rows.T
            highest = products.max(1)
            _check(highest, f"rows {seen} to {seen + len(rows) - 1}")
            least = found[some, -1]
            hopeful = np.flatnonzero(highest >= least - np.float32(_margin(width, np.float32)))
            flat = _hits(products[hopeful], least[hopeful], count, width)
            if len(flat) > _SHARE * len(hopeful) * len(rows):
                exact = asked[some][hopeful] @ np.asarray(block, np.float64).T
                flat = _hits(exact, least[hopeful], count, width)
            query, row = start + hopeful[flat // len(rows)], flat % len(rows)
            _merge(found, places, query, seen + row, _products(asked, query, block, row))
        seen += len(rows)
    if not 1 <= count <= seen:
        raise ConfigError(f"The {count} nearest of {seen} rows were asked for; ask for 1 to {seen}.")
    return places, found


def _hits(products: np.ndarray, least: np.ndarray, count: int, width: int) -> np.ndarray:
    """Where, in the flat array of `products` (q, b), cosines may be above `least` (q,) once they are rounded.

    Where `least` is not known, the `count` greatest of the products tell it, or all are taken.
    """
    margin = _margin(width, products.dtype)
    if products.shape[1] > count:
        unknown = np.flatnonzero(least == -np.inf)
        greatest = np.partition(products[unknown], -count, 1)[:, -count].astype(np.float64) - margin
        # What is equal to it may come before it.
        least[unknown] = np.nextafter(greatest.astype(np.float32), np.float32(-np.inf))
    # From half of the way to the next float32 on, a number is rounded to that.
    limit = (least.astype(np.float64) + np.nextafter(least, np.float32(np.inf))) / 2 - margin
    # Of the flat array, which takes a tenth of the time.
    return np.flatnonzero(products >= limit.astype(products.dtype)[:, None])


def _margin(width: int, kind: np.dtype | type) -> float:
    """By how much a product of two vectors of length 1 is wrong at most, however it is summed.

    Higham (2002, section 3.1), twice: vectors are rounded too, and may be a little longer than 1.
    """
    return float((width + 4) * np.finfo(kind).eps)


def products_of(asked: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(n,) float32 products of pairs (n, K), each summed in the same order whatever stands beside it."""
    return np.einsum("ij,ij->i", asked, rows).astype(np.float32)


def _products(asked: np.ndarray, query: np.ndarray, block: np.ndarray, row: np.ndarray) -> np.ndarray:
    """(n,) float32: `query` times `row` of each pair, in float64."""
    result, step = np.empty(len(query), np.float32), max(1, _PAIRED // asked.shape[1])
    for start in range(0, len(query), step):
        part = slice(start, start + step)
        result[part] = products_of(asked[query[part]], block[row[part]].astype(np.float64))
    return result


def _merge(
    found: np.ndarray, places: np.ndarray, query: np.ndarray, row: np.ndarray, cosine: np.ndarray
) -> None:
    """Put `row` with `cosine` among the nearest of `query`, of which `found` and `places` keep so many."""
    touched, number = np.unique(query, return_inverse=True)
    count = found.shape[1]
    numbers = np.concatenate([np.repeat(np.arange(len(touched)), count), number])
    cosines = np.concatenate([found[touched].ravel(), cosine])
    rows = np.concatenate([places[touched].ravel(), row])
    order = np.lexsort((rows, -cosines, numbers))
    first = np.searchsorted(numbers[order], np.arange(len(touched)))
    kept = order[first[:, None] + np.arange(count)]
    found[touched], places[touched] = cosines[kept], rows[kept]


def _check(products: np.ndarray, where: str) -> None:
    """Refuse what is no product of lengths of 1; the greatest are looked at, where the long ones are."""
    if not np.isfinite(products).all():
        raise DataError(f"There are numbers in {where} that are not finite; look at what computed them.")
    if len(products) and products.max() > _LONGEST:
        raise ShapeError(
            f"A product of {where} with a query is {products.max():.3g} and no cosine; divide all by their "
            "length."
        )
