# SPDX-License-Identifier: MIT
"""Compare the tables of a config's runs with those in the documents: check.py CONFIG [PRESET]

Exit status 1 where a cell differs by more than docs/tolerances.csv allows, or a table was not made.
"""

import sys
from pathlib import Path

import yaml

from mvi.errors import MviError
from mvi.files import read_sealed
from mvi.report.check import MARGIN, compare, documented, read_tolerances
from mvi.workflow.config import merge, resolve
from mvi.workflow.plan import Plan
from mvi.workflow.results import shown

TOLERANCES = "docs/tolerances.csv"

# What a config file is laid over, as Snakemake does with the one that the Snakefile names.
config = yaml.safe_load(Path("config/config.yaml").read_text(encoding="utf-8"))
config = merge(config, yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8")))
if len(sys.argv) > 2:
    config["preset"] = sys.argv[2]
try:
    plan = Plan(resolve(config))
    runs = [*plan.runs.values(), *plan.theory.values()]
    tables = [path for run in runs for path in shown(run, "tables", "md") if "/card/" not in path]
    pages = documented([Path("README.md"), *sorted(Path("docs").glob("*.md"))])
    known = {path: pages[path] for path in tables if path in pages}
    made = {path: read_sealed(path).decode() for path in known if Path(path).exists()}
    verdict = compare(known, made, read_tolerances(TOLERANCES))
except MviError as error:
    sys.exit(str(error))
for line in verdict.notes:
    print(f"note: {line}")
for line in verdict.apart:
    print(f"DIFFERS: {line}")
if not known:
    sys.exit(f"The documents have no table of {', '.join(run.name for run in runs)}: nothing was compared.")
print(
    f"{verdict.compared} cells of {verdict.tables} tables compared with the documents; "
    f"{len(verdict.apart)} differ by more than {MARGIN:g} times what was measured ({TOLERANCES})."
)
sys.exit(bool(verdict.apart))
