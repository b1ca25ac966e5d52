# SPDX-License-Identifier: MIT
"""Write the table of linear classifiers on raw inputs, as CSV and as Markdown."""

from common import start

log = start(snakemake)

from mvi.data.store import Store
from mvi.report.map_tables import map_caption, map_table, markdown
from mvi.report.table_files import read_published, read_scores, write_csv, write_markdown

with Store(snakemake.input.store) as store:
    attrs = store.attrs
scores = read_scores(snakemake.input.scores, "split")
cells = map_table(
    scores,
    dataset=attrs["dataset"],
    generated=attrs["generated"],
    published=read_published(snakemake.input.published, "flickr"),
)
write_csv(snakemake.output.csv, cells)
write_markdown(snakemake.output.md, markdown(cells), map_caption(cells, scores, snakemake.params.note))
