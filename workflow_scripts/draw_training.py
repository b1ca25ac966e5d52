# SPDX-License-Identifier: MIT
"""Draw the metrics of training against epochs, a panel a metric."""

from common import start

log = start(snakemake)

from pathlib import Path

from mvi.evaluation.tables import METHOD_LABELS
from mvi.plotting import style
from mvi.plotting.curves import read_metrics, training_curves

runs = {}
for path in map(Path, snakemake.input):
    runs.setdefault(path.parent.name, []).append(read_metrics(path))
figure = training_curves(runs, METHOD_LABELS)
style.save(figure, snakemake.output.png, snakemake.output.svg)
