# SPDX-License-Identifier: MIT
"""Draw the mAP of both modalities against the share of test images whose tags are taken away."""

from common import start

log = start(snakemake)

from mvi.report.figures import style
from mvi.report.figures.missing_tags import missing_tags
from mvi.report.scores import Scores, read_scores

settings, scores = snakemake.params.settings, Scores(read_scores(snakemake.input))
figure = missing_tags(scores, style.looks(settings["lines"]), settings["query"], settings["shares"])
style.save(figure, snakemake.output.png, snakemake.output.svg)
