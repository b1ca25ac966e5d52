# SPDX-License-Identifier: MIT
"""Files of named tensors with a description of them, sealed by a checksum over both.

They are safetensors files whose metadata have one entry, "sealed": a JSON object of "sha256" and "about". One
entry only, since safetensors writes several in an order that changes from run to run.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised
from torch import Tensor

from mvi.errors import ConfigError, DataError
from mvi.files import atomic

_AGAIN = "delete it and run the workflow again"


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write `tensors` and `about`, which JSON can hold, whole or not at all; equal content, equal bytes."""
    held = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(about, sort_keys=True)
    content = serialised(held, {"sealed": _seal(text, held)})
    with atomic(path, len(content)) as temporary:
        # Its own `save_file` makes files that only their owner may read.
        temporary.write_bytes(content)


def read_tensors(
    path: str | Path, device: torch.device | str = "cpu"
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, on `device`, and the description that `write_tensors` put into a file.

    Raises `DataError` where the file is absent, of another kind or differs in any bit from what was written,
    and `ConfigError` where there is no such device.
    """
    place = usable(device)
    metadata, tensors = _content(Path(path))
    if "sealed" in metadata:
        text = _text(metadata["sealed"])
        if metadata["sealed"] != _seal(text, tensors):
            raise DataError(f"{path} is damaged (its checksum is another); {_AGAIN}.")
    elif "about" in metadata:
        text = metadata["about"]  # Written before there were checksums.
    else:
        raise DataError(f"{path} does not say what it holds, so mvi has not written it; check the path.")
    try:
        about = json.loads(text)
    except ValueError as error:
        raise DataError(f"{path} is damaged (its description is no JSON: {error}); {_AGAIN}.") from error
    if not isinstance(about, dict):
        raise DataError(f"{path} is damaged (its description is no mapping); {_AGAIN}.")
    return {name: tensor.to(place) for name, tensor in tensors.items()}, about


def usable(device: torch.device | str) -> torch.device:
    """`device` as torch has it; raises `ConfigError` where it is unknown or not to be had here."""
    try:
        place = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ConfigError(f"device {device!r} is unknown; choose cpu, cuda or cuda:<number>.") from error
    try:
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(f"device {str(device)!r} cannot be used here ({reason}); choose cpu.") from error
    return place


def _content(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The metadata and the tensors of a safetensors file."""
    try:
        with path.open("rb") as file:
            head = file.read(9)
        with safe_open(path, framework="pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            return opened.metadata() or {}, tensors
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; check the path, or let the workflow make it.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); check the path.") from error
    except (SafetensorError, ValueError, TypeError, RuntimeError) as error:
        # Eight bytes of length come first, then the header, in JSON; a crash leaves nothing, or zeros.
        if head.strip(b"\0") and head[8:] != b"{":
            raise DataError(f"{path} is no safetensors file; check the path.") from error
        raise DataError(f"{path} is damaged ({error}); {_AGAIN}.") from error


def _seal(text: str, tensors: Mapping[str, Tensor]) -> str:
    """What is in the metadata: `text` and the hash of it and of the names, types, shapes and numbers."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return f'{{"sha256": "{digest.hexdigest()}", "about": {text}}}'


def _text(sealed: str) -> str:
    """The `text` of `_seal`, of which every character counts."""
    return sealed[len('{"sha256": "", "about": ') + 64 : -1]
