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
from mvi.evaluation.cross_entropy import monitor
from mvi.mrbm import MultimodalRBM
from mvi.objectives import build
from mvi.training import Schedule, train
from mvi.weights import save

settings, schedule = snakemake.params.model, snakemake.params.schedule
looks = snakemake.params.monitor
generator = torch.Generator(device(snakemake, log)).manual_seed(int(snakemake.wildcards.seed))
with Store(snakemake.input.store) as store:
    split = store.split(1)
    halves = [torch.from_numpy(store.read(name, split["train"])) for name in store.modalities]
    watched = split["validation"][: looks["rows"]]
    held_out = {name: store.read(name, watched) for name in store.modalities}
rows = torch.cat(halves, 1).to(generator.device)
batches = Minibatches(rows, schedule["batch_size"], schedule["batches_per_epoch"])
model = MultimodalRBM.initialise(
    store.sizes,
    settings["hidden"],
    generator,
    weight_std=settings["weight_std"],
    visible_mean=batches.mean(),
    up=settings["up"],
    down=settings["down"],
)

# A checkpoint of other settings, code, rows or device is not gone on from.
data = hashlib.sha256(rows.cpu().numpy()).hexdigest()
identity = [dict(snakemake.params), snakemake.wildcards.seed, data, generator.device.type]
weights = Path(snakemake.output.weights)
train(
    model,
    build(snakemake.wildcards.method, snakemake.params.objective),
    batches,
    Schedule.from_settings(schedule),
    generator,
    label=f"{snakemake.wildcards.method}, seed {snakemake.wildcards.seed}",
    checkpoint=weights.with_suffix(".checkpoint"),
    fingerprint=json.dumps(identity, sort_keys=True),
    metrics_path=Path(snakemake.output.metrics),
    monitor=monitor(held_out, iterations=looks["iterations"], start=looks["start_state"]),
)
save(weights, model, snakemake.config)
weights.with_suffix(".checkpoint").unlink(missing_ok=True)
