# SPDX-License-Identifier: MIT
"""Train the linear classifier on joint representations and score every query, on each split."""

from common import start

log = start(snakemake)

from functools import partial
from pkgutil import resolve_name

from mvi.data.representations import Representations
from mvi.data.store import Store
from mvi.evaluation.classification import Query, evaluate
from mvi.evaluation.queries import queries_of
from mvi.evaluation.scores import placed, write_scores

params, wildcards = snakemake.params, snakemake.wildcards
found = []
with Store(snakemake.input.store) as store, Representations(snakemake.input.representations) as states:
    labels, known, names = store.labels(), store.known(), queries_of(store.modalities)
    classifier = resolve_name(params.classifier).of_store(store, params.settings)
    for part in params.parts:
        # Read when they are asked for: those of all queries may be half of the memory.
        queries = [Query(name, partial(states.read, part["name"], name)) for name in names]
        for number in part["splits"]:
            split = store.split(number)
            # Translated copies of training rows come last.
            copies = split["train"] >= store.attrs["attributes"].get("originals", store.n_rows)
            if copies.any():
                split["copies"], split["train"] = split["train"][copies], split["train"][~copies]
            for variant in params.train_on:
                scores = evaluate(queries, labels, split, classifier, known=known, train_on=variant)
                where = {"run": wildcards.run, "method": wildcards.model, "variant": variant}
                found += placed(scores, **where, split=number, seed=part["seed"])
                shown = {(s.part, s.query): s.value for s in scores if s.metric == classifier.metric}
                log.info("%s, split %d, %s: %s", part["name"], number, variant, shown)
write_scores(snakemake.output[0], found)
