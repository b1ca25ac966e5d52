# SPDX-License-Identifier: MIT
"""Table of the settings of the joint layer that were tried on validation rows, the same for each method.

A trial's metrics hold a row for each epoch, with the columns "epoch" and "validation_map/<query>".
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from mvi.errors import DataError
from mvi.report import captions
from mvi.report.queries import query_title
from mvi.report.tables import About, laid_out

_SETTING = ["weight_std", "learning_rate", "epoch"]
_COLUMNS = ["dataset", "run", "generated", "split", "method", *_SETTING, "query", "metric", "value"]


def search_table(
    metrics: Mapping[str, Sequence[pd.DataFrame]],
    settings: Sequence[Mapping[str, float]],
    about: About,
    *,
    split: int,
    queries: Sequence[str],
    metric: str = "map_interpolated",
) -> pd.DataFrame:
    """A row for each method, setting, epoch and query: `metric` of the split's validation rows.

    metrics: method -> the metrics of its trials, in the order of `settings`
    settings: "weight_std" and "learning_rate" of each trial

    Raises `DataError` where a trial was not scored.
    """
    columns = {f"validation_map/{query}": query for query in queries}
    found = []
    for method, trials in metrics.items():
        for chosen, epochs in zip(settings, trials, strict=True):
            missing = [query for column, query in columns.items() if column not in epochs]
            if missing:
                raise DataError(
                    f"A trial of {method} has no validation mAP of {', '.join(missing)}; delete its CSV and "
                    "search again."
                )
            scores = epochs[["epoch", *columns]].rename(columns=columns)
            found.append(scores.melt("epoch", var_name="query").assign(method=method, **chosen))
    table = pd.concat(found, ignore_index=True).assign(split=split, metric=metric)
    return table.assign(dataset=about.dataset, run=about.run, generated=about.generated)[_COLUMNS]


def search_markdown(trials: pd.DataFrame, labels: Mapping[str, str], queries: Sequence[str]) -> str:
    """The best trial and epoch of each method for each of the first two queries, with its mAP by every query.

    labels: method -> label, in the order of the rows
    """
    wide = trials.pivot(index=["method", *_SETTING], columns="query", values="value").reset_index()
    rows = [
        (label, query_title(query), wide.loc[own[query].idxmax()])
        for method, label in labels.items()
        if len(own := wide[wide["method"] == method])
        for query in queries[:2]
    ]
    columns = [
        ("Model", [label for label, _, _ in rows]),
        ("best of its trials for", [title for _, title, _ in rows]),
        ("initial weight std", [f"{best['weight_std']:g}" for _, _, best in rows]),
        ("learning rate", [f"{best['learning_rate']:g}" for _, _, best in rows]),
        ("epochs", [str(best["epoch"]) for _, _, best in rows]),
        *((query_title(query), [f"{best[query]:.3f}" for _, _, best in rows]) for query in queries),
    ]
    return laid_out(columns)


def search_caption(
    trials: pd.DataFrame, about: About, *, grid: Sequence[float], iterations: int, untagged: str
) -> list[str]:
    """What was tried, on what, and how it was scored; `grid`: the values of lambda tried."""
    count, epochs = len(trials[_SETTING[:2]].drop_duplicates()), trials["epoch"].max()
    chosen = f"chosen among {len(grid)} on the validation set too" if len(grid) > 1 else "fixed"
    return [
        captions.what(
            "Search for settings of the joint layer",
            captions.metric(trials["metric"][0], "validation set"),
            about,
        ),
        captions.line(
            about.note,
            f"The same {count} settings with every method, scored after each of {epochs} epochs on",
            f"validation examples of split {trials['split'][0]}, which nothing has learned from; each best",
            f"is one of {count * epochs}.",
        ),
        captions.line(
            f"Missing modalities inferred by {iterations} mean-field iterations; text of untagged images",
            f"{untagged}; lambda {chosen}. Protocol and definitions: {captions.PROTOCOL}.",
        ),
    ]
