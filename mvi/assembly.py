# SPDX-License-Identifier: MIT
"""From the files of a run to a model that takes features as its store holds them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mvi.data import transforms
from mvi.encoder import Encoder
from mvi.errors import DataError
from mvi.handover import top_network
from mvi.mdrnn import Mdrnn
from mvi.mrbm import MultimodalRBM
from mvi.pathways import inputs_of
from mvi.rbm import RBM
from mvi.weights import load


def encoder_from_files(
    scale: str | Path,
    layers: Mapping[str, Sequence[str | Path]],
    network: str | Path,
    device: str = "cpu",
) -> Encoder:
    """The scale of the inputs, the layers of each pathway from its input upwards, and a network on top.

    The network may be a top layer alone; what stands below its own layers is taken from `layers`. Raises
    `DataError` where a file holds something else.
    """
    below = {name: [_rbm(path, device) for path in paths] for name, paths in layers.items()}
    top = load(network, device)
    if isinstance(top, MultimodalRBM):
        top = top_network(top)
    if not isinstance(top, Mdrnn):
        raise DataError(f"{network} holds no network over several modalities; give a joint layer.")
    first, words = transforms.load(scale, device)
    return Encoder(inputs_of(first, below, top.depths), top, words)


def _rbm(path: str | Path, device: str) -> RBM:
    rbm = load(path, device)
    # A top layer is an RBM too, over several modalities.
    if type(rbm) is not RBM:
        raise DataError(f"{path} holds no layer of a pathway; give the files of the pretraining.")
    return rbm
