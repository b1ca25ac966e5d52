# SPDX-License-Identifier: MIT
"""Procedural scenes in the layout of PASCAL VOC 2007, and pairs without labels that have other tags."""

from mvi.data.sets.base import DataSet, Generator, Modality, Settings, Size
from mvi.data.sets.voc2007 import METRICS, TAGS, left_out


def size(settings: Settings) -> Size:
    """As many rows as are drawn, the labelled ones first."""
    sets = settings["sets"]
    labelled = sum(sets.values())
    return Size(labelled + settings["unlabelled"], labelled, sets["train"])


DATASET = DataSet(
    name="minivoc",
    title="procedural scenes in the layout of VOC",
    order=32,
    modalities={"image": Modality(("standardise",)), "text": Modality(("binarise", "counts"))},
    labels="multi",
    metrics=METRICS,
    settings={
        "seed": {"$ref": "#/$defs/seed"},
        "sets": {
            "description": "Labelled images of each set.",
            "properties": {
                "train": {"$ref": "#/$defs/count", "default": 120},
                "val": {"$ref": "#/$defs/count", "default": 240},
                "test": {"$ref": "#/$defs/count", "default": 1200},
            },
        },
        "unlabelled": {"$ref": "#/$defs/count", "default": 2500},
        "size": {
            "description": "Pixels along a side of an image.",
            "type": "integer",
            "minimum": 32,
            "default": 96,
        },
        **TAGS,
    },
    size=size,
    splits=lambda settings: 1,
    read="mvi.data.readers.voc2007:catalogue",
    image_files=("images", "test_images", "unlabelled_images"),
    generator=Generator(
        draw="mvi.synthetic.voc2007:write_voc2007",
        files={
            "images": "trainval.tar",
            "test_images": "test.tar",
            "train_tags": "train_annot.hvecs",
            "test_tags": "test_annot.hvecs",
            "train_list": "train_list.txt",
            "test_list": "test_list.txt",
            "dictionary": "dictionary.txt",
            "tag_lines": "tags.txt",
            "unlabelled_images": "pictures.zip",
        },
        truth="truth.npz",
        settings=("sets", "unlabelled", "size", "seed"),
        tag_probabilities="mvi.synthetic.truth:tag_probabilities",
    ),
    left_out=left_out,
    citation="Procedural scenes made by mvi.synthetic, in the layouts of Everingham et al. (2010): The "
    "PASCAL Visual Object Classes (VOC) challenge, and of Huiskes, Lew (2008): The MIR Flickr Retrieval "
    "Evaluation",
)
