# SPDX-License-Identifier: MIT
"""What a run of the workflow ends with: what was found, small tables, and where everything is."""

import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

from mvi.errors import MviError
from mvi.files import read_sealed
from mvi.report.findings import leading
from mvi.report.plain import WIDTH, plain
from mvi.workflow.plan import Plan, Run, Theory
from mvi.workflow.results import TARGETS, shown, target, theory

FINDINGS = 5
MAIN = ("table1", "table2", "table4")
"""The tables that are shown in the end where nothing is asked for by name."""


def at_end(plan: Plan, asked: set[str]) -> list[str]:
    """The lines that a run which was asked for these targets ends with; a run that went well stays so."""
    try:
        return list(of_runs(plan) if asked <= {"all"} else of_targets(plan, sorted(asked)))
    except MviError as error:
        return [str(error)]


def of_targets(plan: Plan, names: Iterable[str]) -> Iterator[str]:
    """Of each target among `names` its tables and all paths; what is not there is skipped.

    Raises `ConfigError` where no run can make it, and `DataError` for a damaged table.
    """
    for name in names:
        if name in TARGETS or name == "theory":
            for path in map(Path, theory(plan) if name == "theory" else target(plan, name)):
                if path.suffix == ".md" and path.exists():
                    yield f"\n{plain(read_sealed(path).decode())}"
                if path.name != "config.yaml" and path.exists():
                    yield str(path)


def of_runs(plan: Plan) -> Iterator[str]:
    """What the runs have found first, their main tables, and their pages; what is not there is skipped."""
    runs: list[Run | Theory] = [*plan.runs.values(), *plan.theory.values()]
    found = {run.name: _lines(run.file("findings.txt")) for run in runs}
    named = ""
    for name, line in leading(found, FINDINGS):
        if name != named:
            yield name
        named = name
        yield textwrap.fill(line, WIDTH, initial_indent="  ", subsequent_indent="    ")
    for experiment in plan.runs.values():
        for path in map(Path, shown(experiment, "tables", "md")):
            if path.stem in MAIN and path.exists():
                yield f"\n{plain(read_sealed(path).decode(), rest=False)}"
    yield ""
    for run in runs:
        for name in ("report.html", "scores.csv"):
            if Path(run.file(name)).exists():
                yield run.file(name)


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []
