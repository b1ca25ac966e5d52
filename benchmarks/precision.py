# SPDX-License-Identifier: MIT
"""What products of TF32 or bfloat16 factors, and another seed, do to the deep model on the generated scenes.

The whole training runs again for every seed and precision, by the workflow, on the store that is there
already; on a CPU the factors are rounded as a GPU would. Run it from the project's root after `make`.
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

from mvi.report.scores import Key, Scores, read_scores

SNAKEMAKE = str(Path(sys.executable).with_name("snakemake"))
KINDS = ("float32", "tf32", "bfloat16")
QUERIES = {"multimodal": "image+text", "image-only": "image"}
MODELS = {"pcd": "joint layer by PCD", "mp": "joint layer by MP", "whole": "MDRNN, whole network"}


def score_file(kind: str, seed: int, model: str) -> str:
    """Where the workflow puts the scores of one model on all splits."""
    return f"results/precision-{kind}-seed{seed}/scores/classify/{model}/unlabelled.csv"


def train(kind: str, seed: int, cores: int) -> None:
    """Have the workflow make the scores of every model."""
    settings = ["runs=[mini-default]", f"run=precision-{kind}-seed{seed}", f"settings={{seeds: [{seed}]}}"]
    settings.append(f"precision={kind}")
    files = [score_file(kind, seed, model) for model in MODELS]
    command = [SNAKEMAKE, "--cores", str(cores), "--quiet", "all", "--config", *settings, "--", *files]
    subprocess.run(command, check=True)


def mean_map(kind: str, seed: int, model: str, query: str) -> float:
    """Test mAP (interpolated), mean over the splits."""
    scores = Scores(read_scores([score_file(kind, seed, model)]))
    key = Key(model, "map_interpolated", query, variant="multimodal")
    return statistics.mean(scores.of(key).values())


def spread(values: list[float], sign: str = "") -> str:
    """Mean ± standard deviation."""
    return f"{statistics.mean(values):{sign}.4f} ± {statistics.stdev(values):.4f}"


def main() -> None:
    """Print two tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="two or more")
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    options = parser.parse_args()
    seeds = options.seeds
    if len(seeds) < 2:
        parser.error("give two seeds or more: the noise between them is what the rest is compared with")
    for seed in seeds:
        for kind in KINDS:
            train(kind, seed, options.cores)

    scores = {
        (kind, model, name): [mean_map(kind, seed, model, query) for seed in seeds]
        for kind in KINDS
        for model in MODELS
        for name, query in QUERIES.items()
    }
    print(
        "Test mAP (interpolated) on generated scenes, mean over splits; "
        f"mean ± standard deviation over {len(seeds)} seeds of the training.\n"
    )
    print("| model, query | " + " | ".join([*KINDS, *(f"{kind} - float32" for kind in KINDS[1:])]) + " |")
    print("|---|" + "--:|" * (2 * len(KINDS) - 1))
    for model, title in MODELS.items():
        for name in QUERIES:
            exact = scores["float32", model, name]
            cells = [spread(scores[kind, model, name]) for kind in KINDS]
            for kind in KINDS[1:]:
                pairs = zip(scores[kind, model, name], exact, strict=True)
                cells.append(spread([one - other for one, other in pairs], "+"))
            print(f"| {title}, {name} | " + " | ".join(cells) + " |")
    print("\n| difference, float32, image-only | over seeds | wins |")
    print("|---|--:|--:|")
    for better, worse in (("mp", "pcd"), ("whole", "mp")):
        pairs = zip(*(scores["float32", model, "image-only"] for model in (better, worse)), strict=True)
        gaps = [one - other for one, other in pairs]
        above = f"{sum(gap > 0 for gap in gaps)} of {len(gaps)}"
        print(f"| {MODELS[better]} - {MODELS[worse]} | {spread(gaps, '+')} | {above} |")


if __name__ == "__main__":
    main()
