# SPDX-License-Identifier: MIT
"""Draw precision against recall of the retrieval, a panel a kind of query."""

from common import start

log = start(snakemake)

from mvi.report.figures import style
from mvi.report.figures.retrieval import curves, precision_recall
from mvi.report.scores import read_scores

panels, recalls, chance = curves(read_scores(snakemake.input), snakemake.params.settings["queries"])
figure = precision_recall(panels, recalls, chance, style.looks(snakemake.params.settings["methods"]))
style.save(figure, snakemake.output.png, snakemake.output.svg)
