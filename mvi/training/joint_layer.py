# SPDX-License-Identifier: MIT
"""The training of the joint layer, on top of all pathways or of bare modalities, by any objective."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from mvi.data import transforms
from mvi.data.store import Store
from mvi.data.transforms import Transform
from mvi.models.checkpoints import load
from mvi.models.mrbm import MultimodalRBM
from mvi.models.pipeline import Encode
from mvi.models.rbm import RBM
from mvi.objectives.base import Objective
from mvi.training.monitors import cross_entropy_monitor
from mvi.training.stage import made_from, stage_rows, train_stage

Scorer = Callable[[MultimodalRBM], Mapping[str, float]]


def train_joint_layer(
    store_path: str | Path,
    scale_path: str | Path,
    layer_paths: Mapping[str, Sequence[str | Path]],
    name: str,
    objective: Objective,
    settings: Mapping[str, Any],
    *,
    weights: str | Path,
    metrics: str | Path,
    config: Mapping[str, Any],
    monitor: Mapping[str, Any],
    device: str,
    scoring: Callable[[Mapping[str, Transform]], Scorer] | None = None,
) -> None:
    """Train a `MultimodalRBM` on the last layers of the pathways, or on modalities without any.

    name: of the method, for messages
    scale_path, layer_paths: files of the inputs' transforms, and of each modality's layers from below
    settings: "rows" (as for `stage_rows`), "split", "seed", "minimum_tags", "model" (as for
        `MultimodalRBM.initialise`), "schedule";
        a checkpoint depends on these and on whatever else is there
    config: what the weights are to say of themselves
    monitor: "iterations" and "start_state" of the measure on rows held out, which the training does not need;
        "rows" of the validation part where none are held out
    scoring: makes, from the layer's input of each modality, a score of it that is taken after each epoch

    The cross-entropy of each modality's units given the others is measured after each epoch on the rows held
    out. Raises as `mvi.training.loop.train` does.
    """
    scale, _ = transforms.load(scale_path, device)
    below = {name: [load(path, RBM, device=device) for path in layer_paths.get(name, ())] for name in scale}
    sees = {name: Encode(first, below[name]) if below[name] else first for name, first in scale.items()}
    rows = stage_rows(
        store_path,
        sees,
        settings["split"],
        settings["schedule"],
        **settings["rows"],
        minimum_tags=settings["minimum_tags"],
        validation=monitor["rows"],
        device=device,
    )
    with Store(store_path) as store:
        sizes = {
            name: layers[-1].hidden.size if layers else store.sizes[name] for name, layers in below.items()
        }
    generator = torch.Generator(device).manual_seed(settings["seed"])
    model = MultimodalRBM.initialise(
        sizes,
        generator=generator,
        visible_mean=rows.batches.mean(),
        # How it is asked is no matter of its training, and would be out of date in its file.
        inference=None,
        **settings["model"],
    )
    measure = None
    if rows.monitored is not None:
        measure = cross_entropy_monitor(
            {name: rows.monitored[:, part] for name, part in model.slices.items()},
            iterations=monitor["iterations"],
            start=monitor["start_state"],
        )
    inputs = [store_path, scale_path, *(path for paths in layer_paths.values() for path in paths)]
    train_stage(
        model,
        objective,
        rows,
        settings["schedule"],
        generator,
        label=f"joint layer by {name}, seed {settings['seed']}",
        weights=weights,
        metrics=metrics,
        config=config,
        fingerprint=made_from(settings, inputs, device),
        monitor=measure,
        score=None if scoring is None else scoring(sees),
    )
