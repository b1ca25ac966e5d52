# SPDX-License-Identifier: MIT
"""Draw the figure of one of the theory experiments."""

from common import start

log = start(snakemake)

import numpy as np

from mvi.files import read_json
from mvi.report.figures import style, theory

draw = {
    "identity": theory.identity,
    "consistency": theory.consistency,
    "training": theory.dynamics,
}[snakemake.wildcards.experiment]
with np.load(snakemake.input.curves, allow_pickle=False) as curves:
    figure = draw(read_json(snakemake.input.numbers), dict(curves))
style.save(figure, snakemake.output.png, snakemake.output.svg)
