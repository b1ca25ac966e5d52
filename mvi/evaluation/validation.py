# SPDX-License-Identifier: MIT
"""What a model still in training is worth on validation rows: for choosing settings, not for results."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from mvi.data.store import Store
from mvi.data.transforms import Transform, read
from mvi.evaluation.logistic import fit_path
from mvi.evaluation.multilabel import mean_average_precision
from mvi.evaluation.protocol import queries_of
from mvi.mrbm import MultimodalRBM, Start


def validation_map(
    store_path: str | Path,
    transforms: Mapping[str, Transform],
    split: int,
    grid: Sequence[float],
    *,
    iterations: int,
    start: Start,
    tolerance: float = 1e-3,
    device: str = "cpu",
) -> Callable[[MultimodalRBM], dict[str, float]]:
    """A measure of top layers: mAP (interpolated) of a split's validation rows by each query.

    The classifier learns from the multimodal representations of the training rows, with the lambda of `grid`
    that is best for multimodal validation rows. A missing modality is filled in by `iterations` from
    `start`. What stands below the layer is in `transforms`, and must not have learned from the validation
    rows: it would know their missing modality. Test rows are not read.

    The rows, (n, D), are read once and kept. The numbers are named "validation_map/<query>".
    """
    with Store(store_path) as store:
        parts = store.split(split)
        labels = store.labels()
        seen = read(store, transforms, parts["train"], device)
        shown = read(store, transforms, parts["validation"], device)
    train, held_out = (labels[parts[name]] for name in ("train", "validation"))
    descending = sorted(map(float, grid), reverse=True)

    def measure(model: MultimodalRBM) -> dict[str, float]:
        def encode(rows: torch.Tensor, query: str) -> np.ndarray:
            values = {
                name: rows[:, part] if name in query.split("+") else None
                for name, part in model.slices.items()
            }
            return model.encode(values, iterations=iterations, start=start).cpu().numpy()

        queries = queries_of(list(model.slices))
        states = {query: encode(shown, query) for query in queries}
        best: dict[str, float] = {}
        for classifier in fit_path(encode(seen, queries[0]), train, descending, tolerance=tolerance):
            known = classifier.trained
            found = {
                f"validation_map/{query}": mean_average_precision(
                    classifier.decision(rows)[:, known], held_out[:, known]
                )[0]
                for query, rows in states.items()
            }
            key = f"validation_map/{queries[0]}"
            if not best or found[key] > best[key]:
                best = found
        return best

    return measure
