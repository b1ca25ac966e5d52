# SPDX-License-Identifier: MIT
"""Write the table of retrieval, mean average precision of every model and query."""

from common import start

log = start(snakemake)

from mvi.data.store import Store
from mvi.report.deep_tables_cells import Origin
from mvi.report.deep_tables_tasks import retrieval_caption, retrieval_markdown, retrieval_table
from mvi.report.table_files import read_published, read_scores, write_csv, write_markdown

with Store(snakemake.input.store) as store:
    attrs = store.attrs
about, output = snakemake.params, snakemake.output
origin = Origin(attrs["dataset"], about.run, attrs["generated"])
scores = read_scores(snakemake.input.scores, "split")
published = read_published(snakemake.input.published, "flickr")
cells = retrieval_table(scores, origin, stages=about.stages, published=published)
caption = retrieval_caption(
    cells,
    scores,
    iterations=about.iterations,
    untagged=about.untagged,
    learned_from=about.learned_from,
    note=about.note,
)
write_csv(output.csv, cells)
write_markdown(output.md, retrieval_markdown(cells), caption)
