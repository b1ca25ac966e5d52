# SPDX-License-Identifier: MIT
"""Train the joint layer, or whatever model a method has in its place, resuming from a checkpoint."""

from common import device, of_run, start

log = start(snakemake)

from pathlib import Path

from mvi.files import read_json
from mvi.methods.base import Training
from mvi.methods.registry import method
from mvi.training.precision import set_precision

given, settings = snakemake.input, dict(snakemake.params)
run = snakemake.config["runs"][snakemake.wildcards.run]
place = device(snakemake, log)
set_precision(settings["precision"], place)
record = method(snakemake.wildcards.method)
config = of_run(snakemake)
if given.get("chosen"):
    found = read_json(given.chosen)
    log.info("chosen: %s", found["tried"])
    settings |= {key: found[key] for key in ("objective", "schedule")}
    # The weights are to say what they were trained with.
    changed = {"methods": run["methods"] | {record.name: found["objective"]}}
    if record.objective:
        own = run["joint"]["training_of"] | {record.name: found["schedule"]}
        changed["joint"] = run["joint"] | {"training_of": own}
    config["runs"] = {snakemake.wildcards.run: run | changed}
record.fit(
    Training(
        method=record.name,
        store=Path(given.store),
        scale=Path(given.scale),
        layers={name: [Path(path) for path in given.get(name, ())] for name in run["pathways"]},
        settings=settings,
        weights=Path(snakemake.output.weights),
        metrics=Path(snakemake.output.metrics),
        monitor=run["joint"]["monitor"],
        config=config,
        device=place,
    )
)
