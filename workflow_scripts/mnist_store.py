# SPDX-License-Identifier: MIT
"""Write the store of MNIST, cut in halves: the training files' rows, then the test files'."""

from common import start

log = start(snakemake)

from pathlib import Path

import numpy as np

from mvi.data.halves import write_halves_store
from mvi.data.readers.mnist import load
from mvi.data.splits import held_out

split = snakemake.params.split
train_images, train_labels, test_images, test_labels = load(Path(snakemake.input[0]).parent)
generator = np.random.default_rng(split["seed"])
write_halves_store(
    snakemake.output[0],
    dataset="mnist",
    images=np.concatenate([train_images, test_images]),
    labels=np.concatenate([train_labels, test_labels]),
    split=held_out(len(train_labels), len(test_labels), split["validation"], generator),
    classes=[str(digit) for digit in range(10)],
    citation=snakemake.params.citation,
)
