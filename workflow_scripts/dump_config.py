# SPDX-License-Identifier: MIT
"""Write the resolved configuration beside the results; given as a config file it makes them again."""

from common import start

log = start(snakemake)

import yaml

from mvi.files import atomic

with atomic(snakemake.output[0]) as temporary:
    temporary.write_text(yaml.safe_dump(snakemake.config, sort_keys=False))
