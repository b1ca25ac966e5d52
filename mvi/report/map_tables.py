# SPDX-License-Identifier: MIT
"""The table of reference rows: mean average precision of each input of a picture data set."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mvi.data.sets.registry import has_published, title_of
from mvi.errors import DataError
from mvi.report.table_files import ScoreSets, markdown_table, number

INPUT_LABELS = {
    "image": "Image, all descriptors",
    "gist": "GIST",
    "edge_histogram": "Edge histogram",
    "texture": "Homogeneous texture",
    "colour_structure": "Colour structure",
    "colour_layout": "Colour layout",
    "scalable_colour": "Scalable colour",
    "phow": "PHOW",
    "cnn": "Convolutional network",
    "text": "Tags",
    "image+text": "Image and tags",
    "sqrt_image": "Image, square roots",
    "sqrt_image+text": "Image, square roots, and tags",
}
"""Inputs in the order of the rows; others follow them under their own names."""

METRIC_TITLES = {
    "map/interpolated": "mAP, interpolated",
    "map/noninterpolated": "mAP, non-interpolated",
    "map/step": "mAP, step",
}
AP_DEFINITIONS = (
    "mAP is the mean over labels of the average precision, which has three definitions:"
    " interpolated (precision made non-increasing, 0.0001 in the denominators; Sohn et al. 2014),"
    " non-interpolated (mean of the precision at each positive; Srivastava and Salakhutdinov 2012)"
    " and step (rows of equal score taken together; scikit-learn). The precision of the first pictures cannot"
    " exceed the share that have the label among as many, so that it depends on the number of rows."
)
_PARTS = ("test", "validation")


@dataclass(frozen=True)
class MapCell:
    """One number of the table with its origin; a row of the tidy CSV. Shares between 0 and 1."""

    dataset: str
    generated: bool
    input: str
    label: str
    features: int
    """Numbers that a row of the input has."""
    part: str
    metric: str
    mean: float
    sd: float | None
    """Standard deviation over splits with n - 1 in the denominator; None for one split."""
    splits: int
    published: float | None
    published_source: str


def map_table(
    scores: ScoreSets,
    *,
    dataset: str,
    generated: bool,
    published: Iterable[Mapping[str, str]] = (),
) -> list[MapCell]:
    """Collect the cells of all inputs, those of `INPUT_LABELS` first and in that order.

    `published` holds rows with "method" (the input), "metric" (such as "test_map/step"), "value" and
    "source". They are used where they are of `dataset` and nowhere else: other pictures, and other
    descriptors of the same ones, cannot be set beside the papers' numbers. Raises `DataError` where a
    score is missing.
    """
    quoted = {}
    if has_published(dataset, "flickr") and not generated:
        quoted = {(row["method"], row["metric"]): row for row in published}
    tops = {
        key.removeprefix("test_")
        for splits in scores.values()
        for one in splits.values()
        for key in one
        if key.startswith("test_precision/")
    }
    # Of fewer rows than that it would be the share of relevant ones, whatever the ranking.
    sets = [(one, name) for name, splits in scores.items() for one in splits.values()]
    rows = min((number(one, f"rows/{part}", name) for one, name in sets for part in _PARTS), default=0)
    metrics = [*METRIC_TITLES, *sorted(top for top in tops if int(top.removeprefix("precision/")) < rows)]
    cells = []
    for name in [*INPUT_LABELS, *sorted(set(scores) - set(INPUT_LABELS))]:
        sets = [scores[name][split] for split in sorted(scores.get(name, {}))]
        for metric in metrics if sets else ():
            for part in _PARTS:
                values = [number(one, f"{part}_{metric}", name) for one in sets]
                beside = quoted.get((name, f"{part}_{metric}"))
                cells.append(
                    MapCell(
                        dataset=dataset,
                        generated=generated,
                        input=name,
                        label=INPUT_LABELS.get(name, name),
                        features=number(sets[0], "features", name),
                        part=part,
                        metric=metric,
                        mean=statistics.fmean(values),
                        sd=statistics.stdev(values) if len(values) > 1 else None,
                        splits=len(values),
                        published=float(beside["value"]) if beside else None,
                        published_source=beside["source"] if beside else "",
                    )
                )
    if not cells:
        raise DataError("There are no scores for a table; run the rules that classify the inputs first.")
    return cells


def map_caption(cells: Sequence[MapCell], scores: ScoreSets, note: str = "") -> str:
    """The line above the Markdown table: data, rows, classifier and what the numbers are.

    `note` is a sentence on the data that the table must not be shown without, such as that the pictures
    were reduced.
    """
    sets = [one for splits in scores.values() for one in splits.values()]
    first = cells[0]
    sizes = ", ".join(
        f"{number(sets[0], f'rows/{part}', first.input):,} {part}" for part in ("train", "validation", "test")
    )
    splits = sorted({split for one in scores.values() for split in one})
    labels = sorted({number(one, "test_labels", first.input) for one in sets})
    counted = str(labels[0]) if len(labels) == 1 else f"{labels[0]} to {labels[-1]}"
    edge = sum(bool(one["penalty_at_edge"]) for one in sets)
    sentences = [
        f"**Reference rows.** Ranking of the labels on {title_of(first.dataset)} (`{first.dataset}`)"
        + (
            ", generated by a program: not to be compared with published numbers." if first.generated else "."
        ),
        note,
        f"Rows: {sizes}; means over the {counted} labels that occur in them.",
        f"Classifier: independent logistic regressions, {choice_of_penalty(sets)}.",
        "Each test score is that of the classifier trained again on training and validation rows; the"
        " validation score, of the one trained on the training rows.",
        f"In {edge} of {len(sets)} fits the chosen lambda is at an end of the grid." if edge else "",
        AP_DEFINITIONS,
        f"Mean ± standard deviation (n - 1 in the denominator) over {len(splits)} splits."
        if len(splits) > 1
        else f"One split ({splits[0]}), so no standard deviation.",
    ]
    sources = sorted({cell.published_source for cell in cells} - {""})
    sentences += [f"Published: {source}." for source in sources]
    return " ".join(filter(None, sentences))


def choice_of_penalty(sets: Sequence[Mapping[str, Any]]) -> str:
    """How lambda came about, in every way that occurs among the score files."""
    tried = sorted({one["penalties_tried"] for one in sets})
    ways = []
    for count in tried:
        of_these = [one for one in sets if one["penalties_tried"] == count]
        values = sorted({one["penalty"] for one in of_these})
        shown = f"{values[0]:g}" if len(values) == 1 else f"{values[0]:g} to {values[-1]:g}"
        by = " or ".join(sorted({one["chosen_by"] for one in of_these}))
        ways.append(
            f"lambda {shown}, fixed"
            if count == 1
            else f"lambda {shown}, chosen among {count} values by the validation mAP ({by})"
        )
    return "; ".join(ways)


def markdown(cells: Sequence[MapCell]) -> str:
    """Lay the cells out as rows of inputs and columns of metrics, validation beside test."""
    at = {(cell.input, cell.metric, cell.part): cell for cell in cells}
    inputs = list(dict.fromkeys(cell.input for cell in cells))
    metrics = list(dict.fromkeys(cell.metric for cell in cells))
    columns = [("Input", [at[name, metrics[0], "test"].label for name in inputs])]
    columns.append(("numbers", [f"{at[name, metrics[0], 'test'].features:,}" for name in inputs]))
    for metric in metrics:
        title = METRIC_TITLES.get(metric) or metric.replace("precision/", "precision at ")
        for part in _PARTS:
            column = [at[name, metric, part] for name in inputs]
            columns.append((title if part == "test" else "validation", [_shown(cell) for cell in column]))
            if any(cell.published is not None for cell in column):
                texts = ["" if cell.published is None else f"{cell.published:.3f}" for cell in column]
                columns.append(("published", texts))
    columns.append(("splits", [str(at[name, metrics[0], "test"].splits) for name in inputs]))
    return markdown_table(columns)


def _shown(cell: MapCell) -> str:
    return f"{cell.mean:.3f}" + ("" if cell.sd is None else f" ± {cell.sd:.3f}")
