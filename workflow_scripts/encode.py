# SPDX-License-Identifier: MIT
"""Write the joint representations of every row of the store, for all ways of missing a modality."""

from common import device, start

log = start(snakemake)

import h5py

from mvi.data.store import Store
from mvi.files import atomic
from mvi.weights import load

mean_field = snakemake.params.mean_field
model = load(snakemake.input.weights, device(snakemake, log))
with Store(snakemake.input.store) as store, atomic(snakemake.output[0]) as temporary:
    values = {name: store.read(name) for name in store.modalities}
    with h5py.File(temporary, "w") as file:
        file.attrs.update(dict(snakemake.wildcards.items()))
        for query in ["+".join(values), *values]:
            given = {name: value if name in query.split("+") else None for name, value in values.items()}
            file[query] = model.encode(given, **mean_field)
            log.info("encoded %s", query)
