# SPDX-License-Identifier: MIT
"""Score linear classifiers on a raw input, on every split: what every model is to be compared with."""

from common import start

log = start(snakemake)

import numpy as np

from mvi.data.statistics import standard_deviation
from mvi.data.store import Store
from mvi.evaluation.multilabel import evaluate
from mvi.files import write_json

wanted = snakemake.wildcards.input.split("+")
with Store(snakemake.input.store) as store:
    rows = np.arange(store.n_labelled)
    labels = store.labels()
    parts = {name: slice(*part) for name, part in store.attrs["attributes"]["descriptors"].items()}
    values = {}
    for name in wanted:
        if name == "text":
            # Whether a picture has a tag, as in the reference code.
            values[name] = (store.read("text", rows) > 0).astype(np.float32)
        else:
            values[name] = store.read("image", rows)[:, parts.get(name, slice(None))]
    for number, output in zip(snakemake.params.splits, snakemake.output, strict=True):
        columns = []
        for name in wanted:
            if name == "text":
                columns.append(values[name])
                continue
            moments = store.moments("image", number)
            part = parts.get(name, slice(None))
            deviation = standard_deviation(moments.variance, snakemake.params.standard_deviation)[part]
            columns.append(((values[name] - moments.mean[part]) / deviation).astype(np.float32))
        scores = evaluate(
            np.concatenate(columns, 1) if len(columns) > 1 else columns[0],
            labels,
            store.split(number),
            snakemake.params.penalties,
            classes=store.attrs["classes"],
        )
        write_json(output, scores)
        log.info("split %d: %s", number, {key: scores[key] for key in scores if "_map/" in key})
