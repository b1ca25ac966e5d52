# SPDX-License-Identifier: MIT
"""Table 2: mean average precision of the joint representations of pictures and tags, by query.

Score files are those of `multilabel.evaluate_queries`; the raw inputs', of `multilabel.evaluate`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mvi.report.deep_tables_cells import (
    HEADLINE,
    QUERIES,
    QUERY_TITLES,
    RAW,
    ROOTS,
    DeepCell,
    Origin,
    block,
    differences_block,
    finetuned_sentence,
    learned_sentence,
    ordered,
    published_sentences,
    span,
    splits_sentence,
    text_sentence,
    title,
    untagged_sentence,
)
from mvi.report.map_tables import AP_DEFINITIONS, METRIC_TITLES, choice_of_penalty
from mvi.report.table_files import ScoreSets, number

RAW_ROWS: dict[str, tuple[str, str, dict[str, str]]] = {
    RAW: (
        "Raw inputs, a linear classifier for each query",
        "raw inputs",
        {"image+text": "image+text", "image": "image", "text": "text"},
    ),
    ROOTS: (
        "Raw inputs, square roots of the descriptors, likewise",
        "raw inputs with square roots",
        {"image+text": "sqrt_image+text", "image": "sqrt_image"},
    ),
}
"""Rows of linear classifiers: label, what it is called in a difference, and the input of each query."""
PUBLISHED_LABELS = {
    "mdbm": "Multimodal DBM",
    "mdbn": "Multimodal DBN",
}
"""Methods of other authors of which only published numbers are shown."""

Pair = tuple[tuple[str, str], tuple[str, str]]
"""((model, query), (model or one of `RAW_ROWS`, query)): what is subtracted from what."""

_PARTS = ("test", "validation")
_TRAINED_ON = {
    "multimodal": "trained on multimodal features only",
    "mixed": "trained on the features of every query (where the row says so)",
}


def comparisons(scores: ScoreSets, raw: ScoreSets, main: str) -> list[Pair]:
    """The comparisons that the method stands on, those of them that have scores.

    The model `main` with the raw inputs, for both modalities and for the picture alone; the joint layer
    trained by MP with that by PCD, for the picture alone.
    """
    pairs = [((main, query), (row, query)) for row in RAW_ROWS for query in ("image+text", "image")]
    pairs.append((("mp", "image"), ("pcd", "image")))
    return [pair for pair in pairs if all(_sets(scores, raw, side) for side in pair)]


def table2(
    scores: ScoreSets,
    raw: ScoreSets,
    origin: Origin,
    *,
    stages: Mapping[str, str],
    queries: Sequence[str] = QUERIES,
    published: Iterable[Mapping[str, str]] = (),
) -> list[DeepCell]:
    """Cells of the models, of the raw inputs and of published numbers, and differences between them.

    scores: model -> split -> scores of `multilabel.evaluate_queries`; those of classifiers trained on mixed
        queries, "<model>/mixed" (`both_classifiers`)
    raw: input, as `RAW_ROWS` has them -> split -> scores of `multilabel.evaluate`; may lack some
    stages: name -> title of the finetuned models, in the order of their rows; the MDRNN's published numbers
        stand beside the last
    published: rows of the file of published numbers, used for the data set that they are of

    Raises `DataError` where a score is missing.
    """
    labels, quoted = ordered(scores, stages), origin.quoted(published)
    main = next(reversed(stages), "")
    metrics = _metrics(scores)
    cells = []
    for name, label in labels.items():
        for query, metric, part in _places(queries, metrics):
            key = f"{part}_{metric}"
            values = [number(one, f"{query}/{key}", name) for one in scores[name].values()]
            beside = quoted.get(("mdrnn", query, key)) if name == main else None
            place = {"query": query, "part": part, "metric": metric, "published": beside}
            cells.append(origin.cell("model", name, label, values, **place))
    for row, (label, _, inputs) in RAW_ROWS.items():
        known = [query for query in queries if raw.get(inputs.get(query, ""))]
        for query, metric, part in _places(known, metrics):
            key = f"{part}_{metric}"
            values = [number(one, key, f"raw inputs {query}") for one in raw[inputs[query]].values()]
            beside = quoted.get((query, "", key)) if row == RAW else None
            place = {"query": query, "part": part, "metric": metric, "published": beside}
            cells.append(origin.cell("reference", row, label, values, **place))
    for method, label in PUBLISHED_LABELS.items():
        for query, metric, part in _places(queries, metrics):
            if beside := quoted.get((method, query, f"{part}_{metric}")):
                place = {"query": query, "part": part, "metric": metric, "published": beside}
                cells.append(origin.cell("published", method, label, [], **place))
    labels |= {row: short for row, (_, short, _) in RAW_ROWS.items()}
    for pair in comparisons(scores, raw, main):
        cells += _differences(pair, scores, raw, origin, labels, metrics)
    return cells


def _differences(
    pair: Pair,
    scores: ScoreSets,
    raw: ScoreSets,
    origin: Origin,
    labels: Mapping[str, str],
    metrics: Sequence[str],
) -> list[DeepCell]:
    """The pair's left minus its right, by every measure."""
    (left, query), (right, _) = pair
    label = f"{labels[left]} - {labels[right]}, {QUERY_TITLES.get(query, query)}"
    return [
        origin.difference(
            f"{left} - {right}",
            label,
            *(_by_split(scores, raw, side, f"{part}_{metric}") for side in pair),
            query=query,
            part=part,
            metric=metric,
        )
        for metric in metrics
        for part in _PARTS
    ]


