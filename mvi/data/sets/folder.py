# SPDX-License-Identifier: MIT
"""Anybody's own images, in a folder, with a table of their tags and, where known, their labels."""

from mvi.data.sets.base import MEAN_AVERAGE_PRECISION, DataSet, Modality, Settings, Size
from mvi.data.sets.shares import check_splits, number_of_splits, training_rows


def size(settings: Settings) -> Size:
    """A look at the table and at the files that it lists, none of which is opened."""
    from mvi.data.readers.folder import survey_folder

    found = survey_folder(settings["images"], settings["table"])
    rows = found.images + (settings["pair_rows"] if settings["pairs"] else 0)
    return Size(rows, found.labelled, training_rows(settings, found.labelled), found.fingerprint)


DATASET = DataSet(
    name="folder",
    title="folder",
    order=60,
    modalities={"image": Modality(("standardise",)), "text": Modality(("binarise", "counts"))},
    labels="multi",
    metrics=MEAN_AVERAGE_PRECISION,
    settings={
        "images": {"description": "The folder.", "type": ["string", "null"], "default": None},
        "table": {
            "description": "CSV with the columns file, tags and perhaps labels; tags and labels are "
            'separated by ";".',
            "type": ["string", "null"],
            "default": None,
        },
        "pairs": {
            "description": "A zip of other images with tags, in MIRFLICKR's layout, to learn from without "
            "labels; null for none.",
            "type": ["string", "null"],
            "default": None,
        },
        "pair_rows": {
            "$ref": "#/$defs/count",
            "description": "Images in that zip, by which the jobs are planned.",
            "default": 25000,
        },
        "fold_case": {
            "description": "Whether capital and small letters of tags count as the same.",
            "type": "boolean",
            "default": False,
        },
        "vocabulary": {"$ref": "#/$defs/vocabulary", "default": {"minimum_count": 2}},
        "splits": {"$ref": "#/$defs/splits", "default": {"count": 3, "train": 0.6}},
    },
    size=size,
    splits=number_of_splits,
    check=lambda settings: check_splits(settings, "data.folder"),
    read="mvi.data.readers.folder:catalogue",
    image_files=("images", "pairs"),
    own_files={"images": "images", "table": "table", "pairs": "pairs"},
    left_out=lambda settings: () if settings["pairs"] else ("pairs",),
)
