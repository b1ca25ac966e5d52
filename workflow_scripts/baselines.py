# SPDX-License-Identifier: MIT
"""Score linear classifiers on input features, on every split: what every model is to be compared with."""

from common import start

log = start(snakemake)

from pkgutil import resolve_name

from mvi.data.store import Store
from mvi.evaluation.linear_baselines import baseline
from mvi.evaluation.scores import placed, write_scores

name, params = snakemake.wildcards.input, snakemake.params
found = []
with Store(snakemake.input.store) as store:
    classifier = resolve_name(params.classifier).of_store(store, params.settings)
    scale = {"text_scale": params.text_scale, "floor": params.standard_deviation}
    also = {"ridges": params.ridges, "missing": params.missing_tags}
    score = baseline(store, name, classifier, **scale, **also)
    for split in params.splits:
        scores = score(split)
        found += placed(scores, run=snakemake.wildcards.run, method=name, split=split)
        log.info("split %d: %s", split, {(s.part, s.query): s.value for s in scores if s.part == "test"})
write_scores(snakemake.output[0], found)
