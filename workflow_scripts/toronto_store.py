# SPDX-License-Identifier: MIT
"""Read the archive of the paper's features into a store."""

from common import start

log = start(snakemake)

from mvi.data.readers.toronto import write_toronto_store
from mvi.data.readers.toronto_layout import ARCHIVE

write_toronto_store(
    snakemake.input[0],
    snakemake.output[0],
    expected=ARCHIVE.without(snakemake.params.unchecked),
    dtype=snakemake.params.precision,
    citation=snakemake.params.citation,
)
