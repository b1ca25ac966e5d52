# SPDX-License-Identifier: MIT
"""The training of the layer on top of all pathways, by any objective."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mvi.data import transforms
from mvi.data.transforms import Transform
from mvi.evaluation.cross_entropy import monitor
from mvi.mrbm import MultimodalRBM
from mvi.objectives import build
from mvi.pathways import Encode
from mvi.stages import made_from, stage_rows, train_stage
from mvi.weights import load

Judge = Callable[[MultimodalRBM], Mapping[str, float]]


def train_top_layer(
    store_path: str | Path,
    scale_path: str | Path,
    layer_paths: Mapping[str, Sequence[str | Path]],
    objective: str,
    settings: Mapping[str, Any],
    *,
    weights: str | Path,
    metrics: str | Path,
    config: Mapping[str, Any],
    device: str,
    judging: Callable[[Mapping[str, Transform]], Judge] | None = None,
) -> None:
    """Train a `MultimodalRBM` on the probabilities of the pathways' last layers; write weights and metrics.

    scale_path, layer_paths: files of the inputs' transforms, and of each modality's layers from below
    settings: "rows" (as for `mvi.stages.stage_rows`), "split", "seed", "minimum_tags", "model" (as for
        `MultimodalRBM.initialise`), "objective" (as for `mvi.objectives.build`), "schedule", "monitor";
        a checkpoint depends on these and on whatever else is there
    config: what the weights are to say of themselves
    judging: makes, from what the layer sees of each modality, a measure of it that is taken after each epoch

    The cross-entropy of each modality's units given the others is measured after each epoch on the rows held
    out. Raises as `mvi.training.train` does.
    """
    scale, _ = transforms.load(scale_path, device)
    below = {name: [load(path, device) for path in layer_paths[name]] for name in scale}
    sees = {name: Encode(first, below[name]) for name, first in scale.items()}
    rows = stage_rows(
        store_path,
        sees,
        settings["split"],
        settings["schedule"],
        **settings["rows"],
        minimum_tags=settings["minimum_tags"],
        device=device,
    )
    generator = torch.Generator(device).manual_seed(settings["seed"])
    model = MultimodalRBM.initialise(
        {name: layers[-1].hidden.size for name, layers in below.items()},
        generator=generator,
        visible_mean=rows.batches.mean(),
        **settings["model"],
    )
    looks = settings["monitor"]

    def measure(model: MultimodalRBM, watched: Tensor) -> Mapping[str, float]:
        values = {name: watched[:, part].cpu().numpy() for name, part in model.slices.items()}
        return monitor(values, iterations=looks["iterations"], start=looks["start_state"])(model)

    inputs = [store_path, scale_path, *(path for paths in layer_paths.values() for path in paths)]
    train_stage(
        model,
        build(objective, settings["objective"]),
        rows,
        settings["schedule"],
        generator,
        label=f"top layer by {objective}",
        weights=weights,
        metrics=metrics,
        config=config,
        fingerprint=made_from(settings, inputs, device),
        monitor=measure,
        judge=None if judging is None else judging(sees),
    )
