# SPDX-License-Identifier: MIT
"""Draw precision against recall of the retrieval, a panel a kind of query."""

from common import start

log = start(snakemake)

from pathlib import Path

import numpy as np

from mvi.evaluation.retrieval import curve
from mvi.files import read_json
from mvi.report.deep_tables_cells import ordered
from mvi.report.figures import style
from mvi.report.figures.retrieval import precision_recall

titles = {"image+text": "Picture and tags", "image": "Picture alone", "text": "Tags alone"}
lines, chance = {title: {} for title in titles.values()}, {title: [] for title in titles.values()}
for path in map(Path, snakemake.input):
    scores = read_json(path)
    for query, title in titles.items():
        own = {key.removeprefix(f"{query}/"): v for key, v in scores.items() if key.startswith(f"{query}/")}
        recalls, precision = curve(own)
        lines[title].setdefault(path.parent.name, []).append(precision)
        chance[title].append(own["chance_precision"])
panels = {title: {name: np.stack(curves) for name, curves in one.items()} for title, one in lines.items()}
figure = precision_recall(
    panels,
    recalls,
    {title: float(np.mean(values)) for title, values in chance.items()},
    ordered(lines[titles["image"]], snakemake.params.stages),
)
style.save(figure, snakemake.output.png, snakemake.output.svg)
