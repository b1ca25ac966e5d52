# SPDX-License-Identifier: MIT
"""Search a database of test rows by queries of other test rows, and score what is found, on each split."""

from common import start

log = start(snakemake)

from mvi.data.representations import Representations
from mvi.data.store import Store
from mvi.evaluation.queries import queries_of
from mvi.evaluation.retrieval import draw, evaluate
from mvi.evaluation.scores import placed, write_scores

settings, wildcards = dict(snakemake.params.settings), snakemake.wildcards
seed = settings.pop("seed")
found = []
with Store(snakemake.input.store) as store, Representations(snakemake.input.representations) as file:
    queries, labels, known = queries_of(store.modalities), store.labels(), store.known()
    for part in snakemake.params.parts:
        states = {query: file.read(part["name"], query) for query in queries}
        for split in part["splits"]:
            kept, asked = draw(store.split(split)["test"], seed=[seed, split], **settings)
            database = states[queries[0]][kept]
            scores = [
                score
                for query in queries
                for score in evaluate(
                    database,
                    states[query][asked],
                    labels[kept],
                    labels[asked],
                    known=(known[kept], known[asked]),
                    query=query,
                )
            ]
            where = {"run": wildcards.run, "method": wildcards.model, "seed": part["seed"]}
            found += placed(scores, **where, split=split)
            shown = {s.query: s.value for s in scores if s.metric == "retrieval_map_interpolated"}
            log.info("%s, split %d: %s", part["name"], split, shown)
write_scores(snakemake.output[0], found)
