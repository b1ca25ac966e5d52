# SPDX-License-Identifier: MIT
"""Train classifiers of labels on joint representations and score every query, on each split."""

from common import start

log = start(snakemake)

from functools import partial

import h5py
import numpy as np

from mvi.data.store import Store
from mvi.evaluation.classification import Logistic, Query, evaluate
from mvi.evaluation.queries import queries_of
from mvi.evaluation.scores import write_scores

settings, wildcards = dict(snakemake.params.settings), snakemake.wildcards
grid = settings.pop("lambda")
with Store(snakemake.input.store) as store, h5py.File(snakemake.input.representations) as file:

    def features(name: str, rows: np.ndarray) -> np.ndarray:
        """Representations of rows in any order; HDF5 reads whole ranges far faster than single rows."""
        return file[name][:][rows]

    queries = [Query(name, partial(features, name)) for name in queries_of(store.modalities)]
    classifier = Logistic(grid, store.classes, **settings)
    for split, output in zip(snakemake.params.splits, snakemake.output, strict=True):
        scores = evaluate(
            queries, store.labels(), store.split(split), classifier, train_on=wildcards.train_on
        )
        where = {"run": snakemake.params.run, "method": wildcards.model, "variant": wildcards.train_on}
        write_scores(output, scores, **where, split=split)
        shown = {(s.part, s.query): s.value for s in scores if s.metric == "map_interpolated"}
        log.info("split %d: %s", split, shown)
