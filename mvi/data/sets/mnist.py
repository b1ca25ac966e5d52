# SPDX-License-Identifier: MIT
"""MNIST, 60,000 and 10,000 handwritten digits, cut in halves: the paper's Table 1 and Figure 2."""

from mvi.data.sets.base import ERROR_RATE, DataSet, Modality, Settings, Size

TRAIN, TEST = 60_000, 10_000


def size(settings: Settings) -> Size:
    """The training files' rows, some of them held out for validation, then the test files' rows."""
    train = TRAIN - round(settings["validation"] * TRAIN)
    return Size(rows=TRAIN + TEST, labelled=TRAIN + TEST, train=train)


DATASET = DataSet(
    name="mnist",
    title="MNIST (28 x 28 pixels)",
    order=20,
    modalities={side: Modality(transforms=("as_stored",), shape=(28, 14)) for side in ("left", "right")},
    labels="single",
    metrics=ERROR_RATE,
    settings={
        "seed": {"$ref": "#/$defs/seed"},
        "validation": {
            "$ref": "#/$defs/share",
            "description": "Share of the training files' rows: 10,000, as in the reference code.",
            "default": 0.166667,
        },
    },
    size=size,
    splits=lambda settings: 1,
    write_store="mvi.data.readers.mnist:write_mnist_store",
    downloads={
        "train_images": "train-images-idx3-ubyte.gz",
        "train_labels": "train-labels-idx1-ubyte.gz",
        "test_images": "t10k-images-idx3-ubyte.gz",
        "test_labels": "t10k-labels-idx1-ubyte.gz",
    },
)
