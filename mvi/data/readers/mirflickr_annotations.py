# SPDX-License-Identifier: MIT
"""The zip of MIRFLICKR's annotations (Huiskes and Lew 2008, MIR).

It has a file `<class>.txt` for each class, at its root, with the numbers of the class's images, one a line.
"""

import re
import zipfile

import numpy as np

from mvi.data.archives import read_member
from mvi.errors import DataError

# An image is in a potential topic if the topic is seen in it at all, in a regular one if it is prominent.
POTENTIAL = (
    "animals",
    "baby",
    "bird",
    "car",
    "clouds",
    "dog",
    "female",
    "flower",
    "food",
    "indoor",
    "lake",
    "male",
    "night",
    "people",
    "plant_life",
    "portrait",
    "river",
    "sea",
    "sky",
    "structures",
    "sunset",
    "transport",
    "tree",
    "water",
)
REGULAR = (
    "baby_r1",
    "bird_r1",
    "car_r1",
    "clouds_r1",
    "dog_r1",
    "female_r1",
    "flower_r1",
    "male_r1",
    "night_r1",
    "people_r1",
    "portrait_r1",
    "river_r1",
    "sea_r1",
    "tree_r1",
)
CLASSES = POTENTIAL + REGULAR


def read_annotations(archive: zipfile.ZipFile, n_labelled: int) -> np.ndarray:
    """Return (n_labelled, classes) uint8, 1 where the annotation of a class lists an image.

    Raises `DataError` where an annotation is missing or is no list of numbers from 1 to `n_labelled`.
    """
    return np.stack([_members(archive, name, n_labelled) for name in CLASSES], 1)


def _members(archive: zipfile.ZipFile, name: str, n_labelled: int) -> np.ndarray:
    """Return (n_labelled,) uint8, 1 for each image that the annotation of class `name` lists."""
    file = f"{name}.txt"
    lines = read_member(archive, file).decode("latin-1").replace("\r", "\n").split("\n")
    member = np.zeros(n_labelled, np.uint8)
    for position, line in enumerate(lines, 1):
        number = line.strip()
        if not number:
            continue
        if not re.fullmatch(r"[0-9]{1,18}", number):
            raise DataError(
                f"{file} in {archive.filename} has {number[:40]!r} in line {position}, which is no image "
                "number; retrieve the right archive."
            )
        if not 1 <= int(number) <= n_labelled:
            raise DataError(
                f"{file} in {archive.filename} has the number {number} in line {position}, but the images "
                f"with labels run from 1 to {n_labelled}; use the two archives of one data set."
            )
        member[int(number) - 1] = 1
    return member
