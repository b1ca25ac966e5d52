# SPDX-License-Identifier: MIT
"""Write the table of the theory experiments."""

from common import start

log = start(snakemake)

from mvi.files import atomic, read_json
from mvi.report.theory_table import summary

numbers = [read_json(snakemake.input[name]) for name in ("identity", "consistency", "training")]
with atomic(snakemake.output[0]) as temporary:
    temporary.write_text(summary(*numbers, snakemake.params.labels), encoding="utf-8")
