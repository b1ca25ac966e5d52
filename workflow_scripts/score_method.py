# SPDX-License-Identifier: MIT
"""Score a method that learns to score labels and has no representation, on every split."""

from common import start

log = start(snakemake)

from pathlib import Path

from mvi.data.store import Store
from mvi.evaluation.scores import placed, write_scores
from mvi.methods.registry import method

params, wildcards = snakemake.params, snakemake.wildcards
record, headline = method(wildcards.scored), next(iter(params.settings["metrics"]))
found = []
with Store(snakemake.input.store) as store:
    for part, scale in zip(params.parts, snakemake.input.scales, strict=True):
        for split in part["splits"]:
            scores = record.scores(store, Path(scale), split, params.settings)
            where = {"run": wildcards.run, "method": record.name, "split": split, "seed": part["seed"]}
            found += placed(scores, **where)
            maps = {(s.part, s.query): s.value for s in scores if s.metric == headline}
            log.info("%s, split %d: %s", part["name"], split, maps)
write_scores(snakemake.output[0], found)
