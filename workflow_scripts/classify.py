# SPDX-License-Identifier: MIT
"""Train the linear classifier on joint representations and score every query."""

from common import start

log = start(snakemake)

import h5py
import numpy as np

from mvi.data.store import Store
from mvi.evaluation.protocol import evaluate, queries_of
from mvi.files import write_json

settings = snakemake.params.classifier
with Store(snakemake.input.store) as store, h5py.File(snakemake.input.representations) as file:
    scores = evaluate(
        # Mapped: HDF5 picks single rows far more slowly, and whole queries may be half of the memory.
        lambda query, rows: np.memmap(
            snakemake.input.representations, np.float32, "r", file[query].id.get_offset(), file[query].shape
        )[rows],
        store.labels(),
        store.split(1),
        settings["C"],
        queries=queries_of(store.modalities),
        train_on=settings["train_on"],
        tolerance=settings["tolerance"],
    )
write_json(snakemake.output[0], scores)
log.info("%s", scores)
