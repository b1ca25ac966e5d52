# SPDX-License-Identifier: MIT
"""Write what the search for settings of the joint layer found, as CSV and as Markdown."""

from common import start

log = start(snakemake)

import io

import pandas as pd

from mvi.data.store import Store
from mvi.evaluation.queries import queries_of
from mvi.files import atomic, read_sealed
from mvi.report.search import search_caption, search_markdown, search_table
from mvi.report.tables import About, write_markdown

params, output = snakemake.params, snakemake.output
with Store(snakemake.input.store) as store:
    attrs, queries = store.attrs, queries_of(store.modalities)
about = About(attrs["dataset"], params.title, params.run, attrs["generated"], params.note)
files = iter(snakemake.input.trials)
metrics = {
    method: [pd.read_csv(io.BytesIO(read_sealed(next(files)))) for _ in params.trials]
    for method in params.methods
}
trials = search_table(
    metrics, params.trials, about, split=params.split, queries=queries, metric=params.metric
)
with atomic(output.csv) as temporary:
    trials.to_csv(temporary, index=False)
caption = search_caption(
    trials, about, grid=params.grid, iterations=params.iterations, untagged=params.untagged
)
write_markdown(output.md, search_markdown(trials, params.methods, queries), caption)
