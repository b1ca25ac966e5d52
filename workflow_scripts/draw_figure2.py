# SPDX-License-Identifier: MIT
"""Draw Figure 2, digits completed from one half by each method."""

from common import start

log = start(snakemake)

from pathlib import Path

from mvi.files import read_arrays
from mvi.report.figures import style
from mvi.report.figures.halves import Completion, completions

truth, completed = {}, {}
for path in map(Path, snakemake.input):
    images = read_arrays(path)
    truth = {key.split("/")[1]: images[key] for key in images if key.startswith("truth/")}
    for target in truth:
        (given,) = (name for name in truth if name != target)
        completed.setdefault(given, {})[path.stem] = Completion(
            images[f"mean_field/{target}"], images[f"sample/{target}"]
        )
figure = completions(truth, {given: completed[given] for given in truth}, snakemake.params.settings["labels"])
style.save(figure, snakemake.output.png, snakemake.output.svg)
