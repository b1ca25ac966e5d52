# SPDX-License-Identifier: MIT
"""Share of matrix products in one update of each objective at MNIST size, measured in one run.

The products of a real update are recorded (shapes and memory layout), then replayed alone, each into an
output that exists already. Whole updates and replays alternate, so that both see the same machine.
"""

import argparse
import platform
import re
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mvi.methods.registry import build
from mvi.models.mrbm import MultimodalRBM
from mvi.objectives.base import Objective
from mvi.training.cuda_graphs import Replayed, cuda_graph
from mvi.training.loop import Schedule, State, Tally, Trainable, update_once
from mvi.training.optim import UpdateRule
from mvi.training.processor import at_full_speed

MATRIX = {torch.ops.aten.mm.default, torch.ops.aten.addmm.default, torch.ops.aten.addmm_.default}
MATRIX |= {torch.ops.aten.mm.out, torch.ops.aten.addmm.out}

SCHEDULE = Schedule(1, UpdateRule(0.01), 1e-4)
SPARSITY = {"kind": "approximate", "weight": 0.1, "target": 0.1}
EXACT = SPARSITY | {"kind": "exact"}
UPDATES = {
    "PCD-1": ("pcd", {"gibbs_steps": {"start": 1}, "chains": 500, "sparsity": SPARSITY}),
    "PCD-10": ("pcd", {"gibbs_steps": {"start": 10}, "chains": 500, "sparsity": SPARSITY}),
    "CD-PercLoss-10": (
        "cd_percloss",
        {"gibbs_steps": {"start": 10}, "start_state": "doubled", "sparsity": SPARSITY},
    ),
    "MP, 5 iterations": (
        "mp",
        {
            "iterations": 5,
            "bptt_depth": {"start": 5},
            "reveal": 0.25,
            "start_state": "doubled",
            "sparsity": EXACT,
        },
    ),
}


class Recorder(TorchDispatchMode):
    """Collects, for every matrix product that runs under it, operands of the same size and layout."""

    def __init__(self) -> None:
        super().__init__()
        self.products: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func in MATRIX:
            left, right = [value for value in args if isinstance(value, torch.Tensor)][-2:]
            out = left.new_empty(len(left), right.shape[1])
            self.products.append((like(left), like(right), out))
        return func(*args, **(kwargs or {}))


def like(operand: torch.Tensor) -> torch.Tensor:
    """Random numbers in the memory layout of `operand`."""
    transposed = operand.stride(0) == 1 and operand.stride(1) != 1
    source = operand.T if transposed else operand
    copy = torch.rand(source.shape, device=operand.device)
    return copy.T if transposed else copy


def seconds(function: Callable[[], object], device: str) -> float:
    """Wall time of one call, the device's queue included."""
    started = time.perf_counter()
    function()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


@at_full_speed()
def measure(
    model: Trainable, objective: Objective, batch: torch.Tensor, device: str, repeats: int, graph: bool
) -> tuple[float, float, float]:
    """Median seconds of an update and of its products alone, and the update's GFLOP in products.

    With `graph` the update is recorded as a CUDA graph and replayed; the products never are.
    """
    draws = torch.Generator(device).manual_seed(0)
    state = State.begin(model, objective, SCHEDULE, batch.mean(0), draws)
    tally = Tally.begin(SCHEDULE.rule.rate(1), batch.device)
    update = partial(update_once, model, objective, SCHEDULE, state, tally)
    with Recorder() as recorder:
        update(batch)
    flop = sum(2 * a.shape[0] * a.shape[1] * b.shape[1] for a, b, _ in recorder.products)
    if graph:
        update = Replayed(update, draws, cuda_graph)
        update(batch), update(batch)

    def replay() -> None:
        for left, right, out in recorder.products:
            torch.mm(left, right, out=out)

    update(batch), replay()
    pairs = [(seconds(lambda: update(batch), device), seconds(replay, device)) for _ in range(repeats)]
    whole, alone = (statistics.median(column) for column in zip(*pairs, strict=True))
    return whole, alone, flop / 1e9


def square_rate(device: str) -> float:
    """GFLOP/s of one large product of square matrices."""
    size = 2**13 if device == "cuda" else 2**11
    left, right = (torch.rand(size, size, device=device) for _ in range(2))
    out = torch.mm(left, right)
    times = [seconds(lambda: torch.mm(left, right, out=out), device) for _ in range(7)]
    return 2 * size**3 / statistics.median(times) / 1e9


def machine(device: str) -> str:
    """What computes, and with which instructions: what shares of machines have to be told apart by."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    info = Path("/proc/cpuinfo")
    models = re.findall(r"^model name\s*: (.+)$", info.read_text(), re.MULTILINE) if info.exists() else []
    name = models[0] if models else platform.processor() or platform.machine()
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} thread(s)"


def options(description: str | None, repeats: int) -> argparse.ArgumentParser:
    """The options that benchmarks of updates share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--graph", action="store_true", help="replay CUDA graphs of the updates")
    return parser


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """What was asked for on the command line, if it can be had."""
    chosen = parser.parse_args()
    if chosen.graph and chosen.device == "cpu":
        parser.error("--graph needs a GPU: add --device cuda.")
    return chosen


def main() -> None:
    """Print the table as Markdown."""
    chosen = parsed(options(__doc__, repeats=30))
    print(f"torch {torch.__version__}, {machine(chosen.device)}, float32; ", end="")
    print(f"a large square product alone: {square_rate(chosen.device):.0f} GFLOP/s\n")
    print("| update | ms | products alone, ms | GFLOP | GFLOP/s of the update | share of products |")
    print("|---|---|---|---|---|---|")
    for label, (method, settings) in UPDATES.items():
        draws = torch.Generator(chosen.device).manual_seed(0)
        model = MultimodalRBM.initialise({"left": 392, "right": 392}, 1000, draws)
        batch = torch.rand(100, 784, device=chosen.device, generator=draws)
        objective = build(method, settings)
        whole, alone, gflop = measure(model, objective, batch, chosen.device, chosen.repeats, chosen.graph)
        numbers = f"{1e3 * whole:.1f} | {1e3 * alone:.1f} | {gflop:.2f} | {gflop / whole:.0f}"
        print(f"| {label} | {numbers} | {alone / whole:.0%} |", flush=True)


if __name__ == "__main__":
    main()
