# SPDX-License-Identifier: MIT
"""The training loop: epochs, schedule, checkpoint, resume, guard, progress. It knows no model.

A checkpoint holds everything the next epoch depends on, so that a run that was killed and resumed ends with
the same bytes as one that was not, on the same machine with the same number of threads.
"""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from tqdm import tqdm

from mvi.errors import NonFiniteError
from mvi.files import atomic, exclusive
from mvi.objectives.common import Memory, Objective
from mvi.optim import Momentum, UpdateRule, all_finite, update_

log = logging.getLogger(__name__)


class Batches(Protocol):
    """Where minibatches come from; `mvi.data.batches.Minibatches` is one."""

    def __len__(self) -> int: ...
    def epoch(self, generator: torch.Generator) -> Iterator[Tensor]: ...
    def mean(self) -> Tensor: ...


class Trainable(Protocol):
    """What can be trained: anything with tensors by name, which the objective knows how to read."""

    parameters: dict[str, Tensor]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: see `UpdateRule`; `weight_decay` is the L2 coefficient.

    An update that is not finite is rejected and multiplies the rate by `rate_after_rejection` for the rest of
    the epoch (reference code, its MP trainers); more than `rejected_share` of them in an epoch end the run.
    """

    epochs: int
    rule: UpdateRule = field(default_factory=UpdateRule)
    weight_decay: float = 0.0
    rejected_share: float = 0.1
    rate_after_rejection: float = 0.95

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """The schedule that a `training` section of the config asks for."""
        rule = UpdateRule(settings["learning_rate"], settings["decay"], Momentum(**settings["momentum"]))
        guard = {name: settings[name] for name in ("rejected_share", "rate_after_rejection")}
        return cls(settings["epochs"], rule, settings["l2"], **guard)


@dataclass
class _State:
    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]
    memory: Memory
    generator: torch.Generator
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def train(
    model: Trainable,
    objective: Objective,
    batches: Batches,
    schedule: Schedule,
    generator: torch.Generator,
    *,
    label: str,
    checkpoint: Path | None = None,
    fingerprint: str = "",
    checkpoint_seconds: float = 60.0,
    metrics_path: Path | None = None,
    monitor: Callable[[Any], Mapping[str, float]] | None = None,
) -> pd.DataFrame:
    """Train `model` in place and return its metrics, one row an epoch.

    `checkpoint` is written at the end of an epoch whenever `checkpoint_seconds` have passed, and read at the
    start if its `fingerprint` (settings, seed and code) is the same. `monitor` adds columns to the metrics,
    which go to `metrics_path` as CSV. `label` names the layer in messages.

    Raises `NonFiniteError` where the rows, too many updates, or any parameter, are not finite, and
    `DataError` where another process trains with the same checkpoint.
    """
    mean = batches.mean()
    if not mean.isfinite().all():
        raise NonFiniteError(
            f"{label}: the training rows hold numbers that are not finite, first in column "
            f"{int((~mean.isfinite()).nonzero()[0])}; mend the data and make the store again."
        )
    state = _State(
        parameters=model.parameters,
        buffers={name: torch.zeros_like(theta) for name, theta in model.parameters.items()},
        memory=objective.start(model, mean, generator),
        generator=generator,
    )
    saved = time.monotonic()
    # A trainer that outlived its workflow would else write over what this one goes on from.
    lock = nullcontext() if checkpoint is None else exclusive(checkpoint.with_suffix(".lock"))
    bar = tqdm(
        total=schedule.epochs * len(batches), desc=label, unit="batch", disable=not sys.stderr.isatty()
    )
    with lock, bar as progress:
        if checkpoint is not None:
            _resume(state, checkpoint, fingerprint, label)
            progress.n = progress.initial = state.epoch * len(batches)
        while state.epoch < schedule.epochs:
            started = time.monotonic()
            metrics = _epoch(model, objective, batches, schedule, state, label, progress.update)
            if monitor is not None:
                metrics |= monitor(model)
            state.epoch += 1
            state.history.append({"epoch": state.epoch, **metrics})
            shown = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
            seconds = time.monotonic() - started
            log.info("%s: epoch %d, %.1f s: %s", label, state.epoch, seconds, shown)
            if checkpoint is not None and time.monotonic() - saved >= checkpoint_seconds:
                _save(state, checkpoint, fingerprint)
                saved = time.monotonic()
    history = pd.DataFrame(state.history)
    if metrics_path is not None:
        with atomic(metrics_path) as temporary:
            history.to_csv(temporary, index=False)
    return history


def _epoch(
    model: Trainable,
    objective: Objective,
    batches: Batches,
    schedule: Schedule,
    state: _State,
    label: str,
    advance: Callable[[int], object],
) -> dict[str, float]:
    """One pass over the batches. Numbers stay on the device until its end, so that a GPU never waits."""
    epoch = state.epoch + 1
    momentum = schedule.rule.momentum.at(epoch)
    device = next(iter(model.parameters.values())).device
    rate = torch.tensor(schedule.rule.rate(epoch), device=device)
    first_bad = torch.tensor(-1, device=device)
    rejected = torch.zeros((), device=device)
    sums: dict[str, Tensor] = {}
    for step, batch in enumerate(batches.epoch(state.generator)):
        gradient, state.memory = objective.step(model, batch, state.memory, epoch, state.generator)
        accept = all_finite(gradient)
        for name, value in gradient.metrics.items():
            sums[name] = sums[name] + value if name in sums else value
        update_(
            state.parameters,
            state.buffers,
            gradient,
            rate=rate,
            momentum=momentum,
            weight_decay=schedule.weight_decay,
            accept=accept,
        )
        rate = torch.where(accept, rate, rate * schedule.rate_after_rejection)
        first_bad = torch.where(accept | (first_bad >= 0), first_bad, step)
        rejected += ~accept
        advance(1)
    _guard(state, float(rejected) / len(batches), int(first_bad), schedule, label, epoch)
    return {name: float(total) / len(batches) for name, total in sums.items()}


def _guard(state: _State, share: float, first_bad: int, schedule: Schedule, label: str, epoch: int) -> None:
    spoiled = [name for name, theta in state.parameters.items() if not theta.isfinite().all()]
    if share > schedule.rejected_share or spoiled:
        where = f"from step {first_bad + 1}" if first_bad >= 0 else f"in {', '.join(spoiled)}"
        raise NonFiniteError(
            f"{label}: numbers stopped being finite in epoch {epoch} {where} "
            f"({share:.0%} of the updates rejected); lower the learning rate or check the data."
        )
    if share:
        log.warning("%s: epoch %d: %.1f %% of the updates rejected", label, epoch, 100 * share)


def _save(state: _State, path: Path, fingerprint: str) -> None:
    tensors = {"generator": state.generator.get_state()}
    for group in ("parameters", "buffers", "memory"):
        for name, tensor in getattr(state, group).items():
            tensors[f"{group}/{name}"] = tensor.cpu().contiguous()
    about = {"fingerprint": fingerprint, "epoch": state.epoch, "history": state.history}
    with atomic(path) as temporary:
        save_file(tensors, temporary, {"about": json.dumps(about)})


def _resume(state: _State, path: Path, fingerprint: str, label: str) -> None:
    """Fill `state` from a checkpoint; one that is absent, unreadable or of other settings is passed over."""
    if not path.exists():
        return
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("about", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        log.warning("%s: starting anew, %s is not readable (%s)", label, path, error)
        return
    if about.get("fingerprint") != fingerprint:
        log.warning("%s: starting anew, %s belongs to other settings or code", label, path)
        return
    state.generator.set_state(tensors.pop("generator"))
    for key, tensor in tensors.items():
        group, name = key.split("/", 1)
        target = getattr(state, group)
        target[name] = target[name].copy_(tensor) if group != "memory" else tensor.to(target[name].device)
    state.epoch, state.history = about["epoch"], about["history"]
    log.info("%s: resuming after epoch %d", label, state.epoch)
