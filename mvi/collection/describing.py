# SPDX-License-Identifier: MIT
"""From image files to what a model sees of them, by the same network or visual words as it learned from."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mvi.data.facts import Facts
from mvi.data.images import FolderImages
from mvi.errors import ConfigError, DataError
from mvi.features.networks import NETWORKS
from mvi.features.onnx_network import OnnxNetwork
from mvi.features.reading import batches
from mvi.files import read_array, read_sealed

BATCH = 32


def describer(
    facts: Facts | None, source: str | Path
) -> Callable[[Sequence[Path]], tuple[np.ndarray, list[int]]]:
    """What maps n files to features (n, d) float32, made as `facts` say, and numbers of unreadable ones.

    source: the network (ONNX) or the visual words (.npy)

    Raises `DataError` where `source` has another hash than the facts, and `ConfigError` where the images that
    a model learned from were described by something else than these two.
    """
    if not facts or facts["kind"] not in ("network", "descriptors"):
        raise ConfigError("this model does not say how its images were described; fit it again.")
    source = Path(source)
    extract: Callable[[Tensor], Tensor]
    if facts["kind"] == "network":
        size = facts["side"]
        if facts["network"] in NETWORKS:
            # Its digest is that of the published weights, which it was converted from.
            read_sealed(source)
        network = OnnxNetwork(source, **{key: facts[key] for key in ("side", "mean", "deviation", "output")})
        extract, digest = network, network.sha256
    else:
        # They need more of SciPy than a network does, which takes a while to import.
        from mvi.features.extract import Descriptors

        size = facts["picture_size"]
        settings = {key: facts[key] for key in facts if key not in ("kind", "sha256", "picture_size")}
        words = torch.from_numpy(read_array(source))
        extract = Descriptors(words, size=size, **settings)
        digest = hashlib.sha256(source.read_bytes()).hexdigest()
    if digest != facts["sha256"]:
        raise DataError(
            f"{source} is not what described the images that the model learned from; fit it again."
        )

    def features(paths: Sequence[Path]) -> tuple[np.ndarray, list[int]]:
        rows = [path.absolute() for path in paths]
        images = FolderImages("/", [path.relative_to("/").as_posix() for path in rows])
        found, readable = [], []
        with torch.inference_mode():
            for pixels, sound in batches(images, range(len(rows)), size, BATCH, "cpu", "describing images"):
                found.append(extract(pixels).numpy())
                readable.append(sound.numpy())
        return np.concatenate(found), np.flatnonzero(~np.concatenate(readable)).tolist()

    return features
