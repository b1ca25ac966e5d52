# SPDX-License-Identifier: MIT
"""Write one page with the tables and figures of a run, runtime and memory, and how to make them again."""

from common import start

log = start(snakemake)

import csv
import os
import re
from pathlib import Path

from mvi.files import atomic, read_sealed
from mvi.text import table_cell
from mvi.workflow.provenance import checksums, environment

output = Path(snakemake.output.report)
costs: dict[str, list[dict[str, str]]] = {}
for folder in map(Path, snakemake.params.benchmarks):
    for path in sorted(folder.glob("**/*.tsv")):
        # Seeds and ranges of rows are jobs of one step.
        steps = path.relative_to(folder).with_suffix("").parts
        step = " ".join(
            part for part in steps if not re.fullmatch(r"seeds?\d*|split\d+|unlabelled|\d+-\d+", part)
        )
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            costs.setdefault(step, []).extend(csv.DictReader(file, delimiter="\t"))
run = snakemake.params.run


def heading(path: str) -> str:
    """Name the section of a table or figure by its file: `theory/figures/identity.png` is theory identity."""
    parts = Path(path).with_suffix("").parts
    words = dict.fromkeys(part for part in parts if part not in ("results", "data", "tables", "figures", run))
    spaced = re.sub(r"(?<=[a-z])(?=\d)", " ", " ".join(words).replace("_", " "))
    return spaced[:1].upper() + spaced[1:]


def numbers(jobs: list[dict[str, str]], column: str) -> list[float]:
    """A column of Snakemake's benchmarks; it writes "-" or "NA" for a job too short to be looked at."""
    cells = (job.get(column) or "" for job in jobs)
    return [float(cell) for cell in cells if re.fullmatch(r"\d+(\.\d+)?", cell)]


# A figure of the name of a table stands in its section.
sections: dict[str, list[str]] = {}
for path in snakemake.params.tables:
    sections.setdefault(heading(path), []).append(read_sealed(path).decode().strip())
for path in snakemake.params.figures:
    title = heading(path)
    sections.setdefault(title, []).append(f"![{title}]({os.path.relpath(path, output.parent)})")
lines = [
    f"# {run}",
    f"{snakemake.params.about}. Settings: [config.yaml](config.yaml)."
    + (" Every number: [scores.csv](scores.csv)." if snakemake.params.scores else "")
    + " To make it again:",
    f"```sh\nsnakemake --cores all --configfile results/{run}/config.yaml -- all\n```",
]
for title, parts in sections.items():
    lines += [f"## {title}", *parts]
rows = ["| step | jobs | seconds each | memory, MB |", "|---|--:|--:|--:|"]
for step, jobs in costs.items():
    seconds, memory = numbers(jobs, "s"), numbers(jobs, "max_rss")
    mean = sum(seconds) / max(1, len(seconds))
    rows.append(f"| {table_cell(step)} | {len(jobs)} | {mean:.1f} | {max(memory, default=0):.0f} |")
cost = "\n".join(rows)
lines += ["## Runtime and memory", cost, "## Environment"]
lines.append("\n".join(f"- {name}: {value}" for name, value in environment().items()))
lines += [
    "## Files",
    "The SHA-256 of every file that the run was made from, and of every file that it made: "
    "[checksums.txt](checksums.txt). Whether they are still the same says:",
    f"```sh\nsha256sum --quiet --check {snakemake.output.checksums}\n```",
]
with atomic(output) as temporary:
    temporary.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
with atomic(snakemake.output.cost) as temporary:
    temporary.write_text(cost + "\n", encoding="utf-8")

# Not among the files that a run is cited by: what tells of one machine and one day, and what comes and goes.
PASSED_OVER = {"logs", "benchmarks", "representations"}
made = [
    path
    for path in sorted(output.parent.rglob("*"))
    if path.is_file()
    and not PASSED_OVER.intersection(path.relative_to(output.parent).parts)
    and path.suffix not in (".checkpoint", ".lock")
    and str(path) not in [str(one) for one in snakemake.output]
]
with atomic(snakemake.output.checksums) as temporary:
    # Raw files of a store that was copied here may be elsewhere.
    kept = [path for path in snakemake.params.sources if Path(path).exists()]
    temporary.write_text(checksums([*kept, *made]), encoding="utf-8")
