# SPDX-License-Identifier: MIT
"""From published weights to ONNX files, which onnxruntime runs several times as fast as eager PyTorch.

The graphs are written out here: an exporter would need the networks' own code, and PyTorch's needs more
packages than it saves lines. Batch normalisation is folded into the convolution before it, in float64. Equal
weights give equal bytes.
"""

import hashlib
import io
import pickle
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from mvi.errors import ConfigError, DataError
from mvi.features.networks import NETWORKS, Network

# The key of a converted file's metadata that holds the hash of the weights that it was made from.
ORIGIN = "weights_sha256"
INPUT, OUTPUT = "images", "features"
# Of the format, not of the package; onnxruntime reads all from 7 on.
_OPERATORS, _REPRESENTATION = 17, 8


def packaged_weights(network: Network) -> Path:
    """The file of weights of a network that comes in a package; raises `ConfigError` where it is absent."""
    found = find_spec(network.package)
    if found is None or not found.submodule_search_locations:
        raise ConfigError(
            f"The weights of {network.name} come in the Python package {network.package.replace('_', '-')}, "
            "which is not installed; install mvi with its extra: network."
        )
    return Path(found.submodule_search_locations[0]) / network.weights


def convert(name: str, weights: str | Path | None = None) -> bytes:
    """The ONNX file of a network of `NETWORKS`, from its file of weights (by default the installed one).

    Input "images" (n, 3, height, width) float32, output "features" (n, dimensions) float32; the output of
    every layer can be asked for by its name in the file of weights. Raises `DataError` where the weights are
    others than those published, and `ConfigError` where what is needed is not installed.
    """
    network = NETWORKS[name]
    path = packaged_weights(network) if weights is None else Path(weights)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}, the weights of {name}, cannot be read ({error.strerror}).") from error
    digest = hashlib.sha256(content).hexdigest()
    if not digest.startswith(network.sha256):
        raise DataError(
            f"{path} has the sha256 {digest[:12]}… and not {network.sha256[:12]}…, which the weights of "
            f"{name} have; install or fetch them again."
        )
    return graph_of(name, _named(content, path), digest)


def graph_of(name: str, weights: Mapping[str, Any], digest: str) -> bytes:
    """The same from named `weights`, of which `digest` is kept; raises `DataError` where one is lacking."""
    graph = _Graph(weights)
    try:
        last = _GRAPHS[name](graph)
    except (KeyError, ValueError) as error:
        raise DataError(
            f"The weights of {name} do not fit the network ({error}); fetch them again."
        ) from error
    return graph.finished(last, NETWORKS[name], digest)


def _named(content: bytes, path: Path) -> dict[str, np.ndarray]:
    """The tensors of a file that `torch.save` wrote, read without running code that it may hold."""
    import torch

    try:
        loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        return {key: tensor.float().numpy() for key, tensor in loaded.items()}
    except (OSError, EOFError, RuntimeError, ValueError, AttributeError, pickle.UnpicklingError) as error:
        raise DataError(f"{path} holds no named weights that torch can read; fetch it again.") from error


