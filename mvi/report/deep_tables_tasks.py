# SPDX-License-Identifier: MIT
"""Tables of what joint representations are good for beside classification: retrieval and predicted tags.

Score files of retrieval hold those of `retrieval.evaluate` for each query, "<query>/<key>"; those of tags
hold the scores of `tag_prediction.evaluate`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mvi.errors import DataError
from mvi.report.deep_tables_cells import (
    QUERIES,
    QUERY_TITLES,
    DeepCell,
    Origin,
    block,
    learned_sentence,
    ordered,
    published_sentences,
    span,
    splits_sentence,
    text_sentence,
    title,
    untagged_sentence,
)
from mvi.report.map_tables import METRIC_TITLES
from mvi.report.table_files import ScoreSets, number

PUBLISHED_RETRIEVAL = {"mdrnn": "MDRNN, published", "mdbm": "Multimodal DBM, published"}
PREDICTOR_LABELS = {
    "marginal": "Frequencies of the tags in the rows learned from",
    "optimal": "Bayes-optimal (the probabilities that drew the tags)",
    "possible": "Best possible, the tags known",
}
"""What the tags predicted by models are compared with."""

_CHANCE = "map/noninterpolated"
_TAG_METRICS = ("map/step", "log_loss")


def retrieval_table(
    scores: ScoreSets,
    origin: Origin,
    *,
    stages: Mapping[str, str],
    queries: Sequence[str] = QUERIES,
    published: Iterable[Mapping[str, str]] = (),
) -> list[DeepCell]:
    """Cells of the models, of a random ranking and of published numbers.

    Arguments as for `deep_tables.table2`. Raises `DataError` where a score is missing or where models were
    asked other queries.
    """
    cells = []
    labels = ordered(scores, stages)
    for name, label in labels.items():
        for query in queries:
            for metric in METRIC_TITLES:
                values = [number(one, f"{query}/{metric}", name) for one in scores[name].values()]
                cells.append(origin.cell("model", name, label, values, query=query, metric=metric))
    for query in queries:
        chance = list(_common(scores, labels, f"{query}/chance_map").values())
        cells.append(
            origin.cell("reference", "chance", "A random ranking", chance, query=query, metric=_CHANCE)
        )
    for (method, query, metric), beside in origin.quoted(published).items():
        # The papers do not say which average precision they took; Sohn et al.'s code interpolates.
        if metric == "retrieval_map" and query in queries and method in PUBLISHED_RETRIEVAL:
            label = PUBLISHED_RETRIEVAL[method]
            cells.append(origin.cell("published", method, label, [], query=query, published=beside))
    return cells


def retrieval_markdown(cells: Sequence[DeepCell]) -> str:
    """Rows of models and columns of queries: the authors' average precision, and the one that chance has."""
    queries = list(dict.fromkeys(cell.query for cell in cells))
    columns: list[tuple[str, Mapping[str, Any]]] = []
    for metric in ("map/interpolated", _CHANCE):
        suffix = ", non-interpolated" if metric == _CHANCE else ""
        columns += [
            (QUERY_TITLES.get(query, query) + suffix, {"query": query, "metric": metric}) for query in queries
        ]
    return block(cells, columns)


def retrieval_caption(
    cells: Sequence[DeepCell],
    scores: ScoreSets,
    *,
    iterations: int,
    untagged: str,
    learned_from: str,
    note: str = "",
) -> str:
    """The line above the table; arguments as for `deep_tables.caption2`."""
    sets = [one for splits in scores.values() for one in splits.values()]
    queries = list(dict.fromkeys(cell.query for cell in cells))

    def counts(key: str) -> str:
        return span(number(one, f"{query}/{key}", "retrieval") for one in sets for query in queries)

    sentences = [
        title(cells, "Retrieval.", "Mean average precision of ranking other pictures by a query"),
        note,
        f"From the test rows of each split {counts('queries')} queries and a database of {counts('database')}"
        " rows are drawn, no row in both; the database, whose rows give all modalities, is ranked by the"
        " cosine of the joint representations, and a row is relevant if it shares a label with the query.",
        f"Means over the {counts('queries_judged')} queries that have a relevant row.",
        learned_sentence(learned_from),
        f"A missing modality is filled in by {iterations} mean-field iterations.",
        untagged_sentence(untagged),
        text_sentence(),
        "Interpolated average precision (Sohn et al. 2014) first; a random ranking's is known in the"
        " non-interpolated definition.",
        splits_sentence(scores),
        *published_sentences(cells),
    ]
    return " ".join(filter(None, sentences))


