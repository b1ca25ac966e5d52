# SPDX-License-Identifier: MIT
"""Add translated copies of the training images to a store of halves."""

from common import start

log = start(snakemake)

from mvi.data.halves import write_translated_store

write_translated_store(snakemake.output[0], snakemake.input[0], int(snakemake.wildcards.copies))
