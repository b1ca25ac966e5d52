# SPDX-License-Identifier: MIT
"""All data sets, found by their files: who adds one to this folder has added it everywhere."""

from importlib import import_module
from pkgutil import iter_modules

from mvi.data import sets
from mvi.data.sets.base import DataSet
from mvi.errors import ConfigError


def _found() -> dict[str, DataSet]:
    modules = [import_module(f"{sets.__name__}.{found.name}") for found in iter_modules(sets.__path__)]
    records = [module.DATASET for module in modules if hasattr(module, "DATASET")]
    return {record.name: record for record in sorted(records, key=lambda record: record.order)}


DATASETS: dict[str, DataSet] = _found()
"""Name of each data set -> what is known of it, in the order of the config."""


def dataset(name: str) -> DataSet:
    """The record of one data set; raises `ConfigError`, with the known ones, for an unknown name."""
    if name not in DATASETS:
        raise ConfigError(f"data set {name!r} is unknown; choose one of {', '.join(DATASETS)}.")
    return DATASETS[name]
