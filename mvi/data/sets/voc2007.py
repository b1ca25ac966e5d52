# SPDX-License-Identifier: MIT
"""PASCAL VOC 2007 with its owners' tags, and MIRFLICKR's pairs without labels: the paper's section 4.3.

The tags are those that Guillaumin, Verbeek and Schmid (2010) collected. A class that an image shows only in
objects marked as difficult is unknown for it.
"""

from mvi.data.sets.base import MEAN_AVERAGE_PRECISION, DataSet, Modality, Settings, Size

TRAIN, VALIDATION, TEST = 2501, 2510, 4952
# The development kit's of 2007 and of later years, then the reference code's and others.
METRICS = {
    "map_11_points": "mvi.evaluation.voc_precision:average_precision_11_points",
    "map_voc_2010": "mvi.evaluation.voc_precision:average_precision_2010",
    **MEAN_AVERAGE_PRECISION,
}
TAGS = {
    "tags": {
        "description": "Files of tags: those of LEAR, or a text with a line for each image, its id and then "
        "its tags, all separated by blanks.",
        "enum": ["lear", "text"],
        "default": "lear",
    },
    "vocabulary": {
        "$ref": "#/$defs/vocabulary",
        "description": "Of the text: the tags of labelled images that count. LEAR's files bring their own.",
        "default": {"minimum_count": 8},
    },
}
LEAR = ("train_tags", "test_tags", "train_list", "test_list", "dictionary")


def left_out(settings: Settings) -> tuple[str, ...]:
    """The tags in the form that is not asked for."""
    return ("tag_lines",) if settings["tags"] == "lear" else LEAR


def size(settings: Settings) -> Size:
    """The official rows, with labels, then the others."""
    labelled = TRAIN + VALIDATION + TEST
    return Size(labelled + settings["unlabelled"], labelled, TRAIN)


DATASET = DataSet(
    name="voc2007",
    title="PASCAL VOC 2007",
    order=44,
    modalities={"image": Modality(("standardise",)), "text": Modality(("binarise", "counts"))},
    labels="multi",
    metrics=METRICS,
    settings={
        **TAGS,
        "unlabelled": {
            "$ref": "#/$defs/count",
            "description": "Images of MIRFLICKR in its archive, by which the jobs are planned.",
            "default": 25000,
        },
    },
    size=size,
    splits=lambda settings: 1,
    read="mvi.data.readers.voc2007:catalogue",
    image_files=("images", "test_images", "unlabelled_images"),
    downloads={
        "images": "VOCtrainval_06-Nov-2007.tar",
        "test_images": "VOCtest_06-Nov-2007.tar",
        "train_tags": "pascal07_train_annot.hvecs",
        "test_tags": "pascal07_test_annot.hvecs",
        "train_list": "pascal07_train_list.txt",
        "test_list": "pascal07_test_list.txt",
        "dictionary": "pascal07_dictionary.txt",
        "tag_lines": "voc2007_tags.txt",
        "unlabelled_images": "mirflickr25k.zip",
    },
    left_out=left_out,
)
