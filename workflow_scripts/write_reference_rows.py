# SPDX-License-Identifier: MIT
"""Write the table of linear classifiers on raw inputs, as CSV and as Markdown."""

from common import start

log = start(snakemake)

from mvi.data.store import Store
from mvi.evaluation.map_tables import map_caption, map_table, read_scores, write_csv, write_markdown
from mvi.evaluation.tables import read_published

with Store(snakemake.input.store) as store:
    attrs = store.attrs
scores = read_scores(snakemake.input.scores)
cells = map_table(
    scores,
    dataset=attrs["dataset"],
    generated=attrs["generated"],
    published=read_published(snakemake.input.published, "flickr"),
)
write_csv(snakemake.output.csv, cells)
write_markdown(snakemake.output.md, cells, map_caption(cells, scores, snakemake.params.note))
