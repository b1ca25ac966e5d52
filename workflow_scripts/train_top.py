# SPDX-License-Identifier: MIT
"""Train the layer on top of all pathways by one objective."""

from common import device, start

log = start(snakemake)

from mvi.precision import set_precision
from mvi.top_layer import train_top_layer

given, settings = snakemake.input, dict(snakemake.params)
place = device(snakemake, log)
set_precision(settings["precision"], place)
train_top_layer(
    given.store,
    given.scale,
    {name: given[name] for name in snakemake.config["flickr"]["pathways"]},
    snakemake.wildcards.objective,
    settings,
    weights=snakemake.output.weights,
    metrics=snakemake.output.metrics,
    config=snakemake.config,
    device=place,
)
