# SPDX-License-Identifier: MIT
"""Draw the raw files of a generated data set, in the layout of those of a real one."""

from common import start

log = start(snakemake)

from pkgutil import resolve_name

from mvi.data.raw import note_digest

draw = resolve_name(snakemake.params.draw)
draw(*snakemake.output, **snakemake.params.settings)
for path in snakemake.output:
    note_digest(path)
