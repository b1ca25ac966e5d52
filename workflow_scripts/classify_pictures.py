# SPDX-License-Identifier: MIT
"""Train classifiers of labels on joint representations and score every query, on each split."""

from common import start

log = start(snakemake)

import h5py
import numpy as np

from mvi.data.store import Store
from mvi.evaluation.multilabel import evaluate_queries
from mvi.evaluation.queries import queries_of
from mvi.files import write_json

settings = dict(snakemake.params.settings)
grid = settings.pop("lambda")
with Store(snakemake.input.store) as store, h5py.File(snakemake.input.representations) as file:
    queries = queries_of(store.modalities)

    def features(query: str, rows: np.ndarray) -> np.ndarray:
        """Representations of rows in any order; HDF5 reads whole ranges far faster than single rows."""
        return file[query][:][rows]

    for number, output in zip(snakemake.params.splits, snakemake.output, strict=True):
        scores = evaluate_queries(
            features,
            store.labels(),
            store.split(number),
            grid,
            queries=queries,
            classes=store.classes,
            train_on=snakemake.wildcards.train_on,
            **settings,
        )
        write_json(output, scores)
        log.info("split %d: %s", number, {key: scores[key] for key in scores if "_map/" in key})
