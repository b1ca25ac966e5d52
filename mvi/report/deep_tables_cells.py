# SPDX-License-Identifier: MIT
"""What the tables of the deep model share: their cells, the differences of two rows and parts of captions."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any

from mvi.data.sets.registry import has_published, title_of
from mvi.errors import ConfigError, DataError
from mvi.report.table_files import ScoreSets, markdown_table

QUERIES = ("image+text", "image", "text")
QUERY_TITLES = {"image+text": "both", "image": "image only", "text": "text only"}
OBJECTIVE_LABELS = {
    "pcd": "Joint layer by PCD",
    "cd_percloss": "Joint layer by CD-PercLoss",
    "mp": "Joint layer by MP",
}
"""Models whose joint layer was trained and nothing finetuned, in the order of the rows."""
RAW, ROOTS = "raw", "roots"
"""The rows of linear classifiers on raw inputs."""
MIXED = "/mixed"
"""Ends the name of a row whose classifier was trained on the features of every query."""
HEADLINE = "map/interpolated"
"""The authors' average precision."""

UNTAGGED = {
    "observed": "For a picture without tags the query with both modalities says that it has none (zero text"
    " observed).",
    "inferred": "For a picture without tags the query with both modalities leaves its text to be inferred, so"
    " that multimodal features include those of such a picture alone.",
}
"""What a multimodal query is where there is no text, by setting."""


@dataclass(frozen=True)
class DeepCell:
    """One number of a table of the deep model with its origin; a row of the tidy CSV."""

    dataset: str
    run: str
    generated: bool
    kind: str
    """"model"; "reference", what models are compared with; "difference" of two rows; "published"."""
    row: str
    label: str
    query: str
    part: str
    metric: str
    iterations: int | None
    """Mean-field iterations, in the table that varies them."""
    mean: float | None
    """None where only a published number is known."""
    sd: float | None
    """Standard deviation over splits with n - 1 in the denominator; None for one split."""
    splits: int
    positive: int | None
    """Of a difference: in how many splits it is above 0."""
    published: float | None
    published_source: str


@dataclass(frozen=True)
class Origin:
    """Where the numbers of a table come from."""

    dataset: str
    run: str
    generated: bool

    def cell(
        self,
        kind: str,
        row: str,
        label: str,
        values: Sequence[float],
        *,
        query: str = "",
        part: str = "test",
        metric: str = HEADLINE,
        iterations: int | None = None,
        published: Mapping[str, str] | None = None,
    ) -> DeepCell:
        """Mean and deviation of `values`, one a split; `published` is a row of the published numbers."""
        return DeepCell(
            dataset=self.dataset,
            run=self.run,
            generated=self.generated,
            kind=kind,
            row=row,
            label=label,
            query=query,
            part=part,
            metric=metric,
            iterations=iterations,
            mean=statistics.fmean(values) if values else None,
            sd=statistics.stdev(values) if len(values) > 1 else None,
            splits=len(values),
            positive=sum(value > 0 for value in values) if kind == "difference" else None,
            published=float(published["value"]) if published else None,
            published_source=f"{published['source']} ({published['confidence']})" if published else "",
        )

    def quoted(self, published: Iterable[Mapping[str, str]]) -> dict[tuple[str, str, str], Mapping[str, str]]:
        """Rows of published numbers by method, query and metric; none for other data than the papers'.

        Other pictures, and other descriptors of the same ones, cannot be set beside the papers' numbers.
        """
        if not has_published(self.dataset, "flickr") or self.generated:
            return {}
        return {(row["method"], row["query"], row["metric"]): row for row in published}

    def difference(
        self,
        row: str,
        label: str,
        left: Mapping[int, float],
        right: Mapping[int, float],
        **place: Any,
    ) -> DeepCell:
        """Left minus right, split -> number each, over the splits that both have (`place`: as of `cell`).

        Raises `DataError` where they have none in common.
        """
        common = sorted(set(left) & set(right))
        if not common:
            raise DataError(f"{label}: no split has scores of both; evaluate them on the same splits.")
        return self.cell("difference", row, label, [left[k] - right[k] for k in common], **place)


def ordered(scores: Mapping[str, Sized], stages: Mapping[str, str]) -> dict[str, str]:
    """Names of the models that have scores, in the order of the rows -> their labels.

    `stages`: name -> title of the finetuned models, in order; models of no known name follow, and then in the
    same order those with a classifier trained on mixed queries. Raises `DataError` where there is none.
    """
    labels = OBJECTIVE_LABELS | {name: f"MDRNN, {title}" for name, title in stages.items()}
    given = dict.fromkeys(name.removesuffix(MIXED) for name in sorted(scores))
    known = [*labels, *(name for name in given if name not in labels)]
    names = [name for name in [*known, *(name + MIXED for name in known)] if scores.get(name)]
    if not names:
        raise DataError("There are no scores for a table; run the rules that evaluate the models first.")
    found = {name: labels.get(name.removesuffix(MIXED), name.removesuffix(MIXED)) for name in names}
    return {
        name: label + (", classifier on mixed queries" if name.endswith(MIXED) else "")
        for name, label in found.items()
    }


def both_classifiers(multimodal: ScoreSets, mixed: ScoreSets) -> ScoreSets:
    """Score sets of classifiers trained on multimodal features only and on mixed queries, in one."""
    return multimodal | {name + MIXED: splits for name, splits in mixed.items()}


