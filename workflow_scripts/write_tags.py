# SPDX-License-Identifier: MIT
"""Write the table of tags predicted from pictures alone, as CSV and as Markdown."""

from common import start

log = start(snakemake)

from mvi.data.store import Store
from mvi.report.deep_tables_cells import Origin
from mvi.report.deep_tables_tasks import tags_caption, tags_markdown, tags_table
from mvi.report.table_files import read_scores, write_csv, write_markdown

with Store(snakemake.input.store) as store:
    attrs = store.attrs
about, output = snakemake.params, snakemake.output
origin = Origin(attrs["dataset"], about.run, attrs["generated"])
scores = read_scores(snakemake.input.scores, "split")
cells = tags_table(scores, origin, stages=about.stages)
caption = tags_caption(
    cells, scores, iterations=about.iterations, learned_from=about.learned_from, note=about.note
)
write_csv(output.csv, cells)
write_markdown(output.md, tags_markdown(cells), caption)
