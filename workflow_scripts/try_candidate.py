# SPDX-License-Identifier: MIT
"""Train a method with settings that may be chosen, and score it on validation rows."""

from common import device, of_run, start

log = start(snakemake)

from pathlib import Path

from mvi.data.transforms import AsStored
from mvi.evaluation.scores import Score, placed, write_scores
from mvi.evaluation.validation import validation_map
from mvi.methods.base import Training
from mvi.methods.registry import method
from mvi.training.precision import set_precision

given, output, wildcards = snakemake.input, snakemake.output, snakemake.wildcards
settings = dict(snakemake.params)
scored = settings.pop("scored")
run = snakemake.config["runs"][wildcards.run]
place = device(snakemake, log)
set_precision(settings["precision"], place)
record = method(wildcards.method)
layers = {name: [Path(path) for path in given.get(name, ())] for name in run["pathways"]}
record.fit(
    Training(
        method=record.name,
        store=Path(given.store),
        scale=Path(given.scale),
        layers=layers,
        settings=settings,
        weights=Path(output.weights),
        metrics=Path(output.metrics),
        monitor=run["joint"]["monitor"],
        config=of_run(snakemake),
        device=place,
    )
)
encoder = record.load(Path(given.scale), layers, Path(output.weights), place)
raw = dict.fromkeys(encoder.sizes, AsStored())
reached = validation_map(given.labelled, raw, settings["split"], device=place, **scored)(encoder)
metric = next(iter(scored["metrics"]))
scores = [
    Score(query=name.removeprefix("validation_map/"), part="validation", metric=metric, value=value)
    for name, value in reached.items()
]
where = {"run": wildcards.run, "method": record.name, "variant": f"candidate={wildcards.candidate}"}
write_scores(output.scores, placed(scores, **where, split=settings["split"], seed=settings["seed"]))
log.info("%s: %s", wildcards.candidate, reached)
