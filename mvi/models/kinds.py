# SPDX-License-Identifier: MIT
"""Models found by their kind: no list of them has to be edited, and none depends on the code of another."""

from importlib import import_module
from pkgutil import iter_modules

from mvi import models
from mvi.models.base import MultimodalModel


def model_of(kind: str) -> type[MultimodalModel] | None:
    """The class of this kind, if any, from the module of `mvi.models` with its name, which is imported."""
    if kind in [found.name for found in iter_modules(models.__path__)]:
        for one in vars(import_module(f"{models.__name__}.{kind}")).values():
            # Of what a class inherits from, or a module imports, the kind is another.
            if isinstance(one, type) and issubclass(one, MultimodalModel) and vars(one).get("kind") == kind:
                return one
    return None
