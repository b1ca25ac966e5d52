# SPDX-License-Identifier: MIT
"""One update of each stage of the deep model at the paper's sizes against its matrix products alone.

As `updates.py` measures; batches of 200, 3857 and 2000 inputs, layers of 1024, a joint layer of 2048 units
and 10 iterations, through all of which the gradient goes back. Memory is the most that a process of its own
has held by the end of an update's gradient.
"""

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import torch
from updates import machine, measure, options, parsed, square_rate

from mvi.methods.registry import build
from mvi.models.mdrnn import Layer, Mdrnn, Pathway
from mvi.models.mrbm import MultimodalRBM
from mvi.models.units import Binary, Gaussian
from mvi.objectives.base import Objective
from mvi.objectives.finetuning import Finetuning
from mvi.training.loop import Trainable
from mvi.training.pathway_layer import build_objective, build_rbm, units_of
from mvi.training.precision import set_precision
from mvi.training.processor import at_full_speed

ONCE = {"start": 1}
LAYER = {"hidden": 1024, "units": "binary", "up": 2.0, "down": 2.0, "weight_std": 0.005, "chains": 500}
SPARSE = {"kind": "exact", "weight": 1.0, "target": 0.2}
IMAGE = LAYER | {
    "units": "stepped_sigmoid",
    "steps": 5,
    "method": "cd",
    "gibbs_steps": ONCE,
    "sparsity": SPARSE,
}
BINARY = LAYER | {"method": "pcd", "gibbs_steps": ONCE, "sparsity": SPARSE}
MP = {
    "iterations": 10,
    "bptt_depth": {"start": 10},
    "reveal": 0.0,
    "start_state": "doubled",
    "sparsity": SPARSE,
}

Stage = tuple[Trainable, Objective, torch.Tensor]


def rbm(layer: dict, size: int, transform: str | None, draws: torch.Generator) -> Stage:
    """A layer of a pathway."""
    settings = {**layer, **units_of(layer, transform)}
    batch = torch.rand(200, size, device=draws.device, generator=draws)
    return build_rbm(settings, size, draws, batch.mean(0)), build_objective(settings), batch


def top(draws: torch.Generator) -> Stage:
    """The joint layer by multi-prediction, both directions."""
    model = MultimodalRBM.initialise({"image": 1024, "text": 1024}, 2048, draws, down=2.0)
    return model, build("mp", MP), torch.rand(200, 2048, device=draws.device, generator=draws)


def two_layers(draws: torch.Generator) -> Stage:
    """The joint layer and one of each pathway, both directions."""
    pathways = {name: Pathway(Binary(1024), (Layer(1024, 2.0, 2.0),)) for name in ("image", "text")}
    model = Mdrnn.initialise(pathways, 2048, draws, down=2.0)
    return model, Finetuning(10), torch.rand(200, 2048, device=draws.device, generator=draws)


def whole(draws: torch.Generator, directions: tuple[str, ...] = ("text",)) -> Stage:
    """The whole network."""
    layers = (Layer(1024, 2.0, 1.0), Layer(1024, 2.0, 2.0))
    pathways = {"image": Pathway(Gaussian(3857), layers), "text": Pathway(Binary(2000), layers)}
    model = Mdrnn.initialise(pathways, 2048, draws, down=2.0)
    return model, Finetuning(10, directions), torch.rand(200, 5857, device=draws.device, generator=draws)


STAGES: dict[str, Callable[[torch.Generator], Stage]] = {
    "image, layer 1 (CD-1)": lambda draws: rbm(IMAGE, 3857, "standardise", draws),
    "image, layer 2 (PCD-1)": lambda draws: rbm(BINARY, 1024, None, draws),
    "text, layer 1 (PCD-1)": lambda draws: rbm(BINARY, 2000, "binarise", draws),
    "joint layer (MP, both directions)": top,
    "top two layers, both directions": two_layers,
    "whole network, image to text": whole,
    "whole network, both directions": lambda draws: whole(draws, ("image", "text")),
}


PEAK = "peak"
JOINT = (
    "joint layer (MP, both directions)",
    "top two layers, both directions",
    "whole network, image to text",
)
"""The stages of the reference code's joint training, of 100,000 updates each in the paper's settings."""


@at_full_speed()
def report(name: str, chosen: argparse.Namespace) -> dict[str, float]:
    """Measure one stage, in a process of its own."""
    device = chosen.device
    model, objective, batch = STAGES[name](torch.Generator(device).manual_seed(0))
    draws = torch.Generator(device).manual_seed(0)
    # Before the products are recorded, which takes as much again.
    objective.step(model, batch, objective.start(model, batch.mean(0), draws), 1, draws)
    if device == "cuda":
        memory = torch.cuda.max_memory_allocated() / 2**30
    else:
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    update, alone, gflop = measure(model, objective, batch, device, chosen.repeats, chosen.graph)
    return {"update": update, "alone": alone, "gflop": gflop, "memory": memory}


def short(number: float) -> str:
    """Three digits, or as many as a whole number has."""
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def main() -> None:
    """Print the table as Markdown."""
    parser = options(__doc__, repeats=5)
    parser.add_argument("--precision", choices=["float32", "tf32", "bfloat16"], default="float32")
    parser.add_argument("--stage", choices=[PEAK, *STAGES], help=argparse.SUPPRESS)
    chosen = parsed(parser)
    if chosen.stage:
        set_precision(chosen.precision, chosen.device)
        found = {"rate": square_rate(chosen.device)} if chosen.stage == PEAK else report(chosen.stage, chosen)
        print(json.dumps(found))
        return

    # In processes of their own: each one's memory is its own, and no two hold a GPU at once.
    def measured(stage: str) -> dict[str, Any]:
        command = [sys.executable, *sys.argv, "--stage", stage]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)

    best = measured(PEAK)["rate"]
    what = f"torch {torch.__version__}, {machine(chosen.device)}"
    print(f"{what}, factors of products in {chosen.precision}; ", end="")
    print(f"a large square product alone: {best:.0f} GFLOP/s\n")
    print("| update | ms | products alone, ms | GFLOP | GFLOP/s ", end="")
    print("| of the large product's | examples/s | share of products | GiB |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    found = {}
    for name in STAGES:
        found[name] = stage = measured(name)
        update, alone, rate = stage["update"], stage["alone"], stage["gflop"] / stage["update"]
        times = f"{short(1e3 * update)} | {short(1e3 * alone)}"
        numbers = f"{times} | {stage['gflop']:.1f} | {rate:.0f} | {rate / best:.0%}"
        print(
            f"| {name} | {numbers} | {200 / update:.0f} | {alone / update:.0%} | {stage['memory']:.2f} |",
            flush=True,
        )
    hours = sum(found[name]["update"] for name in JOINT) * 100_000 / 3600
    print(f"\nThe reference code's joint stages, 3 x 100,000 updates, at this pace: {short(hours)} hours.")


if __name__ == "__main__":
    main()
