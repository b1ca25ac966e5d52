# SPDX-License-Identifier: MIT
"""Draw the metrics of training against epochs, a panel a metric."""

from common import start

log = start(snakemake)

from pathlib import Path

from mvi.report.figures import style
from mvi.report.figures.curves import read_metrics, training_curves

runs = {}
for path in map(Path, snakemake.input):
    runs.setdefault(path.parent.name, []).append(read_metrics(path))
every = dict.fromkeys(name for seeds in runs.values() for seed in seeds for name in seed if name != "epoch")
titles = {"activity": "Mean hidden activity", "mean_gap": "Visible means, |data - model|"}
titles |= {
    name: f"{'Validation' if name.startswith('validation') else 'Training'} loss, {name.split('/')[1]} (nats)"
    for name in every
    if "/" in name
}
# What all methods are measured by comes first.
metrics = sorted(every, key=lambda name: (not name.startswith("validation"), "/" not in name))
figure = training_curves(runs, style.looks(snakemake.params.settings["methods"]), metrics, titles)
style.save(figure, snakemake.output.png, snakemake.output.svg)
