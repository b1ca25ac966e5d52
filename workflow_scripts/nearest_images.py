# SPDX-License-Identifier: MIT
"""Find the images nearest to some queries, for the galleries."""

from common import start

log = start(snakemake)


import numpy as np

from mvi.data.representations import Representations
from mvi.data.store import Store
from mvi.errors import DataError
from mvi.evaluation.centring import around, query_means
from mvi.evaluation.queries import queries_of
from mvi.evaluation.retrieval import draw, nearest
from mvi.files import write_arrays

settings, number = dict(snakemake.params.settings), snakemake.params.split
seed = settings.pop("seed")
with Store(snakemake.input.store) as store, Representations(snakemake.input.representations) as file:
    kept, asked = draw(store.split(number)["test"], seed=[seed, number], **settings)
    # Queries that can be asked in every way and evaluated, in the random order drawn.
    usable = (store.tag_counts()[asked] > 0) & (store.labels()[asked].sum(1) > 0)
    shown = asked[usable][: snakemake.params.shown]
    if not len(shown):
        raise DataError(
            f"None of the {len(asked)} queries of split {number} has both tags and labels to be shown by; "
            "raise retrieval.queries."
        )
    queries, found, part = queries_of(store.modalities), {"queries": shown}, snakemake.params.part
    train = store.split(number)["train"]
    tagged = store.tag_counts() > 0 if snakemake.params.untagged == "inferred" else None
    counts = (store.read("text", train) > 0).sum(0)
    states = {query: file.read(part, query) for query in queries}
    means = query_means(states, train, words=file.read(part, "words"), counts=counts, tagged=tagged)

    def codes(query: str, rows: np.ndarray) -> np.ndarray:
        """Those of some rows around the mean of their kind of query."""
        return around(states[query][rows], query, means, None if tagged is None else tagged[rows])

    database = codes(queries[0], kept)
    for query in queries:
        rows, similarity = nearest(database, codes(query, shown), min(snakemake.params.nearest, len(kept)))
        found |= {f"{query}/rows": kept[rows], f"{query}/similarity": similarity}
write_arrays(snakemake.output[0], found)
