# SPDX-License-Identifier: MIT
"""Draw the validation mAP of both kinds of query against mean-field iterations, over all splits."""

from common import start

log = start(snakemake)

from mvi.evaluation.table_files import read_scores
from mvi.plotting import style
from mvi.plotting.deep import sweep, sweep_readings

main = snakemake.params.main
readings = sweep_readings(read_scores(snakemake.input, "split"), main)
figure = sweep(readings, main, ("Picture and tags", "Picture alone"))
style.save(figure, snakemake.output.png, snakemake.output.svg)
