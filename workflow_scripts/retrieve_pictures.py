# SPDX-License-Identifier: MIT
"""Search a database of test rows by queries of other test rows, and score what is found, on each split."""

from common import start

log = start(snakemake)

import h5py

from mvi.data.store import Store
from mvi.evaluation.queries import queries_of
from mvi.evaluation.retrieval import draw, evaluate
from mvi.evaluation.scores import write_scores

settings = dict(snakemake.params.settings)
seed = settings.pop("seed")
with Store(snakemake.input.store) as store, h5py.File(snakemake.input.representations) as file:
    queries, labels = queries_of(store.modalities), store.labels()
    states = {query: file[query][:] for query in queries}
    for split, output in zip(snakemake.params.splits, snakemake.output, strict=True):
        kept, asked = draw(store.split(split)["test"], seed=[seed, split], **settings)
        database = states[queries[0]][kept]
        scores = [
            score
            for query in queries
            for score in evaluate(database, states[query][asked], labels[kept], labels[asked], query=query)
        ]
        write_scores(output, scores, run=snakemake.params.run, method=snakemake.wildcards.model, split=split)
        shown = {s.query: s.value for s in scores if s.metric == "retrieval_map_interpolated"}
        log.info("split %d: %s", split, shown)
