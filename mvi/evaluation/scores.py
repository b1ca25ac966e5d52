# SPDX-License-Identifier: MIT
"""One number of an evaluation with all that says what it is of, and small tidy files of such numbers."""

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from mvi.errors import DataError
from mvi.files import write_sealed


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """A row of the table of scores; the fields are its columns, in their order.

    No field is to be taken apart: who needs a query, a part or a number of iterations filters its column.
    """

    run: str = ""
    method: str = ""
    """A method of training, a stage of finetuning, or a baseline, such as an input classified as it is."""
    variant: str = ""
    """How it was evaluated: what the classifier learned from, "trained=<iterations>", or how was searched."""
    query: str = ""
    """The modalities given, joined by "+" in the store's order."""
    iterations: int | None = None
    """Mean-field iterations at test, where they are varied."""
    split: int | None = None
    seed: int | None = None
    part: str = ""
    """train, validation or test; of numbers of rows also "copies"."""
    metric: str
    label: str = ""
    """What the value is of, if it is one of many: a class, a modality, a recall."""
    value: float


UNTAGGED = "untagged=missing"
"""The variant where images that have no tags are taken as such whose tags are missing."""


def share_variant(percent: int) -> str:
    """The variant of scores where so many percent of the test images have lost their tags."""
    return f"missing={percent}"


CENTRED = "centred"
"""The variant of searches by codes around the mean of their kind of query."""

COLUMNS = tuple(field.name for field in fields(Score))


def placed(scores: Iterable[Score], **where: Any) -> list[Score]:
    """The scores with `where`, such as `run` and `split`, in the fields that they leave empty."""
    return [
        replace(score, **{name: value for name, value in where.items() if getattr(score, name) in ("", None)})
        for score in scores
    ]


def write_scores(path: str | Path, scores: Iterable[Score]) -> None:
    """Write a sealed CSV with the columns of `Score` in the order given, floats in full precision.

    Raises `DataError` for a value that is not finite.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for score in scores:
        if not math.isfinite(score.value):
            raise DataError(
                f"The {score.metric} of {score.method} {score.query} {score.label} is {score.value}, "
                f"which {path} cannot hold; look at what was evaluated."
            )
        writer.writerow((asdict(score) | {"value": repr(float(score.value))}).values())
    write_sealed(path, text.getvalue().encode())
