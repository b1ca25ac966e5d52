# SPDX-License-Identifier: MIT
"""Weights files: safetensors with the model's description and the resolved config in the metadata."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised
from torch import Tensor

from mvi.encoder import Encoder
from mvi.errors import DataError
from mvi.files import atomic
from mvi.mdrnn import Mdrnn
from mvi.mrbm import MultimodalRBM
from mvi.rbm import RBM
from mvi.version import __version__


class Model(Protocol):
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


MODELS: dict[str, type[Model]] = {model.kind: model for model in (RBM, MultimodalRBM, Mdrnn, Encoder)}


def save(path: str | Path, model: Model, config: Mapping[str, Any]) -> None:
    """Write the parameters of `model` with its description and `config`, whole or not at all."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in model.parameters.items()}
    about = {"mvi": __version__, "model": model.describe(), "config": config}
    # One entry only: safetensors writes several in an order that changes from run to run.
    content = serialised(tensors, {"about": json.dumps(about, sort_keys=True)})
    with atomic(path) as temporary:
        # Its own `save_file` makes files that only their owner may read.
        temporary.write_bytes(content)


def load(path: str | Path, device: str = "cpu") -> Model:
    """Read a model from the file that `save` wrote; raises `DataError` where it is not one."""
    try:
        with safe_open(path, framework="pt", device=device) as file:
            about = _about(file)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise DataError(
            f"{path} is not a readable weights file ({error}); delete it and run the workflow again."
        ) from error
    description = about.get("model", {})
    if description.get("kind") not in MODELS:
        raise DataError(f"{path} holds no model of this package; give a file that the workflow made.")
    return MODELS[description["kind"]].from_description(description, tensors)


def config(path: str | Path) -> dict[str, Any]:
    """The resolved config that a weights file was made with."""
    with safe_open(path, framework="pt") as file:
        return _about(file)["config"]


def _about(file: safe_open) -> dict[str, Any]:
    return json.loads((file.metadata() or {}).get("about", "{}"))
