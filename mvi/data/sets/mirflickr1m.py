# SPDX-License-Identifier: MIT
"""MIRFLICKR's million images with their owners' tags (Huiskes, Thomee and Lew 2010, MIR).

The first 25,000 are those of MIRFLICKR-25000 and have its labels. Images come in ten archives of 12 GB, each
of ten folders of 10,000 images, which are described an archive at a time; that is then deleted.
"""

from mvi.data.sets.base import MEAN_AVERAGE_PRECISION, DataSet, Modality, Settings, Size
from mvi.data.sets.shares import check_splits, number_of_splits, training_rows
from mvi.errors import ConfigError

ARCHIVES = 10
KINDS = ("images", *(f"images{number}" for number in range(1, ARCHIVES)))


def size(settings: Settings) -> Size:
    """The labelled rows are the first."""
    rows = settings["archives"] * settings["folders"] * settings["images"]
    return Size(rows, settings["labelled"], training_rows(settings, settings["labelled"]))


def check(settings: Settings) -> None:
    """Labelled images are among those that there are."""
    if settings["labelled"] > size(settings).rows:
        raise ConfigError(
            f'config key "data.mirflickr1m.labelled" is {settings["labelled"]}, more than there are images; '
            "lower it."
        )
    check_splits(settings, "data.mirflickr1m", "labelled")


DATASET = DataSet(
    name="mirflickr1m",
    title="MIRFLICKR-1M",
    order=42,
    modalities={"image": Modality(("standardise",)), "text": Modality(("binarise", "counts"))},
    labels="multi",
    metrics=MEAN_AVERAGE_PRECISION,
    settings={
        "archives": {
            "$ref": "#/$defs/count",
            "maximum": ARCHIVES,
            "description": "How many of the ten archives of images are used, the first ones.",
            "default": ARCHIVES,
        },
        "folders": {
            "$ref": "#/$defs/count",
            "description": "Folders of images in each archive.",
            "default": 10,
        },
        "images": {"$ref": "#/$defs/count", "description": "Images in each folder.", "default": 10000},
        "labelled": {
            "$ref": "#/$defs/count",
            "description": "Images that the annotations are of, the first ones.",
            "default": 25000,
        },
        "vocabulary": {"$ref": "#/$defs/vocabulary"},
        "splits": {"$ref": "#/$defs/splits"},
    },
    size=size,
    splits=number_of_splits,
    check=check,
    read="mvi.data.readers.mirflickr1m:catalogue",
    image_files=KINDS,
    in_turn=True,
    left_out=lambda settings: KINDS[settings["archives"] :],
    downloads={
        **{kind: f"images{number}.zip" for number, kind in enumerate(KINDS)},
        "tags": "tags.zip",
        "annotations": "mirflickr25k_annotations_v080.zip",
    },
)
