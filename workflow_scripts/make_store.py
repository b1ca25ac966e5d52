# SPDX-License-Identifier: MIT
"""Write the store of a data set that is read from its raw files at once."""

from common import start

log = start(snakemake)

from pkgutil import resolve_name

write = resolve_name(snakemake.params.write)
raw = dict(snakemake.input.items())
write(snakemake.output[0], raw, snakemake.params.settings, **snakemake.params.about)
