# SPDX-License-Identifier: MIT
"""Score linear classifiers on a raw input, on every split: what every model is to be compared with."""

from common import start

log = start(snakemake)

from mvi.data.store import Store
from mvi.evaluation.multilabel import evaluate
from mvi.evaluation.raw_inputs import RawInputs
from mvi.files import write_json

settings = dict(snakemake.params.settings)
inputs = {"floor": snakemake.params.standard_deviation, "text_scale": settings.pop("text_scale")}
grid = settings.pop("lambda")
with Store(snakemake.input.store) as store:
    raw = RawInputs(store, snakemake.wildcards.input.split("+"), **inputs)
    for number, output in zip(snakemake.params.splits, snakemake.output, strict=True):
        scores = evaluate(
            raw.of_split(number), store.labels(), store.split(number), grid, classes=store.classes, **settings
        )
        write_json(output, scores)
        log.info("split %d: %s", number, {key: scores[key] for key in scores if "_map/" in key})
