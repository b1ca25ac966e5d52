# SPDX-License-Identifier: MIT
"""Keep what scales the inputs of a network, from rows that it may learn from, with the vocabulary."""

from common import start

log = start(snakemake)

from mvi.data.store import Store
from mvi.data.transforms import from_settings, save
from mvi.training.rows import layer_rows

settings = snakemake.params
with Store(snakemake.input.store) as store:
    rows = layer_rows(store, settings.split, parts=settings.parts)
    transforms = {
        name: from_settings(store, name, settings.split, chosen, rows=rows, floor=settings.standard_deviation)
        for name, chosen in settings.transforms.items()
    }
    save(snakemake.output[0], transforms, store.vocabulary, store.features)
