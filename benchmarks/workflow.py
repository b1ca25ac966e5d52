# SPDX-License-Identifier: MIT
"""The runtime of the workflow itself: a dry run of everything, and the imports of a job.

Planning the default is to take less than 3 seconds, planning six runs less than 6.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

PLAN = [str(Path(sys.executable).with_name("snakemake")), "-n", "-q", "all"]
SIX = "runs=[digits-default, mini-default, theory, mnist-fast, mirflickr25k-25k, toronto-archive]"
COMMANDS = {
    "`snakemake -n all`, the default": [*PLAN, "--", "all"],
    "`snakemake -n all`, MNIST": [*PLAN, "--configfile", "config/mnist.yaml", "--", "all"],
    "`snakemake -n all`, six runs": [*PLAN, "--config", SIX, "--", "all"],
    "`import torch`, paid by a job that needs it": [sys.executable, "-c", "import torch"],
    "imports of a job that needs no torch": [sys.executable, "-c", "import pandas, matplotlib.figure"],
}


def main() -> None:
    """Print the table as Markdown: median of five."""
    print("| command | seconds |")
    print("|---|---|")
    for label, command in COMMANDS.items():
        times = []
        for _ in range(5):
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.perf_counter() - started)
        print(f"| {label} | {statistics.median(times):.1f} |", flush=True)


if __name__ == "__main__":
    main()
