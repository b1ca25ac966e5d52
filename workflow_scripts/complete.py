# SPDX-License-Identifier: MIT
"""Complete one test image of each class from either half: probabilities, and a sample."""

from common import device, start

log = start(snakemake)

import numpy as np
import torch

from mvi.data.store import Store
from mvi.evaluation.completion import conditional_sample
from mvi.files import write_arrays
from mvi.models.checkpoints import load
from mvi.models.mrbm import MultimodalRBM

settings, inference = snakemake.params.settings, snakemake.params.inference
model = load(snakemake.input.weights, MultimodalRBM, device=device(snakemake, log))
generator = torch.Generator(model.parameters["weight"].device).manual_seed(settings["seed"])
with Store(snakemake.input.store) as store:
    # Every method shows the same images.
    rows = np.random.default_rng(settings["seed"]).permutation(store.split(snakemake.params.split)["test"])
    rows = rows[np.unique(store.labels(rows), return_index=True)[1]]
    values = {name: store.read(name, rows) for name in store.modalities}
    shapes = store.shapes
images = {f"truth/{name}": value for name, value in values.items()}
for target in values:
    images[f"mean_field/{target}"] = model.complete(values, target, **inference)
    images[f"sample/{target}"] = conditional_sample(
        model,
        values,
        target,
        gibbs_steps=settings["gibbs_steps"],
        generator=generator,
        **inference,
    )
write_arrays(
    snakemake.output[0],
    {key: rows.reshape(-1, *shapes[key.split("/")[1]]) for key, rows in images.items()},
)
