# SPDX-License-Identifier: MIT
"""Files of scores read, joined and filtered."""

import csv
import io
import math
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mvi.errors import DataError
from mvi.evaluation.scores import COLUMNS, Score
from mvi.files import read_sealed

Repetition = tuple[int | None, int | None]
"""Split and seed."""

LEVEL = 0.05
"""Of the test that tells whether two methods differ."""

_WHOLE = ("iterations", "split", "seed")


class Key(NamedTuple):
    """What the scores of one cell of a table have in common; there is one for each split or seed."""

    method: str
    metric: str
    query: str = ""
    part: str = "test"
    variant: str = ""
    iterations: int | None = None

    def __str__(self) -> str:
        iterations = "" if self.iterations is None else f"{self.iterations} iterations"
        named = (self.metric, "of", self.method, self.variant, self.query, iterations, self.part)
        return " ".join(filter(None, named))


def read_scores(paths: Iterable[str | Path]) -> list[Score]:
    """The rows of all files, in order; a row that several files hold counts once.

    Raises `DataError` for a file that does not hold scores, and where files contradict each other.
    """
    found: dict[tuple[str, ...], Score] = {}
    for path in paths:
        for what, score in _read(path):
            if found.setdefault(what, score).value != score.value:
                raise DataError(
                    f"{path} and another file differ in the {score.metric} of {score.method} {score.query}, "
                    "which depends on the rows alone; delete these files and run the workflow again."
                )
    return list(found.values())


def _read(path: str | Path) -> Iterator[tuple[tuple[str, ...], Score]]:
    """Each row, and all of it but the value as text."""
    try:
        header, *rows = csv.reader(io.StringIO(read_sealed(path).decode(), newline=""))
        if tuple(header) != COLUMNS:
            raise ValueError(f"its columns are {', '.join(header)}")
        for row in rows:
            fields: dict[str, Any] = dict(zip(COLUMNS, row, strict=True))
            for name in _WHOLE:
                fields[name] = int(fields[name]) if fields[name] else None
            fields["value"] = float(fields["value"])
            if not math.isfinite(fields["value"]):
                raise ValueError(f"the {fields['metric']} of {fields['method']} is {fields['value']}")
            yield tuple(row[:-1]), Score(**fields)
    except ValueError as error:
        raise DataError(
            f"{path} cannot be read as scores ({error}); delete it and run the workflow again."
        ) from error


class Scores:
    """Scores to be filtered by key; those that are one of many, with a label, are left out."""

    def __init__(self, scores: Iterable[Score]) -> None:
        self._values: dict[Key, dict[Repetition, float]] = {}
        self._repetitions: dict[tuple[str, str], set[Repetition]] = {}
        for one in scores:
            if not one.label:
                key = Key(one.method, one.metric, one.query, one.part, one.variant, one.iterations)
                self._values.setdefault(key, {})[one.split, one.seed] = one.value
                self._repetitions.setdefault((one.method, one.variant), set()).add((one.split, one.seed))

    def of(self, key: Key) -> dict[Repetition, float]:
        """The values of a key by split and seed; `DataError` where one that the method has is missing."""
        values = self._values.get(key, {})
        missing = self._repetitions.get((key.method, key.variant), set()) - values.keys()
        if missing or not values:
            where = f" of {', '.join(map(_named, sorted(missing, key=_order)))}" if missing else ""
            raise DataError(
                f"There is no score for {key}{where}; delete the score files of this method and run the "
                "workflow again."
            )
        return {repetition: values[repetition] for repetition in sorted(values, key=_order)}

    def has(self, method: str, variant: str = "") -> bool:
        """Whether there is any score of a method."""
        return (method, variant) in self._repetitions

    def known(self, key: Key) -> bool:
        """Whether there is any score of a key."""
        return key in self._values

    def queries(self, method: str, metric: str) -> list[str]:
        """The queries by which a method has scores of a metric."""
        found = (key.query for key in self._values if (key.method, key.metric) == (method, metric))
        return list(dict.fromkeys(found))

    def repetitions(self) -> list[Repetition]:
        """Every split and seed."""
        return sorted(set().union(*self._repetitions.values()), key=_order)

    def values(self, metric: str, part: str, methods: Container[str]) -> list[float]:
        """The different values that a metric has among some methods, in order."""
        found = {
            value
            for key, values in self._values.items()
            if key.metric == metric and key.part == part and key.method in methods
            for value in values.values()
        }
        return sorted(found)


def split_ratio(scores: Scores, methods: Iterable[str]) -> float | None:
    """Test rows for each row that the classifiers of test scores learned from, those of validation too."""
    for method in methods:
        rows = {part: scores.values("rows", part, {method}) for part in ("train", "validation", "test")}
        if all(rows.values()):
            return max(rows["test"]) / (min(rows["train"]) + min(rows["validation"]))
    return None


def _order(repetition: Repetition) -> tuple[int, ...]:
    return tuple(-1 if number is None else number for number in repetition)


def _named(repetition: Repetition) -> str:
    split, seed = repetition
    return f"split {split}" if seed is None else f"seed {seed}"
