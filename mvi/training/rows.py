# SPDX-License-Identifier: MIT
"""Which rows of a store a stage of unsupervised training may learn from, and on which it is monitored."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from torch import Tensor

from mvi.data.splits import learn_from_unlabelled
from mvi.data.store import Store
from mvi.data.transforms import Counts, Transform, read
from mvi.errors import ConfigError, DataError

Blocks = Callable[[], Iterable[Tensor]]
"""Makes an iterable of blocks (B, D) of all rows that a model learns from, joined units."""


def layer_rows(
    store: Store,
    split: int,
    *,
    minimum_tags: int = 0,
    cap: int | None = None,
    seed: int = 0,
    parts: Sequence[str] = ("train", "validation"),
) -> np.ndarray:
    """The ascending int64 rows that unsupervised training may see, none of them a test row of `split`.

    They are all unlabelled rows where there are enough (`mvi.data.splits.learn_from_unlabelled`), or no
    labelled ones, else the `parts` of the split; of these the rows with
    at least `minimum_tags` different tags; of these at most `cap`, chosen at random by `seed`. The reference
    code asks for 0 tags in the image pathway, 5 in the text pathway and 2 in the joint stages.

    Raises `ConfigError` where `parts` names the test rows, and `DataError` where no row is left.
    """
    if not set(parts) <= {"train", "validation"}:
        raise ConfigError(
            f"Unsupervised training may see the parts train and validation of a split, not "
            f"{', '.join(parts)}; change the parts in the config."
        )
    rows = store.unlabelled
    known = store.split(split) if store.n_labelled else {}
    if not learn_from_unlabelled(store.n_rows, store.n_labelled, {split: known} if known else {}):
        rows = np.sort(np.concatenate([known[part] for part in parts]))
    rows = rows[store.with_tags(minimum_tags)[rows]]
    if not len(rows):
        raise DataError(
            f"{store.path} has no row to learn from with at least {minimum_tags} tags; lower the number of "
            "tags asked for in the config."
        )
    if cap is not None and cap < len(rows):
        rows = np.sort(np.random.default_rng(seed).choice(rows, cap, replace=False))
    return rows


def training_and_monitoring_rows(
    store: Store,
    split: int,
    *,
    held_out: int = 0,
    minimum_tags: int = 0,
    cap: int | None = None,
    seed: int = 0,
    parts: Sequence[str] = ("train", "validation"),
) -> tuple[np.ndarray, np.ndarray]:
    """The rows that a stage learns from, and others to monitor it on; both ascending, without overlap.

    `held_out` of the rows that any stage may see are drawn by `seed`, the same for every stage of a pathway,
    and only monitored. The rest, and the other arguments, are as for `layer_rows`. Raises `ConfigError` where
    no row would be left to learn from.
    """
    every = layer_rows(store, split, parts=parts)
    if held_out >= len(every):
        raise ConfigError(
            f"{held_out} of the {len(every)} rows that may be learned from cannot be held out; lower "
            "rows.held_out in the config."
        )
    monitored = np.random.default_rng([seed, held_out]).choice(every, held_out, replace=False)
    wanted = layer_rows(store, split, minimum_tags=minimum_tags, parts=parts)
    learned = np.setdiff1d(wanted, monitored)
    if not len(learned):
        raise ConfigError(
            f"All {len(wanted)} rows with at least {minimum_tags} tags are held out; lower "
            "rows.held_out or the number of tags asked for in the config."
        )
    if cap is not None and cap < len(learned):
        learned = np.sort(np.random.default_rng(seed).choice(learned, cap, replace=False))
    return learned, np.intersect1d(wanted, monitored)


def mean_totals(
    store: Store,
    transforms: Mapping[str, Transform],
    split: int,
    parts: Sequence[str],
    *,
    minimum_tags: int = 0,
    rows: int = 10_000,
) -> dict[str, float]:
    """Mean number of words in a row of each modality that is seen as counts, over at most `rows` rows."""
    counted = {name: transform for name, transform in transforms.items() if isinstance(transform, Counts)}
    seen = layer_rows(store, split, minimum_tags=minimum_tags, parts=parts, cap=rows)
    return {name: float(read(store, {name: one}, seen).sum(1).mean()) for name, one in counted.items()}
