# SPDX-License-Identifier: MIT
"""Write the resolved configuration of a run, which makes its results again if given as a config file."""

from common import of_run, start

log = start(snakemake)

import yaml

from mvi.files import atomic

with atomic(snakemake.output[0]) as temporary:
    temporary.write_text(yaml.safe_dump(of_run(snakemake), sort_keys=False))
