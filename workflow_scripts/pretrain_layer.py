# SPDX-License-Identifier: MIT
"""Train one layer of a pathway on the probabilities of those below it."""

from common import device, of_run, start

log = start(snakemake)

import torch

from mvi.data import transforms
from mvi.models.checkpoints import load
from mvi.models.pipeline import Encode
from mvi.models.rbm import RBM
from mvi.training.monitors import reconstruction_monitor
from mvi.training.pathway_layer import build_objective, build_rbm, units_of
from mvi.training.precision import set_precision
from mvi.training.stage import made_from, stage_rows, train_stage

name, settings = snakemake.wildcards.modality, snakemake.params
layer = settings.layer
place = device(snakemake, log)
set_precision(snakemake.params.precision, place)
scale, _ = transforms.load(snakemake.input.scale, place)
below = [load(path, RBM, device=place) for path in snakemake.input.below]
rows = stage_rows(
    snakemake.input.store,
    {name: Encode(scale[name], below)},
    settings.split,
    layer["training"],
    **settings.rows,
    minimum_tags=layer["minimum_tags"],
    cap=layer["rows"],
    device=place,
)
mean = rows.batches.mean()
generator = torch.Generator(place).manual_seed(settings.seed)
layer = {**layer, **units_of(layer, None if below else transforms.kind_of(scale[name]))}
train_stage(
    build_rbm(layer, len(mean), generator, mean),
    build_objective(layer),
    rows,
    layer["training"],
    generator,
    label=f"{name}, layer {snakemake.wildcards.layer}",
    weights=snakemake.output.weights,
    metrics=snakemake.output.metrics,
    config=of_run(snakemake),
    fingerprint=made_from(settings, snakemake.input, place),
    monitor=None if rows.monitored is None else reconstruction_monitor(rows.monitored, mean, rows.count),
)
