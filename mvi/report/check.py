# SPDX-License-Identifier: MIT
"""Whether tables that were just made agree with those in the documents, cell by cell.

Another processor, or another number of threads, rounds otherwise, and trainings that sample part soon. How
far tables move by that is measured (`tolerances`), kept in a file, and allowed twice.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from mvi.errors import DataError
from mvi.files import atomic
from mvi.report.costs import MINUTES
from mvi.report.markdown import cell_text, table_cells

BLOCK = re.compile(r"(<!-- begin: (?P<path>\S+) -->\n)(?P<content>.*?)(<!-- end -->)", re.DOTALL)
"""A part of a document that is copied from the results."""

MARGIN = 2.0
"""So many times the largest difference measured is allowed: few arithmetics were tried, and others lie
further."""
COLUMNS = ("run", "table", "column", "largest")

_NUMBER = re.compile(r"[+-]?[\d,]*\.?\d+(?:e[+-]?\d+)?")


class Place(NamedTuple):
    """Where a cell stands."""

    run: str
    table: str
    row: str
    column: str
    """The heading, with a number where several are called so; "Difference: ..." in the lower table."""

    def __str__(self) -> str:
        return f"{self.run}, {self.table}: {self.row}, {self.column}"


@dataclass(frozen=True)
class Cell:
    """A number as it is written."""

    text: str
    best: bool
    """Whether it is in bold."""

    @property
    def value(self) -> float:
        """The number, the mean where it is one."""
        return float(self.text.replace(",", ""))

    @property
    def unit(self) -> float:
        """One in the last place that is written; whole numbers are exact."""
        decimals = len(self.text.partition("e")[0].partition(".")[2])
        return 10.0**-decimals if decimals and "e" not in self.text else 0.0


Cells = Mapping[Place, Cell]
Tolerances = Mapping[tuple[str, str, str], float]
"""Run, table and column -> the largest difference that was measured."""


@dataclass(frozen=True)
class Verdict:
    """What a comparison came to."""

    compared: int
    """Cells."""
    tables: int
    apart: list[str]
    """A line for each cell that differs, or that is on one side only."""
    notes: list[str]
    """What is no fault: other cells in bold."""


def documented(pages: Iterable[Path]) -> dict[str, str]:
    """What documents hold of each file of the results, by its path."""
    return {
        match["path"]: match["content"]
        for page in pages
        for match in BLOCK.finditer(page.read_text(encoding="utf-8"))
    }


def cells(path: str, text: str) -> dict[Place, Cell]:
    """The numbers of the tables in a Markdown file `results/<run>/tables/<table>.md`."""
    run, table = Path(path).parts[-3], Path(path).stem
    found: dict[Place, Cell] = {}
    for number, block in enumerate(re.findall(r"(?:^\|.*\n?)+", text, re.M)):
        head, _, *rows = ([*map(cell_text, table_cells(line))] for line in block.splitlines())
        names = [f"{name} ({head[:place].count(name) + 1})" if name in head[:place] else name
                 for place, name in enumerate(head)]  # fmt: skip
        for row in rows:
            labels = [cell for cell in row if not _NUMBER.match(cell.strip("*"))]
            label = ", ".join(dict.fromkeys(filter(None, labels)))
            for name, cell in zip(names, row, strict=True):
                # How long something took says nothing of what came out.
                if name != MINUTES and (match := _NUMBER.match(cell.strip("*"))):
                    column = f"{head[0]}: {name}" if number else name
                    found[Place(run, table, label, column)] = Cell(match[0], cell.startswith("**"))
    return found


def tolerances(results: Iterable[Cells]) -> dict[tuple[str, str, str], float]:
    """Of each column the largest difference of a cell between any two of several results.

    Columns of one table with as many decimals are in one unit, and share the largest of theirs; whole numbers
    share nothing. Cells that are not in both are passed over. Differences are of numbers as they are written.
    """
    largest: dict[tuple[str, str, str], float] = {}
    shared: dict[tuple[str, str, str], float] = {}
    units: dict[tuple[str, str, str], str] = {}
    for left, right in combinations(results, 2):
        for place in left.keys() & right.keys():
            apart = abs(left[place].value - right[place].value)
            unit = max(left[place].unit, right[place].unit)
            column = (place.run, place.table, place.column)
            largest[column] = max(largest.get(column, 0.0), apart)
            if unit:
                group = units[column] = f"{unit:g}"
                key = (place.run, place.table, group)
                shared[key] = max(shared.get(key, 0.0), apart)
    return {
        column: shared[(*column[:2], units[column])] if column in units else apart
        for column, apart in largest.items()
    }


def write_tolerances(path: str | Path, measured: Tolerances) -> None:
    """Write what `tolerances` found as CSV."""
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((*column, f"{apart:.4g}") for column, apart in sorted(measured.items()))


def read_tolerances(path: str | Path) -> dict[tuple[str, str, str], float]:
    """Read what `write_tolerances` wrote; raises `DataError` where it is something else."""
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        if tuple(header) != COLUMNS:
            raise ValueError(f"its columns are {', '.join(header)}")
        return {(run, table, column): float(apart) for run, table, column, apart in rows}
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read as tolerances ({error}); take it from the repository."
        ) from error


def compare(documents: Mapping[str, str], made: Mapping[str, str], measured: Tolerances) -> Verdict:
    """Compare the tables of `documents` with those `made`, both as Markdown by path.

    A table that is documented and not made, a cell on one side only, and a number further from its document
    than `MARGIN` times what was measured of its column, and the rounding of both, are apart. Of a column that
    was never measured only the rounding is allowed.
    """
    compared = 0
    apart: list[str] = []
    notes: list[str] = []
    for path, text in documents.items():
        if path not in made:
            apart.append(f"{path}: in the documents, but not made")
            continue
        left, right = cells(path, text), cells(path, made[path])
        apart += _one_sided(left, right)
        for place in [place for place in left if place in right]:
            compared += 1
            column = (place.run, place.table, place.column)
            allowed = MARGIN * measured.get(column, 0.0) + max(left[place].unit, right[place].unit)
            difference = abs(left[place].value - right[place].value)
            # Numbers of few digits are not exact in binary.
            if difference > allowed * (1 + 1e-9):
                said = f"{left[place].text} in the documents, {right[place].text} made"
                why = f"{allowed:.4g} allowed" + ("" if column in measured else ", no tolerance measured")
                apart.append(f"{place}: {said}, {why}")
        notes += _best(left, right)
    return Verdict(compared, len([path for path in documents if path in made]), apart, notes)


def _one_sided(left: Cells, right: Cells) -> Iterator[str]:
    """A line for each row that one side has, and for each such cell of rows that both have."""
    rows = [{place._replace(column="") for place in side} for side in (left, right)]
    for own, other, others, where in (
        (left, right, rows[1], "documents"),
        (right, left, rows[0], "table made"),
    ):
        lone = [place for place in own if place not in other]
        whole = dict.fromkeys(place._replace(column="") for place in lone)
        for row in whole:
            if row not in others:
                yield f"{row.run}, {row.table}: {row.row}: only in the {where}"
        for place in lone:
            if place._replace(column="") in others:
                yield f"{place}: only in the {where}"


def _best(left: Cells, right: Cells) -> Iterator[str]:
    """A line for each column whose cells in bold are in other rows."""
    for column in dict.fromkeys(place.column for place in left):
        rows = [
            [place.row for place, cell in side.items() if place.column == column and cell.best]
            for side in (left, right)
        ]
        if rows[0] != rows[1]:
            where = next(iter(left))
            yield (
                f"{where.run}, {where.table}, {column}: the best is {' and '.join(rows[0]) or 'none'} in the "
                f"documents, {' and '.join(rows[1]) or 'none'} made"
            )
