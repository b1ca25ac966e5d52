# SPDX-License-Identifier: MIT
"""Table 1 from score files: a tidy CSV for programs and a Markdown table for readers."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mvi.data.sets.registry import has_published, title_of
from mvi.report.table_files import ScoreSets, markdown_table, number

METHOD_LABELS = {
    "pcd": "ML (PCD)",
    "cd_percloss": "MinVI (CD-PercLoss)",
    "mp": "MinVI (MP)",
    "hybrid": "Hybrid (MP + PCD)",
}
"""The methods of the two-halves experiment in the order of the rows of its table."""

REFERENCE_LABELS = {
    "own": "Raw pixels, a classifier for each query",
    "filled": "Raw pixels, missing modality at its mean",
}
_METRICS = ("test_error", "validation_error")
_TRAINED_ON = {
    "multimodal": "trained on multimodal features only",
    "mixed": "trained on the features of every kind of query",
}


@dataclass(frozen=True)
class Cell:
    """One number of the table with its origin; a row of the tidy CSV. Errors are in percent."""

    dataset: str
    run: str
    kind: str
    """"method", or "reference" for a classifier on raw pixels."""
    method: str
    label: str
    query: str
    metric: str
    mean: float
    sd: float | None
    """Standard deviation over seeds with n - 1 in the denominator; None for one seed."""
    seeds: int
    published: float | None
    published_source: str


def table1(
    scores: ScoreSets,
    references: Mapping[str, Mapping[str, Any]],
    *,
    dataset: str,
    run: str,
    queries: Sequence[str],
    published: Iterable[Mapping[str, str]] = (),
) -> list[Cell]:
    """Collect the cells of Table 1, methods first, then the references on raw pixels.

    `references`: "own" and "filled" -> scores. `published` is used where it is of `dataset`
    and nowhere else: numbers of another data set cannot be set beside the paper's.
    """
    quoted = {}
    if has_published(dataset, "halves"):
        quoted = {(row["method"], row["query"], row["metric"]): row for row in published}
    cells = []
    for kind, labels, sets in (
        ("method", METHOD_LABELS, {name: list(seeds.values()) for name, seeds in scores.items()}),
        ("reference", REFERENCE_LABELS, {name: [one] for name, one in references.items()}),
    ):
        # A method that has no label follows those that have one.
        for method in [*labels, *sorted(set(sets) - set(labels))]:
            for query in queries if method in sets else ():
                for metric in _METRICS:
                    values = [number(one, f"{metric}/{query}", method) for one in sets[method]]
                    beside = quoted.get((method, query, metric))
                    cells.append(
                        Cell(
                            dataset=dataset,
                            run=run,
                            kind=kind,
                            method=method,
                            label=labels.get(method, method),
                            query=query,
                            metric=metric,
                            mean=statistics.fmean(values),
                            sd=statistics.stdev(values) if len(values) > 1 else None,
                            seeds=len(values),
                            published=float(beside["value"]) if beside else None,
                            published_source=beside["source"] if beside else "",
                        )
                    )
    return cells


def caption1(cells: Sequence[Cell], scores: ScoreSets, classifier: str = "linear SVM") -> str:
    """The line above the Markdown table: data, run, seeds, split sizes and classifier."""
    sets = [one for seeds in scores.values() for one in seeds.values()]
    seeds = sorted({seed for one in scores.values() for seed in one})
    sizes = ", ".join(
        f"{number(sets[0], f'rows/{name}', 'the first method'):,.0f} {name}"
        for name in ("train", "validation", "test")
    )
    copies = {one.get("rows/copies", 0) for one in sets} - {0}
    if copies:
        sizes += f"; beside them the classifier is trained on {max(copies):,} moved copies of training rows"
    trained = sorted({_TRAINED_ON[one["train_on"]] for one in sets})
    listed = ", ".join(map(str, seeds))
    sources = sorted({cell.published_source for cell in cells} - {""})
    sentences = [
        f"**Table 1.** Recognition error in percent on {title_of(cells[0].dataset)}, run `{cells[0].run}`.",
        f"Rows: {sizes}.",
        f"Classifier: {classifier}, {' or '.join(trained)}, with C chosen on the validation rows.",
        "Each test error is that of the classifier trained again on training and validation rows;"
        " the validation error, of the one trained on the training rows.",
        f"Mean ± standard deviation (n - 1 in the denominator) over seeds {listed}."
        if len(seeds) > 1
        else f"One seed ({listed}), so no standard deviation.",
        "Bold: the lowest of the trained models in its column." if len(scores) > 1 else "",
    ]
    sentences += [f"Paper: {source}." for source in sources]
    return " ".join(filter(None, sentences))


def markdown(cells: Sequence[Cell]) -> str:
    """Lay the cells out as rows of methods and columns of queries, the best of a column in bold."""
    queries = list(dict.fromkeys(cell.query for cell in cells))
    rows = list(dict.fromkeys((cell.kind, cell.method, cell.label) for cell in cells))
    quoted = any(cell.published is not None for cell in cells)
    at = {(cell.kind, cell.method, cell.query, cell.metric): cell for cell in cells}

    columns = [("Method", [label for _, _, label in rows])]
    for query in queries:
        for metric in _METRICS:
            column = [at[kind, method, query, metric] for kind, method, _ in rows]
            title = query.replace("+", " + ").capitalize()
            heading = title if metric == "test_error" else "validation"
            errors = _emphasised(column, [cell.mean for cell in column])
            spread = ["" if cell.sd is None else f" ± {cell.sd:.2f}" for cell in column]
            columns.append((heading, [a + b for a, b in zip(errors, spread, strict=True)]))
        if quoted:
            column = [at[kind, method, query, "test_error"] for kind, method, _ in rows]
            columns.append(("paper", _emphasised(column, [cell.published for cell in column])))
    column = [at[kind, method, queries[0], "test_error"] for kind, method, _ in rows]
    seeds = [str(cell.seeds) if cell.kind == "method" else "" for cell in column]
    columns.append(("seeds", seeds))
    return markdown_table(columns)


def _emphasised(column: Sequence[Cell], values: Sequence[float | None]) -> list[str]:
    """Two decimals each; the lowest among the methods, as rounded, in bold."""
    shown = ["" if value is None else f"{value:.2f}" for value in values]
    rival = [bool(text) and cell.kind == "method" for text, cell in zip(shown, column, strict=True)]
    rivals = [float(text) for text, is_rival in zip(shown, rival, strict=True) if is_rival]
    # One model is no contest.
    best = min(rivals) if len(rivals) > 1 else None
    return [
        f"**{text}**" if is_rival and float(text) == best else text
        for text, is_rival in zip(shown, rival, strict=True)
    ]
