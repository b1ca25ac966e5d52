# SPDX-License-Identifier: MIT
"""Two trainings of one thread side by side against one after the other of two threads: seconds for both."""

import os
import subprocess
import sys
import time

UPDATES = """
import torch
from mvi.data.batches import Minibatches
from mvi.models.mrbm import MultimodalRBM
from mvi.objectives.multiprediction import MultiPrediction
from mvi.training.loop import Schedule, train

torch.set_num_threads({threads})
draws = torch.Generator().manual_seed(0)
model = MultimodalRBM.initialise({{"left": 392, "right": 392}}, 1000, draws)
rows = torch.rand(10000, 784, generator=draws)
train(model, MultiPrediction(5), Minibatches(rows, 100), Schedule(1), draws, label="bench")
"""


def seconds(threads: int, together: int) -> float:
    """Wall time until two trainings of 100 updates each are done, `together` of them at a time."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-c", UPDATES.format(threads=threads)]
    started = time.perf_counter()
    for _ in range(2 // together):
        jobs = [subprocess.Popen(command, env=environment) for _ in range(together)]
        for job in jobs:
            if job.wait() != 0:
                raise SystemExit(f"a training ended with {job.returncode}")
    return time.perf_counter() - started


def main() -> None:
    """Print the table as Markdown: the better of two tries, taken in turn."""
    pairs = [(seconds(1, 2), seconds(2, 1)) for _ in range(2)]
    side_by_side, in_turn = (min(column) for column in zip(*pairs, strict=True))
    print("| two MP trainings, 100 updates each | seconds |")
    print("|---|---|")
    print(f"| side by side, one thread each | {side_by_side:.1f} |")
    print(f"| one after the other, two threads each | {in_turn:.1f} |")


if __name__ == "__main__":
    main()
