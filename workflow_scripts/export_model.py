# SPDX-License-Identifier: MIT
"""Put a network, the scale of its inputs and the vocabulary into one file, so that raw features go in."""

from common import of_run, start

log = start(snakemake)

from mvi.data import transforms
from mvi.models.assembly import encoder_from_files
from mvi.models.base import Inference
from mvi.models.checkpoints import save

scale, _ = transforms.load(snakemake.input.scale)
encoder = encoder_from_files(snakemake.input.scale, dict.fromkeys(scale, ()), snakemake.input.network)
encoder.inference = Inference(**snakemake.params.inference)
save(snakemake.output[0], encoder, of_run(snakemake))
