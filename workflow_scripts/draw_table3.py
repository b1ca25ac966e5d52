# SPDX-License-Identifier: MIT
"""Draw the mAP of both kinds of query against mean-field iterations, over all splits."""

from common import start

log = start(snakemake)

from mvi.report.figures import style
from mvi.report.figures.deep import sweep
from mvi.report.scores import Scores, read_scores
from mvi.report.sweep import sweep_lines

settings = snakemake.params.settings
about = settings["sweep"]
looks = style.looks(dict(zip(about["queries"], ("multimodal query", "image-only query"), strict=True)))
scores = Scores(read_scores(snakemake.input))
lines = sweep_lines(**about)
figure = sweep(scores, lines, looks, about["main"], settings["part"], settings["metric"])
style.save(figure, snakemake.output.png, snakemake.output.svg)
