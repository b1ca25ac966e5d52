# SPDX-License-Identifier: MIT
"""Write Table 1 from score files, as CSV and as Markdown."""

from common import start

log = start(snakemake)

from mvi.files import read_json
from mvi.report.table_files import read_published, read_scores, write_csv, write_markdown
from mvi.report.tables import caption1, markdown, table1

scores = read_scores(snakemake.input.scores, "seed")
cells = table1(
    scores,
    {name: read_json(snakemake.input[name]) for name in ("own", "filled")},
    dataset=snakemake.params.dataset,
    run=snakemake.wildcards.run,
    queries=["left+right", "left", "right"],
    published=read_published(snakemake.input.published, "halves"),
)
write_csv(snakemake.output.csv, cells)
write_markdown(snakemake.output.md, markdown(cells), caption1(cells, scores))
