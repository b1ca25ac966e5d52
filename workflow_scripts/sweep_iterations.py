# SPDX-License-Identifier: MIT
"""Measure how well the missing half is made up for after each mean-field iteration, for every seed."""

from common import device, start

log = start(snakemake)

from mvi.data.store import Store
from mvi.files import write_json
from mvi.models.checkpoints import load
from mvi.models.mrbm import MultimodalRBM
from mvi.training.monitors import baseline_cross_entropy, cross_entropies

with Store(snakemake.input.store) as store:
    split = store.split(1)
    values = {name: store.read(name, split["validation"]) for name in store.modalities}
    baselines = {
        f"baseline/{name}": baseline_cross_entropy(store.read(name, split["train"]), rows)
        for name, rows in values.items()
    }
place = device(snakemake, log)
for weights, output in zip(snakemake.input.weights, snakemake.output, strict=True):
    model = load(weights, MultimodalRBM, device=place)
    numbers = dict(baselines)
    for target in values:
        curve = cross_entropies(
            model,
            values,
            target,
            iterations=snakemake.params.iterations,
            start=snakemake.params.start,
        )
        numbers |= {f"cross_entropy/{target}/{k}": float(nats) for k, nats in enumerate(curve)}
    write_json(output, numbers)
