# SPDX-License-Identifier: MIT
"""Write the average precision of every class, a row for each, as CSV."""

from common import start

log = start(snakemake)

from mvi.files import atomic
from mvi.report.classes import class_table
from mvi.report.scores import read_scores

with atomic(snakemake.output[0]) as temporary:
    class_table(read_scores(snakemake.input)).to_csv(temporary, index=False)
