# SPDX-License-Identifier: MIT
"""Tables out of scores: a tidy CSV for programs, a Markdown table and its caption for readers.

A table names the keys of its cells (filter), and which of them stand in which column (pivot).
"""

import csv
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields, replace
from itertools import product
from pathlib import Path
from typing import Any

from mvi.errors import DataError
from mvi.evaluation.significance import corrected_t_test
from mvi.files import atomic, write_sealed
from mvi.report.scores import LEVEL, Key, Repetition, Scores
from mvi.text import table_cell

RULE = "———"
"""What stands in every cell between the models and the baselines."""


@dataclass(frozen=True)
class Wanted:
    """A cell to be filled: the mean of the scores of `key`, or of its differences to those of `minus`."""

    row: str
    label: str
    key: Key
    kind: str = "model"
    """"model"; "baseline", what models are compared with; "difference"; "published", without own scores."""
    minus: Key | None = None
    iterations: int | None = None
    """Mean-field iterations of the column, in the table that varies them."""
    quoted: str = ""
    """The method whose published number stands beside it, where there is one."""

    @property
    def quote(self) -> Key:
        """The key of that number."""
        return self.key._replace(method=self.quoted, variant="")


@dataclass(frozen=True)
class Cell:
    """One number of a table with its origin; a row of the tidy CSV."""

    dataset: str
    run: str
    generated: bool
    kind: str
    row: str
    label: str
    query: str
    iterations: int | None
    part: str
    variant: str
    metric: str
    mean: float | None
    """None where only a published number is known."""
    sd: float | None
    """Standard deviation over repetitions with n - 1 in the denominator; None for one."""
    repetitions: int
    """Of how many seeds or splits the mean is."""
    wins: int | None
    """Of a difference: how many are positive."""
    published: float | None
    published_source: str
    p_best: float | None = None
    """Of a model that was tested against the best one of its column (`compared`)."""


@dataclass(frozen=True)
class Column:
    """Cells chosen by their fields, one of each row."""

    title: str
    metrics: Sequence[str]
    """The first of these that a row has."""
    where: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `Cell` and their values."""
    parts: Sequence[str] = ("test",)
    """Likewise."""
    form: str = ".3f"
    best: str = ""
    """"lowest" or "highest": which of the models is in bold, if there are several."""
    spread: bool = True
    """Whether the standard deviation is shown."""


@dataclass(frozen=True)
class Table:
    """What is shown, where, and in at most three lines what it is."""

    wanted: Sequence[Wanted]
    columns: Sequence[Column]
    caption: Sequence[str]
    heading: str = "Model"
    repeated: str = "splits"
    """What the repetitions are."""
    more: Sequence[Column] = ()
    """Of a second table of those rows that have any of them."""
    about_more: str = ""
    """A sentence above it."""
    ratio: float | None = None
    """Test rows for each row learned from, where models are tested against the best; None for no test."""
    ruled: bool = False
    """Whether a rule parts the models from the baselines."""
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Columns of words: title -> row -> text."""


@dataclass(frozen=True)
class About:
    """Where the numbers of a table come from."""

    dataset: str
    title: str
    """Of the data set, for readers."""
    run: str
    generated: bool
    note: str = ""
    """A sentence on the data without which no table of them is shown."""


@dataclass(frozen=True)
class Quote:
    """A published number."""

    value: float
    source: str
    confidence: str
    """How sure it is that the source says so."""


Published = Mapping[Key, Quote]


