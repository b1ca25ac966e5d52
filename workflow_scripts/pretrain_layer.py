# SPDX-License-Identifier: MIT
"""Train one layer of a pathway on the probabilities of those below it."""

from common import device, start

log = start(snakemake)

import torch

from mvi.data import transforms
from mvi.pathways import Encode, build_objective, build_rbm, monitor, units_of
from mvi.precision import set_precision
from mvi.stages import made_from, stage_rows, train_stage
from mvi.weights import load

name, settings = snakemake.wildcards.modality, snakemake.params
layer = settings.layer
place = device(snakemake, log)
set_precision(snakemake.params.precision, place)
scale, _ = transforms.load(snakemake.input.scale, place)
below = [load(path, place) for path in snakemake.input.below]
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
    config=snakemake.config,
    fingerprint=made_from(settings, snakemake.input, place),
    monitor=lambda rbm, watched: monitor(watched, mean, rows.count)(rbm),
)
