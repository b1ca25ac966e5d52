# SPDX-License-Identifier: MIT
"""Average precision of each class, of every method and query: what the mean in Table 2 is over."""

from collections.abc import Iterable
from dataclasses import asdict

import pandas as pd

from mvi.evaluation.scores import Score


def class_table(scores: Iterable[Score]) -> pd.DataFrame:
    """A line for each method, query, part, definition ("ap_...") and class: mean, sd, number of splits.

    The standard deviation has n - 1 in the denominator and is missing for one split; a class counts where it
    could be scored.
    """
    columns = ["method", "variant", "query", "part", "metric", "label"]
    found = pd.DataFrame([asdict(score) for score in scores if score.label], columns=[*columns, "value"])
    grouped = found.groupby(columns, sort=False)["value"]
    return grouped.agg(mean="mean", sd="std", splits="count").reset_index()
