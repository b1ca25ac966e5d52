# SPDX-License-Identifier: MIT
"""Score pictures alone by the number of mean-field iterations, on the validation rows of each split."""

from common import device, start

log = start(snakemake)

import numpy as np

from mvi.assembly import encoder_from_files
from mvi.data.store import Store
from mvi.evaluation.multilabel import sweep
from mvi.files import write_json

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
    for number, output in zip(snakemake.params.splits, snakemake.output, strict=True):
        # As many rows as both parts have, by their places among these.
        split = store.split(number)
        rows = np.sort(np.concatenate([split["train"], split["validation"]]))
        local = {part: np.searchsorted(rows, split[part]) for part in ("train", "validation")}
        blocks = list(store.blocks(rows, snakemake.params.block))
        values = [{name: store.read(name, part) for name in names} for part in blocks]
        both = np.concatenate([encoder.encode(one) for one in values])
        alone = [
            encoder.sweep(one | {"text": None}, snakemake.params.iterations, start=snakemake.params.start)
            for one in values
        ]
        scores = sweep(
            both,
            {count: np.concatenate([one[count] for one in alone]) for count in snakemake.params.iterations},
            store.labels(rows),
            local,
            grid,
            classes=store.classes,
            **settings,
        )
        write_json(output, scores)
        log.info("split %d: %s", number, {key: scores[key] for key in scores if "interpolated" in key})
