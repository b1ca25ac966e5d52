# SPDX-License-Identifier: MIT
"""Write one page with the tables and figures of a run, runtime and memory, and how to make them again."""

from common import start

log = start(snakemake)

import csv
import os
import re
from pathlib import Path

from mvi.files import atomic, read_json, read_sealed
from mvi.report.findings import Question, findings, theory_findings
from mvi.report.page import Page, findings_list, folded, html_page
from mvi.report.scores import Scores, read_scores
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
    spaced = re.sub(r"(?<=[a-z])(?=\d)", " ", " ".join(words or [run]).replace("_", " "))
    return spaced[:1].upper() + spaced[1:]


def numbers(jobs: list[dict[str, str]], column: str) -> list[float]:
    """A column of Snakemake's benchmarks; it writes "-" or "NA" for a job too short to be looked at."""
    cells = (job.get(column) or "" for job in jobs)
    return [float(cell) for cell in cells if re.fullmatch(r"\d+(\.\d+)?", cell)]


# A figure of the name of a table stands in its section; what the data are comes after what was found.
sections: dict[str, list[str]] = {}
for path in sorted(snakemake.params.tables, key=lambda path: "/card/" in path):
    sections.setdefault(heading(path), []).append(folded(read_sealed(path).decode()))
for path in sorted(snakemake.params.figures, key=lambda path: "/card/" in path):
    title = heading(path)
    sections.setdefault(title, []).append(f"![{title}]({os.path.relpath(path, output.parent)})")
if snakemake.params.theory:
    measured = (read_json(path) for path in snakemake.params.theory["numbers"])
    found = theory_findings(*measured, snakemake.params.theory["labels"])
elif snakemake.params.questions:
    scores = Scores(read_scores([output.with_name("scores.csv")]))
    found = findings(scores, map(Question.of, snakemake.params.questions))
else:
    found = []
lines = [
    f"# {run}",
    f"{snakemake.params.about}. Settings: [config.yaml](config.yaml)."
    + (" Every number: [scores.csv](scores.csv)." if snakemake.params.scores else ""),
    *filter(None, [findings_list(found)]),
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
    "To make this run again:",
    f"```sh\nsnakemake --cores all --configfile results/{run}/config.yaml -- all\n```",
    "The SHA-256 of every file that the run was made from, and of every file that it made: "
    "[checksums.txt](checksums.txt). Whether they are still the same says:",
    f"```sh\nsha256sum --quiet --check {snakemake.output.checksums}\n```",
]
text = "\n\n".join(lines) + "\n"
with atomic(output) as temporary:
    temporary.write_text(text, encoding="utf-8")
with atomic(snakemake.output.page) as temporary:
    temporary.write_text(html_page(run, [Page(run, text, output.parent)]), encoding="utf-8")
with atomic(snakemake.output.findings) as temporary:
    temporary.write_text("".join(f"{one}\n" for one in found), encoding="utf-8")
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
