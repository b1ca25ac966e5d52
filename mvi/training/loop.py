# SPDX-License-Identifier: MIT
"""The training loop: epochs, schedule, checkpoint, resume, non-finite check, progress. It knows no model.

A checkpoint holds everything the next epoch depends on, so that a run that was killed and resumed ends with
the same bytes as one that was not, on the same machine with the same number of threads.
"""

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Self

import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from mvi.errors import DataError, NonFiniteError
from mvi.files import exclusive, write_sealed
from mvi.objectives.base import Memory, Objective
from mvi.tensors import read_tensors, write_tensors
from mvi.training.cuda_graphs import Record, Replayed
from mvi.training.optim import Adam, Momentum, Rule, UpdateRule, all_finite
from mvi.training.processor import at_full_speed

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
    """How long and how fast: see `mvi.training.optim`, for `weight_decay` too.

    With `patience` the training ends once so many epochs have not lowered the monitor's "validation/loss",
    and gives back the parameters of the epoch that had the least.

    An update that is not finite is rejected and multiplies the learning rate by `rate_after_rejection` for
    the rest of the epoch (reference code, its MP trainers); more than `rejected_share` of them in an epoch
    end the run.
    """

    epochs: int
    rule: Rule = field(default_factory=UpdateRule)
    weight_decay: float = 0.0
    rejected_share: float = 0.1
    rate_after_rejection: float = 0.95
    patience: int | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """The schedule that a `training` section of the config asks for: by Adam unless it has a momentum."""
        guard = {name: settings[name] for name in ("rejected_share", "rate_after_rejection")}
        if "momentum" not in settings:
            adam, patience = Adam(settings["learning_rate"]), settings["patience"]
            return cls(settings["epochs"], adam, settings["weight_decay"], **guard, patience=patience)
        rule = UpdateRule(settings["learning_rate"], settings["decay"], Momentum(**settings["momentum"]))
        return cls(settings["epochs"], rule, settings["l2"], **guard)

    def best(self, history: Sequence[Mapping[str, float]]) -> int:
        """The epoch, counted from 1, with the least loss on validation rows; the first of several."""
        losses = [row["validation/loss"] for row in history]
        return losses.index(min(losses)) + 1

    def ended(self, history: Sequence[Mapping[str, float]]) -> bool:
        """Whether the training is over after these epochs."""
        waited = self.patience and history and len(history) - self.best(history) >= self.patience
        return len(history) >= self.epochs or bool(waited)


@dataclass
class State:
    """All that the next epoch depends on; updates change its tensors in place."""

    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]
    memory: Memory
    generator: torch.Generator
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    """The parameters to give back where the schedule has a patience."""

    @classmethod
    def begin(
        cls,
        model: Trainable,
        objective: Objective,
        schedule: Schedule,
        mean: Tensor,
        generator: torch.Generator,
    ) -> Self:
        """Before the first epoch; `mean` (D,) is the mean training row."""
        state = cls(
            model.parameters,
            schedule.rule.begin(model.parameters),
            objective.start(model, mean, generator),
            generator,
        )
        if schedule.patience:
            state.best = {name: theta.clone() for name, theta in model.parameters.items()}
        return state

    def tensors(self) -> dict[str, Tensor]:
        """All tensors by the name that they have in a checkpoint; those of the generator are a copy."""
        groups = {
            "parameters": self.parameters,
            "buffers": self.buffers,
            "memory": self.memory,
            "best": self.best,
        }
        named = {f"{group}/{name}": tensor for group, of in groups.items() for name, tensor in of.items()}
        return {"generator": self.generator.get_state(), **named}


