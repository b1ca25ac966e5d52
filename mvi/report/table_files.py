# SPDX-License-Identifier: MIT
"""What all tables share: score files in, a tidy CSV for programs and a Markdown table for readers out."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from mvi.errors import DataError
from mvi.files import atomic, read_json

ScoreSets = dict[str, dict[int, dict[str, Any]]]
"""row of the table -> number of the repetition (seed or split) -> what a score file holds."""


def read_scores(paths: Iterable[str | Path], repetition: str) -> ScoreSets:
    """Read `.../<row>/<repetition><number>.json` files; raises `DataError` for one named otherwise."""
    scores: ScoreSets = {}
    for path in map(Path, paths):
        number = path.stem.removeprefix(repetition)
        if not number.isdecimal() or not path.stem.startswith(repetition):
            raise DataError(f"{path} is not named {repetition}<number>.json; give score files only.")
        scores.setdefault(path.parent.name, {})[int(number)] = read_json(path)
    return scores


def read_published(path: str | Path, experiment: str) -> list[dict[str, str]]:
    """Rows of the file of published numbers that belong to `experiment`."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["experiment"] == experiment]


def number(scores: Mapping[str, Any], key: str, row: str) -> float:
    """The finite number under `key`; raises `DataError` that names the table's `row` where there is none."""
    value = scores.get(key)
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise DataError(
            f"The scores of {row} hold {value!r} for {key!r}; delete its score files and run the workflow "
            "again."
        )
    return value


def write_csv(path: str | Path, cells: Sequence[Any]) -> None:
    """One line a cell, all of one dataclass; numbers in full precision, an empty field for none."""
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        names = [field.name for field in fields(cells[0])]
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([getattr(cell, name) for name in names] for cell in cells)


def write_markdown(path: str | Path, table: str, caption: str) -> None:
    """A table for readers under its caption."""
    with atomic(path) as temporary:
        temporary.write_text(f"{caption}\n\n{table}", encoding="utf-8")


def markdown_table(columns: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Lay out columns (heading, texts) at equal width: the first to the left, numbers to the right."""
    lines = []
    for place, (heading, texts) in enumerate(columns):
        width = max(map(len, (heading, *texts)))
        rule = "-" * width if place == 0 else "-" * (width - 1) + ":"
        set_in = str.ljust if place == 0 else str.rjust
        lines.append([set_in(heading, width), rule, *(set_in(text, width) for text in texts)])
    return "".join(f"| {' | '.join(line)} |\n" for line in zip(*lines, strict=True))
