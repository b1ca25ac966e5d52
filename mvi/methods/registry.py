# SPDX-License-Identifier: MIT
"""All methods, found by their files: who adds one to this folder has added it everywhere."""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from mvi import methods
from mvi.errors import ConfigError
from mvi.methods.base import Method


def _found() -> dict[str, Method]:
    modules = [import_module(f"{methods.__name__}.{found.name}") for found in iter_modules(methods.__path__)]
    records = [module.METHOD for module in modules if hasattr(module, "METHOD")]
    return {record.name: record for record in sorted(records, key=lambda record: record.order)}


METHODS: dict[str, Method] = _found()
"""Name of each method -> what is known of it, in the order of tables and legends."""

LAYERED = [name for name, record in METHODS.items() if record.objective]
"""Those that train a joint layer by an objective."""


def method(name: str) -> Method:
    """The record of one method; raises `ConfigError`, with the known ones, for an unknown name."""
    if name not in METHODS:
        raise ConfigError(f"method {name!r} is unknown; choose one of {', '.join(METHODS)}.")
    return METHODS[name]


def build(name: str, settings: Mapping[str, Any]) -> Any:
    """The objective of method `name` with its subtree of the config.

    Raises `ConfigError` as `method` does, and for a method that trains the joint layer by no objective.
    """
    objective = method(name).objective
    if objective is None:
        raise ConfigError(f"method {name!r} has no objective to train a joint layer by; choose another.")
    return objective(settings)
