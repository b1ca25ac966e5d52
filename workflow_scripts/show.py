# SPDX-License-Identifier: MIT
"""Print the tables of a run and where its figures lie: show.py CONFIG [PRESET]"""

import sys
from pathlib import Path

import yaml

from mvi.config import resolve

config = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
if len(sys.argv) > 2:
    config["preset"] = sys.argv[2]
run = resolve(config)["run"]
folder = Path("results", run)
for table in [*sorted(folder.glob("tables/*.md")), *sorted(Path("results/theory/tables").glob("*.md"))]:
    print(f"\n{table.read_text(encoding='utf-8').strip()}\n")
for figure in [*sorted(folder.glob("figures/*.png")), *sorted(Path("results/theory/figures").glob("*.png"))]:
    print(figure)
print(folder / "report.md")
