# SPDX-License-Identifier: MIT
"""Activations of a network as descriptors of images: an ONNX file, run by onnxruntime on one thread.

Images go through one at a time, which is the fastest on one thread (the activations of one stay in the
caches), needs the least memory, and makes a row's features independent of the rows beside it.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.features.conversion import ORIGIN


class OnnxNetwork:
    """The descriptor of an ONNX file that takes one image (1, 3, side, side) float32.

    `mean` and `deviation` are those of red, green and blue in [0, 1]. `output` names the output, or any layer
    inside, to be kept; None is for a file that has one output. Of maps (1, d, h, w) the mean over places is
    kept, of tokens (1, t, d) the first one. `sha256` is the hash of the weights that the file was converted
    from, if it says so, else of the file with what belongs to it. Raises `ConfigError` where onnxruntime is
    not installed or the file wants other inputs or has no such output, and `DataError` where it is no sound
    ONNX file.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        side: int,
        mean: Sequence[float],
        deviation: Sequence[float],
        output: str | None = None,
    ) -> None:
        self.path, self.side = Path(path), side
        self._mean = torch.tensor(mean, dtype=torch.float32).view(3, 1, 1)
        self._deviation = torch.tensor(deviation, dtype=torch.float32).view(3, 1, 1)
        self._session = _session(self.path, output)
        self._input = self._input_name()
        self.output = self._output_name(output)
        origin = self._session.get_modelmeta().custom_metadata_map.get(ORIGIN)
        self.sha256 = origin or _hash_of(self.path)
        self.dimensions = len(self._run(np.zeros((3, side, side), np.float32)))

    def _input_name(self) -> str:
        inputs = self._session.get_inputs()
        wanted = (1, 3, self.side, self.side)
        shape = list(inputs[0].shape)
        fits = len(shape) == 4 and all(
            not isinstance(have, int) or have == want for have, want in zip(shape, wanted, strict=True)
        )
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or not fits:
            takes = " and ".join(f"{one.name} {one.type} {list(one.shape)}" for one in inputs)
            raise ConfigError(
                f"{self.path} takes {takes}, but must take one image of float32 {list(wanted)}; export it "
                "so, or set features.side."
            )
        return str(inputs[0].name)

    def _output_name(self, output: str | None) -> str:
        names = [one.name for one in self._session.get_outputs()]
        if output is None and len(names) != 1:
            raise ConfigError(
                f"{self.path} has the outputs {', '.join(names)}; set features.output to the one that "
                "describes images."
            )
        return output or str(names[0])

    def _run(self, image: np.ndarray) -> np.ndarray:
        """(d,) float32 of an image (3, side, side) float32 as the network wants it."""
        try:
            found = self._session.run([self.output], {self._input: image[None]})[0]
        # Whatever its operators raise.
        except Exception as error:
            reason = " ".join(str(error).split())
            raise DataError(
                f"{self.path} cannot be run on an image of {self.side} pixels ({reason})."
            ) from error
        if found.ndim == 4:
            found = found.mean((2, 3))
        elif found.ndim == 3:
            found = found[:, 0]
        if found.ndim != 2 or len(found) != 1:
            raise ConfigError(
                f"The output {self.output} of {self.path} has the shape {found.shape}, but must be (1, d), "
                "maps (1, d, h, w) or tokens (1, t, d); set features.output to another."
            )
        return found[0].astype(np.float32, copy=False)

    def __call__(self, images: Tensor) -> Tensor:
        """(n, dimensions) float32 for `images` (n, 3, side, side), RGB in [0, 1]; else `ShapeError`."""
        if images.shape[1:] != (3, self.side, self.side):
            raise ShapeError(
                f"The network needs (n, 3, {self.side}, {self.side}), not {tuple(images.shape)}."
            )
        result = torch.empty(len(images), self.dimensions)
        seen = (images.cpu() - self._mean) / self._deviation
        for row, image in zip(result, seen.numpy(), strict=True):
            row.copy_(torch.from_numpy(self._run(image)))
        return result


def _session(path: Path, output: str | None) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigError(
            "features.kind is network, which needs the Python package onnxruntime; install mvi with its "
            "extra: network."
        ) from error
    if not path.is_file():
        raise DataError(f"There is no ONNX file at {path}; check features.network.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3  # errors, which are raised

    def opened(model: str | bytes) -> Any:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    try:
        session = opened(str(path))
        if output is None or output in [one.name for one in session.get_outputs()]:
            return session
        return opened(_with_output(path, output))
    except ConfigError:
        raise
    # onnxruntime's errors have no common class.
    except Exception as error:
        raise DataError(f"{path} is no sound ONNX file ({' '.join(str(error).split())}).") from error


def _with_output(path: Path, output: str) -> bytes:
    """The file with a layer inside as one more output; raises `ConfigError` where it has no such layer."""
    import onnx

    model = onnx.load(path)
    if output not in {name for node in model.graph.node for name in node.output}:
        outputs = ", ".join(one.name for one in model.graph.output)
        raise ConfigError(
            f'config key "features.output" is "{output}", but {path} has no such output or layer; its '
            f"outputs are {outputs}."
        )
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(output))
    content: bytes = model.SerializeToString()
    return content


def _hash_of(path: Path) -> str:
    """sha256 of the file, and of the files beside it in which it keeps weights."""
    import onnx

    digest = hashlib.sha256(path.read_bytes())
    graph = onnx.load(path, load_external_data=False).graph
    others = {
        entry.value
        for tensor in graph.initializer
        for entry in tensor.external_data
        if entry.key == "location"
    }
    for name in sorted(others):
        digest.update((path.parent / name).read_bytes())
    return digest.hexdigest()
