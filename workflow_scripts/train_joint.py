# SPDX-License-Identifier: MIT
"""Train the joint layer by one method from one seed, going on from a checkpoint where there is one."""

from common import device, start

log = start(snakemake)

import hashlib
import json
from pathlib import Path

import torch

from mvi.data.batches import Minibatches
from mvi.data.store import Store
from mvi.methods.registry import build
from mvi.models.checkpoints import save
from mvi.models.mrbm import MultimodalRBM
from mvi.training.cuda_graphs import recorder
from mvi.training.loop import Schedule, train
from mvi.training.monitors import cross_entropy_monitor
from mvi.training.precision import set_precision

schedule, looks = snakemake.params.schedule, snakemake.config["halves"]["monitor"]
place = device(snakemake, log)
set_precision(snakemake.params.precision, place)
with Store(snakemake.input.store) as store:
    split = store.split(1)
    rows = torch.cat([torch.from_numpy(store.read(name, split["train"])) for name in store.modalities], 1)
    watched = split["validation"][: looks["rows"]]
    held_out = {name: store.read(name, watched) for name in store.modalities}
batches = Minibatches(rows.to(place), schedule["batch_size"], schedule["batches_per_epoch"])
# A checkpoint of other settings, code, rows or device is not gone on from.
made_from = {name: value for name, value in snakemake.params.items() if name != "seeds"}
identity = [made_from, hashlib.sha256(rows.numpy()).hexdigest(), place]

paths = [Path(path) for path in snakemake.output.weights]
for seed, weights, metrics in zip(snakemake.params.seeds, paths, snakemake.output.metrics, strict=True):
    generator = torch.Generator(place).manual_seed(seed)
    model = MultimodalRBM.initialise(
        store.sizes, generator=generator, visible_mean=batches.mean(), **snakemake.params.model
    )
    train(
        model,
        build(snakemake.wildcards.method, snakemake.params.objective),
        batches,
        Schedule.from_settings(schedule),
        generator,
        label=f"{snakemake.wildcards.method}, seed {seed}",
        checkpoint=weights.with_suffix(".checkpoint"),
        checkpoint_seconds=snakemake.config["checkpoint_seconds"],
        fingerprint=json.dumps([*identity, seed], sort_keys=True),
        metrics_path=Path(metrics),
        monitor=cross_entropy_monitor(held_out, iterations=looks["iterations"], start=looks["start_state"]),
        record=recorder(snakemake.config["cuda_graphs"], place),
    )
    save(weights, model, snakemake.config)
for weights in paths:
    weights.with_suffix(".checkpoint").unlink(missing_ok=True)