class _Graph:
    # Layers one after another; each method takes the name of what goes in and gives that of what comes out.
    def __init__(self, weights: Mapping[str, Any]) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.any_size = True
        self.constant("zero", np.array(0.0))
        self.constant("six", np.array(6.0))

    def constant(self, name: str, values: np.ndarray) -> str:
        numpy_helper = _onnx().numpy_helper
        if not np.isfinite(values).all():
            raise ValueError(f"{name} has values that are not finite")
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(_onnx().helper.make_node(kind, inputs, [output], **attributes))
        return output

    def folded(self, x: str, layer: str, normalised: str, *, stride: int = 1, groups: int = 1) -> str:
        """A convolution without bias, padded so that only `stride` makes maps smaller, then normalised."""
        mean, variance, factor, offset = (
            self.weights[f"{normalised}.{key}"].astype(np.float64)
            for key in ("running_mean", "running_var", "weight", "bias")
        )
        factor = factor / np.sqrt(variance + 1e-3)
        kernel = self.weights[f"{layer}.weight"] * factor[:, None, None, None]
        return self._conv(
            x,
            layer,
            kernel,
            offset - factor * mean,
            strides=[stride] * 2,
            group=groups,
            auto_pad="SAME_UPPER",
        )

    def conv(self, x: str, layer: str, *, stride: int = 1, padding: int = 0) -> str:
        kernel, bias = (self.weights[f"{layer}.{key}"] for key in ("weight", "bias"))
        return self._conv(x, layer, kernel, bias, strides=[stride] * 2, pads=[padding] * 4)

    def _conv(self, x: str, layer: str, kernel: np.ndarray, bias: np.ndarray, **attributes: Any) -> str:
        if kernel.ndim != 4:
            raise ValueError(f"{layer}.weight is {kernel.shape}, no kernel of a convolution")
        names = [self.constant(f"{layer}.kernel", kernel), self.constant(f"{layer}.offset", bias)]
        return self.node("Conv", [x, *names], layer, kernel_shape=list(kernel.shape[2:]), **attributes)

    def linear(self, x: str, layer: str) -> str:
        self.any_size = False  # It has a weight for each place.
        names = [
            self.constant(f"{layer}.{key}", self.weights[f"{layer}.{key}"]) for key in ("weight", "bias")
        ]
        return self.node("Gemm", [x, *names], layer, transB=1)

    def relu(self, x: str) -> str:
        return self.node("Relu", [x], f"{x}.relu")

    def relu6(self, x: str) -> str:
        return self.node("Clip", [x, "zero", "six"], f"{x}.relu6")

    def finished(self, last: str, network: Network, digest: str) -> bytes:
        onnx = _onnx()
        helper, kind = onnx.helper, onnx.TensorProto.FLOAT
        self.node("Identity", [last], OUTPUT)
        size = ["height", "width"] if self.any_size else [network.side] * 2
        graph = helper.make_graph(
            self.nodes,
            network.name,
            [helper.make_tensor_value_info(INPUT, kind, ["n", 3, *size])],
            [helper.make_tensor_value_info(OUTPUT, kind, ["n", network.dimensions])],
            self.constants,
        )
        model = helper.make_model(
            graph,
            producer_name="mvi",
            ir_version=_REPRESENTATION,
            opset_imports=[helper.make_opsetid("", _OPERATORS)],
        )
        helper.set_model_props(model, {ORIGIN: digest})
        onnx.checker.check_model(model)
        content: bytes = model.SerializeToString(deterministic=True)
        return content


# The stages of EfficientNet-Lite0 (Tan and Le, 2019, Table 1, without squeeze and excitation): blocks, stride
# of the first of them, and whether the block widens its input first.
_STAGES = ((1, 1, False), (2, 2, True), (2, 2, True), (3, 2, True), (3, 1, True), (4, 2, True), (1, 1, True))


def _efficientnet_lite0(graph: _Graph) -> str:
    x = graph.relu6(graph.folded(INPUT, "_conv_stem", "_bn0", stride=2))
    count = 0
    for blocks, first_stride, widens in _STAGES:
        for i in range(blocks):
            block, before = f"_blocks.{count}", x
            count += 1
            if widens:
                x = graph.relu6(graph.folded(x, f"{block}._expand_conv", f"{block}._bn0"))
            deep = f"{block}._depthwise_conv"
            channels = len(graph.weights[f"{deep}.weight"])
            stride = 1 if i else first_stride
            x = graph.relu6(graph.folded(x, deep, f"{block}._bn1", stride=stride, groups=channels))
            x = graph.folded(x, f"{block}._project_conv", f"{block}._bn2")
            if i:
                x = graph.node("Add", [x, before], block)
    x = graph.relu6(graph.folded(x, "_conv_head", "_bn1"))
    return graph.node("Flatten", [graph.node("GlobalAveragePool", [x], "pool")], "pool.flat")


def _alexnet(graph: _Graph) -> str:
    # Numbers of layers as in torchvision's network; a kernel of 11, 5 or 3 is padded by 2, 2 or 1.
    x = INPUT
    for layer, stride, padding, pooled in (
        (0, 4, 2, 1),
        (3, 1, 2, 1),
        (6, 1, 1, 0),
        (8, 1, 1, 0),
        (10, 1, 1, 1),
    ):
        x = graph.relu(graph.conv(x, f"features.{layer}", stride=stride, padding=padding))
        if pooled:
            x = graph.node("MaxPool", [x], f"features.{layer}.pool", kernel_shape=[3, 3], strides=[2, 2])
    x = graph.node("Flatten", [x], "flat")
    for number in (1, 4):
        x = graph.relu(graph.linear(x, f"classifier.{number}"))
    return x


_GRAPHS: dict[str, Callable[[_Graph], str]] = {"efficientnet_lite0": _efficientnet_lite0, "alexnet": _alexnet}


def _onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise ConfigError(
            "Networks are converted by the Python package onnx, which is not installed; install mvi with "
            "its extra: network."
        ) from error
    return onnx