@dataclass
class Tally:
    """The numbers of an epoch that is under way, on the device, so that a GPU is never waited for."""

    rate: Tensor
    step: Tensor
    first_bad: Tensor
    rejected: Tensor
    sums: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def begin(cls, rate: float, device: torch.device) -> Self:
        """Before the first update of an epoch with this learning rate."""
        step, first_bad = (torch.tensor(number, device=device) for number in (0, -1))
        # In float64, so that parameters of float64 are not moved by a rate that was rounded to float32.
        exact = torch.tensor(rate, dtype=torch.float64, device=device)
        return cls(exact, step, first_bad, torch.zeros((), device=device))


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
    record: Record | None = None,
) -> pd.DataFrame:
    """Train `model` in place and return its metrics, one row an epoch.

    `checkpoint` is written at the end of an epoch whenever `checkpoint_seconds` have passed, and read at the
    start if it is whole and its `fingerprint` (settings and seed) is the same; one that cannot be written is
    only warned of. `monitor` adds columns to the metrics, which go to `metrics_path` as CSV. `label` names
    the layer in messages. With `record` the updates of an epoch are recorded once and replayed
    (`mvi.training.cuda_graphs`), which changes no number.

    Raises `NonFiniteError` where the rows, too many updates, or any parameter, are not finite. Where another
    process trains with the same checkpoint, this one waits until that ends.
    """
    mean = batches.mean()
    if not mean.isfinite().all():
        raise NonFiniteError(
            f"{label}: the training rows hold numbers that are not finite, first in column "
            f"{int((~mean.isfinite()).nonzero()[0])}; mend the data and make the store again."
        )
    state = State.begin(model, objective, schedule, mean, generator)
    saved = time.monotonic()
    # A trainer that outlived its workflow would else write over what this one resumes from.
    lock = nullcontext() if checkpoint is None else exclusive(checkpoint.with_suffix(".lock"))
    with lock, at_full_speed():
        if checkpoint is not None:
            _resume(state, checkpoint, fingerprint, label)
        bar = tqdm(
            total=schedule.epochs * len(batches),
            initial=state.epoch * len(batches),
            desc=label,
            unit="batch",
            disable=not sys.stderr.isatty(),
        )
        with bar as progress:
            while not schedule.ended(state.history):
                started = time.monotonic()
                metrics = _epoch(model, objective, batches, schedule, state, label, progress.update, record)
                if monitor is not None:
                    metrics |= monitor(model)
                state.epoch += 1
                state.history.append({"epoch": state.epoch, **metrics})
                if schedule.patience and schedule.best(state.history) == state.epoch:
                    for name, theta in state.parameters.items():
                        state.best[name].copy_(theta)
                shown = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
                seconds = time.monotonic() - started
                log.info("%s: epoch %d, %.1f s: %s", label, state.epoch, seconds, shown)
                if checkpoint is not None and time.monotonic() - saved >= checkpoint_seconds:
                    _save(state, checkpoint, fingerprint, label)
                    saved = time.monotonic()
    for name, theta in state.best.items():
        state.parameters[name].copy_(theta)
    history = pd.DataFrame(state.history)
    if metrics_path is not None:
        write_sealed(metrics_path, history.to_csv(index=False, lineterminator="\n").encode())
    return history


def _epoch(
    model: Trainable,
    objective: Objective,
    batches: Batches,
    schedule: Schedule,
    state: State,
    label: str,
    advance: Callable[[int], object],
    record: Record | None,
) -> dict[str, float]:
    """One pass over the batches."""
    epoch = state.epoch + 1
    device = next(iter(model.parameters.values())).device
    tally = Tally.begin(schedule.rule.rate(epoch), device)
    update: Callable[[Tensor], None] = partial(
        update_once, model, objective, schedule, state, tally, recorded=record is not None
    )
    if record is not None:
        update = Replayed(update, state.generator, record)
    for batch in batches.epoch(state.generator):
        update(batch)
        advance(1)
    _guard(state, float(tally.rejected) / len(batches), int(tally.first_bad), schedule, label, epoch)
    return {name: float(total) / len(batches) for name, total in tally.sums.items()}


