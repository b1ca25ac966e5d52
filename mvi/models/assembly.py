# SPDX-License-Identifier: MIT
"""From the files of a run to a model that takes features as its store holds them."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from mvi.data import transforms
from mvi.data.facts import refuse_other
from mvi.models.checkpoints import features as features_of
from mvi.models.checkpoints import load
from mvi.models.kinds import model_of
from mvi.models.mdrnn import Mdrnn
from mvi.models.mrbm import MultimodalRBM
from mvi.models.pipeline import NETWORKS, Encoder, inputs_of
from mvi.models.rbm import RBM
from mvi.models.stacking import joint_network


def encoder_from_files(
    scale: str | Path,
    layers: Mapping[str, Sequence[str | Path]],
    network: str | Path,
    device: str = "cpu",
) -> Encoder:
    """The scale of the inputs, the layers of each pathway from its input upwards, and a network on top.

    The network may be a joint layer alone; what stands below its own layers is taken from `layers`. It may be
    a model of `mvi.models.direct`, which has its place on the inputs themselves. Raises `DataError` where a
    file holds something else, or is about images that were described otherwise.
    """
    top = load(network, *NETWORKS, device=device, others=model_of)
    first, words = transforms.load(scale, device)
    features = transforms.features_of(scale)
    for path in (*chain(*layers.values()), network):
        refuse_other(features, features_of(path), path)
    if not isinstance(top, Mdrnn | MultimodalRBM):
        return Encoder(first, top, words, features=features)
    below = {name: [load(path, RBM, device=device) for path in paths] for name, paths in layers.items()}
    if isinstance(top, MultimodalRBM):
        # As it is where nothing stands below: the two infer the same, but not to the last bit.
        deep = any(below.values())
        inputs = inputs_of(first, below, dict.fromkeys(first, 0))
        return Encoder(inputs, joint_network(top) if deep else top, words, features=features)
    return Encoder(inputs_of(first, below, top.depths), top, words, features=features)
