# SPDX-License-Identifier: MIT
"""Tell a user's file of features from others, by its content."""

from common import start

log = start(snakemake)

from pathlib import Path

from mvi.files import sha256, write_json

path = Path(snakemake.input[0])
# The seal of the file written here has the name sha256 already.
write_json(snakemake.output[0], {"file": path.name, "digest": sha256(path, "give a file that can be read")})
