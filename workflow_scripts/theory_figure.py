# SPDX-License-Identifier: MIT
"""Draw the figure of one of the theory experiments."""

from common import start

log = start(snakemake)

from mvi.files import read_arrays, read_json
from mvi.report.figures import style, theory

experiment = snakemake.wildcards.experiment
given = read_json(snakemake.input.numbers), read_arrays(snakemake.input.curves)
if experiment == "training":
    figure = theory.dynamics(*given, style.looks(snakemake.params.methods))
else:
    figure = {"identity": theory.identity, "consistency": theory.consistency}[experiment](*given)
style.save(figure, snakemake.output.png, snakemake.output.svg)
