# SPDX-License-Identifier: MIT
"""Draw the mAP of both kinds of query against mean-field iterations, over all splits."""

from common import start

log = start(snakemake)

from mvi.evaluation.table_files import read_scores
from mvi.plotting import style
from mvi.plotting.deep import sweep, sweep_readings

main, part = snakemake.params.main, snakemake.params.part
readings = sweep_readings(read_scores(snakemake.input, "split"), main, part=part)
figure = sweep(readings, main, ("Picture and tags", "Picture alone"), part)
style.save(figure, snakemake.output.png, snakemake.output.svg)
