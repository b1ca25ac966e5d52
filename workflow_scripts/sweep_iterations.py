# SPDX-License-Identifier: MIT
"""Measure how well the missing half is made up for after each mean-field iteration, for every seed."""

from common import device, start

log = start(snakemake)

from mvi.data.store import Store
from mvi.evaluation.scores import Score, write_scores
from mvi.models.checkpoints import load
from mvi.models.mrbm import MultimodalRBM
from mvi.training.monitors import baseline_cross_entropy, cross_entropies

with Store(snakemake.input.store) as store:
    split = store.split(1)
    values = {name: store.read(name, split["validation"]) for name in store.modalities}
    baseline = {
        name: baseline_cross_entropy(store.read(name, split["train"]), rows) for name, rows in values.items()
    }
place = device(snakemake, log)
for seed, weights, output in zip(
    snakemake.params.seeds, snakemake.input.weights, snakemake.output, strict=True
):
    model = load(weights, MultimodalRBM, device=place)
    scores = []
    for target in values:
        curve = cross_entropies(
            model,
            values,
            target,
            iterations=snakemake.params.iterations,
            start=snakemake.params.start,
        )
        what = {"metric": "cross_entropy", "part": "validation", "label": target}
        scores.append(Score(method="training_mean", value=baseline[target], **what))
        given = "+".join(name for name in values if name != target)
        scores += [Score(query=given, iterations=k, value=nats, **what) for k, nats in enumerate(curve)]
    method = snakemake.wildcards.method
    write_scores(output, scores, run=snakemake.wildcards.run, method=method, split=1, seed=seed)
