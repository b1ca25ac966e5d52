# SPDX-License-Identifier: MIT
"""Write what was tried with each method and what was chosen, as CSV and as Markdown."""

from common import start

log = start(snakemake)

from mvi.data.store import Store
from mvi.files import read_json
from mvi.report import chosen
from mvi.report.scores import read_scores
from mvi.report.tables import About, write_csv, write_markdown

given, params = snakemake.input, snakemake.params
with Store(given.store) as store:
    attrs = store.attrs
about = About(attrs["dataset"], params.title, params.run, attrs["generated"], params.note)
files = iter(given.scores)
scores = {name: [read_scores([next(files)]) for _ in tried] for name, tried in params.candidates.items()}
numbers = {
    name: read_json(path)["candidate"] for name, path in zip(params.candidates, given.chosen, strict=True)
}
found = chosen.candidates(params.candidates, scores, numbers, params.metric)
write_csv(snakemake.output.csv, found)
write_markdown(snakemake.output.md, chosen.table(found, params.methods), chosen.caption(found, about))
