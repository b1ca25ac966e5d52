# SPDX-License-Identifier: MIT
"""Print the tables of a config's experiments and where their figures lie: show.py CONFIG [PRESET]"""

import sys
from pathlib import Path

import yaml

from mvi.workflow.config import merge, resolve

# What a config file is laid over, as Snakemake does with the one that the Snakefile names.
config = yaml.safe_load(Path("config/config.yaml").read_text(encoding="utf-8"))
config = merge(config, yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8")))
if len(sys.argv) > 2:
    config["preset"] = sys.argv[2]
config = resolve(config)
flickr = config["flickr"]
folders = {
    "halves": [Path("results", config["run"])],
    "flickr": [Path("results", flickr["run"]), Path("results/data", flickr["dataset"], "card")],
    # Its tables and figures stand beside those of flickr.
    "deep": [],
    "theory": [Path("results/theory")],
}
shown = [folder for name in config["experiments"] for folder in folders[name]]
for folder in shown:
    for table in sorted(folder.glob("tables/*.md")):
        print(f"\n{table.read_text(encoding='utf-8').strip()}\n")
for folder in shown:
    for figure in [*sorted(folder.glob("figures/*.png")), *sorted(folder.glob("*.png"))]:
        print(figure)
for folder in shown:
    for page in [*sorted(folder.glob("figures/*.html")), *sorted(folder.glob("report.md"))]:
        print(page)
