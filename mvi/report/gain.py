# SPDX-License-Identifier: MIT
"""What mean-field iterations gain, a point for each of several runs: the rows of its table and its figure."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mvi.evaluation.scores import Score
from mvi.report.scores import Key, Scores
from mvi.report.tables import laid_out

QUERY = "image"


@dataclass(frozen=True)
class Gain:
    """One network, by image-only queries; shares are of test rows, as means over repetitions."""

    run: str
    dataset: str
    features: str
    start: str
    """First state of what is missing, in training and at test: zeros or doubled."""
    pairs: int
    """Images that it learned from, of which some may have no tags."""
    iterations: int
    """In finetuning, and at test where they are not 0."""
    at_zero: float
    """mAP by 0 iterations."""
    at_all: float
    """mAP by as many as in finetuning."""
    gain: float
    sd: float | None
    """Standard deviation of the gain over repetitions, n - 1 in the denominator; None for one."""
    repetitions: int
    """Splits or seeds."""
    precision: float
    """Precision@1 of the tags that the network predicts."""
    log_loss: float
    """Of these tags, nats an image."""
    linear: float
    """mAP of the linear baseline on the features of the image."""


def gains(runs: Sequence[Mapping[str, Any]], scores: Iterable[Score]) -> list[Gain]:
    """A point for each entry of `runs`, in order.

    An entry holds `run`, `dataset`, `features`, `start`, `pairs`, `iterations` as in `Gain`; `method`, the
    finetuned model; `metric`, the mAP; and `linear`, the run with the scores of the linear classifier.
    `scores` are those of all runs. Raises `DataError` where one is missing.
    """
    by_run: dict[str, list[Score]] = {}
    for score in scores:
        by_run.setdefault(score.run, []).append(score)
    return [_gain(one, {name: Scores(found) for name, found in by_run.items()}) for one in runs]


def _gain(about: Mapping[str, Any], scores: Mapping[str, Scores]) -> Gain:
    own, n = scores[about["run"]], about["iterations"]
    method, metric = about["method"], about["metric"]

    def by(iterations: int) -> dict[Any, float]:
        return own.of(Key(method, metric, QUERY, variant=f"trained={n}", iterations=iterations))

    def tags(name: str) -> float:
        return statistics.fmean(own.of(Key(method, f"tags_{name}", QUERY)).values())

    zero, every = by(0), by(n)
    differences = [every[repetition] - value for repetition, value in zero.items()]
    return Gain(
        **{key: about[key] for key in ("run", "dataset", "features", "start", "pairs", "iterations")},
        at_zero=statistics.fmean(zero.values()),
        at_all=statistics.fmean(every.values()),
        gain=statistics.fmean(differences),
        sd=statistics.stdev(differences) if len(differences) > 1 else None,
        repetitions=len(differences),
        precision=tags("precision_at_1"),
        log_loss=tags("log_loss"),
        linear=statistics.fmean(scores[about["linear"]].of(Key(QUERY, metric, QUERY)).values()),
    )


CAPTION = (
    "**What mean-field iterations gain.** Image-only test mAP of networks after n iterations, as many "
    "as they were finetuned with, minus that of the same networks after none.",
    "Every network of a data set is trained by the same number of updates; the pairs of image and tags that "
    "it learns from are drawn at random.",
    "Mean ± standard deviation over splits, where there are several. Tags: predicted from the image. "
    "Linear: linear baseline on the features of the image. Protocol and definitions: docs/protocol.md.",
)
"""The lines over the table."""


def table(found: Sequence[Gain]) -> str:
    """In Markdown, a row a point."""
    spread = [f" ± {one.sd:.3f}" if one.sd is not None else "" for one in found]
    return laid_out(
        [
            ("Images", [one.dataset for one in found]),
            ("features", [one.features for one in found]),
            ("first state", [one.start for one in found]),
            ("pairs", [f"{one.pairs:,}" for one in found]),
            ("n", [str(one.iterations) for one in found]),
            ("0 iterations", [f"{one.at_zero:.3f}" for one in found]),
            ("n iterations", [f"{one.at_all:.3f}" for one in found]),
            ("gain", [f"{one.gain:+.3f}{more}" for one, more in zip(found, spread, strict=True)]),
            ("splits", [str(one.repetitions) for one in found]),
            ("tags, precision@1", [f"{one.precision:.3f}" for one in found]),
            ("tags, log loss (nats)", [f"{one.log_loss:.2f}" for one in found]),
            ("linear", [f"{one.linear:.3f}" for one in found]),
        ]
    )
