# SPDX-License-Identifier: MIT
"""Predict the tags of test pictures alone, score them on each split, and keep some to be shown."""

from common import device, start

log = start(snakemake)

from pkgutil import resolve_name

import numpy as np

from mvi.data.store import Store
from mvi.evaluation.tag_prediction import evaluate, tag_frequencies
from mvi.files import atomic, write_json
from mvi.models.assembly import encoder_from_files
from mvi.models.units import ReplicatedSoftmax
from mvi.training.rows import layer_rows

settings = dict(snakemake.params.settings)
seed, shown = settings.pop("seed"), settings.pop("shown")
with Store(snakemake.input.store) as store:
    layers = {name: snakemake.input[name] for name in store.modalities}
    place = device(snakemake, log)
    encoder = encoder_from_files(snakemake.input.scale, layers, snakemake.input.weights, place)
    truth = [
        resolve_name(snakemake.params.tag_probabilities)(path, store.vocabulary)
        for path in snakemake.input.truth
    ]
    for number, scores, kept in zip(
        snakemake.params.splits, snakemake.output.scores, snakemake.output.shown, strict=True
    ):
        split = store.split(number)
        seen = layer_rows(store, number, parts=snakemake.params.parts)
        tagged = sum(
            (store.read("text", part) > 0).sum(0) for part in store.blocks(seen, snakemake.params.block)
        )
        rows, tags = split["test"], store.read("text", split["test"]) > 0
        predicted = np.concatenate(
            [
                encoder.complete({"image": store.read("image", part)}, "text", **snakemake.params.inference)
                for part in store.blocks(rows, snakemake.params.block)
            ]
        )
        if isinstance(encoder.network.pathways["text"].input, ReplicatedSoftmax):
            # Of words that are expected so often, the probability that there is one, were they independent.
            predicted = 1 - np.exp(-predicted)
        found = evaluate(
            predicted,
            tags,
            tag_frequencies(tagged, len(seen)),
            optimal=truth[0][rows] if truth else None,
            **settings,
        )
        write_json(scores, found)
        log.info("split %d: %s", number, found)
        chosen = np.random.default_rng([seed, number]).permutation(np.flatnonzero(tags.any(1)))[:shown]
        with atomic(kept) as temporary, temporary.open("wb") as file:
            np.savez(file, rows=rows[chosen], probabilities=predicted[chosen].astype(np.float32))
