# SPDX-License-Identifier: MIT
"""What a model is worth on validation rows, in training or after: for choosing settings, not for results."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mvi.data.sets.base import MEAN_AVERAGE_PRECISION
from mvi.data.store import Store
from mvi.data.transforms import Transform, read
from mvi.evaluation.classification import Answers
from mvi.evaluation.logistic_classifier import Logistic
from mvi.evaluation.metrics import partly
from mvi.evaluation.queries import queries_of
from mvi.models.base import MultimodalModel, slices_of
from mvi.training.precision import full_precision


def validation_map(
    store_path: str | Path,
    transforms: Mapping[str, Transform],
    split: int,
    grid: Sequence[float],
    *,
    inference: Mapping[str, Any],
    untagged: str = "observed",
    chosen_by: str = "interpolated",
    tolerance: float = 1e-3,
    metrics: Mapping[str, str] = MEAN_AVERAGE_PRECISION,
    device: str = "cpu",
) -> Callable[[MultimodalModel], dict[str, float]]:
    """A measure of models: the headline of `metrics` of a split's validation rows by each query.

    The classifier learns from the multimodal representations of the training rows, with the lambda of `grid`
    that is best for multimodal validation rows by the metric `chosen_by`. What stands below a model, such as
    the layers under a joint layer, is in `transforms`. Nothing may have learned from the validation rows: it
    would know their missing modality.
    Test rows are not read. Whatever the precision of the training, the measure is in float32.

    inference: how a missing modality is filled in, "iterations", "tolerance" and "start" of
        `MultimodalModel.encode`
    untagged: what both modalities of a row without tags are: "observed", no tag; "inferred", what its image
        alone tells
    tolerance: the classifier's stopping rule

    The rows, (n, D), are read once and kept. The numbers are named "validation_map/<query>".
    """
    with Store(store_path) as store:
        parts = {name: store.split(split)[name] for name in ("train", "validation")}
        every = Answers(store.labels(), partly(store.known(), store.labels().shape))
        answers = {name: every.of(rows) for name, rows in parts.items()}
        classifier = Logistic(grid, store.classes, chosen_by, tolerance=tolerance, metrics=metrics)
        classifier.check(every)
        tagged = {name: store.tag_counts()[rows] > 0 for name, rows in parts.items()}
        with full_precision():
            given = {name: read(store, transforms, rows, device) for name, rows in parts.items()}

    def encode(model: MultimodalModel, part: str, query: str) -> np.ndarray:
        values = {
            name: given[part][:, columns] if name in query.split("+") else None
            for name, columns in slices_of(model.sizes).items()
        }
        inferred = untagged == "inferred" and "+" in query
        states = model.encode(values, observed={"text": tagged[part]} if inferred else None, **inference)
        return torch.as_tensor(states).cpu().numpy()

    @full_precision()
    def measure(model: MultimodalModel) -> dict[str, float]:
        queries = queries_of(list(model.sizes))
        states = {query: encode(model, "validation", query) for query in queries}
        best: dict[str, float] = {}
        highest = -np.inf
        held = answers["validation"]
        for _, trained in classifier.path(encode(model, "train", queries[0]), answers["train"]):
            reached = classifier.quality(trained, states[queries[0]], held)
            if reached > highest:
                highest = reached
                best = {
                    f"validation_map/{query}": classifier.mean(classifier.metric, trained, rows, held)
                    for query, rows in states.items()
                }
        return best

    return measure
