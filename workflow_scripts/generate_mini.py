# SPDX-License-Identifier: MIT
"""Draw the scenes of `mini`, tag them, and write them in the layout of MIRFLICKR."""

from common import start

log = start(snakemake)

from mvi.synthetic.mirflickr import write_mirflickr

write_mirflickr(*snakemake.output, **snakemake.params.world)
