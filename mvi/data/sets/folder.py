# SPDX-License-Identifier: MIT
"""Anybody's own images, in a folder, with a table of their tags and, where known, their labels."""

from mvi.data.sets.base import MEAN_AVERAGE_PRECISION, DataSet, Modality, Settings, Size
from mvi.data.sets.shares import check_splits, number_of_splits, training_rows


def size(settings: Settings) -> Size:
    """A look at the table and at the files that it lists, none of which is opened."""
    from mvi.data.readers.folder import survey_folder

    found = survey_folder(settings["pictures"], settings["table"])
    return Size(found.pictures, found.labelled, training_rows(settings, found.labelled), found.fingerprint)


DATASET = DataSet(
    name="folder",
    title="folder",
    order=60,
    modalities={"image": Modality(("standardise",)), "text": Modality(("binarise", "counts"))},
    labels="multi",
    metrics=MEAN_AVERAGE_PRECISION,
    settings={
        "pictures": {"description": "The folder.", "type": ["string", "null"], "default": None},
        "table": {
            "description": "CSV with the columns file, tags and perhaps labels; tags and labels are "
            'separated by ";".',
            "type": ["string", "null"],
            "default": None,
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
    own_files={"images": "pictures", "table": "table"},
)
