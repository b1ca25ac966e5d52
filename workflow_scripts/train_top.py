# SPDX-License-Identifier: MIT
"""Train the layer on top of all pathways by one objective."""

from common import device, start

log = start(snakemake)

from mvi.methods.registry import build
from mvi.training.joint_layer import train_joint_layer
from mvi.training.precision import set_precision

given, settings = snakemake.input, dict(snakemake.params)
place = device(snakemake, log)
set_precision(settings["precision"], place)
train_joint_layer(
    given.store,
    given.scale,
    {name: given[name] for name in snakemake.config["flickr"]["pathways"]},
    snakemake.wildcards.objective,
    build(snakemake.wildcards.objective, settings["objective"]),
    settings,
    weights=snakemake.output.weights,
    metrics=snakemake.output.metrics,
    config=snakemake.config,
    monitor=snakemake.config["flickr"]["joint"]["monitor"],
    device=place,
)
