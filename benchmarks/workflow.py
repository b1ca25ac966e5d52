# SPDX-License-Identifier: MIT
"""What the workflow itself costs: a dry run of everything, and the imports of a job."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

SNAKEMAKE = str(Path(sys.executable).with_name("snakemake"))
COMMANDS = {
    "`snakemake -n all`, embedded data": [SNAKEMAKE, "-n", "-q", "all", "--", "all"],
    "`snakemake -n all`, MNIST": [
        SNAKEMAKE,
        "-n",
        "-q",
        "all",
        "--configfile",
        "config/mnist.yaml",
        "--",
        "all",
    ],
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
