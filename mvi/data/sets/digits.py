# SPDX-License-Identifier: MIT
"""The 1,797 handwritten digits that scikit-learn carries, cut in halves: real data without a download."""

from mvi.data.sets.base import ERROR_RATE, DataSet, Modality, Settings, Size
from mvi.data.sets.shares import check_shares

ROWS = 1797


def size(settings: Settings) -> Size:
    """All rows are labelled, and training has what validation and test leave."""
    others = sum(round(settings[part] * ROWS) for part in ("validation", "test"))
    return Size(rows=ROWS, labelled=ROWS, train=ROWS - others)


DATASET = DataSet(
    name="digits",
    title="scikit-learn's handwritten digits (8 x 8 pixels)",
    order=10,
    modalities={side: Modality(transforms=("as_stored",), shape=(8, 4)) for side in ("left", "right")},
    labels="single",
    metrics=ERROR_RATE,
    settings={
        "seed": {"$ref": "#/$defs/seed"},
        "validation": {
            "$ref": "#/$defs/share",
            "description": "Share of all rows, of each class alike; training has what this and test leave.",
            "default": 0.2,
        },
        "test": {"$ref": "#/$defs/share", "default": 0.3},
    },
    size=size,
    splits=lambda settings: 1,
    check=lambda settings: check_shares(settings, "data.digits", "validation", "test", "training"),
    write_store="mvi.data.readers.digits:write_digits_store",
    citation="Alpaydin, Kaynak (1998): Optical Recognition of Handwritten Digits, UCI Machine Learning "
    "Repository (its test part, as carried by scikit-learn)",
)
