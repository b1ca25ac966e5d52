# SPDX-License-Identifier: MIT
"""Print the tables of a config's runs and where their figures and pages lie: show.py CONFIG [PRESET]"""

import sys
from pathlib import Path

import yaml

from mvi.errors import MviError
from mvi.files import read_sealed
from mvi.workflow.config import merge, resolve
from mvi.workflow.plan import Plan
from mvi.workflow.results import shown

# What a config file is laid over, as Snakemake does with the one that the Snakefile names.
config = yaml.safe_load(Path("config/config.yaml").read_text(encoding="utf-8"))
config = merge(config, yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8")))
if len(sys.argv) > 2:
    config["preset"] = sys.argv[2]
plan = Plan(resolve(config))
runs = [*plan.runs.values(), *plan.theory.values()]
tables = [Path(path) for run in runs for path in shown(run, "tables", "md")]
figures = [Path(path) for run in runs for path in shown(run, "figures", "png")]
pages = [Path(run.file(name)) for run in runs for name in ("figures/nearest.html", "scores.csv", "report.md")]
for table in tables:
    if table.exists():
        try:
            print(f"\n{read_sealed(table).decode().strip()}\n")
        except MviError as error:
            sys.exit(str(error))
for path in (*figures, *pages):
    if path.exists():
        print(path)
