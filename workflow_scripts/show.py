# SPDX-License-Identifier: MIT
"""Print the tables of a configuration's run and where its figures lie: show.py config/config.yaml"""

import sys
from pathlib import Path

import yaml

from mvi.config import resolve

run = resolve(yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8")))["run"]
folder = Path("results", run)
for table in [*sorted(folder.glob("tables/*.md")), *sorted(Path("results/theory/tables").glob("*.md"))]:
    print(f"\n{table.read_text(encoding='utf-8').strip()}\n")
for figure in [*sorted(folder.glob("figures/*.png")), *sorted(Path("results/theory/figures").glob("*.png"))]:
    print(figure)
print(folder / "report.md")
