# SPDX-License-Identifier: MIT
"""What is measured on held-out rows while a model trains; none of it changes the training.

Shapes: n examples, D visible units of an RBM, D_t units of a target modality, the one that is missing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from mvi.models.base import Array, Start
from mvi.models.mrbm import MultimodalRBM
from mvi.models.numerics import binary_cross_entropy
from mvi.models.rbm import RBM
from mvi.models.units import Gaussian, ReplicatedSoftmax


@dataclass(frozen=True)
class Reconstruction:
    """How well a layer gives back rows that it did not learn from, beside what their means alone would give.

    `loss` and `marginal` are cross-entropies in nats per row, of Gaussian units squared errors per row, of
    the reconstruction and of the training means. `deviance_explained` is the share of the marginal's deviance
    that the layer explains: 1 for a perfect reconstruction, 0 for one no better than the means, less for a
    worse one; for Gaussian units it is the share of variance explained.
    """

    loss: float
    marginal: float
    deviance_explained: float


def reconstruction_against_marginal(
    model: RBM,
    rows: Tensor,
    mean: Tensor,
    count: int,
    *,
    masked: Tensor | None = None,
    block: int = 2000,
) -> Reconstruction:
    """Compare one mean-field step up and down, v -> E[h | v] -> v, with the marginal, on `rows` (n, D).

    `mean` (D,) is that of `count` training rows, with half a count added on either side, so that what never
    came in training is not held impossible. Units that are probabilities themselves are compared with as
    such; what their own entropy leaves is no loss to be explained.

    Where `masked` (n, D) is true the layer gets the training mean instead of the value, and only what it
    says there is compared. Enough random weights give back what they see; what they do not see can only be
    told by a layer that has learned which units go together.
    """
    smoothed = (mean * count + 0.5) / (count + 1)
    totals = torch.zeros(3, dtype=torch.float64)
    for start in range(0, len(rows), block):
        v = rows[start : start + block]
        hide = None if masked is None else masked[start : start + block]
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


def reconstruction_monitor(
    rows: Tensor, mean: Tensor, count: int, *, masked_share: float = 0.3, seed: int = 0
) -> Callable[[RBM], dict[str, float]]:
    """What to look at while a layer trains: `reconstruction_against_marginal` of held-out `rows` (n, D).

    The numbers are named "validation/loss", "validation/marginal", "validation/explained", and
    "validation/predicted" for the deviance explained of masked entries, a random `masked_share` of all by
    `seed`. The last is what tells a layer that has learned from one that has not.
    """
    draws = torch.rand(rows.shape, generator=torch.Generator().manual_seed(seed))
    masked = (draws < masked_share).to(rows.device)

    def measure(model: RBM) -> dict[str, float]:
        whole = reconstruction_against_marginal(model, rows, mean, count)
        part = reconstruction_against_marginal(model, rows, mean, count, masked=masked)
        return {
            "validation/loss": whole.loss,
            "validation/marginal": whole.marginal,
            "validation/explained": whole.deviance_explained,
            "validation/predicted": part.deviance_explained,
        }

    return measure


def cross_entropies(
    model: MultimodalRBM,
    values: Mapping[str, Array],
    target: str,
    *,
    iterations: int,
    start: Start,
    block: int = 5000,
) -> np.ndarray:
    """(iterations + 1,) cross-entropy, in nats per example, of `target` given the others.

    Entry k is that of the prediction after k mean-field iterations (Eq. 8). `values` holds every
    modality, (n, D_m) with values in [0, 1]; that of the target is only compared with. Rows go through
    in blocks of `block`.
    """
    rows = len(values[target])
    total = np.zeros(iterations + 1)
    for begin in range(0, rows, block):
        v = model.join({name: value[begin : begin + block] for name, value in values.items()})
        part = model.slices[target]
        truth = v[:, part].clone()
        h = _first_state(model, v, target, start)
        for k in range(iterations + 1):
            logits = model.modality_input(h, target)
            total[k] += float(binary_cross_entropy(truth, logits).sum(dtype=torch.float64))
            v[:, part] = logits.sigmoid_()
            h = model.hidden_mean(v)
    return total / rows


def cross_entropy_monitor(
    values: Mapping[str, Array], *, iterations: int, start: Start
) -> Callable[[MultimodalRBM], dict[str, float]]:
    """What to look at while a model trains: for each modality, `cross_entropies` after all `iterations`.

    `values` are held-out rows of every modality. The numbers are named "validation/<modality>".
    """

    def measure(model: MultimodalRBM) -> dict[str, float]:
        curves = {
            name: cross_entropies(model, values, name, iterations=iterations, start=start) for name in values
        }
        return {f"validation/{name}": float(curve[-1]) for name, curve in curves.items()}

    return measure


def baseline_cross_entropy(train: np.ndarray, rows: np.ndarray) -> float:
    """Cross-entropy of `rows` (n, D_t), in nats per example, under the mean of `train` (N, D_t).

    Half a count is added on either side, so that a pixel that is never inked is not held impossible.
    """
    mean = (train.sum(axis=0, dtype=np.float64) + 0.5) / (len(train) + 1)
    return float(-(rows * np.log(mean) + (1 - rows) * np.log(1 - mean)).sum(axis=1).mean())


def _first_state(model: MultimodalRBM, v: Tensor, target: str, start: Start) -> Tensor:
    given = [name for name in model.sizes if name != target]
    return model.mean_field(v, given, iterations=0, start=start)
