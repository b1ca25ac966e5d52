# SPDX-License-Identifier: MIT
"""Draw precision against recall of the retrieval, a panel a kind of query."""

from common import start

log = start(snakemake)

from mvi.evaluation.retrieval import CHANCE
from mvi.evaluation.scores import CENTRED
from mvi.report.figures import style
from mvi.report.figures.retrieval import curves, precision_recall
from mvi.report.scores import read_scores

scores = [one for one in read_scores(snakemake.input) if one.variant == CENTRED or one.method == CHANCE]
panels, recalls, chance = curves(scores, snakemake.params.settings["queries"])
figure = precision_recall(panels, recalls, chance, style.looks(snakemake.params.settings["methods"]))
style.save(figure, snakemake.output.png, snakemake.output.svg)
