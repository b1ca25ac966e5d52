# SPDX-License-Identifier: MIT
"""Table 3: mean average precision of validation and test rows by the number of mean-field iterations.

The paper's text leaves open whether the number was changed in training too. Both readings are given:
*changed at test only*, one model trained with the main number and encoded by every number; and *in training
and test alike*, a model for each number. Each of these, changed at test only, stands below them. Score files
are those of `multilabel.sweep`, one a model and split.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from mvi.errors import DataError
from mvi.report.deep_tables_cells import (
    HEADLINE,
    DeepCell,
    Origin,
    block,
    differences_block,
    finetuned_sentence,
    learned_sentence,
    published_sentences,
    span,
    splits_sentence,
    title,
    untagged_sentence,
)
from mvi.report.map_tables import METRIC_TITLES, choice_of_penalty
from mvi.report.table_files import ScoreSets, number

READINGS = {"test": "changed at test only", "both": "in training and test alike"}

_SIDES = ("Multimodal", "Unimodal")
_PARTS = ("validation", "test")


def table3(
    scores: ScoreSets,
    origin: Origin,
    *,
    main: int,
    queries: Sequence[str] = ("image+text", "image"),
    published: Iterable[Mapping[str, str]] = (),
) -> list[DeepCell]:
    """Cells of both readings and their differences; the second reading where other models have scores.

    Below it, for each of these models, the query that lacks a modality by every number that it was scored
    with, and the difference of the last and the first.

    scores: "n<iterations of the training>" -> split -> scores of `multilabel.sweep`
    main: the iterations of the training whose model is encoded by every number
    queries: names of the multimodal query and of the one that lacks a modality
    published: rows of the file of published numbers, used for the data set that they are of

    In the first reading the multimodal query is encoded as in training and has one number. Raises `DataError`
    where the main model, or a number, is missing.
    """
    trained = {_iterations(name): splits for name, splits in scores.items()}
    if not trained.get(main):
        raise DataError(
            f"There are no scores of the model trained with {main} iterations; run the sweep of it first."
        )
    whole, lacking = queries
    tried = _tried(trained[main], lacking)
    if not tried:
        raise DataError(f"The scores of n{main} hold no number of iterations; delete them and run again.")
    # Reading, query, label, number of iterations -> scores by split, and which numbers to compare.
    changed = dict.fromkeys(tried, trained[main])
    rows = [
        ("test", whole, f"Multimodal, {READINGS['test']}", changed, []),
        ("test", lacking, f"Unimodal, {READINGS['test']}", changed, _steps(tried)),
    ]
    if len(trained) > 1:
        alike = {n: trained[n] for n in sorted(trained)}
        for side, query in zip(_SIDES, queries, strict=True):
            rows.append(("both", query, f"{side}, {READINGS['both']}", alike, _steps(list(alike))))
        for n in sorted(trained.keys() - {main}):
            own = _tried(trained[n], lacking)
            label = f"Unimodal, trained with {n}, {READINGS['test']}"
            rows.append((f"trained{n}", lacking, label, dict.fromkeys(own, trained[n]), _steps(own)[-1:]))
    cells = []
    for reading, query, label, by_number, steps in rows:
        row, fills = f"{reading}/{query}", query == lacking
        for metric, part in product(METRIC_TITLES, _PARTS):
            values = {
                n: {
                    split: number(one, _key(query, n, f"{part}_{metric}", fills), f"the sweep, n{n}")
                    for split, one in splits.items()
                }
                for n, splits in by_number.items()
            }
            place = {"query": query, "part": part, "metric": metric}
            for n, found in values.items():
                cells.append(origin.cell("model", row, label, list(found.values()), iterations=n, **place))
            for before, after in steps:
                name = f"{label}: {after} - {before}"
                cells.append(
                    origin.difference(f"{row}/{after}-{before}", name, values[after], values[before], **place)
                )
    for (method, query, metric), beside in origin.quoted(published).items():
        found = re.fullmatch(r"n(\d+)/validation_(map/\w+)", metric)
        if method == "mdrnn" and query in queries and found:
            label = f"{_SIDES[queries.index(query)]}, published"
            place = {"query": query, "part": "validation", "metric": found[2], "published": beside}
            n = int(found[1])
            cells.append(origin.cell("published", f"published/{query}", label, [], iterations=n, **place))
    return cells


def _tried(splits: Mapping[int, Mapping[str, Any]], query: str) -> list[int]:
    """The numbers of iterations that a model's scores by a query hold."""
    pattern = re.escape(query) + r"/n(\d+)/validation_" + re.escape(HEADLINE)
    return sorted({int(m[1]) for one in splits.values() for key in one if (m := re.fullmatch(pattern, key))})


