# SPDX-License-Identifier: MIT
"""Write one of the tables from scores, as CSV and as Markdown."""

from common import start

log = start(snakemake)

from mvi.data.store import Store
from mvi.report.costs import cost_scores
from mvi.report.scores import Scores, read_scores
from mvi.report.specs import TABLES
from mvi.report.tables import About, cells, compared, markdown, read_published, write_csv, write_markdown

params = snakemake.params
with Store(snakemake.input.store) as store:
    attrs = store.attrs
about = About(attrs["dataset"], params.title, params.run, attrs["generated"], params.note)
scores = Scores([*read_scores(snakemake.input.scores), *cost_scores(params.costs)])
published = read_published(snakemake.input.published, about)
table = TABLES[params.table](scores, published, about, **params.settings)
found = compared(table, cells(table.wanted, scores, about, published), scores)
write_csv(snakemake.output.csv, found)
write_markdown(snakemake.output.md, markdown(table, found), table.caption)
