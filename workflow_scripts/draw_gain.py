# SPDX-License-Identifier: MIT
"""Draw and tell what mean-field iterations gain in several runs."""

from common import start

log = start(snakemake)

from mvi.report import gain
from mvi.report.figures import style
from mvi.report.figures.gain import gain_by_cause
from mvi.report.scores import read_scores
from mvi.report.tables import write_csv, write_markdown

found = gain.gains(snakemake.params.runs, read_scores(snakemake.input))
write_csv(snakemake.output.csv, found)
write_markdown(snakemake.output.md, gain.table(found), gain.CAPTION)
style.save(gain_by_cause(found), snakemake.output.png, snakemake.output.svg)
