# SPDX-License-Identifier: MIT
"""The training of a model without iterations on bare modalities, by a loss."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mvi.data import transforms
from mvi.data.store import Store
from mvi.data.transforms import Transform, kind_of
from mvi.errors import ConfigError, NonFiniteError
from mvi.files import write_sealed
from mvi.models.checkpoints import save
from mvi.models.direct import DirectModel
from mvi.models.units import Binary, Gaussian, ReplicatedSoftmax, Unit
from mvi.objectives.differentiable import Differentiable
from mvi.training.rows import Blocks, training_and_monitoring_rows
from mvi.training.stage import made_from, stage_rows, train_stage

UNITS: dict[str, type[Binary] | type[Gaussian] | type[ReplicatedSoftmax]] = {
    "as_stored": Binary,
    "binarise": Binary,
    "standardise": Gaussian,
    "counts": ReplicatedSoftmax,
}
"""What a model takes values for that come through a transform."""

WHOLE_PART = 10**9
BLOCK_ROWS = 2000


def units_of(scale: Mapping[str, Transform], store_path: str | Path) -> dict[str, Unit]:
    """Units for each modality of a store that comes through these transforms."""
    with Store(store_path) as store:
        return {name: UNITS[kind_of(one)](store.sizes[name]) for name, one in scale.items()}


def train_direct(
    store_path: str | Path,
    scale_path: str | Path,
    name: str,
    model_class: type[DirectModel],
    model_settings: Mapping[str, Any],
    objective: Differentiable,
    settings: Mapping[str, Any],
    *,
    weights: str | Path,
    metrics: str | Path,
    config: Mapping[str, Any],
    device: str,
    finish: Callable[[Any, Blocks], None] | None = None,
) -> None:
    """Train a `model_class` with `model_settings` on the modalities of a store, from its initial weights.

    name: of the method, for messages
    settings: "rows" (as for `mvi.training.stage.stage_rows`), "split", "seed", "minimum_tags", "schedule"; a
        checkpoint depends on these and on whatever else is there
    config: what the weights are to say of themselves
    finish: what is to be done with the model after the last epoch, given blocks of the training rows

    The objective's loss is measured after each epoch on the rows held out, or on the validation part of the
    split where none are, if nothing learns from that. Raises as `mvi.training.loop.train` does, and
    `ConfigError` where the schedule has a patience and there are no such rows.
    """
    scale, _ = transforms.load(scale_path, device)
    schedule = settings["schedule"]
    rows = stage_rows(
        store_path,
        scale,
        settings["split"],
        schedule,
        **settings["rows"],
        minimum_tags=settings["minimum_tags"],
        validation=WHOLE_PART,
        device=device,
    )
    if schedule["patience"] and rows.monitored is None:
        raise ConfigError(
            f"{name} has no rows to end its training by; hold rows out (rows.held_out), or set its "
            "training.patience to null."
        )
    generator = torch.Generator(device).manual_seed(settings["seed"])
    model = model_class.initialise(units_of(scale, store_path), model_settings, generator)
    blocks = training_blocks(store_path, scale, settings, device)
    monitored = rows.monitored

    def monitor(trained: DirectModel) -> dict[str, float]:
        assert monitored is not None
        return {"validation/loss": objective.validation_loss(trained, monitored, schedule["batch_size"])}

    train_stage(
        model,
        objective,
        rows,
        schedule,
        generator,
        label=f"{name}, seed {settings['seed']}",
        weights=weights,
        metrics=metrics,
        config=config,
        fingerprint=made_from(settings, [store_path, scale_path], device),
        monitor=None if monitored is None else monitor,
        finish=None if finish is None else lambda trained: finish(trained, blocks),
    )


def training_blocks(
    store_path: str | Path, scale: Mapping[str, Transform], settings: Mapping[str, Any], device: str
) -> Blocks:
    """Blocks of the rows that the settings of `train_direct` learn from, in their order."""
    asked = {key: settings["rows"][key] for key in ("held_out", "seed", "parts")}
    with Store(store_path) as store:
        rows, _ = training_and_monitoring_rows(
            store, settings["split"], minimum_tags=settings["minimum_tags"], **asked
        )

    def blocks() -> Iterator[Tensor]:
        with Store(store_path) as store:
            for block in store.blocks(rows, BLOCK_ROWS):
                yield transforms.read(store, scale, block, device)

    return blocks


def fit_closed_form(
    store_path: str | Path,
    scale_path: str | Path,
    name: str,
    model_class: type[DirectModel],
    model_settings: Mapping[str, Any],
    fit: Callable[[Any, Blocks], None],
    settings: Mapping[str, Any],
    *,
    weights: str | Path,
    metrics: str | Path,
    config: Mapping[str, Any],
    device: str,
) -> None:
    """`train_direct` for a model that `fit` makes of the training rows at once; its metrics are one row."""
    scale, _ = transforms.load(scale_path, device)
    draws = torch.Generator(device).manual_seed(settings["seed"])
    model = model_class.initialise(units_of(scale, store_path), model_settings, draws)
    fit(model, training_blocks(store_path, scale, settings, device))
    spoiled = [key for key, theta in model.parameters.items() if not theta.isfinite().all()]
    if spoiled:
        raise NonFiniteError(f"{name}: {spoiled[0]} is not finite; check the data, or raise the ridge.")
    write_sealed(metrics, b"epoch\n1\n")
    with Store(store_path) as store:
        save(weights, model, config, store.features)
