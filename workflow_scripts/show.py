# SPDX-License-Identifier: MIT
"""Print what a config's runs have found, their main tables and their pages: show.py CONFIG [PRESET]"""

import sys
from pathlib import Path

import yaml

from mvi.errors import MviError
from mvi.workflow.config import merge, resolve
from mvi.workflow.plan import Plan
from mvi.workflow.summary import of_runs

# What a config file is laid over, as Snakemake does with the one that the Snakefile names.
config = yaml.safe_load(Path("config/config.yaml").read_text(encoding="utf-8"))
config = merge(config, yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8")))
if len(sys.argv) > 2:
    config["preset"] = sys.argv[2]
try:
    print(*of_runs(Plan(resolve(config))), sep="\n")
except MviError as error:
    sys.exit(str(error))
