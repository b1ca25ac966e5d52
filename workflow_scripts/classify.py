# SPDX-License-Identifier: MIT
"""Train the linear classifier on joint representations and score every query, on each split."""

from common import start

log = start(snakemake)

from functools import partial
from pkgutil import resolve_name

import h5py
import numpy as np

from mvi.data.store import Store
from mvi.evaluation.classification import Query, evaluate
from mvi.evaluation.queries import queries_of
from mvi.evaluation.scores import placed, write_scores

params, wildcards, path = snakemake.params, snakemake.wildcards, snakemake.input.representations


def features(place: tuple[int, tuple[int, int]], rows: np.ndarray) -> np.ndarray:
    """Mapped: HDF5 picks single rows far more slowly, and whole queries may be half of the memory."""
    return np.memmap(path, np.float32, "r", *place)[rows]


found = []
with Store(snakemake.input.store) as store, h5py.File(path) as file:
    labels, known, names = store.labels(), store.known(), queries_of(store.modalities)
    classifier = resolve_name(params.classifier).of_store(store, params.settings)
    for part in params.parts:
        places = {name: (data := file[f"{part['name']}/{name}"], data.id.get_offset()) for name in names}
        queries = [
            Query(name, partial(features, (offset, data.shape))) for name, (data, offset) in places.items()
        ]
        for number in part["splits"]:
            split = store.split(number)
            # Translated copies of training rows come last.
            copies = split["train"] >= store.attrs["attributes"].get("originals", store.n_rows)
            if copies.any():
                split["copies"], split["train"] = split["train"][copies], split["train"][~copies]
            for variant in params.train_on:
                scores = evaluate(queries, labels, split, classifier, known=known, train_on=variant)
                where = {"run": wildcards.run, "method": wildcards.model, "variant": variant}
                found += placed(scores, **where, split=number, seed=part["seed"])
                shown = {(s.part, s.query): s.value for s in scores if s.metric == classifier.metric}
                log.info("%s, split %d, %s: %s", part["name"], number, variant, shown)
write_scores(snakemake.output[0], found)