def _iterations(name: str) -> int:
    found = re.fullmatch(r"n(\d+)", name)
    if not found:
        raise DataError(
            f"The scores of the sweep {name!r} are not in a folder n<iterations>; give those only."
        )
    return int(found[1])


def _key(query: str, iterations: int, metric: str, fills: bool) -> str:
    return f"{query}/{f'n{iterations}/' if fills else ''}{metric}"


def _steps(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """From the smallest number to the next, from there to the largest, and the whole way."""
    if len(numbers) < 2:
        return []
    first, second, last = numbers[0], numbers[1], numbers[-1]
    return list(dict.fromkeys(p for p in ((first, second), (second, last), (first, last)) if p[0] < p[1]))


def markdown3(cells: Sequence[DeepCell]) -> str:
    """Rows of readings and queries, a column for each number of iterations.

    Validation rows come first, then test rows, then the differences of both.
    """
    cells = [cell for cell in cells if cell.metric == HEADLINE]
    numbers = sorted({cell.iterations for cell in cells if cell.iterations is not None})
    columns: list[tuple[str, Mapping[str, Any]]] = [(str(n), {"iterations": n}) for n in numbers]
    validation, test = ([cell for cell in cells if cell.part == part] for part in _PARTS)
    return (
        block(validation, columns, "Iterations", beside=False)
        + "\n**The same on the test rows.**\n\n"
        + block(test, columns, "Iterations", beside=False)
        + differences_block(cells, [(part, {"part": part}) for part in _PARTS])
    )


def caption3(
    cells: Sequence[DeepCell],
    scores: ScoreSets,
    *,
    main: int,
    untagged: str,
    learned_from: str,
    finetuned: str = "mp",
    note: str = "",
) -> str:
    """The line above the table; arguments as for `deep_tables.caption2` and `table3`."""
    sets = [one for splits in scores.values() for one in splits.values()]
    counted = {
        part: span(value for one in sets for key, value in one.items() if key.endswith(f"/{part}_labels"))
        for part in _PARTS
    }
    sizes = ", ".join(f"{sets[0][f'rows/{part}']:,} {part}" for part in ("train", "validation", "test"))
    alike = any(cell.row.startswith("both/") for cell in cells)
    sentences = [
        title(
            cells,
            "Table 3.",
            "mAP (interpolated) of the validation rows, and below of the test rows, by the number of"
            " mean-field iterations",
        ),
        note,
        f"Rows: {sizes}; means over the {counted['validation']} labels that occur in the validation rows and"
        f" the {counted['test']} that occur in the test rows.",
        learned_sentence(learned_from),
        finetuned_sentence(finetuned),
        f"{READINGS['test'].capitalize()}: one model, trained with {main} iterations; multimodal queries"
        + (" are encoded with as many" if untagged == "inferred" else " need none")
        + " and have one number.",
        f"{READINGS['both'].capitalize()}: the last stage of finetuning once for each number, from the same"
        " network; below, each of these changed at test only."
        if alike
        else "",
        untagged_sentence(untagged),
        "Classifier: independent logistic regressions, trained on multimodal features only,"
        f" {choice_of_penalty(sets)}.",
        "Each test score is that of the classifier trained again on training and validation rows; the"
        " validation score, of the one trained on the training rows.",
        splits_sentence(scores),
        *published_sentences(cells),
    ]
    return " ".join(filter(None, sentences))
