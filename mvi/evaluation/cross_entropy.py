# SPDX-License-Identifier: MIT
"""How well a multimodal RBM makes up a missing modality: its cross-entropy by mean-field iterations.

Shapes: n examples, D_t units of the target modality, the one that is missing.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from mvi.mrbm import MultimodalRBM, Start
from mvi.numerics import binary_cross_entropy


def cross_entropies(
    model: MultimodalRBM,
    values: Mapping[str, np.ndarray],
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


def monitor(
    values: Mapping[str, np.ndarray], *, iterations: int, start: Start
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
