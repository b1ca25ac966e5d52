# SPDX-License-Identifier: MIT
"""Take one raw file from the mirror or the network and keep it if its content is right."""

from common import start

log = start(snakemake)

import os

from mvi.data.raw import note_digest
from mvi.data.registry import retrieve, rows

registered = rows("config/data_registry.csv", snakemake.wildcards.dataset)
retrieve(
    registered[snakemake.wildcards.file],
    snakemake.output[0],
    os.environ.get("MVI_MIRROR") or None,
    companions=registered.values(),
)
note_digest(snakemake.output[0])
