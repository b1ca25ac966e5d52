# SPDX-License-Identifier: MIT
"""Procedural scenes with tags and labels, made by a program in the layout of MIRFLICKR."""

from mvi.data.sets.base import MEAN_AVERAGE_PRECISION, DataSet, Generator, Modality, Settings, Size
from mvi.data.sets.shares import check_splits, number_of_splits, training_rows


def size(settings: Settings) -> Size:
    """As many rows as are drawn, the labelled ones first."""
    labelled = settings["labelled"]
    return Size(labelled + settings["unlabelled"], labelled, training_rows(settings, labelled))


DATASET = DataSet(
    name="mini",
    title="procedural scenes with tags",
    order=30,
    modalities={"image": Modality(("standardise",)), "text": Modality(("binarise", "counts"))},
    labels="multi",
    metrics=MEAN_AVERAGE_PRECISION,
    settings={
        "seed": {"$ref": "#/$defs/seed"},
        "labelled": {"$ref": "#/$defs/count", "default": 2000},
        "unlabelled": {"type": "integer", "minimum": 0, "default": 2000},
        "size": {
            "description": "Pixels along a side of an image.",
            "type": "integer",
            "minimum": 32,
            "default": 96,
        },
        "vocabulary": {"$ref": "#/$defs/vocabulary", "default": {"minimum_count": 10}},
        "splits": {"$ref": "#/$defs/splits"},
    },
    size=size,
    splits=number_of_splits,
    check=lambda settings: check_splits(settings, "data.mini", "labelled"),
    read="mvi.data.readers.mirflickr:catalogue",
    generator=Generator(
        draw="mvi.synthetic.mirflickr:write_mirflickr",
        files={"images": "pictures.zip", "annotations": "annotations.zip"},
        truth="truth.npz",
        settings=("labelled", "unlabelled", "size", "seed"),
        tag_probabilities="mvi.synthetic.truth:tag_probabilities",
    ),
    citation="Procedural scenes made by mvi.synthetic, in the layout of Huiskes, Lew (2008): The MIR Flickr "
    "Retrieval Evaluation",
)
