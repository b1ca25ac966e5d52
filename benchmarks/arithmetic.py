# SPDX-License-Identifier: MIT
"""How far the tables of results folders lie apart, such as those of two processors.

    python benchmarks/arithmetic.py results OTHER/results
    python benchmarks/arithmetic.py results OTHER/results [MORE/results ...] --tolerances docs/tolerances.csv

The first prints, for every CSV file of a table that both folders have, the largest and the mean difference of
means. The second writes what `make check` goes by: the largest difference of each column of each table, as
written, between any two of the folders. The arithmetics to compare on one machine, each in its own clone:
the processor's own, the same on two threads, without AVX-512, and without any wide instruction:

    snakemake --cores 2 all
    snakemake --cores 2 all --set-threads pretrain_layer=2 train_joint=2 finetune=2 encode=2 classify=2 \\
        baselines=2 predict_tags=2 predict_tags_linearly=2 sweep_iterations=2 theory_measure=2
    ATEN_CPU_CAPABILITY=avx2 MKL_ENABLE_INSTRUCTIONS=AVX2 OPENBLAS_CORETYPE=Haswell snakemake --cores 2 all
    ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE OPENBLAS_CORETYPE=Prescott snakemake --cores 2 all
"""

import argparse
from pathlib import Path

import pandas as pd

from mvi.files import read_sealed
from mvi.report.check import Cell, Place, cells, tolerances, write_tolerances

VALUES = ("mean", "sd")


def differences(first: pd.DataFrame, second: pd.DataFrame) -> pd.Series:
    """Absolute differences of the column "mean" of rows that agree in every column but the numbers.

    Raises `ValueError` where the two do not have the same rows.
    """
    keys = [name for name in first.columns if name not in (*VALUES, "wins", "published", "published_source")]
    both = first.merge(second, on=keys, how="outer", suffixes=("", "_other"), indicator=True)
    if not (both["_merge"] == "both").all():
        raise ValueError(f"{int((both['_merge'] != 'both').sum())} rows are in one of the tables only.")
    return (both["mean"] - both["mean_other"]).abs().dropna()


def made(folder: Path) -> dict[Place, Cell]:
    """The cells of all tables in a folder of results."""
    paths = [path for path in folder.glob("*/tables/*.md") if path.stem != "search"]
    return {
        place: cell for path in paths for place, cell in cells(str(path), read_sealed(path).decode()).items()
    }


def main() -> None:
    """Print a Markdown table, or write tolerances."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("more", type=Path, nargs="*")
    parser.add_argument("--tolerances", type=Path)
    given = parser.parse_args()
    if given.tolerances:
        folders = (given.first, given.second, *given.more)
        results = [made(folder) for folder in folders]
        write_tolerances(given.tolerances, tolerances(results))
        every, some = set.intersection(*map(set, results)), set.union(*map(set, results))
        print(f"{len(every)} cells are in all of {len(folders)} folders, {len(some - every)} only in some.")
        return
    lines = [
        "| run | table | metric | cells | largest difference | mean difference |",
        "|---|---|---|--:|--:|--:|",
    ]
    for path in sorted(given.first.glob("*/tables/*.csv")):
        other = given.second / path.relative_to(given.first)
        if not other.exists() or path.stem.endswith("_classes"):
            continue
        first, second = (pd.read_csv(one, keep_default_na=True) for one in (path, other))
        first, second = (one[one["kind"] != "published"] for one in (first, second))
        for metric in dict.fromkeys(first["metric"]):
            apart = differences(first[first["metric"] == metric], second[second["metric"] == metric])
            lines.append(
                f"| {path.parts[-3]} | {path.stem} | {metric} | {len(apart)} | {apart.max():.2g} | "
                f"{apart.mean():.2g} |"
            )
    print("\n".join(lines))


if __name__ == "__main__":
    main()
