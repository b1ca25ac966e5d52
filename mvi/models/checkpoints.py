# SPDX-License-Identifier: MIT
"""Weights files: safetensors with the model's description and the resolved config in the metadata."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised
from torch import Tensor

from mvi.errors import DataError
from mvi.files import atomic
from mvi.version import __version__


class Saved(Protocol):
    """What can be saved and loaded."""

    kind: ClassVar[str]
    parameters: dict[str, Tensor]

    def describe(self) -> dict[str, Any]:
        """Everything but the parameters, as plain values, with `kind` under that name."""
        ...

    @classmethod
    def from_description(cls, description: Mapping[str, Any], parameters: Mapping[str, Tensor]) -> Self:
        """The inverse of `describe`."""
        ...


Kind = TypeVar("Kind", bound=Saved)


def save(path: str | Path, model: Saved, config: Mapping[str, Any]) -> None:
    """Write the parameters of `model` with its description and `config`, whole or not at all."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in model.parameters.items()}
    about = {"mvi": __version__, "model": model.describe(), "config": config}
    # One entry only: safetensors writes several in an order that changes from run to run.
    content = serialised(tensors, {"about": json.dumps(about, sort_keys=True)})
    with atomic(path) as temporary:
        # Its own `save_file` makes files that only their owner may read.
        temporary.write_bytes(content)


def load(path: str | Path, *kinds: type[Kind], device: str = "cpu") -> Kind:
    """Read a model of one of the classes `kinds` from the file that `save` wrote.

    Only who asks for a class depends on its code: an edit of one model leaves the readers of others alone.
    Raises `DataError` where the file is damaged, or holds a model of another kind.
    """
    try:
        with safe_open(path, framework="pt", device=device) as file:
            about = _about(file)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise DataError(
            f"{path} is not a readable weights file ({error}); delete it and run the workflow again."
        ) from error
    description = about.get("model", {})
    found = {model.kind: model for model in kinds}.get(description.get("kind"))
    if found is None:
        wanted = " or ".join(model.kind for model in kinds)
        raise DataError(
            f"{path} holds {description.get('kind', 'no model')} where {wanted} is needed; give a file that "
            "the workflow made for this."
        )
    return found.from_description(description, tensors)


def config(path: str | Path) -> dict[str, Any]:
    """The resolved config that a weights file was made with."""
    with safe_open(path, framework="pt") as file:
        return _about(file)["config"]


def _about(file: safe_open) -> dict[str, Any]:
    return json.loads((file.metadata() or {}).get("about", "{}"))
