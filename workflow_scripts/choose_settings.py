# SPDX-License-Identifier: MIT
"""Choose the settings of a method among those that were tried, by their scores on validation rows."""

from common import start

log = start(snakemake)

from mvi.files import write_json
from mvi.report.chosen import best, reached
from mvi.report.scores import read_scores

candidates, metric = snakemake.params.candidates, snakemake.params.metric
values = [reached(read_scores([path]), metric) for path in snakemake.input]
number = best(values)
write_json(snakemake.output[0], {"candidate": number, **candidates[number - 1]})
log.info("candidate %d of %d: %s", number, len(candidates), candidates[number - 1]["tried"])
