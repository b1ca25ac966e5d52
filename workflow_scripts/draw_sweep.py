# SPDX-License-Identifier: MIT
"""Draw the mAP of both kinds of query against mean-field iterations, over all splits."""

from common import start

log = start(snakemake)

from mvi.report.figures import style
from mvi.report.figures.deep import sweep, sweep_readings
from mvi.report.table_files import read_scores

main, part = snakemake.params.main, snakemake.params.part
readings = sweep_readings(read_scores(snakemake.input, "split"), main, part=part)
figure = sweep(readings, main, ("Picture and tags", "Picture alone"), part)
style.save(figure, snakemake.output.png, snakemake.output.svg)
