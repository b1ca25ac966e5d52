# SPDX-License-Identifier: MIT
"""Draw the retrieval mAP of each method against its mAP, a panel a kind of query."""

from common import start

log = start(snakemake)

from mvi.report.figures import style
from mvi.report.figures.trade import trade
from mvi.report.queries import LINEAR
from mvi.report.scores import Scores, read_scores

settings, scores = dict(snakemake.params.settings), Scores(read_scores(snakemake.input))
looks, queries = style.looks(settings.pop("methods")), settings.pop("queries")
figure = trade(scores, looks, queries, inputs=LINEAR, **settings)
style.save(figure, snakemake.output.png, snakemake.output.svg)
