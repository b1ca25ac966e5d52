# SPDX-License-Identifier: MIT
"""Train the layer on top of all pathways and judge it after each epoch on validation rows."""

from common import device, start

log = start(snakemake)

from mvi.evaluation.validation import validation_map
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
    judging=lambda sees: validation_map(
        given.store, sees, settings["split"], device=place, **settings["judged"]
    ),
)
