# SPDX-License-Identifier: MIT
"""Write the joint representations of all labelled rows, for every way of missing a modality, and of words."""

from common import device, start

log = start(snakemake)

import numpy as np
from tqdm import tqdm

from mvi.data.facts import refuse_other
from mvi.data.representations import writing_representations
from mvi.data.store import Store
from mvi.evaluation.queries import queries_of
from mvi.methods.registry import METHODS
from mvi.models.assembly import encoder_from_files

given, settings, model = snakemake.input, dict(snakemake.params.inference), snakemake.wildcards.model
block, untagged = settings.pop("block"), settings.pop("untagged")
load = METHODS[model].load if model in METHODS else encoder_from_files
place = device(snakemake, log)
with Store(given.store) as store, writing_representations(snakemake.output[0]) as file:
    queries = queries_of(store.modalities)
    # Translated copies of training rows come last and are met with all modalities only.
    originals = store.attrs["attributes"].get("originals", store.n_labelled)
    lengths = {query: store.n_labelled if query == queries[0] else originals for query in queries}
    # Of images without tags the multimodal query may be the image-only one.
    tagged = store.tag_counts() > 0 if untagged == "inferred" else None
    layers = {name: given.get(name, ()) for name in store.modalities}
    for part, weights in zip(snakemake.params.parts, given.weights, strict=True):
        encoder = load(given.scale, layers, weights, place)
        refuse_other(getattr(encoder, "features", None), store.features, given.store)
        if store.vocabulary:
            # Each word alone: queries of one word, and what the mean of queries of words is made of.
            alone = np.eye(store.sizes["text"], dtype=np.float32)
            file.write(part, "words", len(alone), 0, encoder.encode({"text": alone}, block=block, **settings))
        blocks = list(store.blocks(np.arange(store.n_labelled), block))
        for rows in tqdm(blocks, f"encoding, {part}", unit="block", disable=None):
            values = {name: store.read(name, rows) for name in store.modalities}
            for query in queries:
                kept = rows[rows < lengths[query]]
                if not len(kept):
                    continue
                states = encoder.encode(
                    {
                        name: value[: len(kept)] if name in query.split("+") else None
                        for name, value in values.items()
                    },
                    observed=None if tagged is None or "+" not in query else {"text": tagged[kept]},
                    block=block,
                    **settings,
                )
                file.write(part, query, lengths[query], int(kept[0]), states)
    log.info("encoded %s of %s with %s", ", ".join(queries), given.store, model)
