# SPDX-License-Identifier: MIT
"""Write what the search for settings of the top layer found, as CSV and as Markdown."""

from common import start

log = start(snakemake)

import pandas as pd

from mvi.data.store import Store
from mvi.report.deep_tables_cells import Origin
from mvi.report.search_tables import search_caption, search_markdown, search_table
from mvi.report.table_files import write_csv, write_markdown

about, output = snakemake.params, snakemake.output
with Store(snakemake.input.store) as store:
    attrs = store.attrs
files = iter(snakemake.input.trials)
metrics = {objective: [pd.read_csv(next(files)) for _ in about.trials] for objective in about.objectives}
origin = Origin(attrs["dataset"], about.run, attrs["generated"])
trials = search_table(metrics, about.trials, origin, split=about.split)
write_csv(output.csv, trials)
caption = search_caption(
    trials, iterations=about.iterations, untagged=about.untagged, grid=about.grid, note=about.note
)
write_markdown(output.md, search_markdown(trials), caption)
