# SPDX-License-Identifier: MIT
"""What a model costs, read from what its trainings left: numbers of parameters, minutes.

Where a file is missing or says less, there is no number: none is better than a wrong one.
"""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from mvi.evaluation.scores import Score

COSTS = PARAMETERS, MINUTES = "parameters", "minutes"
"""Metrics, and the variants of their scores, so that no other score of a method is expected beside them."""

RESUMED = "resuming after epoch"
"""In the log of a training that a killed one had begun, of which its benchmark knows nothing."""


def parameters(network: str | Path, layers: Mapping[str, Sequence[str | Path]]) -> int | None:
    """Numbers in the weights of a model: of its network, and of the `layers` of the pathways under it.

    Of a pathway the network has the last layers itself, as many as its description says
    (`mvi.models.assembly`).
    """
    found = _counted(network)
    if found is None:
        return None
    total, about = found
    if about.get("kind") == "mdrnn":
        depths = {pathway["name"]: len(pathway["layers"]) for pathway in about["pathways"]}
        below = [path for name, paths in layers.items() for path in paths[: len(paths) - depths[name]]]
    else:
        below = [path for paths in layers.values() for path in paths] if about.get("kind") == "mrbm" else []
    counts = [_counted(path) for path in below]
    known = [count for count, _ in filter(None, counts)]
    return total + sum(known) if len(known) == len(counts) else None


def _counted(path: str | Path) -> tuple[int, dict[str, Any]] | None:
    """How many numbers a weights file holds, and what it says of its model, from its header alone."""
    try:
        with safe_open(path, framework="np") as file:
            sealed = json.loads((file.metadata() or {})["sealed"])
            sizes = [prod(file.get_slice(name).get_shape()) for name in file.keys()]  # noqa: SIM118
            return sum(sizes), sealed["about"]["model"]
    except (OSError, SafetensorError, LookupError, TypeError, ValueError):
        return None


def minutes(benchmarks: Iterable[str | Path]) -> float | None:
    """Minutes that some jobs of one core took, by Snakemake's benchmarks of them."""
    seconds = [_seconds(Path(path)) for path in benchmarks]
    known = [one for one in seconds if one is not None]
    return sum(known) / 60 if known and len(known) == len(seconds) else None


def _seconds(path: Path) -> float | None:
    # results/<run>/benchmarks/<rule>/....tsv beside results/<run>/logs/<rule>/....log.
    log = Path(*("logs" if part == "benchmarks" else part for part in path.with_suffix(".log").parts))
    try:
        if RESUMED in log.read_text(encoding="utf-8", errors="replace"):
            return None
        with path.open(newline="", encoding="utf-8") as file:
            (job,) = csv.DictReader(file, delimiter="\t")
            return float(job["s"])
    except (OSError, LookupError, TypeError, ValueError):
        return None


def cost_scores(costs: Mapping[str, Mapping[str, Any]]) -> list[Score]:
    """A score for what is known of each model: its parameters, and the mean over splits of its minutes.

    costs: model -> "network" and "layers" as for `parameters`, and "trainings", benchmarks for each split
    """
    found = []
    for model, files in costs.items():
        known: dict[str, float | None] = {PARAMETERS: parameters(files["network"], files["layers"])}
        spent = [minutes(benchmarks) for benchmarks in files["trainings"]]
        whole = [one for one in spent if one is not None]
        known[MINUTES] = sum(whole) / len(whole) if whole and len(whole) == len(spent) else None
        found += [
            Score(method=model, variant=metric, metric=metric, value=value)
            for metric, value in known.items()
            if value is not None
        ]
    return found
