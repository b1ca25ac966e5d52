# SPDX-License-Identifier: MIT
"""Draw the figure of one of the theory experiments."""

from common import start

log = start(snakemake)

import numpy as np

from mvi.files import read_json
from mvi.report.figures import style, theory

experiment = snakemake.wildcards.experiment
with np.load(snakemake.input.curves, allow_pickle=False) as file:
    given = read_json(snakemake.input.numbers), dict(file)
if experiment == "training":
    figure = theory.dynamics(*given, style.looks(snakemake.params.methods))
else:
    figure = {"identity": theory.identity, "consistency": theory.consistency}[experiment](*given)
style.save(figure, snakemake.output.png, snakemake.output.svg)
