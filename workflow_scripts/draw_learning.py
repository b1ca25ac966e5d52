# SPDX-License-Identifier: MIT
"""Draw how every stage of the deep model learned, a small panel a layer, modality or stage."""

from common import start

log = start(snakemake)

from pathlib import Path

from mvi.report.figures import style
from mvi.report.figures.curves import read_metrics
from mvi.report.figures.deep import learning_curves

runs = {}
for path in map(Path, snakemake.input):
    # results/<run>/<place of the stage>/<part>.csv
    runs.setdefault(path.parent.parts[2:], []).append(read_metrics(path))
figure = learning_curves(
    runs, style.looks(snakemake.params.settings["methods"]), snakemake.params.settings["modalities"]
)
style.save(figure, snakemake.output.png, snakemake.output.svg)
