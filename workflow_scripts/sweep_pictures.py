# SPDX-License-Identifier: MIT
"""Score pictures alone by the number of mean-field iterations, on each split."""

from common import device, start

log = start(snakemake)

import numpy as np

from mvi.data.store import Store
from mvi.evaluation.classification import Logistic, Query, evaluate
from mvi.evaluation.scores import write_scores
from mvi.models.assembly import encoder_from_files

settings = dict(snakemake.params.settings)
grid = settings.pop("lambda")
with Store(snakemake.input.store) as store:
    names = store.modalities
    encoder = encoder_from_files(
        snakemake.input.scale,
        {name: snakemake.input[name] for name in names},
        snakemake.input.weights,
        device(snakemake, log),
    )
    blocks = list(store.blocks(np.arange(store.n_labelled), snakemake.params.block))
    both, alone = [], {count: [] for count in snakemake.params.iterations}
    for part in blocks:
        values = {name: store.read(name, part) for name in names}
        given = encoder.encode(values, block=len(part))
        found = encoder.sweep(
            values | {"text": None}, list(alone), start=snakemake.params.start, block=len(part)
        )
        if snakemake.params.untagged == "inferred":
            without = ~(values["text"] > 0).any(1)
            given[without] = found[int(snakemake.wildcards.iterations)][without]
        both.append(given)
        for count, states in found.items():
            alone[count].append(states)
    both = np.concatenate(both)
    alone = {count: np.concatenate(states) for count, states in sorted(alone.items())}
    queries = [Query("+".join(names), both.__getitem__)]
    queries += [Query("image", states.__getitem__, count) for count, states in alone.items()]
    classifier = Logistic(grid, store.classes, **settings)
    for number, output in zip(snakemake.params.splits, snakemake.output, strict=True):
        scores = evaluate(queries, store.labels(), store.split(number), classifier)
        variant = f"trained={snakemake.wildcards.iterations}"
        where = {"run": snakemake.params.run, "method": snakemake.params.model, "variant": variant}
        write_scores(output, scores, **where, split=number)
        shown = {(s.part, s.query, s.iterations): s.value for s in scores if s.metric == "map_interpolated"}
        log.info("split %d: %s", number, shown)
