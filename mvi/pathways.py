# SPDX-License-Identifier: MIT
"""Pretraining of a pathway, layer by layer: what a layer may see, what it is, and whether it has learned.

A pathway leads from one modality's input through RBMs, each trained on the probabilities of the one below
(Hinton, Osindero and Teh 2006; reference code, its Flickr pipeline).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from mvi.data.splits import learn_from_unlabelled
from mvi.data.store import Store
from mvi.data.transforms import Counts, Transform, read
from mvi.errors import ConfigError, DataError
from mvi.numerics import binary_cross_entropy, logit
from mvi.objectives.common import Sparsity
from mvi.objectives.likelihood import ContrastiveDivergence
from mvi.optim import Ramp
from mvi.rbm import RBM
from mvi.units import Binary, Gaussian, ReplicatedSoftmax, SteppedSigmoid, from_description

# -- what a layer sees ---------------------------------------------------------------------------------


def layer_rows(
    store: Store,
    split: int,
    *,
    minimum_tags: int = 0,
    cap: int | None = None,
    seed: int = 0,
    parts: Sequence[str] = ("train", "validation"),
) -> np.ndarray:
    """The ascending int64 rows that unsupervised training may see, none of them a test row of `split`.

    They are all unlabelled rows where there are enough (`mvi.data.splits.learn_from_unlabelled`), or no
    labelled ones, else the `parts` of the split; of these the rows with
    at least `minimum_tags` different tags; of these at most `cap`, chosen at random by `seed`. The reference
    code asks for 0 tags in the image pathway, 5 in the text pathway and 2 in the joint stages.

    Raises `ConfigError` where `parts` names the test rows, and `DataError` where no row is left.
    """
    if not set(parts) <= {"train", "validation"}:
        raise ConfigError(
            f"Unsupervised training may see the parts train and validation of a split, not "
            f"{', '.join(parts)}; change the parts in the config."
        )
    rows = store.unlabelled
    known = store.split(split) if store.n_labelled else {}
    if not learn_from_unlabelled(store.n_rows, store.n_labelled, {split: known} if known else {}):
        rows = np.sort(np.concatenate([known[part] for part in parts]))
    rows = rows[store.with_tags(minimum_tags)[rows]]
    if not len(rows):
        raise DataError(
            f"{store.path} has no row to learn from with at least {minimum_tags} tags; lower the number of "
            "tags asked for in the config."
        )
    if cap is not None and cap < len(rows):
        rows = np.sort(np.random.default_rng(seed).choice(rows, cap, replace=False))
    return rows


def learn_and_watch(
    store: Store,
    split: int,
    *,
    held_out: int = 0,
    minimum_tags: int = 0,
    cap: int | None = None,
    seed: int = 0,
    parts: Sequence[str] = ("train", "validation"),
) -> tuple[np.ndarray, np.ndarray]:
    """The rows that a stage learns from, and others that it is watched on; both ascending, without overlap.

    `held_out` of the rows that any stage may see are drawn by `seed`, the same for every stage of a pathway,
    and only watched. The rest, and the other arguments, are as for `layer_rows`. Raises `ConfigError` where
    no row would be left to learn from.
    """
    every = layer_rows(store, split, parts=parts)
    if held_out >= len(every):
        raise ConfigError(
            f"{held_out} of the {len(every)} rows that may be learned from cannot be held out; lower "
            "flickr.rows.held_out in the config."
        )
    watched = np.random.default_rng([seed, held_out]).choice(every, held_out, replace=False)
    wanted = layer_rows(store, split, minimum_tags=minimum_tags, parts=parts)
    learned = np.setdiff1d(wanted, watched)
    if not len(learned):
        raise ConfigError(
            f"All {len(wanted)} rows with at least {minimum_tags} tags are held out; lower "
            "flickr.rows.held_out or the number of tags asked for in the config."
        )
    if cap is not None and cap < len(learned):
        learned = np.sort(np.random.default_rng(seed).choice(learned, cap, replace=False))
    return learned, np.intersect1d(wanted, watched)


def layer_probabilities(rbms: Sequence[RBM], v: Tensor) -> Tensor:
    """(B, K) of the last of `rbms` given the input (B, D) of the first; `v` itself where there is none.

    Each hands on the probability of its hidden units, stepped ones that of their first copy (reference
    code), with its up factor and without sampling.
    """
    for rbm in rbms:
        a = rbm.hidden_input(v)
        stepped = isinstance(rbm.hidden, SteppedSigmoid)
        v = rbm.hidden.first_copy(a) if stepped else rbm.hidden.mean(a)
    return v


@dataclass(frozen=True, eq=False)
class Encode:
    """The transform of a modality into the input of the layer above `rbms`: the first one's, then theirs.

    These are probabilities. What draws binary states of them anew in each minibatch is the objective
    (`sample_input`), which has the generator of the training.
    """

    first: Transform
    rbms: Sequence[RBM]

    def __call__(self, values: Tensor) -> Tensor:
        """(n, K) probabilities of the values (n, d) of the store."""
        return layer_probabilities(self.rbms, self.first(values))


def inputs_of(
    transforms: Mapping[str, Transform], layers: Mapping[str, Sequence[RBM]], depths: Mapping[str, int]
) -> dict[str, Transform]:
    """What a network sees of each modality: its transform, and `layers` but for the last `depths` of them."""
    below = {name: layers[name][: len(layers[name]) - depths[name]] for name in transforms}
    return {name: Encode(one, below[name]) if below[name] else one for name, one in transforms.items()}


def mean_totals(
    store: Store,
    transforms: Mapping[str, Transform],
    split: int,
    parts: Sequence[str],
    *,
    minimum_tags: int = 0,
    rows: int = 10_000,
) -> dict[str, float]:
    """Mean number of words in a row of each modality that is seen as counts, over at most `rows` rows."""
    counted = {name: transform for name, transform in transforms.items() if isinstance(transform, Counts)}
    seen = layer_rows(store, split, minimum_tags=minimum_tags, parts=parts, cap=rows)
    return {name: float(read(store, {name: one}, seen).sum(1).mean()) for name, one in counted.items()}


# -- what a layer is -----------------------------------------------------------------------------------


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

    `settings` holds `visible` (a unit of `mvi.units` as described there, without its size), `hidden` (one
    with its size), `up`, `down`, `weight_std`, and perhaps `visible_mean_floor`: how far the means are kept
    from 0 and 1 where binary visible units start at their log-odds, 0.01 in the reference code.

    Raises `ConfigError` for units of unknown kind, or hidden ones that are neither binary nor stepped.
    """
    visible = from_description({**settings["visible"], "size": visible_size})
    hidden = from_description(settings["hidden"])
    if not isinstance(hidden, Binary | SteppedSigmoid):
        raise ConfigError(
            f"hidden units of kind {settings['hidden']['kind']!r} cannot hand probabilities to the next "
            "layer; choose binary or stepped_sigmoid."
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


# -- whether it has learned ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Reconstruction:
    """How well a layer gives back rows that it did not learn from, beside what their means alone would give.

    `loss` and `marginal` are cross-entropies in nats per row, of Gaussian units squared errors per row, of
    the reconstruction and of the training means. `explained` is the share of the marginal's deviance that
    the layer explains: 1 for a perfect reconstruction, 0 for one no better than the means, less for a worse
    one; for Gaussian units it is the share of variance explained.
    """

    loss: float
    marginal: float
    explained: float


def reconstruction_against_marginal(
    model: RBM,
    rows: Tensor,
    mean: Tensor,
    count: int,
    *,
    unseen: Tensor | None = None,
    block: int = 2000,
) -> Reconstruction:
    """Compare one mean-field step up and down, v -> E[h | v] -> v, with the marginal, on `rows` (n, D).

    `mean` (D,) is that of `count` training rows, with half a count added on either side, so that what never
    came in training is not held impossible. Units that are probabilities themselves are compared with as
    such; what their own entropy leaves is no loss to be explained.

    Where `unseen` (n, D) is true the layer gets the training mean instead of the value, and only what it
    says there is compared. Enough random weights give back what they see; what they do not see can only be
    told by a layer that has learned which units go together.
    """
    smoothed = (mean * count + 0.5) / (count + 1)
    totals = torch.zeros(3, dtype=torch.float64)
    for start in range(0, len(rows), block):
        v = rows[start : start + block]
        hide = None if unseen is None else unseen[start : start + block]
        h = model.hidden_mean(v if hide is None else torch.where(hide, mean, v))
        for number, part in enumerate(_deviances(model, v, h, mean, smoothed)):
            counted = part if hide is None else part * hide
            totals[number] += counted.sum(dtype=torch.float64).cpu()
    loss, marginal, least = (float(total) / len(rows) for total in totals)
    left = marginal - least
    # Rows that equal the means in every column leave nothing to explain.
    return Reconstruction(loss, marginal, (marginal - loss) / left if left > 0 else 0.0)


def _deviances(model: RBM, v: Tensor, h: Tensor, mean: Tensor, smoothed: Tensor) -> list[Tensor]:
    """(B, D) losses of the reconstruction from h, of the marginal, and the least that any can have."""
    if isinstance(model.visible, Gaussian):
        return [(v - model.visible_mean(h)).square(), (v - mean).square()]
    a = model.visible_input(h)
    if isinstance(model.visible, ReplicatedSoftmax):
        share = v / v.sum(-1, keepdim=True).clamp_min(1)
        return [-v * log_softmax(a, -1), -v * (smoothed / smoothed.sum()).log(), -torch.xlogy(v, share)]
    entropy = -torch.xlogy(v, v) - torch.xlogy(1 - v, 1 - v)
    return [binary_cross_entropy(v, a), binary_cross_entropy(v, smoothed.logit()), entropy]


def monitor(
    rows: Tensor, mean: Tensor, count: int, *, unseen_share: float = 0.3, seed: int = 0
) -> Callable[[RBM], dict[str, float]]:
    """What to look at while a layer trains: `reconstruction_against_marginal` of held-out `rows` (n, D).

    The numbers are named "validation/loss", "validation/marginal", "validation/explained", and
    "validation/predicted" for the share explained of entries that the layer does not see, a random
    `unseen_share` of all by `seed`. The last is what tells a layer that has learned from one that has not.
    """
    draws = torch.rand(rows.shape, generator=torch.Generator().manual_seed(seed))
    unseen = (draws < unseen_share).to(rows.device)

    def measure(model: RBM) -> dict[str, float]:
        whole = reconstruction_against_marginal(model, rows, mean, count)
        part = reconstruction_against_marginal(model, rows, mean, count, unseen=unseen)
        return {
            "validation/loss": whole.loss,
            "validation/marginal": whole.marginal,
            "validation/explained": whole.explained,
            "validation/predicted": part.explained,
        }

    return measure
