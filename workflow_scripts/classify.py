# SPDX-License-Identifier: MIT
"""Train the linear classifier on joint representations and score every query, on each split."""

from common import start

log = start(snakemake)

from functools import partial
from pkgutil import resolve_name

import numpy as np

from mvi.data.representations import Representations
from mvi.data.store import Store
from mvi.evaluation.classification import Query, evaluate
from mvi.evaluation.missing_tags import queries_without_tags
from mvi.evaluation.queries import queries_of
from mvi.evaluation.scores import placed, write_scores

params, wildcards = snakemake.params, snakemake.wildcards


def lacking(reads: dict, rows: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Features of multimodal queries, where tags are missing of image-only ones."""
    return np.where(missing[:, None], reads["image"](rows), reads["image+text"](rows))


found = []
with Store(snakemake.input.store) as store, Representations(snakemake.input.representations) as states:
    labels, known, names = store.labels(), store.known(), queries_of(store.modalities)
    settings = dict(params.missing_tags)
    tagged = store.tag_counts() > 0 if "text" in names and params.untagged == "observed" else None
    classifier = resolve_name(params.classifier).of_store(store, params.settings)
    for part in params.parts:
        # Read when they are asked for: those of all queries may be half of the memory.
        queries = [Query(name, partial(states.read, part["name"], name)) for name in names]
        for number in part["splits"]:
            split = store.split(number)
            # Translated copies of training rows come last.
            copies = split["train"] >= store.attrs["attributes"].get("originals", store.n_rows)
            if copies.any():
                split["copies"], split["train"] = split["train"][copies], split["train"][~copies]
            reads = {query.name: query.read for query in queries}
            for variant in params.train_on:
                also = []
                if "text" in names and variant == params.train_on[0]:
                    kept = split["test"], tagged
                    also = queries_without_tags(
                        names[0], partial(lacking, reads), *kept, **settings, split=number
                    )
                scores = evaluate(
                    queries, labels, split, classifier, known=known, train_on=variant, also=also
                )
                where = {"run": wildcards.run, "method": wildcards.model, "variant": variant}
                found += placed(scores, **where, split=number, seed=part["seed"])
                shown = {(s.part, s.query): s.value for s in scores if s.metric == classifier.metric}
                log.info("%s, split %d, %s: %s", part["name"], number, variant, shown)
write_scores(snakemake.output[0], found)
