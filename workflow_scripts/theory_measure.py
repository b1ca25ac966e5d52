# SPDX-License-Identifier: MIT
"""Measure one of the theory experiments: numbers as JSON, arrays for its figure."""

from common import start

log = start(snakemake)

import logging
from importlib import import_module

from mvi.files import write_arrays, write_json

# Hundreds of tiny trainings would drown everything else in the log.
logging.getLogger("mvi.training.loop").setLevel(logging.WARNING)
experiment = import_module(snakemake.params.module)
numbers, curves = experiment.measure(snakemake.params.settings, snakemake.params.seed)
write_json(snakemake.output.numbers, numbers)
write_arrays(snakemake.output.curves, curves)
