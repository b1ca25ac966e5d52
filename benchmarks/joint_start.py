# SPDX-License-Identifier: MIT
"""What the finetuned network owes to the training and the initial weights of the joint layer, on real images.

Preset `25k` with one or two things changed at a time, trained on the training rows of split 1 by the workflow
and evaluated on its validation rows; no test score is read. Run it from the project's root, with a mirror or
the network as config/mirflickr25k.yaml says.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from mvi.report.scores import Key, Scores, read_scores

SNAKEMAKE = str(Path(sys.executable).with_name("snakemake"))
# Run -> epochs of multi-prediction and initial weight std, to be shown; settings of the layer.
CHANGES = {
    "probe-one": ("1", "0.04", "{training_of: {mp: {epochs: 1}}}"),
    "probe-six": ("6", "0.04", "{training_of: {mp: {epochs: 6}}}"),
    # A rate at which no weight moves.
    "probe-none": ("0", "0.04", "{training_of: {mp: {learning_rate: 1e-12}}}"),
    "probe-small": ("1", "0.02", "{weight_std: 0.02}"),
    "probe-small-six": ("6", "0.02", "{weight_std: 0.02, training_of: {mp: {epochs: 6}}}"),
}
MODELS = {"mp": "joint layer", "whole": "finetuned"}
QUERIES = {"image+text": "multimodal", "image": "image-only"}


def score_file(run: str, model: str) -> str:
    """Where the workflow puts the scores of a model."""
    return f"results/{run}/scores/classify/{model}/split1.csv"


def main() -> None:
    """Print a table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    options = parser.parse_args()
    for run, (_, _, joint) in CHANGES.items():
        settings = f"settings={{rows: {{parts: [train]}}, joint: {joint}, sweep: {{trained: []}}}}"
        files = [score_file(run, model) for model in MODELS]
        command = [SNAKEMAKE, "--cores", str(options.cores), "--quiet", "all"]
        command += ["--configfile", "config/mirflickr25k.yaml", "--config", f"run={run}", settings]
        subprocess.run([*command, "--", *files], check=True)

    print(
        "mAP (interpolated) of the validation rows of split 1 by networks that have not learned from them, "
        "MIRFLICKR, preset `25k` but for the first two columns, seed 0.\n"
    )
    columns = [f"{title}, {query}" for title in MODELS.values() for query in QUERIES.values()]
    print("| epochs of MP | initial weight std | " + " | ".join(columns) + " |")
    print("|--:|--:|" + "--:|" * len(columns))
    for run, (epochs, std, _) in CHANGES.items():
        cells = []
        for model in MODELS:
            scores = Scores(read_scores([score_file(run, model)]))
            for query in QUERIES:
                key = Key(model, "map_interpolated", query, "validation", "multimodal")
                cells += [f"{value:.4f}" for value in scores.of(key).values()]
        print(f"| {epochs} | {std} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