def _places(queries: Sequence[str], metrics: Sequence[str]) -> list[tuple[str, str, str]]:
    return [(query, metric, part) for query in queries for metric in metrics for part in _PARTS]


def _sets(scores: ScoreSets, raw: ScoreSets, side: tuple[str, str]) -> dict[int, dict[str, Any]]:
    """The score files, by split, of one side of a pair."""
    model, query = side
    if model in RAW_ROWS:
        return raw.get(RAW_ROWS[model][2].get(query, ""), {})
    return scores.get(model, {})


def _by_split(scores: ScoreSets, raw: ScoreSets, side: tuple[str, str], key: str) -> dict[int, float]:
    model, query = side
    key = key if model in RAW_ROWS else f"{query}/{key}"
    return {split: number(one, key, model) for split, one in _sets(scores, raw, side).items()}


def _metrics(scores: ScoreSets) -> list[str]:
    """Average precisions, and precisions of fewer rows than a part has: of more they say nothing."""
    sets = [(one, name) for name, splits in scores.items() for one in splits.values()]
    tops = {
        int(key.rpartition("/test_precision/")[2]) for one, _ in sets for key in one if "/test_prec" in key
    }
    rows = min(number(one, f"rows/{part}", name) for one, name in sets for part in _PARTS)
    return [*METRIC_TITLES, *(f"precision/{top}" for top in sorted(tops) if top < rows)]


def markdown2(cells: Sequence[DeepCell]) -> str:
    """The authors' average precision by query; below it the other measures, test rows only; differences."""
    queries = list(dict.fromkeys(cell.query for cell in cells if cell.kind != "difference"))
    metrics = list(dict.fromkeys(cell.metric for cell in cells))
    columns: list[tuple[str, Mapping[str, Any]]] = []
    for query in queries:
        for part in _PARTS:
            heading = QUERY_TITLES.get(query, query) if part == "test" else "validation"
            columns.append((heading, {"query": query, "metric": HEADLINE, "part": part}))
    others = []
    for metric in metrics[1:]:
        name = METRIC_TITLES.get(metric) or metric.replace("precision/", "precision at ")
        for query in queries:
            heading = f"{name}, {QUERY_TITLES.get(query, query)}"
            others.append((heading, {"query": query, "metric": metric, "part": "test"}))
    headline = [cell for cell in cells if cell.metric == HEADLINE]
    second = block([cell for cell in cells if cell.metric != HEADLINE], others)
    # Each row of differences has a query of its own, so that part and metric choose its cells.
    parts = [(part, {"part": part}) for part in _PARTS]
    return (
        block(headline, columns)
        + f"\n**Other measures of the test rows.**\n\n{second}"
        + differences_block(headline, parts)
    )


def caption2(
    cells: Sequence[DeepCell],
    scores: ScoreSets,
    raw: ScoreSets,
    *,
    iterations: int,
    untagged: str,
    learned_from: str,
    finetuned: str = "mp",
    note: str = "",
) -> str:
    """The line above the table.

    iterations: mean-field iterations by which a missing modality is filled in
    untagged: what a multimodal query is for pictures without tags, "observed" or "inferred"
    finetuned: the objective of the joint layer from which the networks were finetuned
    learned_from: the rows that the unsupervised training has seen, such as "the unlabelled rows"
    note: a sentence on the data that the table must not be shown without
    """
    sets = [one for splits in scores.values() for one in splits.values()]
    sizes = ", ".join(f"{sets[0][f'rows/{part}']:,} {part}" for part in ("train", "validation", "test"))
    counted = {
        part: span(value for one in sets for key, value in one.items() if key.endswith(f"/{part}_labels"))
        for part in _PARTS
    }
    trained = [_TRAINED_ON[way] for way in _TRAINED_ON if way in {one["train_on"] for one in sets}]
    edge = sum(bool(one["penalty_at_edge"]) for one in sets)
    own = [one for splits in raw.values() for one in splits.values()]
    sentences = [
        title(cells, "Table 2.", "Mean average precision (interpolated) of the test rows by query"),
        note,
        f"Rows: {sizes}; means over the {counted['test']} labels that occur in the test rows and the"
        f" {counted['validation']} that occur in the validation rows.",
        learned_sentence(learned_from),
        finetuned_sentence(finetuned),
        f"A missing modality is filled in by {iterations} mean-field iterations.",
        untagged_sentence(untagged),
        text_sentence(),
        f"Classifier: independent logistic regressions, {' or '.join(trained)}, {choice_of_penalty(sets)}"
        + (f"; on raw inputs one for each query, {choice_of_penalty(own)}." if own else "."),
        "Each test score is that of the classifier trained again on training and validation rows; the"
        " validation score, of the one trained on the training rows.",
        f"In {edge} of {len(sets)} fits the chosen lambda is at an end of the grid." if edge else "",
        AP_DEFINITIONS,
        splits_sentence(scores),
        *published_sentences(cells),
    ]
    return " ".join(filter(None, sentences))
