# SPDX-License-Identifier: MIT
"""The archive of the paper's own features of MIRFLICKR: 25,000 labelled and 975,000 unlabelled rows."""

from mvi.data.sets.base import MEAN_AVERAGE_PRECISION, DataSet, Modality, Size

DATASET = DataSet(
    name="toronto",
    title="the feature archive of Srivastava and Salakhutdinov (2012)",
    order=50,
    modalities={"image": Modality(("standardise",)), "text": Modality(("binarise", "counts"))},
    labels="multi",
    metrics=MEAN_AVERAGE_PRECISION,
    settings={
        "unchecked": {
            "description": "What need not hold of the archive, in case its descriptions, and not it, are "
            "wrong.",
            "type": "array",
            "uniqueItems": True,
            "items": {
                "enum": [
                    "text_sum",
                    "vocabulary_counts",
                    "untagged",
                    "first_untagged",
                    "count_columns",
                    "label_mean",
                ]
            },
            "default": [],
        },
    },
    size=lambda settings: Size(rows=1_000_000, labelled=25_000, train=10_000),
    # The archive has splits of its own.
    splits=lambda settings: 5,
    write_store="mvi.data.readers.toronto:write_archive_store",
    downloads={"archive": "flickr_data.tar.gz"},
    feature_groups=("phow",),
)
