# SPDX-License-Identifier: MIT
"""Do tags that a network infers, taught by another collection's pairs, help to classify images without tags?

MIRFLICKR is cut in two by a group of classes: the images that show a person keep their tags and are the
pairs, the others keep their labels alone and are the target of the run `transfer-folder`. So no pair shows
what the target shows, but for what surrounds people too. Their features are those of the preset `network`;
rows are told apart by names. Run it from the project's root, with a mirror or the network as
config/mirflickr25k.yaml says; the table is results/transfer-folder/tables/table2.md.
"""

import argparse
import csv
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np

from mvi.data.catalogue import read_catalogue
from mvi.data.store import Store

SNAKEMAKE = str(Path(sys.executable).with_name("snakemake"))
DATA = Path("results/data/mirflickr25k")
FOLDER = Path("results/transfer")
# What the labels of people are called, those of `potential` and of `relevant` (_r1) images.
PEOPLE = {"people", "female", "male", "portrait", "baby"}
# A tenth each, since labels are few where tags are wanted from elsewhere.
SPLITS = "{count: 3, train: 0.1, validation: 0.1}"


def write_both() -> int:
    """Write images, table, zip of pairs and features in `FOLDER`; returns the number of pairs."""
    catalogue = read_catalogue(DATA / "catalogue.h5")
    columns = [i for i, name in enumerate(catalogue.classes) if name.removesuffix("_r1") in PEOPLE]
    people = catalogue.labels[:, columns].any(1)
    pairs, target = np.flatnonzero(people), np.flatnonzero(~people)
    (FOLDER / "images").mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(DATA / "raw/mirflickr25k.zip") as archive:
        with (FOLDER / "table.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(("file", "tags", "labels"))
            for row in target:
                name = Path(catalogue.names[row]).name
                (FOLDER / "images" / name).write_bytes(archive.read(catalogue.names[row]))
                own = [catalogue.classes[i] for i in np.flatnonzero(catalogue.labels[row])]
                table.writerow((name, "", ";".join(own) or ";"))
        with zipfile.ZipFile(FOLDER / "pairs.zip", "w") as other:
            for number, row in enumerate(pairs, 1):
                tags = f"mirflickr/meta/tags/tags{catalogue.ids[row]}.txt"
                other.writestr(f"mirflickr/im{number}.jpg", archive.read(catalogue.names[row]))
                other.writestr(f"mirflickr/meta/tags/tags{number}.txt", archive.read(tags))
    with Store(DATA / "efficientnet_lite0/store.h5") as store:
        image = store.read("image", slice(0, store.n_rows))
    names = [Path(catalogue.names[row]).name for row in target]
    names += [f"mirflickr/im{number}.jpg" for number in range(1, len(pairs) + 1)]
    with h5py.File(FOLDER / "efficientnet_lite0.h5", "w") as file:
        file["names"], file["features"] = names, image[np.concatenate([target, pairs])]
    return len(pairs)


def main() -> None:
    """Make the data, then the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    snakemake = [SNAKEMAKE, "--cores", str(parser.parse_args().cores)]
    described = ["features", "--configfile", "config/mirflickr25k.yaml", "--config", "preset=network"]
    subprocess.run([*snakemake, *described], check=True)
    pairs = write_both()
    own = f"images: {FOLDER}/images, table: {FOLDER}/table.csv, pairs: {FOLDER}/pairs.zip, pair_rows: {pairs}"
    config = [
        "runs=[transfer-folder]",
        f"data={{folder: {{{own}, splits: {SPLITS}}}}}",
        # Named otherwise than the network, whose own store it would be taken for.
        f"features={{kind: file, file: {FOLDER}/efficientnet_lite0.h5, name: taken}}",
    ]
    command = ["table2", "--configfile", "config/folder.yaml", "--config", *config]
    subprocess.run([*snakemake, *command], check=True)


if __name__ == "__main__":
    main()
