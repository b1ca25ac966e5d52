# SPDX-License-Identifier: MIT
"""Measure how well the missing half is inferred after each mean-field iteration, for every part."""

from common import device, start

log = start(snakemake)

from mvi.data.store import Store
from mvi.evaluation.scores import Score, placed, write_scores
from mvi.models.checkpoints import load
from mvi.models.mrbm import MultimodalRBM
from mvi.training.monitors import baseline_cross_entropy, cross_entropies

params, wildcards = snakemake.params, snakemake.wildcards
place = device(snakemake, log)
found = []
with Store(snakemake.input.store) as store:
    for part, weights in zip(params.parts, snakemake.input.weights, strict=True):
        model = load(weights, MultimodalRBM, device=place)
        (number,) = part["splits"]
        split = store.split(number)
        values = {name: store.read(name, split["validation"]) for name in store.modalities}
        scores = []
        for target, rows in values.items():
            what = {"metric": "cross_entropy", "part": "validation", "label": target}
            mean = baseline_cross_entropy(store.read(target, split["train"]), rows)
            scores.append(Score(method="training_mean", value=mean, **what))
            others = "+".join(name for name in values if name != target)
            curve = cross_entropies(model, values, target, iterations=params.iterations, start=params.start)
            scores += [Score(query=others, iterations=k, value=nats, **what) for k, nats in enumerate(curve)]
        where = {"run": wildcards.run, "method": wildcards.method}
        found += placed(scores, **where, split=number, seed=part["seed"])
write_scores(snakemake.output[0], found)