def tags_table(scores: ScoreSets, origin: Origin, *, stages: Mapping[str, str]) -> list[DeepCell]:
    """Cells of the models and of the predictors that know nothing or all of a picture.

    scores: model -> split -> scores of `tag_prediction.evaluate`
    stages: name -> title of the finetuned models, in the order of their rows

    Raises `DataError` where a score is missing or where models were judged on other pictures.
    """
    labels = ordered(scores, stages)
    keys = {key for splits in scores.values() for one in splits.values() for key in one}
    tops = sorted(int(key.rpartition("/")[2]) for key in keys if key.startswith("model/precision/"))
    metrics = [*(f"precision/{top}" for top in tops), *METRIC_TITLES, "log_loss"]
    cells = [
        origin.cell(
            "model",
            name,
            label,
            [number(one, f"model/{metric}", name) for one in scores[name].values()],
            metric=metric,
        )
        for name, label in labels.items()
        for metric in metrics
    ]
    for predictor, label in PREDICTOR_LABELS.items():
        for metric in metrics:
            if (key := f"{predictor}/{metric}") in keys:
                values = list(_common(scores, labels, key).values())
                cells.append(origin.cell("reference", predictor, label, values, metric=metric))
    return cells


def tags_markdown(cells: Sequence[DeepCell]) -> str:
    """Rows of predictors and columns of measures."""
    names = {"map/step": "mAP of the tags", "log_loss": "log loss, nats"}
    tops = [metric for metric in dict.fromkeys(cell.metric for cell in cells) if metric.startswith("prec")]
    columns = [(metric.replace("precision/", "precision at "), {"metric": metric}) for metric in tops]
    columns += [(names[metric], {"metric": metric}) for metric in _TAG_METRICS]
    return block(cells, columns, "Predictor", lambda cell: ".2f" if cell.metric == "log_loss" else ".3f")


def tags_caption(
    cells: Sequence[DeepCell], scores: ScoreSets, *, iterations: int, learned_from: str, note: str = ""
) -> str:
    """The line above the table; arguments as for `deep_tables.caption2`."""
    sets = [one for splits in scores.values() for one in splits.values()]

    def counts(key: str) -> str:
        return span(number(one, key, "predicted tags") for one in sets)

    sentences = [
        title(cells, "Predicted tags.", "Tags of the test pictures from the picture alone"),
        note,
        f"Pictures: {counts('pictures')}, of which {counts('pictures_without_tag')} have no tag and count in"
        f" the log loss and in the mAP only; vocabulary: {counts('vocabulary')} tags.",
        learned_sentence(learned_from),
        f"The text is filled in by {iterations} mean-field iterations.",
        "Precision at k: share of true tags among the k most probable ones; a picture may have fewer than k,"
        " so that the best possible one is below 1.",
        f"mAP of the tags: mean of the average precision (step) of the {counts('tags_judged')} tags that at"
        f" least {counts('minimum_positives')} of the pictures have.",
        "Log loss: summed over the vocabulary, mean over pictures, in nats; lower is better.",
        splits_sentence(scores),
    ]
    return " ".join(filter(None, sentences))


def _common(scores: ScoreSets, names: Iterable[str], key: str) -> dict[int, float]:
    """Split -> a number that depends on the rows judged and on no model; `DataError` where models differ."""
    found: dict[int, float] = {}
    for name in names:
        for split, one in scores[name].items():
            value = number(one, key, name)
            if found.setdefault(split, value) != value:
                raise DataError(
                    f"Models differ in {key!r} of split {split}, which depends on the rows alone; delete"
                    " their score files and run the workflow again."
                )
    return {split: found[split] for split in sorted(found)}
