# SPDX-License-Identifier: MIT
"""Train the joint layer and score it after each epoch on validation rows."""

from common import device, of_run, start

log = start(snakemake)

from mvi.evaluation.validation import validation_map
from mvi.methods.registry import build
from mvi.training.joint_layer import train_joint_layer
from mvi.training.precision import set_precision

given, settings = snakemake.input, dict(snakemake.params)
run = snakemake.config["runs"][snakemake.wildcards.run]
place = device(snakemake, log)
set_precision(settings["precision"], place)
train_joint_layer(
    given.store,
    given.scale,
    {name: given.get(name, ()) for name in run["pathways"]},
    snakemake.wildcards.method,
    build(snakemake.wildcards.method, settings["objective"]),
    settings,
    weights=snakemake.output.weights,
    metrics=snakemake.output.metrics,
    config=of_run(snakemake),
    monitor=run["joint"]["monitor"],
    device=place,
    scoring=lambda sees: validation_map(
        given.store, sees, settings["split"], device=place, **settings["scored"]
    ),
)
