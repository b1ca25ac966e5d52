# SPDX-License-Identifier: MIT
"""Table of the settings of the joint layer that were tried on validation rows, the same for each method.

A trial's metrics hold a row for each epoch, with the columns "epoch" and "validation_map/<query>".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from mvi.errors import DataError
from mvi.report import captions
from mvi.report.queries import query_title
from mvi.report.tables import About, laid_out


@dataclass(frozen=True)
class Trial:
    """What one setting of a method reached by a query after an epoch; a row of the CSV."""

    dataset: str
    run: str
    generated: bool
    split: int
    method: str
    weight_std: float
    learning_rate: float
    epoch: int
    query: str
    metric: str
    value: float


def search_table(
    metrics: Mapping[str, Sequence[pd.DataFrame]],
    settings: Sequence[Mapping[str, float]],
    about: About,
    *,
    split: int,
    queries: Sequence[str],
) -> list[Trial]:
    """All trials of each method, epoch by epoch.

    metrics: method -> the metrics of its trials, in the order of `settings`
    settings: "weight_std" and "learning_rate" of each trial

    Raises `DataError` where a trial was not scored.
    """
    found = []
    for method, trials in metrics.items():
        for chosen, epochs in zip(settings, trials, strict=True):
            columns = {query: f"validation_map/{query}" for query in queries}
            missing = [query for query, column in columns.items() if column not in epochs]
            if missing:
                raise DataError(
                    f"A trial of {method} has no validation mAP of {', '.join(missing)}; delete its CSV and "
                    "search again."
                )
            for _, row in epochs.iterrows():
                what = about.dataset, about.run, about.generated, split, method
                setting = chosen["weight_std"], chosen["learning_rate"], int(row["epoch"])
                for query, column in columns.items():
                    found.append(Trial(*what, *setting, query, "map_interpolated", float(row[column])))
    return found


def search_markdown(trials: Sequence[Trial], labels: Mapping[str, str], queries: Sequence[str]) -> str:
    """The best trial and epoch of each method for each of the first two queries, with its mAP by every query.

    labels: method -> label, in the order of the rows
    """
    tried: dict[str, dict[tuple[float, float, int], dict[str, float]]] = {}
    for one in trials:
        setting = one.weight_std, one.learning_rate, one.epoch
        tried.setdefault(one.method, {}).setdefault(setting, {})[one.query] = one.value
    rows = [
        (label, query, *max(tried[method].items(), key=lambda item: item[1][query]))
        for method, label in labels.items()
        if method in tried
        for query in queries[:2]
    ]
    columns = [
        ("Model", [label for label, *_ in rows]),
        ("best of its trials for", [query_title(query) for _, query, *_ in rows]),
        ("initial weight std", [f"{std:g}" for *_, (std, _, _), _ in rows]),
        ("learning rate", [f"{rate:g}" for *_, (_, rate, _), _ in rows]),
        ("epochs", [str(epoch) for *_, (_, _, epoch), _ in rows]),
        *((query_title(query), [f"{maps[query]:.3f}" for *_, maps in rows]) for query in queries),
    ]
    return laid_out(columns)


def search_caption(
    trials: Sequence[Trial], about: About, *, grid: Sequence[float], iterations: int, untagged: str
) -> list[str]:
    """What was tried, on what, and how it was scored; `grid`: the values of lambda tried."""
    count = len({(trial.weight_std, trial.learning_rate) for trial in trials})
    epochs = max(trial.epoch for trial in trials)
    chosen = f"chosen among {len(grid)} on the validation rows too" if len(grid) > 1 else "fixed"
    return [
        captions.what("Search for settings of the joint layer", "Validation mAP (interpolated)", about),
        captions.line(
            about.note,
            f"The same {count} settings with every method, scored after each of {epochs} epochs on",
            f"validation rows of split {trials[0].split}, which nothing has learned from; each best is one",
            f"of {count * epochs}.",
        ),
        captions.line(
            f"Missing modalities inferred by {iterations} mean-field iterations; text of untagged images",
            f"{untagged}; lambda {chosen}. Protocol and definitions: {captions.PROTOCOL}.",
        ),
    ]
