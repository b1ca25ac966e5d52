# SPDX-License-Identifier: MIT
"""Draw the cross-entropy of the missing half against mean-field iterations, over all seeds."""

from common import start

log = start(snakemake)

from mvi.report.figures import style
from mvi.report.figures.halves import iterations, sweep_curves
from mvi.report.scores import read_scores

curves, baselines = sweep_curves(read_scores(snakemake.input))
figure = iterations(curves, style.looks(snakemake.params.settings["methods"]), baselines)
style.save(figure, snakemake.output.png, snakemake.output.svg)
