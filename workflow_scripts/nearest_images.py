# SPDX-License-Identifier: MIT
"""Find the images nearest to some queries, for the galleries."""

from common import start

log = start(snakemake)


from mvi.data.representations import Representations
from mvi.data.store import Store
from mvi.errors import DataError
from mvi.evaluation.queries import queries_of
from mvi.evaluation.retrieval import draw, nearest
from mvi.files import write_arrays

settings, number = dict(snakemake.params.settings), snakemake.params.split
seed = settings.pop("seed")
with Store(snakemake.input.store) as store, Representations(snakemake.input.representations) as file:
    kept, asked = draw(store.split(number)["test"], seed=[seed, number], **settings)
    # Queries that can be asked in every way and judged, in the random order drawn.
    usable = (store.tag_counts()[asked] > 0) & (store.labels()[asked].sum(1) > 0)
    shown = asked[usable][: snakemake.params.shown]
    if not len(shown):
        raise DataError(
            f"None of the {len(asked)} queries of split {number} has both tags and labels to be shown by; "
            "raise retrieval.queries."
        )
    queries, found = queries_of(store.modalities), {"queries": shown}
    database = file.read(snakemake.params.part, queries[0], kept)
    for query in queries:
        rows, similarity = nearest(
            database,
            file.read(snakemake.params.part, query, shown),
            min(snakemake.params.nearest, len(kept)),
        )
        found |= {f"{query}/rows": kept[rows], f"{query}/similarity": similarity}
write_arrays(snakemake.output[0], found)
