# SPDX-License-Identifier: MIT
"""What was tried with each method on validation rows, which of it was chosen, and the table of all."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mvi.evaluation.scores import Score
from mvi.report import captions
from mvi.report.queries import query_title
from mvi.report.scores import Key, Scores
from mvi.report.tables import About, laid_out

QUERIES = ("image+text", "image")
"""Those by whose mean settings are chosen."""


@dataclass(frozen=True)
class Candidate:
    """Settings that were tried, with the metric of the validation rows."""

    method: str
    settings: str
    """As "<setting> <value>, ..."."""
    metric: str
    both: float
    """By multimodal queries."""
    image: float
    """By image-only queries."""
    mean: float
    """Of the two, by which settings are chosen."""
    chosen: bool


def reached(scores: Sequence[Score], metric: str) -> tuple[float, float]:
    """The metric of a candidate's validation rows by each of `QUERIES`; `DataError` where one is missing."""
    found, (first, *_) = Scores(scores), scores
    keys = (Key(first.method, metric, query, "validation", first.variant) for query in QUERIES)
    both, image = (statistics.fmean(found.of(key).values()) for key in keys)
    return both, image


def best(values: Sequence[Sequence[float]]) -> int:
    """The number, from 1, of the candidate with the highest mean of its `reached`; of equals the first."""
    means = [statistics.fmean(one) for one in values]
    return 1 + means.index(max(means))


def candidates(
    tried: Mapping[str, Sequence[Mapping[str, Any]]],
    scores: Mapping[str, Sequence[Sequence[Score]]],
    chosen: Mapping[str, int],
    metric: str,
) -> list[Candidate]:
    """A row for each candidate of each method, in order; `chosen` numbers one of each method, from 1."""
    found = []
    for method, settings in tried.items():
        for number, (one, own) in enumerate(zip(settings, scores[method], strict=True), 1):
            both, image = reached(own, metric)
            said = ", ".join(f"{key} {value}" for key, value in one.items())
            mean, taken = statistics.fmean((both, image)), number == chosen[method]
            found.append(Candidate(method, said, metric, both, image, mean, taken))
    return found


def table(found: Sequence[Candidate], labels: Mapping[str, str]) -> str:
    """In Markdown, a row a candidate, what was chosen in bold."""
    return laid_out(
        [
            ("Model", [labels[one.method] for one in found]),
            ("settings", [one.settings for one in found]),
            *(
                (query_title(query), _shown(found, name))
                for query, name in zip(QUERIES, ("both", "image"), strict=True)
            ),
            ("mean", _shown(found, "mean")),
            ("chosen", ["yes" if one.chosen else "" for one in found]),
        ]
    )


def _shown(found: Sequence[Candidate], name: str) -> list[str]:
    return [f"**{getattr(one, name):.3f}**" if one.chosen else f"{getattr(one, name):.3f}" for one in found]


def caption(found: Sequence[Candidate], about: About) -> list[str]:
    """What was tried, on what, and how it was chosen."""
    count = len(found) // len({one.method for one in found})
    return [
        captions.what("What was tried and chosen", captions.metric(found[0].metric, "validation set"), about),
        captions.line(
            about.note,
            "Trained without the validation rows of split 1 and scored on them; no test row was read.",
        ),
        captions.line(
            f"{count} candidates of every method. Chosen, and used in all trainings of the method: the",
            "highest mean of multimodal and image-only queries.",
            f"Protocol and definitions: {captions.PROTOCOL}.",
        ),
    ]
