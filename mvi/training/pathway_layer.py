# SPDX-License-Identifier: MIT
"""One layer of a pathway: an RBM on a modality or on the layer below it, as the config describes it.

A pathway leads from one modality's input through RBMs, each trained on the probabilities of the one below
(Hinton, Osindero and Teh 2006; reference code, its Flickr pipeline).
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mvi.errors import ConfigError, DataError
from mvi.models.numerics import logit
from mvi.models.rbm import RBM
from mvi.models.units import Binary, ReplicatedSoftmax, SteppedSigmoid, from_description
from mvi.objectives.base import Ramp, Sparsity
from mvi.objectives.likelihood import ContrastiveDivergence

VISIBLE = {"standardise": "gaussian", "binarise": "binary", "counts": "replicated_softmax"}
"""Kind of the visible units of a pathway's first layer by the transform of its modality."""


def units_of(layer: Mapping[str, Any], transform: str | None) -> dict[str, Any]:
    """The `visible` and `hidden` units, as `build_rbm` takes them, of a layer as the config describes it.

    `transform` is the kind of the modality's transform for its first layer, None for one above another.
    """
    hidden = {"kind": layer["units"], "size": layer["hidden"]}
    if layer["units"] == "stepped_sigmoid":
        hidden["copies"] = layer["steps"]
    return {"visible": {"kind": VISIBLE[transform] if transform else "binary"}, "hidden": hidden}


def build_rbm(
    settings: Mapping[str, Any], visible_size: int, generator: torch.Generator, visible_mean: Tensor
) -> RBM:
    """A layer before training, with `visible_mean` (D,) the mean of its input.

    `settings` holds `visible` (a unit as `mvi.models.units` describes it, without its size), `hidden` (one
    with its size), `up`, `down`, `weight_std`, and perhaps `visible_mean_floor`: how far the means are kept
    from 0 and 1 where binary visible units start at their log-odds, 0.01 in the reference code.

    Raises `ConfigError` for units of unknown kind, or hidden ones that are neither binary nor stepped, and
    `DataError` where word counts are all 0, so that there is no share of any word to start from.
    """
    visible = from_description({**settings["visible"], "size": visible_size})
    hidden = from_description(settings["hidden"])
    if not isinstance(hidden, Binary | SteppedSigmoid):
        raise ConfigError(
            f"hidden units of kind {settings['hidden']['kind']!r} cannot hand probabilities to the next "
            "layer; choose binary or stepped_sigmoid."
        )
    if isinstance(visible, ReplicatedSoftmax) and not visible_mean.any():
        raise DataError(
            "No row that the layer would learn from holds a word; ask for at least 1 tag in the config "
            "(minimum_tags), or look at the tags."
        )
    rbm = RBM.initialise(
        visible,
        hidden,
        generator,
        weight_std=settings["weight_std"],
        visible_mean=visible_mean,
        up=settings["up"],
        down=settings["down"],
    )
    floor = settings.get("visible_mean_floor")
    if floor is not None and isinstance(visible, Binary):
        rbm.parameters["visible_bias"] = logit(visible_mean.to(rbm.parameters["weight"]), floor)
    return rbm


def build_objective(settings: Mapping[str, Any]) -> ContrastiveDivergence:
    """How a layer is trained: `method` is cd or pcd, with `gibbs_steps` and `sparsity`.

    `chains` is for pcd alone. `sample_input` says whether binary visible units draw their states from the
    input anew in each minibatch, as the reference code does; true unless given. Its layerwise trainers let
    the approximate sparsity push the weights too, which `sparsity` calls `on_weights`.

    Raises `ConfigError` for another method.
    """
    method = settings["method"]
    if method not in ("cd", "pcd"):
        raise ConfigError(f"a layer cannot be trained by {method!r}; choose cd or pcd.")
    persistent = {"persistent": False} if method == "cd" else {"chains": settings["chains"]}
    return ContrastiveDivergence(
        gibbs_steps=Ramp(**settings["gibbs_steps"]),
        sparsity=Sparsity(**settings["sparsity"]),
        sample_input=settings.get("sample_input", True),
        **persistent,
    )
