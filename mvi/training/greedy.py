# SPDX-License-Identifier: MIT
"""Deep models that begin as pretrained layers with a joint layer on top, and are then trained as a whole."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch

from mvi.data import transforms
from mvi.data.store import Store
from mvi.errors import DataError
from mvi.models.checkpoints import config as config_of
from mvi.models.checkpoints import load
from mvi.models.direct import DirectModel
from mvi.models.mdrnn import Mdrnn
from mvi.models.mrbm import MultimodalRBM
from mvi.models.rbm import RBM
from mvi.models.stacking import stack_layers
from mvi.models.units import ReplicatedSoftmax
from mvi.objectives.base import Objective
from mvi.objectives.differentiable import Differentiable
from mvi.training.joint_layer import train_joint_layer
from mvi.training.rows import mean_totals
from mvi.training.stage import made_from, stage_rows, train_stage

NO_MONITOR = {"rows": 0, "iterations": 0, "start_state": "doubled"}
WHOLE_PART = 10**9


class Job(Protocol):
    """What a training is given; `mvi.methods.base.Training` says what each field is."""

    @property
    def method(self) -> str: ...
    @property
    def store(self) -> Path: ...
    @property
    def scale(self) -> Path: ...
    @property
    def layers(self) -> Mapping[str, Sequence[Path]]: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...
    @property
    def weights(self) -> Path: ...
    @property
    def metrics(self) -> Path: ...
    @property
    def config(self) -> Mapping[str, Any]: ...
    @property
    def device(self) -> str: ...


def greedy_network(job: Job, objective: Objective) -> Mdrnn:
    """The layers of all pathways under a joint layer that is trained here by `objective`.

    The job's settings have "rows", "split", "seed", "minimum_tags", "model", and in "objective" the entry
    "joint" with the "down" factor of the joint layer while it is trained and its schedule "training". It lies
    beside the job's weights until `train_whole` is done, and is not trained again where it was made from the
    same.

    Biases of layers that two machines share are their average, and stepped units become binary ones with
    the offset of their first copy in the bias. Raises as `train_joint_layer` does.
    """
    own = job.settings["objective"]["joint"]
    # Without layers under it the joint layer is the whole model, and its units lack no neighbour.
    down = own["down"] if any(job.layers.values()) else 1.0
    model = {**job.settings["model"], "down": down}
    settings = {**job.settings, "model": model, "schedule": own["training"], "objective": own}
    top = _joint(job)
    about = {**job.config, "made_from": made_from(settings, _files(job), job.device)}
    try:
        finished = config_of(top) == about
    except DataError:
        finished = False
    if not finished:
        train_joint_layer(
            job.store,
            job.scale,
            job.layers,
            job.method,
            objective,
            settings,
            weights=top,
            metrics=top.with_suffix(".csv"),
            config=about,
            monitor=NO_MONITOR,
            device=job.device,
        )
    scale, _ = transforms.load(job.scale, job.device)
    below = {
        name: [load(path, RBM, device=job.device) for path in paths] for name, paths in job.layers.items()
    }
    with Store(job.store) as store:
        parts, few = settings["rows"]["parts"], settings["minimum_tags"]
        totals = mean_totals(store, scale, settings["split"], parts, minimum_tags=few)
    joint = load(top, MultimodalRBM, device=job.device)
    depth = max(map(len, below.values()), default=0)
    return stack_layers(below, joint, depth, totals=totals, keep_offset=True)


def train_whole(job: Job, model: DirectModel, objective: Objective) -> None:
    """Train all of a model as the job's settings say: "rows", "split", "seed", "minimum_tags", "schedule".

    A loss is measured after each epoch on the rows held out, or on the validation part where none are, if
    nothing learns from that. Raises as `mvi.training.loop.train` does.
    """
    scale, _ = transforms.load(job.scale, job.device)
    settings = job.settings
    rows = stage_rows(
        job.store,
        scale,
        settings["split"],
        settings["schedule"],
        **settings["rows"],
        minimum_tags=settings["minimum_tags"],
        validation=WHOLE_PART,
        device=job.device,
    )
    measure = None
    if isinstance(objective, Differentiable) and rows.monitored is not None:
        loss, monitored, size = objective.validation_loss, rows.monitored, settings["schedule"]["batch_size"]

        def measure(trained: Any) -> dict[str, float]:
            return {"validation/loss": loss(trained, monitored, size)}

    # How many words are drawn depends on the data, which a recording cannot follow.
    words = any(isinstance(unit, ReplicatedSoftmax) for unit in model.units.values())
    train_stage(
        model,
        objective,
        rows,
        settings["schedule"],
        torch.Generator(job.device).manual_seed(settings["seed"]),
        label=f"{job.method}, seed {settings['seed']}",
        weights=job.weights,
        metrics=job.metrics,
        config={**job.config, "cuda_graphs": job.config["cuda_graphs"] and not words},
        fingerprint=made_from(settings, _files(job), job.device),
        monitor=measure,
    )
    for ending in (".safetensors", ".csv"):
        _joint(job).with_suffix(ending).unlink(missing_ok=True)


def _joint(job: Job) -> Path:
    return job.weights.with_suffix(".joint.safetensors")


def _files(job: Job) -> list[Path]:
    return [job.store, job.scale, *(path for paths in job.layers.values() for path in paths)]
