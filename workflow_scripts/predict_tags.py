# SPDX-License-Identifier: MIT
"""Predict tags of test images by image-only queries, score them on each split, and keep some to be shown."""

from common import device, start

log = start(snakemake)

from pkgutil import resolve_name

import numpy as np

from mvi.data.facts import refuse_other
from mvi.data.store import Store
from mvi.evaluation.metrics import descending
from mvi.evaluation.retrieval import CHANCE
from mvi.evaluation.scores import placed, write_scores
from mvi.evaluation.tag_prediction import evaluate, tag_frequencies
from mvi.evaluation.tag_search import asked_tags, scores_of
from mvi.files import write_arrays
from mvi.models.assembly import encoder_from_files
from mvi.models.units import ReplicatedSoftmax
from mvi.training.rows import layer_rows

given, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
settings = dict(params.settings)
seed, shown = settings.pop("seed"), settings.pop("shown")
by_tag = dict(params.tag_search)
k = by_tag.pop("k")
place = device(snakemake, log)
found, kept = [], None
with Store(given.store) as store:
    layers = {name: given.get(name, ()) for name in store.modalities}
    encoder = encoder_from_files(given.scale, layers, given.weights, place)
    refuse_other(encoder.features, store.features, given.store)
    truth = [resolve_name(params.tag_probabilities)(path, store.vocabulary) for path in given.truth]
    for number in params.splits:
        split = store.split(number)
        seen = layer_rows(store, number, parts=params.parts)
        tagged = sum((store.read("text", rows) > 0).sum(0) for rows in store.blocks(seen, params.block))
        rows, tags = split["test"], store.read("text", split["test"]) > 0
        predicted = np.concatenate(
            [
                encoder.complete({"image": store.read("image", part)}, "text", **params.inference)
                for part in store.blocks(rows, params.block)
            ]
        )
        if isinstance(encoder.network.pathways["text"].input, ReplicatedSoftmax):
            # Of words that are expected so often, the probability that there is one, were they independent.
            predicted = 1 - np.exp(-predicted)
        scores = evaluate(
            predicted,
            tags,
            tag_frequencies(tagged, len(seen)),
            optimal=truth[0][rows] if truth else None,
            **settings,
        )
        where = {"run": wildcards.run, "method": params.model, "query": "image"}
        found += placed(scores, **where, split=number)
        log.info("split %d: %s", number, {(s.method, s.metric): s.value for s in scores})
        # Images searched by a tag: those first for which it is the most probable.
        asked, ranked = asked_tags(tags, **by_tag), {params.model: predicted}
        if truth:
            ranked["optimal"] = truth[0][rows]
        for method, probabilities in ranked.items():
            first = descending(probabilities[:, asked].T)[:, :k]
            scores = [s for s in scores_of(first, tags, asked, database="untagged") if s.method != CHANCE]
            where = {"run": wildcards.run, "method": method, "variant": "probability", "split": number}
            found += placed(scores, **where)
        if kept is None:
            chosen = np.random.default_rng([seed, number]).permutation(np.flatnonzero(tags.any(1)))[:shown]
            kept = {"rows": rows[chosen], "probabilities": predicted[chosen].astype(np.float32)}
write_scores(snakemake.output.scores, found)
write_arrays(snakemake.output.shown, kept)
