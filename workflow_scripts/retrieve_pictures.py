# SPDX-License-Identifier: MIT
"""Search a database of test rows by queries of other test rows, and score what is found, on each split."""

from common import start

log = start(snakemake)

import h5py

from mvi.data.store import Store
from mvi.evaluation.queries import queries_of
from mvi.evaluation.retrieval import draw, evaluate
from mvi.files import write_json

settings = dict(snakemake.params.settings)
seed = settings.pop("seed")
with Store(snakemake.input.store) as store, h5py.File(snakemake.input.representations) as file:
    queries, labels = queries_of(store.modalities), store.labels()
    states = {query: file[query][:] for query in queries}
    for number, output in zip(snakemake.params.splits, snakemake.output, strict=True):
        kept, asked = draw(store.split(number)["test"], seed=[seed, number], **settings)
        database = states[queries[0]][kept]
        scores = {
            f"{query}/{key}": value
            for query in queries
            for key, value in evaluate(database, states[query][asked], labels[kept], labels[asked]).items()
        }
        write_json(output, scores)
        log.info("split %d: %s", number, {key: scores[key] for key in scores if "/map/" in key})
