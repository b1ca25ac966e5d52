# SPDX-License-Identifier: MIT
"""Join the score files of a run into one table."""

from common import start

log = start(snakemake)

from mvi.evaluation.scores import write_scores
from mvi.report.scores import read_scores

scores = read_scores(snakemake.input)
write_scores(snakemake.output[0], scores)
log.info("%d scores of %d files", len(scores), len(snakemake.input))
