# SPDX-License-Identifier: MIT
"""The 25,000 images of MIRFLICKR with their owners' tags and 38 labels (Huiskes and Lew 2008, MIR)."""

from mvi.data.sets.base import MEAN_AVERAGE_PRECISION, DataSet, Modality, Settings, Size
from mvi.data.sets.shares import check_splits, number_of_splits, training_rows


def size(settings: Settings) -> Size:
    """All rows are labelled."""
    rows = settings["images"]
    return Size(rows, rows, training_rows(settings, rows))


DATASET = DataSet(
    name="mirflickr25k",
    title="MIRFLICKR-25000",
    order=40,
    modalities={"image": Modality(("standardise",)), "text": Modality(("binarise", "counts"))},
    labels="multi",
    metrics=MEAN_AVERAGE_PRECISION,
    settings={
        "images": {
            "$ref": "#/$defs/count",
            "description": "Images in the archive, by which the jobs are planned.",
            "default": 25000,
        },
        "vocabulary": {"$ref": "#/$defs/vocabulary"},
        "splits": {"$ref": "#/$defs/splits"},
    },
    size=size,
    splits=number_of_splits,
    check=lambda settings: check_splits(settings, "data.mirflickr25k", "images"),
    read="mvi.data.readers.mirflickr:catalogue",
    downloads={"images": "mirflickr25k.zip", "annotations": "mirflickr25k_annotations_v080.zip"},
)
