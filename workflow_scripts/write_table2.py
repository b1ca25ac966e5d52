# SPDX-License-Identifier: MIT
"""Write Table 2, mean average precision of every model and query, as CSV and as Markdown."""

from common import start

log = start(snakemake)

from mvi.data.store import Store
from mvi.files import atomic
from mvi.report.class_tables import class_table
from mvi.report.deep_tables import caption2, markdown2, table2
from mvi.report.deep_tables_cells import Origin, both_classifiers
from mvi.report.table_files import read_published, read_scores, write_csv, write_markdown

with Store(snakemake.input.store) as store:
    attrs = store.attrs
about, output = snakemake.params, snakemake.output
origin = Origin(attrs["dataset"], about.run, attrs["generated"])
scores = both_classifiers(
    read_scores(snakemake.input.multimodal, "split"), read_scores(snakemake.input.mixed, "split")
)
raw = read_scores(snakemake.input.raw, "split")
published = read_published(snakemake.input.published, "flickr")
cells = table2(scores, raw, origin, stages=about.stages, published=published)
caption = caption2(
    cells,
    scores,
    raw,
    iterations=about.iterations,
    untagged=about.untagged,
    learned_from=about.learned_from,
    finetuned=about.finetuned,
    note=about.note,
)
write_csv(output.csv, cells)
with atomic(output.classes) as temporary:
    class_table(scores | {f"raw {name}": splits for name, splits in raw.items()}).to_csv(
        temporary, index=False
    )
write_markdown(output.md, markdown2(cells), caption)
