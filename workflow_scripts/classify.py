# SPDX-License-Identifier: MIT
"""Train the linear classifier on joint representations and score every query."""

from common import start

log = start(snakemake)

import h5py
import numpy as np

from mvi.data.store import Store
from mvi.evaluation.protocol import evaluate
from mvi.evaluation.queries import queries_of
from mvi.files import write_json

settings = snakemake.params.classifier
with Store(snakemake.input.store) as store:
    labels, split, queries = store.labels(), store.split(1), queries_of(store.modalities)
    copies = split["train"] >= store.attrs["attributes"].get("originals", store.n_rows)
    split["copies"], split["train"] = split["train"][copies], split["train"][~copies]
for path, output in zip(snakemake.input.representations, snakemake.output, strict=True):
    with h5py.File(path) as file:
        places = {query: (file[query].id.get_offset(), file[query].shape) for query in queries}

    def features(query: str, rows: np.ndarray) -> np.ndarray:
        # Mapped: HDF5 picks single rows far more slowly, and whole queries may be half of the memory.
        offset, shape = places[query]  # noqa: B023 -- called before the next file's turn
        return np.memmap(path, np.float32, "r", offset, shape)[rows]  # noqa: B023

    scores = evaluate(
        features,
        labels,
        split,
        settings["C"],
        queries=queries,
        train_on=settings["train_on"],
        tolerance=settings["tolerance"],
    )
    write_json(output, scores)
    log.info("%s", scores)
