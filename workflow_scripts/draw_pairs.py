# SPDX-License-Identifier: MIT
"""Draw the pairs that a run learns from, where it is to have fewer than there are."""

from common import start

log = start(snakemake)

from mvi.training.pairs import write_pairs

params = snakemake.params
write_pairs(
    snakemake.output[0], snakemake.input[0], params.pairs, params.split, parts=params.parts, seed=params.seed
)
