# SPDX-License-Identifier: MIT
"""Convert the published weights of a network into an ONNX file."""

from common import start

log = start(snakemake)

import hashlib

from mvi.features.conversion import convert
from mvi.files import write_sealed

weights = snakemake.input[0] if snakemake.input else None
content = convert(snakemake.wildcards.network, weights)
write_sealed(snakemake.output[0], content)
log.info("converted to a file of sha256 %s", hashlib.sha256(content).hexdigest())
