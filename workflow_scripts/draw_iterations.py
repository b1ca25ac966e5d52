# SPDX-License-Identifier: MIT
"""Draw the cross-entropy of the missing half against mean-field iterations, over all seeds."""

from common import start

log = start(snakemake)

from pathlib import Path

import numpy as np

from mvi.files import read_json
from mvi.report.figures import style
from mvi.report.figures.halves import iterations, sweep_curves
from mvi.report.tables import METHOD_LABELS

runs, baselines = {}, {}
for path in map(Path, snakemake.input):
    scores = read_json(path)
    baselines |= {k.split("/")[1]: v for k, v in scores.items() if k.startswith("baseline/")}
    for target, (steps, nats) in sweep_curves(scores).items():
        seeds = runs.setdefault(target, {}).setdefault(path.parent.name, [])
        seeds.append((steps, nats))
curves = {
    target: {
        method: (seeds[0][0], np.stack([nats for _, nats in seeds])) for method, seeds in methods.items()
    }
    for target, methods in runs.items()
}
figure = iterations(curves, METHOD_LABELS, baselines)
style.save(figure, snakemake.output.png, snakemake.output.svg)
