# SPDX-License-Identifier: MIT
"""Score queries that lack a modality by the number of mean-field iterations, on each split."""

from common import device, start

log = start(snakemake)

from pkgutil import resolve_name

import numpy as np

from mvi.data.facts import refuse_other
from mvi.data.store import Store
from mvi.evaluation.classification import Query, evaluate
from mvi.evaluation.scores import placed, write_scores
from mvi.models.assembly import encoder_from_files

given, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
place = device(snakemake, log)
found = []
with Store(given.store) as store:
    names = store.modalities
    layers = {name: given.get(name, ()) for name in names}
    encoder = encoder_from_files(given.scale, layers, given.weights, place)
    refuse_other(encoder.features, store.features, given.store)
    both, alone = [], {count: [] for count in params.tested}
    for rows in store.blocks(np.arange(store.n_labelled), params.block):
        values = {name: store.read(name, rows) for name in names}
        tagged = {"text": (values["text"] > 0).any(1)} if params.untagged == "inferred" else None
        asked = {"start": params.start, "block": len(rows)}
        count = int(wildcards.iterations)
        both.append(encoder.encode(values, observed=tagged, iterations=count, tolerance=0, **asked))
        for count, states in encoder.sweep(values | {"text": None}, list(alone), **asked).items():
            alone[count].append(states)
    both = np.concatenate(both)
    alone = {count: np.concatenate(states) for count, states in sorted(alone.items())}
    queries = [Query("+".join(names), both.__getitem__)]
    queries += [Query("image", states.__getitem__, count) for count, states in alone.items()]
    classifier = resolve_name(params.classifier).of_store(store, params.settings)
    for split in params.splits:
        answers = {"labels": store.labels(), "known": store.known()}
        scores = evaluate(queries, split=store.split(split), classifier=classifier, **answers)
        where = {"run": wildcards.run, "method": params.model, "variant": f"trained={wildcards.iterations}"}
        found += placed(scores, **where, split=split)
        shown = {(s.part, s.query, s.iterations): s.value for s in scores if s.metric == classifier.metric}
        log.info("split %d: %s", split, shown)
write_scores(snakemake.output[0], found)