def read_published(path: str | Path, about: About) -> Published:
    """The published numbers on this very data set: others cannot be compared with its scores."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        rows = [
            row for row in csv.DictReader(file) if row["dataset"] == about.dataset and not about.generated
        ]
    return {
        Key(
            row["method"],
            row["metric"],
            row["query"],
            row["part"],
            iterations=int(row["iterations"]) if row["iterations"] else None,
        ): Quote(float(row["value"]), row["source"], row["confidence"])
        for row in rows
    }


def cells(wanted: Iterable[Wanted], scores: Scores, about: About, published: Published) -> list[Cell]:
    """Fill the cells. A difference is over the splits that both sides have.

    Raises `DataError` where a score is missing, or where two sides have no split in common.
    """
    found = []
    for cell in wanted:
        key, values = cell.key, []
        if cell.minus is not None:
            left, right = scores.of(key), scores.of(cell.minus)
            common = [repetition for repetition in left if repetition in right]
            if not common:
                raise DataError(
                    f"{cell.label}: no split has scores of both; evaluate them on the same splits."
                )
            values = [left[repetition] - right[repetition] for repetition in common]
        elif cell.kind != "published":
            values = list(scores.of(key).values())
        quote = published.get(cell.quote)
        found.append(
            Cell(
                dataset=about.dataset,
                run=about.run,
                generated=about.generated,
                kind=cell.kind,
                row=cell.row,
                label=cell.label,
                query=key.query,
                iterations=cell.iterations,
                part=key.part,
                variant=key.variant,
                metric=key.metric,
                mean=statistics.fmean(values) if values else None,
                sd=statistics.stdev(values) if len(values) > 1 else None,
                repetitions=len(values),
                wins=sum(value > 0 for value in values) if cell.minus is not None else None,
                published=quote.value if quote else None,
                published_source=f"{quote.source} ({quote.confidence})" if quote else "",
            )
        )
    return found


def compared(table: Table, found: Sequence[Cell], scores: Scores) -> list[Cell]:
    """`found`, the cells of `table`, with the p-value of each model's difference to the best of its column.

    Paired by split (a split's seeds are averaged), over the splits that both have; None for the best itself
    and where these are fewer than two.
    """
    if table.ratio is None:
        return list(found)
    keys = {id(cell): wanted.key for cell, wanted in zip(found, table.wanted, strict=True)}
    models = [cell for cell in found if cell.kind == "model"]
    tested: dict[int, float] = {}
    for column in (*table.columns, *table.more):
        shown = [_chosen(column, cells) for cells in _by_row(models).values()]
        values = {id(cell): _by_split(scores.of(keys[id(cell)])) for cell in shown if cell is not None}
        if not column.best or not values:
            continue
        extreme = min if column.best == "lowest" else max
        best = extreme(values, key=lambda one: statistics.fmean(values[one].values()))
        for one, own in values.items():
            common = [split for split in own if split in values[best]]
            if one != best and len(common) > 1:
                differences = [own[split] - values[best][split] for split in common]
                tested[one] = corrected_t_test(differences, table.ratio)
    return [replace(cell, p_best=tested.get(id(cell))) for cell in found]


def _by_row(cells: Iterable[Cell]) -> dict[tuple[str, str], list[Cell]]:
    """The cells of each row and label, in order."""
    found: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        found.setdefault((cell.row, cell.label), []).append(cell)
    return found


def _by_split(values: Mapping[Repetition, float]) -> dict[int | None, float]:
    """The mean over the seeds of each split."""
    seeds: dict[int | None, list[float]] = {}
    for (split, _), value in values.items():
        seeds.setdefault(split, []).append(value)
    return {split: statistics.fmean(own) for split, own in seeds.items()}


def markdown(table: Table, cells: Sequence[Cell]) -> str:
    """Lay the cells out as rows and columns, and below them further columns, differences and sources.

    A column with published numbers is followed by them; those of rows of nothing else stand in it. Of a ruled
    table, published and baselines' rows stand below the others.
    """
    shown = [cell for cell in cells if cell.kind != "difference"]
    if table.ruled:
        shown.sort(key=lambda cell: ("model", "published", "baseline").index(cell.kind))
    texts = _laid_out(table, table.columns, shown)
    if table.more:
        texts += f"\n{table.about_more}\n\n{_laid_out(table, table.more, shown)}"
    texts += _differences(table, [cell for cell in cells if cell.kind == "difference"])
    return texts + (_sources(shown) if table.ruled else "")


def _laid_out(table: Table, columns: Sequence[Column], cells: Sequence[Cell]) -> str:
    """The rows that have a cell in any of the columns, and the columns that have one in any row."""
    rows, texts = _by_row(cells), []
    chosen = [[_chosen(column, own) for own in rows.values()] for column in columns]
    kept = [any(found) for found in zip(*chosen, strict=True)]
    names = [label for (_, label), keep in zip(rows, kept, strict=True) if keep]
    named = [row for (row, _), keep in zip(rows, kept, strict=True) if keep]
    kinds = [own[0].kind for own, keep in zip(rows.values(), kept, strict=True) if keep]
    texts.append((table.heading, names))
    texts += [(title, [of.get(row, "") for row in named]) for title, of in table.facts.items()]
    for column, found in zip(columns, chosen, strict=True):
        own = [cell for cell, keep in zip(found, kept, strict=True) if keep]
        if not any(own):
            continue
        texts.append((column.title, _bold(column, own)))
        beside = [
            "" if cell is None or cell.published is None or cell.mean is None else cell.published
            for cell in own
        ]
        if any(beside):
            texts.append(("published", [f"{number:{column.form}}" if number else "" for number in beside]))
    counts = [
        max(cell.repetitions for cell in own) for own, keep in zip(rows.values(), kept, strict=True) if keep
    ]
    # Narrow, where the caption says it of all of them.
    if not table.ruled or len({*counts} - {0}) > 1:
        texts.append((table.repeated, [str(count or "") for count in counts]))
    if table.ruled and "baseline" in kinds[1:]:
        place = kinds.index("baseline")
        texts = [(title, [*own[:place], RULE, *own[place:]]) for title, own in texts]
    return laid_out(texts)


def _sources(cells: Iterable[Cell]) -> str:
    """Where each published number is from, and how sure it is; "" without any."""
    quoted = [cell for cell in cells if cell.published is not None and cell.part == "test"]
    lines = [f"- {cell.published:g}, {cell.label}, {cell.query}: {cell.published_source}" for cell in quoted]
    return "\n".join(["\n**Published**\n", *lines, ""]) if lines else ""


def _chosen(column: Column, cells: Collection[Cell]) -> Cell | None:
    for place in product(column.metrics, column.parts):
        for cell in cells:
            fits = all(getattr(cell, name) == value for name, value in column.where.items())
            if fits and (cell.metric, cell.part) == place:
                return cell
    return None


def _bold(column: Column, chosen: Sequence[Cell | None]) -> list[str]:
    """Mean ± standard deviation; in bold the best of the models, as rounded, and what is not told from it."""
    rounded = ["" if cell is None else f"{_number(cell):{column.form}}" for cell in chosen]
    pairs = list(zip(rounded, chosen, strict=True))
    models = [
        float(text) for text, cell in pairs if column.best and cell is not None and cell.kind == "model"
    ]
    best = None
    if len(models) > 1:
        best = min(models) if column.best == "lowest" else max(models)
    texts = []
    for text, cell in pairs:
        if best is not None and cell is not None and cell.kind == "model":
            alike = cell.p_best is not None and cell.p_best >= LEVEL
            text = f"**{text}**" if alike or float(text) == best else text
        texts.append(text + (_spread(cell, column.form) if column.spread else ""))
    return texts


def _number(cell: Cell) -> float:
    number = cell.published if cell.mean is None else cell.mean
    assert number is not None, "a cell has one of the two"
    return number


def _spread(cell: Cell | None, form: str) -> str:
    return "" if cell is None or cell.sd is None else f" ± {cell.sd:{form}}"


def _differences(table: Table, cells: Sequence[Cell]) -> str:
    """The differences of test rows, and how many are positive; "" without any."""
    metrics = table.columns[0].metrics
    chosen = [cell for cell in cells if cell.part == "test" and cell.metric == metrics[0]]
    if not chosen:
        return ""
    texts = [
        ("Difference", [cell.label for cell in chosen]),
        ("test", [f"{cell.mean:+.3f}{_spread(cell, '.3f')}" for cell in chosen]),
        ("wins", [f"{cell.wins} of {cell.repetitions}" for cell in chosen]),
    ]
    return f"\n**Differences, paired over {table.repeated}** (wins: positive ones).\n\n{laid_out(texts)}"


def laid_out(columns: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Columns (heading, texts) at equal width: the first to the left, numbers to the right."""
    lines = []
    for place, column in enumerate(columns):
        heading, texts = table_cell(column[0]), list(map(table_cell, column[1]))
        # A rule to the right takes two characters.
        width = max(2, *map(len, (heading, *texts)))
        rule = "-" * width if place == 0 else "-" * (width - 1) + ":"
        set_in = str.ljust if place == 0 else str.rjust
        lines.append([set_in(heading, width), rule, *(set_in(text, width) for text in texts)])
    return "".join(f"| {' | '.join(line)} |\n" for line in zip(*lines, strict=True))


def write_csv(path: str | Path, rows: Sequence[Any]) -> None:
    """One line a row, all of one dataclass; numbers in full precision, an empty field for none."""
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name for field in fields(rows[0]))
        writer.writerows(map(astuple, rows))


def write_markdown(path: str | Path, text: str, caption: Sequence[str]) -> None:
    """A table for readers under its caption."""
    lines = "\n".join(filter(None, caption))
    write_sealed(path, f"{lines}\n\n{text}".encode())
