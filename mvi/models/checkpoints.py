# SPDX-License-Identifier: MIT
"""Weights files: safetensors with the model's description and the resolved config in the metadata."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeVar

import torch
from torch import Tensor

from mvi.data.facts import Facts
from mvi.errors import DataError, MviError
from mvi.tensors import read_tensors, write_tensors
from mvi.version import __version__


class Saved(Protocol):
    """What can be saved and loaded."""

    kind: ClassVar[str]

    @property
    def parameters(self) -> Mapping[str, Tensor]:
        """All tensors of the model by name."""
        ...

    def describe(self) -> dict[str, Any]:
        """Everything but the parameters, as plain values, with `kind` under that name."""
        ...

    @classmethod
    def from_description(cls, description: Mapping[str, Any], parameters: Mapping[str, Tensor]) -> Self:
        """The inverse of `describe`."""
        ...


Kind = TypeVar("Kind", bound=Saved)


def save(path: str | Path, model: Saved, config: Mapping[str, Any], features: Facts | None = None) -> None:
    """Write the parameters of `model` with its description and `config`, whole or not at all.

    `features` says what described the images that it learned from (`mvi.data.store.Store.features`).
    """
    about = {"mvi": __version__, "model": model.describe(), "config": config}
    write_tensors(path, model.parameters, about | ({"features": dict(features)} if features else {}))


def load(
    path: str | Path,
    *kinds: type[Kind],
    device: torch.device | str = "cpu",
    others: Callable[[str], type[Kind] | None] = lambda kind: None,
) -> Kind:
    """Read a model of one of the classes `kinds`, or of the `others` by kind, from a file of `save`.

    Only who asks for a class depends on its code: an edit of one model leaves the readers of others alone.
    Raises `DataError` where the file is absent or damaged, or holds a model of another kind, and
    `ConfigError` where there is no such device.
    """
    tensors, about = read_tensors(path, device)
    description = about.get("model")
    if not isinstance(description, dict):
        description = {}
    kind = str(description.get("kind"))
    found = next((model for model in kinds if model.kind == kind), None) or others(kind)
    if found is None:
        wanted = " or ".join(model.kind for model in kinds)
        raise DataError(
            f"{path} holds {description.get('kind', 'no model')} where {wanted} is needed; give a file that "
            "the workflow made for this."
        )
    try:
        return found.from_description(description, tensors)
    except (LookupError, TypeError, ValueError, AttributeError, MviError) as error:
        raise DataError(
            f"{path} does not describe a whole {found.kind} ({error}); delete it and run the workflow again."
        ) from error


def features(path: str | Path) -> Facts | None:
    """What described the images that a model learned from, if its file says so."""
    return read_tensors(path)[1].get("features")


def config(path: str | Path) -> dict[str, Any]:
    """The resolved config that a weights file was made with; raises `DataError` where there is none."""
    _, about = read_tensors(path)
    found = about.get("config")
    if not isinstance(found, dict):
        raise DataError(f"{path} holds no config; give a file of weights that the workflow made.")
    return found
