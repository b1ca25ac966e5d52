# SPDX-License-Identifier: MIT
"""Score pictures alone by the number of mean-field iterations, on each split."""

from common import device, start

log = start(snakemake)

import numpy as np

from mvi.data.store import Store
from mvi.evaluation.multilabel import sweep
from mvi.files import write_json
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
    alone = {count: np.concatenate(states) for count, states in alone.items()}
    for number, output in zip(snakemake.params.splits, snakemake.output, strict=True):
        scores = sweep(
            both,
            alone,
            store.labels(),
            store.split(number),
            grid,
            classes=store.classes,
            **settings,
        )
        write_json(output, scores)
        log.info("split %d: %s", number, {key: scores[key] for key in scores if "map/interpolated" in key})
