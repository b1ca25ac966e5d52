# SPDX-License-Identifier: MIT
"""MIRFLICKR from its two zips, images with tags and annotations (Huiskes and Lew 2008, MIR).

`mirflickr/im<i>.jpg` are the images, numbered from 1 without a hole, and `mirflickr/meta/tags/tags<i>.txt`
their tags, one a line; for the annotations see `mvi.data.readers.mirflickr_annotations`. Whatever else the
zips hold is left alone.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mvi.data.archives import open_zip
from mvi.data.catalogue import Catalogue, count_words
from mvi.data.readers.mirflickr_annotations import CLASSES, read_annotations
from mvi.data.readers.mirflickr_layout import image_names, tags_of
from mvi.data.splits import random_splits
from mvi.errors import DataError


def catalogue(
    raw: Mapping[str, str], settings: Mapping[str, Any], *, dataset: str, generated: bool, citation: str
) -> Catalogue:
    """Return the catalogue of the zips "images" and "annotations" of `raw`; raises as `read_mirflickr` does.

    `settings` are those of `mvi.data.sets.mirflickr25k` or `mvi.data.sets.mini`.
    """
    vocabulary, splits = settings["vocabulary"], settings["splits"]
    return read_mirflickr(
        raw["images"],
        raw["annotations"],
        dataset=dataset,
        labelled=settings.get("labelled"),
        vocabulary_size=vocabulary["size"],
        minimum_count=vocabulary["minimum_count"],
        splits=splits["count"],
        shares=(splits["train"], splits["validation"]),
        seed=splits["seed"],
        generated=generated,
        citation=citation,
    )


def read_mirflickr(
    images_zip: str | Path,
    annotations_zip: str | Path,
    *,
    dataset: str,
    labelled: int | None = None,
    vocabulary_size: int = 2000,
    minimum_count: int = 20,
    splits: int = 5,
    shares: Sequence[float] = (0.4, 0.2),
    seed: int = 0,
    generated: bool = False,
    citation: str = "",
) -> Catalogue:
    """Return the catalogue of data in the layout of MIRFLICKR; the images themselves are not read.

    Row i is image im<i+1>, and its id is i+1. The first `labelled` rows (all if None) have labels, in the
    order of `CLASSES`: the 24 potential topics, then the 14 regular ones, each alphabetical. The vocabulary
    is made of the tags of all rows as `mvi.data.catalogue.count_words` says, with `vocabulary_size` and
    `minimum_count`. There are `splits` random splits of the labelled rows, of which `shares` are for train
    and validation, decided by `seed`; see `mvi.data.splits.random_splits`.

    Tag files are UTF-8 with lines that end as on any system; one that is not UTF-8 is read as Latin-1, and
    their number is logged as one warning. Raises `DataError` where a zip is damaged or unsafe, an image, tag
    file or annotation is missing, or an annotation is no list of the labelled rows' numbers; `ConfigError`
    where the shares leave a part without a row.
    """
    with open_zip(images_zip) as archive:
        names = image_names(archive)
        tags = tags_of(archive, len(names))
    n_labelled = len(names) if labelled is None else labelled
    if not 0 < n_labelled <= len(names):
        raise DataError(
            f"{images_zip} holds {len(names)} images and cannot have {n_labelled} with labels; set a "
            "number that fits."
        )
    with open_zip(annotations_zip) as archive:
        labels = read_annotations(archive, n_labelled)
    text, vocabulary = count_words(tags, vocabulary_size, minimum_count)
    catalogue = Catalogue(
        dataset=dataset,
        names=names,
        ids=np.arange(1, len(names) + 1),
        text=text,
        vocabulary=vocabulary,
        labels=labels,
        classes=list(CLASSES),
        splits=random_splits(n_labelled, shares, splits, seed),
        generated=generated,
        citation=citation,
    )
    catalogue.check()
    return catalogue
