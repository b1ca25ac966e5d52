# SPDX-License-Identifier: MIT
"""Write Table 3, mean average precision by mean-field iterations, as CSV and as Markdown."""

from common import start

log = start(snakemake)

from mvi.data.store import Store
from mvi.report.deep_tables_cells import Origin
from mvi.report.deep_tables_sweep import caption3, markdown3, table3
from mvi.report.table_files import read_published, read_scores, write_csv, write_markdown

with Store(snakemake.input.store) as store:
    attrs = store.attrs
about, output = snakemake.params, snakemake.output
origin = Origin(attrs["dataset"], about.run, attrs["generated"])
scores = read_scores(snakemake.input.scores, "split")
published = read_published(snakemake.input.published, "flickr")
cells = table3(scores, origin, main=about.main, published=published)
caption = caption3(
    cells,
    scores,
    main=about.main,
    untagged=about.untagged,
    learned_from=about.learned_from,
    finetuned=about.finetuned,
    note=about.note,
)
write_csv(output.csv, cells)
write_markdown(output.md, markdown3(cells), caption)
