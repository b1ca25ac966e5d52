# SPDX-License-Identifier: MIT
"""Write the store of scikit-learn's digits, cut in halves."""

from common import start

log = start(snakemake)

import numpy as np

from mvi.data.halves import write_halves_store
from mvi.data.readers.digits import CITATION, load
from mvi.data.splits import stratified

split = snakemake.params.split
images, labels = load()
shares = {"validation": split["validation"], "test": split["test"]}
shares["train"] = 1 - sum(shares.values())
write_halves_store(
    snakemake.output[0],
    dataset="digits",
    images=images,
    labels=labels,
    split=stratified(labels, shares, np.random.default_rng(split["seed"])),
    classes=[str(digit) for digit in range(10)],
    citation=CITATION,
)
