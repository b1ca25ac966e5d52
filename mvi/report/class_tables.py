# SPDX-License-Identifier: MIT
"""Average precision of each class, of every model and query: what the mean in Table 2 is over."""

import re
from typing import Any

import pandas as pd

from mvi.report.table_files import ScoreSets

_KEY = re.compile(r"(?:(?P<query>[^/]+)/)?(?P<part>test|validation)_ap/(?P<definition>[^/]+)/(?P<class>.+)")


def class_table(scores: ScoreSets) -> pd.DataFrame:
    """A line for each row of `scores`, query, part, definition and class: mean and deviation over splits.

    `scores` are those of `multilabel.evaluate_queries`, or of `evaluate`, whose query stays empty. The
    deviation has n - 1 in the denominator and is missing for one split; a class counts where it could be
    judged.
    """
    found: list[dict[str, Any]] = [
        {
            "row": row,
            "split": split,
            **{name: text or "" for name, text in key.groupdict().items()},
            "ap": value,
        }
        for row, splits in scores.items()
        for split, one in splits.items()
        for name, value in one.items()
        if (key := _KEY.fullmatch(name))
    ]
    columns = ["row", "query", "part", "definition", "class"]
    grouped = pd.DataFrame(found, columns=[*columns, "split", "ap"]).groupby(columns, sort=False)["ap"]
    return grouped.agg(mean="mean", sd="std", splits="count").reset_index()
