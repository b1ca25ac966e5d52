# SPDX-License-Identifier: MIT
"""MIRFLICKR-1M from its zip of tags and the annotations of its first images; images are not needed.

Image i, from 0, is `images/<folder>/<i>.jpg` in one of ten archives and its tags, one a line, are
`tags/<folder>/<i>.txt` in one zip for all; a folder has the images of ten thousand successive numbers. The
first 25,000 are those of MIRFLICKR-25000, image i being im<i + 1>, by whose numbers the annotations go.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mvi.data.archives import open_zip
from mvi.data.catalogue import Catalogue, count_words
from mvi.data.readers.mirflickr_annotations import CLASSES, read_annotations
from mvi.data.readers.mirflickr_layout import read_tags
from mvi.data.splits import random_splits


def catalogue(
    raw: Mapping[str, str], settings: Mapping[str, Any], *, dataset: str, generated: bool, citation: str
) -> Catalogue:
    """The catalogue by the zips "tags" and "annotations" of `raw`; `settings` are those of the record.

    Row i is image i. Tag files are UTF-8, or else read as Latin-1, with one warning of how many. Raises
    `DataError` where a zip is damaged or unsafe, or lacks the tags of an image, or where an annotation is no
    list of labelled images; `ConfigError` where the shares leave a part without a row.
    """
    rows = settings["archives"] * settings["folders"] * settings["images"]
    labelled, vocabulary, splits = settings["labelled"], settings["vocabulary"], settings["splits"]
    places = [f"{row // settings['images']}/{row}" for row in range(rows)]
    with open_zip(raw["tags"]) as archive:
        tags = read_tags(archive, [f"tags/{place}.txt" for place in places])
    with open_zip(raw["annotations"]) as archive:
        labels = read_annotations(archive, labelled)
    text, words = count_words(tags, vocabulary["size"], vocabulary["minimum_count"])
    found = Catalogue(
        dataset=dataset,
        names=[f"images/{place}.jpg" for place in places],
        ids=np.arange(rows),
        text=text,
        vocabulary=words,
        labels=labels,
        classes=list(CLASSES),
        splits=random_splits(
            labelled, (splits["train"], splits["validation"]), splits["count"], splits["seed"]
        ),
        generated=generated,
        citation=citation,
    )
    found.check()
    return found
