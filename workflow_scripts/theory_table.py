# SPDX-License-Identifier: MIT
"""Write the table of the theory experiments."""

from common import start

log = start(snakemake)

from mvi.files import read_json, write_sealed
from mvi.report.theory_table import summary

numbers = [read_json(snakemake.input[name]) for name in ("identity", "consistency", "training")]
write_sealed(snakemake.output[0], summary(*numbers, snakemake.params.labels).encode())
