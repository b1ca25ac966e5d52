# SPDX-License-Identifier: MIT
"""Train the linear classifier on joint representations and score every query."""

from common import start

log = start(snakemake)

from functools import partial

import h5py
import numpy as np

from mvi.data.store import Store
from mvi.evaluation.classification import Query, Svm, evaluate
from mvi.evaluation.queries import queries_of
from mvi.evaluation.scores import write_scores

settings, wildcards = snakemake.params.classifier, snakemake.wildcards
classifier = Svm(settings["C"], settings["tolerance"])
with Store(snakemake.input.store) as store:
    labels, split, names = store.labels(), store.split(1), queries_of(store.modalities)
    copies = split["train"] >= store.attrs["attributes"].get("originals", store.n_rows)
    split["copies"], split["train"] = split["train"][copies], split["train"][~copies]


def features(path: str, place: tuple[int, tuple[int, int]], rows: np.ndarray) -> np.ndarray:
    """Mapped: HDF5 picks single rows far more slowly, and whole queries may be half of the memory."""
    return np.memmap(path, np.float32, "r", *place)[rows]


for seed, path, output in zip(
    snakemake.params.seeds, snakemake.input.representations, snakemake.output, strict=True
):
    with h5py.File(path) as file:
        places = {name: (file[name].id.get_offset(), file[name].shape) for name in names}
    queries = [Query(name, partial(features, path, place)) for name, place in places.items()]
    scores = evaluate(queries, labels, split, classifier, train_on=settings["train_on"])
    where = {"run": wildcards.run, "method": wildcards.method, "variant": settings["train_on"]}
    write_scores(output, scores, **where, split=1, seed=seed)
    log.info("seed %d: %s", seed, {(s.part, s.query): s.value for s in scores if s.metric == "error"})
