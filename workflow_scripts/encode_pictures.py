# SPDX-License-Identifier: MIT
"""Write the joint representations of all labelled rows, of both modalities and of each alone."""

from common import device, start

log = start(snakemake)

import h5py
import numpy as np
from tqdm import tqdm

from mvi.data.store import Store
from mvi.evaluation.queries import queries_of
from mvi.files import atomic
from mvi.models.assembly import encoder_from_files

settings = dict(snakemake.params.inference)
block, untagged = settings.pop("block"), settings.pop("untagged")
with (
    Store(snakemake.input.store) as store,
    atomic(snakemake.output[0]) as temporary,
    h5py.File(temporary, "w") as file,
):
    encoder = encoder_from_files(
        snakemake.input.scale,
        {name: snakemake.input[name] for name in store.modalities},
        snakemake.input.weights,
        device(snakemake, log),
    )
    rows = np.arange(store.n_labelled)
    without = store.tag_counts() == 0
    queries = queries_of(store.modalities)
    for query in queries:
        file.create_dataset(query, (len(rows), encoder.network.hidden), np.float32)
    for part in tqdm(list(store.blocks(rows, block)), "encoding", unit="block", disable=None):
        values = {name: store.read(name, part) for name in store.modalities}
        found = {
            query: encoder.encode(
                {name: value if name in query.split("+") else None for name, value in values.items()},
                block=block,
                **settings,
            )
            for query in queries
        }
        if untagged == "inferred":
            # Where no tag was observed, both modalities are what the picture alone tells.
            found[queries[0]][without[part]] = found["image"][without[part]]
        for query, states in found.items():
            file[query][part[0] : part[-1] + 1] = states