def title(cells: Sequence[DeepCell], name: str, what: str) -> str:
    """First sentences of a caption: the data and whether they are generated."""
    first = cells[0]
    generated = ", generated by a program: not to be compared with published numbers"
    return (
        f"**{name}** {what} on {title_of(first.dataset)} (`{first.dataset}`), "
        f"run `{first.run}`{generated if first.generated else ''}."
    )


def learned_sentence(learned_from: str) -> str:
    """The rows that the unsupervised training has seen."""
    return f"The unsupervised training learned from {learned_from}."


def untagged_sentence(untagged: str) -> str:
    """What a multimodal query is for pictures without tags; raises `ConfigError` for an unknown setting."""
    if untagged not in UNTAGGED:
        raise ConfigError(f"untagged is {untagged!r}; choose one of {', '.join(UNTAGGED)}.")
    return UNTAGGED[untagged]


def finetuned_sentence(objective: str) -> str:
    """The joint layer from which the networks were finetuned."""
    label = OBJECTIVE_LABELS[objective]
    return f"The MDRNN is finetuned from the {label[0].lower()}{label[1:]}."


def text_sentence() -> str:
    """What a query of the tags alone is for pictures without any."""
    return "Queries of the tags alone include the pictures without tags, which they cannot tell apart."


def splits_sentence(scores: ScoreSets) -> str:
    """How many splits the means are over, and whether all rows have the same ones."""
    sets = {tuple(sorted(one)) for one in scores.values() if one}
    splits = sorted({split for one in sets for split in one})
    if len(splits) == 1:
        return f"One split ({splits[0]}), so no standard deviation."
    few = "" if len(sets) == 1 else "; not every row has all of them, see the last column"
    return f"Mean ± standard deviation (n - 1 in the denominator) over {len(splits)} splits{few}."


def published_sentences(cells: Sequence[DeepCell]) -> list[str]:
    """The sources of the published numbers shown, and which is whose where there are several."""
    sources: dict[str, set[float]] = {}
    for cell in cells:
        if cell.published is not None:
            sources.setdefault(cell.published_source, set()).add(cell.published)
    if len(sources) == 1:
        return [f"Published: {source}." for source in sources]
    return [
        f"Published {', '.join(f'{value:.3f}' for value in sorted(values))}: {source}."
        for source, values in sorted(sources.items())
    ]


def span(values: Iterable[float]) -> str:
    """A number, or the smallest and the largest."""
    low, *others = sorted(set(values))
    return f"{low:,}" if not others else f"{low:,} to {others[-1]:,}"


def shown(cell: DeepCell, form: str = ".3f") -> str:
    """Mean ± deviation; nothing where only a published number is known."""
    if cell.mean is None:
        return ""
    return f"{cell.mean:{form}}" + ("" if cell.sd is None else f" ± {cell.sd:{form}}")


def block(
    cells: Sequence[DeepCell],
    columns: Sequence[tuple[str, Mapping[str, Any]]],
    heading: str = "Model",
    formats: Callable[[DeepCell], str] = lambda cell: ".3f",
    beside: bool = True,
) -> str:
    """A Markdown table of the cells that are no differences, a line for each `row`.

    `columns`: headings and the fields that choose their cells, such as {"query": "image", "part": "test"}. A
    column that has published numbers is followed by them, or holds those of rows of nothing else if not
    `beside`. `formats`: cell -> format of its number.
    """
    cells = [cell for cell in cells if cell.kind != "difference"]
    rows = list(dict.fromkeys((cell.row, cell.label) for cell in cells))
    texts = [(heading, [label for _, label in rows])]
    for name, wanted in columns:
        chosen = [cell for cell in cells if all(getattr(cell, key) == value for key, value in wanted.items())]
        at = {cell.row: cell for cell in chosen}
        column = [at.get(row) for row, _ in rows]
        own = ["" if cell is None else shown(cell, formats(cell)) for cell in column]
        quoted = ["" if c is None or c.published is None else f"{c.published:.3f}" for c in column]
        if not beside:
            own = [text or other for text, other in zip(own, quoted, strict=True)]
        texts.append((name, own))
        if beside and any(quoted):
            texts.append(("published", quoted))
    counted = {row: max(cell.splits for cell in cells if cell.row == row) for row, _ in rows}
    texts.append(("splits", [str(counted[row] or "") for row, _ in rows]))
    return markdown_table(texts)


def differences_block(
    cells: Sequence[DeepCell], columns: Sequence[tuple[str, Mapping[str, Any]]], form: str = "+.3f"
) -> str:
    """A titled Markdown table of the differences, and in how many splits each is positive; "" without any."""
    cells = [cell for cell in cells if cell.kind == "difference"]
    if not cells:
        return ""
    rows = list(dict.fromkeys((cell.row, cell.label, cell.query) for cell in cells))
    texts = [("Difference", [label for _, label, _ in rows])]
    for name, wanted in columns:
        chosen = [cell for cell in cells if all(getattr(cell, key) == value for key, value in wanted.items())]
        at = {(cell.row, cell.query): cell for cell in chosen}
        column = [at.get((row, query)) for row, _, query in rows]
        spread = ["" if c is None or c.sd is None else f" ± {c.sd:{form.lstrip('+')}}" for c in column]
        means = ["" if c is None else f"{c.mean:{form}}" for c in column]
        texts.append((name, [mean + sd for mean, sd in zip(means, spread, strict=True)]))
        texts.append(("above 0", ["" if c is None else f"{c.positive} of {c.splits}" for c in column]))
    return f"\n**Differences, paired over splits.**\n\n{markdown_table(texts)}"
