# SPDX-License-Identifier: MIT
"""Score linear classifiers on raw pixels: the baselines of Table 1."""

from common import start

log = start(snakemake)

from mvi.data.store import Store
from mvi.evaluation.classification import Svm, evaluate, evaluate_each
from mvi.evaluation.queries import queries_of
from mvi.evaluation.raw_inputs import concatenated, mean_filled
from mvi.evaluation.scores import write_scores

classifier = Svm(snakemake.params.C, snakemake.params.tolerance)
with Store(snakemake.input.store) as store:
    pixels = {name: store.read(name) for name in store.modalities}
    names, labels, split = queries_of(store.modalities), store.labels(), store.split(1)
    found = {
        "own": evaluate_each(concatenated(pixels, names), labels, split, classifier),
        "filled": evaluate(mean_filled(pixels, names, split["train"]), labels, split, classifier),
    }
for name, scores in found.items():
    write_scores(snakemake.output[name], scores, run=snakemake.wildcards.run, method=f"raw_{name}", split=1)
    log.info("%s: %s", name, {(s.part, s.query): s.value for s in scores if s.metric == "error"})
