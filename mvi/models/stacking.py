# SPDX-License-Identifier: MIT
"""Weights from one stage of a deep network's training to the next.

The stages grow downwards: a joint layer over the last layers of all pathways, then one more layer of each
pathway under it, down to the inputs (reference code, its three joint stages). Weights are copied.
"""

from collections.abc import Mapping, Sequence

import torch

from mvi.errors import ConfigError, ShapeError
from mvi.models.mdrnn import Layer, Mdrnn, Pathway
from mvi.models.mrbm import MultimodalRBM
from mvi.models.rbm import RBM
from mvi.models.units import Binary, Gaussian, ReplicatedSoftmax, SteppedSigmoid


def joint_network(mrbm: MultimodalRBM) -> Mdrnn:
    """A multimodal RBM as a network without layers in its pathways; both infer the same."""
    pathways = {name: Pathway(Binary(size), up=mrbm.ups[name]) for name, size in mrbm.sizes.items()}
    parameters = {"top/bias": mrbm.parameters["hidden_bias"].clone()}
    for name, part in mrbm.slices.items():
        parameters[f"{name}/0/bias"] = mrbm.parameters["visible_bias"][part].clone()
        parameters[f"top/{name}/weight"] = mrbm.weight(name).clone()
    return Mdrnn(pathways, mrbm.hidden.size, parameters, down=mrbm.down, inference=mrbm.inference)


def stack_layer(
    lower: Mapping[str, RBM],
    upper: Mdrnn | MultimodalRBM,
    *,
    totals: Mapping[str, float] | None = None,
    keep_offset: bool = False,
) -> Mdrnn:
    """Stack one pretrained layer under each pathway named in `lower`; the others keep their input.

    Weights, factors and input biases are those of the RBMs, everything above is that of `upper`. A layer that
    both know, as hidden and as input units, gets the average of its two biases (reference code). `totals`
    are the mean numbers of words in a row, for replicated softmax inputs: the hidden bias, which the RBM
    counts once a word, is multiplied by it, and so many words are predicted where a row is missing.

    Stepped units become plain binary ones. The offset of their first copy, -0.5, is dropped as in the
    reference code unless `keep_offset` asks to have it in the bias.

    Raises `ShapeError` where the layers do not meet, and `ConfigError` where they are of units that a network
    cannot have.
    """
    network = joint_network(upper) if isinstance(upper, MultimodalRBM) else upper
    unknown = [name for name in lower if name not in network.pathways]
    if unknown:
        raise ShapeError(f"no modality {unknown[0]!r}; this network has {', '.join(network.pathways)}.")
    pathways: dict[str, Pathway] = {}
    parameters = {name: theta.clone() for name, theta in network.parameters.items() if name[:4] == "top/"}
    for name, pathway in network.pathways.items():
        below = lower.get(name)
        shift = int(below is not None)
        for level in range(len(pathway.layers) + 1):
            parameters[f"{name}/{level + shift}/bias"] = network.bias(name, level).clone()
            if level:
                parameters[f"{name}/{level + shift}/weight"] = network.weight(name, level).clone()
        if below is None:
            pathways[name] = pathway
            continue
        _check(name, below, pathway)
        total = _total(name, below, totals or {})
        layer = Layer(below.hidden.size, below.up, below.down)
        pathways[name] = Pathway(_input(below), (layer, *pathway.layers), pathway.up, total)
        hidden_bias = below.parameters["hidden_bias"] * total
        if keep_offset and isinstance(below.hidden, SteppedSigmoid):
            hidden_bias = hidden_bias - 0.5
        shared = parameters[f"{name}/1/bias"]
        parameters[f"{name}/1/bias"] = (shared + hidden_bias.to(shared)) / 2
        parameters[f"{name}/1/weight"] = below.parameters["weight"].to(shared).clone()
        parameters[f"{name}/0/bias"] = below.parameters["visible_bias"].to(shared).clone()
    return Mdrnn(pathways, network.hidden, parameters, down=network.down, inference=network.inference)


def stack_layers(
    layers: Mapping[str, Sequence[RBM]],
    upper: Mdrnn | MultimodalRBM,
    depth: int,
    *,
    totals: Mapping[str, float] | None = None,
    keep_offset: bool = False,
) -> Mdrnn:
    """A network of which `depth` pretrained layers of each pathway, or all there are, are part.

    `layers` are those of each pathway from its input upwards, `upper` is what the stage before gave; layers
    are stacked under it one at a time, as `stack_layer` does. Raises as `stack_layer` does.
    """
    network = joint_network(upper) if isinstance(upper, MultimodalRBM) else upper
    while True:
        below = {}
        for name, rbms in layers.items():
            have = len(network.pathways[name].layers)
            if have < min(depth, len(rbms)):
                below[name] = rbms[len(rbms) - have - 1]
        if not below:
            return network
        network = stack_layer(below, network, totals=totals, keep_offset=keep_offset)


def _check(name: str, below: RBM, above: Pathway) -> None:
    if below.hidden.size != above.input.size:
        raise ShapeError(
            f"the layer under pathway {name!r} has {below.hidden.size} hidden units where the network has "
            f"{above.input.size} inputs; make both from the same config."
        )
    if not isinstance(below.hidden, Binary | SteppedSigmoid) or not isinstance(above.input, Binary):
        raise ConfigError(
            f"pathway {name!r} cannot be stacked on units that are not binary; choose binary or "
            "stepped_sigmoid hidden units."
        )
    if torch.count_nonzero(below.parameters.get("visible_log_std", torch.zeros(1))):
        raise ConfigError(
            f"the Gaussian input of pathway {name!r} has variances other than 1, which a deep network cannot "
            "have; standardise the input and set learn_std to false."
        )


def _input(below: RBM) -> Binary | Gaussian | ReplicatedSoftmax:
    if isinstance(below.visible, Gaussian):
        return Gaussian(below.visible.size)
    return below.visible  # type: ignore[return-value]  # `Mdrnn` refuses other units.


def _total(name: str, below: RBM, totals: Mapping[str, float]) -> float:
    if not isinstance(below.visible, ReplicatedSoftmax):
        return 1.0
    if name not in totals:
        raise ConfigError(
            f"pathway {name!r} counts words; give the mean number of words in a row to predict as many."
        )
    return totals[name]
