# SPDX-License-Identifier: MIT
"""Fewer pairs of image and tags to learn from than a data set has, as a store of their own."""

from collections.abc import Sequence
from pathlib import Path

import h5py
from scipy import sparse

from mvi.data import hdf5
from mvi.data.store import Store
from mvi.data.store_writer import Dense, Sparse, writing_store
from mvi.errors import ConfigError
from mvi.training.rows import layer_rows

BLOCK = 2500
"""Rows in memory at a time."""


def write_pairs(
    path: str | Path, source: str | Path, count: int, split: int, *, parts: Sequence[str], seed: int
) -> None:
    """Write a store of `count` rows of the store `source`, drawn by `seed`, without labels and splits.

    They are drawn from what unsupervised training may see (`layer_rows`: no test row of `split`), and it may
    see all of the new store. Moments of dense modalities are over these rows alone. Raises `ConfigError`
    where there are fewer rows, and what `mvi.data.store` raises.
    """
    with Store(source) as store:
        allowed = len(layer_rows(store, split, parts=parts))
        if count > allowed:
            raise ConfigError(
                f'config key "pairs" of the run is {count}, but there are only {allowed} rows that may be '
                "learned from; lower it or leave it out."
            )
        rows = layer_rows(store, split, parts=parts, cap=count, seed=seed)
        layouts = _layouts(store)
        with writing_store(
            path,
            dataset=store.attrs["dataset"],
            n_rows=count,
            modalities=layouts,
            generated=store.attrs["generated"],
            citation=store.attrs["citation"],
            attributes={"features": store.features} if store.features else {},
            statistics=[name for name, layout in layouts.items() if isinstance(layout, Dense)],
        ) as writer:
            words = store.vocabulary if any(isinstance(one, Sparse) for one in layouts.values()) else None
            writer.annotate(ids=store.ids(rows), vocabulary=words)
            start = 0
            for block in store.blocks(rows, BLOCK):
                for name, layout in layouts.items():
                    values = store.read_stored(name, block)
                    writer.write(
                        name, start, sparse.csr_array(values) if isinstance(layout, Sparse) else values
                    )
                start += len(block)


def _layouts(store: Store) -> dict[str, Dense | Sparse]:
    with hdf5.opened(store.path) as file:
        return {
            name: Sparse(size)
            if isinstance(file[name], h5py.Group)
            else Dense(size, str(file[name].dtype), store.shapes[name])
            for name, size in store.sizes.items()
        }
