# SPDX-License-Identifier: MIT
"""What every stage of the deep model's training shares: its rows, its checkpoint, its run to the end."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from mvi.data.facts import Facts
from mvi.data.store import Store
from mvi.data.transforms import Transform, minibatches, read
from mvi.models.checkpoints import Saved, save
from mvi.models.units import ReplicatedSoftmax
from mvi.objectives.base import Objective
from mvi.training.cuda_graphs import recorder
from mvi.training.loop import Batches, Schedule, Trainable, train
from mvi.training.rows import training_and_monitoring_rows

log = logging.getLogger(__name__)

_HASHED_BYTES = 2**28


class Kept(Trainable, Saved, Protocol):
    """What can be trained and written to a file."""


@dataclass(frozen=True)
class StageRows:
    """`batches` of the `count` rows that a stage learns from, and rows (n, D) that it is `monitored` on.

    `features` are those of the store.
    """

    batches: Batches
    monitored: Tensor | None
    count: int
    features: Facts | None = None


def stage_rows(
    store_path: str | Path,
    transforms: Mapping[str, Transform],
    split: int,
    schedule: Mapping[str, Any],
    *,
    parts: Iterable[str],
    held_out: int,
    seed: int,
    memory_mb: int,
    minimum_tags: int,
    cap: int | None = None,
    validation: int = 0,
    device: str = "cpu",
) -> StageRows:
    """The rows of a stage that sees the modalities of `transforms`; `schedule` has its sizes of batches.

    `parts`, `held_out`, `seed`, `minimum_tags` and `cap` are as for `training_and_monitoring_rows`; rows of
    at most `memory_mb` MiB are kept in memory. Where none are held out, the first `validation` rows of the
    split's validation part are monitored, if nothing is learned from that part.
    """
    with Store(store_path) as store:
        learned, monitored = training_and_monitoring_rows(
            store,
            split,
            held_out=held_out,
            minimum_tags=minimum_tags,
            cap=cap,
            seed=seed,
            parts=list(parts),
        )
        if not len(monitored) and validation and "validation" not in parts:
            monitored = store.split(split)["validation"][:validation]
        shown = read(store, transforms, monitored, device) if len(monitored) else None
        features = store.features
    batches = minibatches(
        store_path,
        transforms,
        learned,
        schedule["batch_size"],
        memory_bytes=memory_mb * 2**20,
        per_epoch=schedule["batches_per_epoch"],
        device=device,
    )
    return StageRows(batches, shown, len(learned), features)


def made_from(settings: Mapping[str, Any], inputs: Iterable[str | Path], device: str) -> str:
    """What a checkpoint must have been made from to be resumed: settings, files and device.

    Small files count by their content, large ones by size and time.
    """
    files = []
    for path in map(Path, inputs):
        about = path.stat()
        small = about.st_size < _HASHED_BYTES
        content = hashlib.sha256(path.read_bytes()).hexdigest() if small else about.st_mtime_ns
        files.append([path.name, about.st_size, content])
    return json.dumps([dict(settings), files, device], sort_keys=True)


def train_stage(
    model: Kept,
    objective: Objective,
    rows: StageRows,
    schedule: Mapping[str, Any],
    generator: torch.Generator,
    *,
    label: str,
    weights: str | Path,
    metrics: str | Path,
    config: Mapping[str, Any],
    fingerprint: str,
    monitor: Callable[[Any], Mapping[str, float]] | None = None,
    score: Callable[[Any], Mapping[str, float]] | None = None,
    finish: Callable[[Any], None] | None = None,
) -> None:
    """Train a stage, resuming from its checkpoint beside `weights` where there is one; write both files.

    `monitor` and `score` measure the model after each epoch, and `finish` changes it after the last, the same
    whenever it is called. `config` goes into the file of weights. Raises
    as `mvi.training.loop.train` does.
    """
    path = Path(weights)
    log.info("%s: learning from %d rows", label, rows.count)

    # How many words are drawn depends on the data, which a recording cannot follow.
    words = isinstance(getattr(model, "visible", None), ReplicatedSoftmax)

    def measure(trained: Any) -> dict[str, float]:
        return {name: value for one in (monitor, score) if one for name, value in one(trained).items()}

    train(
        model,
        objective,
        rows.batches,
        Schedule.from_settings(schedule),
        generator,
        label=label,
        checkpoint=path.with_suffix(".checkpoint"),
        checkpoint_seconds=config["checkpoint_seconds"],
        fingerprint=fingerprint,
        metrics_path=Path(metrics),
        monitor=measure,
        record=recorder(config["cuda_graphs"] and not words, generator.device.type),
    )
    if finish is not None:
        finish(model)
    save(path, model, config, rows.features)
    path.with_suffix(".checkpoint").unlink(missing_ok=True)