def update_once(
    model: Trainable,
    objective: Objective,
    schedule: Schedule,
    state: State,
    tally: Tally,
    batch: Tensor,
    *,
    recorded: bool = False,
) -> None:
    """Learn from one minibatch (B, D): change the model, `state` and `tally` in place.

    A direction that is not finite changes nothing but the learning rate of the updates after it: the
    objective's memory stays too, since one running mean that is not finite would spoil every direction to
    come. Nothing is read back from a GPU, but by objectives that draw word counts (`ReplicatedSoftmax`), and
    what one call leaves to the next is in tensors that stay where they are, so that the work can be
    `recorded` and replayed.
    """
    epoch = state.epoch + 1
    gradient, after = objective.step(model, batch, state.memory, epoch, state.generator)
    accept = all_finite(gradient)
    # A processor has the answer; a GPU would be waited for, and a recording would keep the first one.
    known = accept.is_cpu and not recorded
    if not known or accept:
        for name, tensor in after.items():
            held = state.memory[name]
            if tensor is not held:
                held.copy_(tensor if known else torch.where(accept, tensor, held))
        schedule.rule.update_(
            state.parameters,
            state.buffers,
            gradient,
            epoch=epoch,
            rate=tally.rate,
            weight_decay=schedule.weight_decay,
            accept=None if known else accept,
        )
    for name, value in gradient.metrics.items():
        if name in tally.sums:
            tally.sums[name] += value
        else:
            tally.sums[name] = value.clone()
    tally.rate.copy_(torch.where(accept, tally.rate, tally.rate * schedule.rate_after_rejection))
    tally.first_bad.copy_(torch.where(accept | (tally.first_bad >= 0), tally.first_bad, tally.step))
    tally.rejected += ~accept
    tally.step += 1


def _guard(state: State, share: float, first_bad: int, schedule: Schedule, label: str, epoch: int) -> None:
    spoiled = [name for name, theta in state.parameters.items() if not theta.isfinite().all()]
    if share > schedule.rejected_share or spoiled:
        where = f"from step {first_bad + 1}" if first_bad >= 0 else f"in {', '.join(spoiled)}"
        raise NonFiniteError(
            f"{label}: numbers stopped being finite in epoch {epoch} {where} "
            f"({share:.0%} of the updates rejected); lower the learning rate or check the data."
        )
    if share:
        log.warning("%s: epoch %d: %.1f %% of the updates rejected", label, epoch, 100 * share)


def _save(state: State, path: Path, fingerprint: str, label: str) -> None:
    """Write a checkpoint; where that fails the training is worth more than it."""
    # As lists: mappings are sorted when they are written, and the columns of the metrics have their order.
    history = [list(row.items()) for row in state.history]
    about = {"fingerprint": fingerprint, "epoch": state.epoch, "history": history}
    try:
        write_tensors(path, state.tensors(), about)
    except (DataError, OSError) as error:
        log.warning("%s: training goes on, but the checkpoint %s", label, error)


def _resume(state: State, path: Path, fingerprint: str, label: str) -> None:
    """Fill `state` from a checkpoint; one that is absent, damaged or of something else is passed over."""
    if not path.exists():
        return
    try:
        saved, about = read_tensors(path)
    except DataError as error:
        reason = str(error).rpartition("; ")[0]
        log.warning("%s: starting anew, %s", label, reason)
        return
    held, history = state.tensors(), about.get("history")
    if (
        about.get("fingerprint") != fingerprint
        or not isinstance(history, list)
        or len(history) != about.get("epoch")
        or _types(saved) != _types(held)
    ):
        log.warning("%s: starting anew, %s belongs to other settings or code", label, path)
        return
    state.generator.set_state(saved.pop("generator"))
    for name, tensor in saved.items():
        held[name].copy_(tensor)
    state.history = [dict(row) for row in history]
    state.epoch = len(history)
    log.info("%s: resuming after epoch %d", label, state.epoch)


def _types(tensors: Mapping[str, Tensor]) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}
