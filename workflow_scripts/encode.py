# SPDX-License-Identifier: MIT
"""Write the joint representations of every row of the store, for all ways of missing a modality."""

from common import device, start

log = start(snakemake)

import h5py

from mvi.data.store import Store
from mvi.files import atomic
from mvi.models.checkpoints import load
from mvi.models.mrbm import MultimodalRBM

place = device(snakemake, log)
with Store(snakemake.input.store) as store:
    values = {name: store.read(name) for name in store.modalities}
    # Moved copies of training rows come last and are met with all modalities only.
    originals = store.attrs["attributes"].get("originals", store.n_rows)
for weights, path in zip(snakemake.input.weights, snakemake.output, strict=True):
    model = load(weights, MultimodalRBM, device=place)
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        for query in ["+".join(values), *values]:
            rows = None if "+" in query else originals
            given = {
                name: value[:rows] if name in query.split("+") else None for name, value in values.items()
            }
            file[query] = model.encode(given, **snakemake.params.mean_field)
    log.info("encoded %s with %s", ", ".join(["+".join(values), *values]), weights)
