# SPDX-License-Identifier: MIT
"""What the workflow, the tables and the figures know of a method, and what its training is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mvi.data.store import Store
    from mvi.evaluation.scores import Score
    from mvi.models.direct import DirectModel
    from mvi.models.pipeline import Encoder
    from mvi.objectives.base import Objective
    from mvi.objectives.differentiable import Differentiable
    from mvi.training.rows import Blocks


@dataclass(frozen=True)
class Training:
    """What the training of a method is given: files, settings and where to write."""

    method: str
    store: Path
    scale: Path
    """The transforms of the modalities, as `mvi.data.transforms.save` wrote them."""
    layers: Mapping[str, Sequence[Path]]
    """Pretrained layers of each pathway from its input upwards; none unless the method needs them."""
    settings: Mapping[str, Any]
    """"objective" (its `Method.settings`), "schedule", "model", "rows", "split", "seed", "minimum_tags"."""
    weights: Path
    metrics: Path
    monitor: Mapping[str, Any]
    """What is measured after each epoch; it changes nothing in the training."""
    config: Mapping[str, Any]
    device: str


@dataclass(frozen=True)
class Method:
    """One way of learning from several modalities; `mvi/methods/<name>.py` holds it under the name `METHOD`.

    The record is read wherever methods are listed, so its module imports nothing that computes at its top.
    """

    name: str
    """In configs and names of files."""
    label: str
    """In tables and legends."""
    short: str
    """In the names of rows that say more, such as "Joint layer by PCD"."""
    order: int
    """Place among all methods; the smallest comes first."""
    color: str
    marker: str
    """Of curves in figures (matplotlib)."""
    citation: str
    settings: Mapping[str, Any]
    """JSON schema of each of its settings; "$ref" may point to the words of `mvi/workflow/schema.yaml`."""
    fit: Callable[[Training], None] | None = None
    """Train and write the files of weights and metrics."""
    load: Callable[[Path, Mapping[str, Sequence[Path]], Path, str], Encoder] | None = None
    """From the files of the scale, the layers and the weights, on a device, to a model of raw features."""
    scores: Callable[[Store, Path, int, Mapping[str, Any]], list[Score]] | None = None
    """In place of `fit` and `load`, of a method that scores labels and has no representation: its scores on
    a split of a store, given the file of the scale, and `settings` with the classifier's "chosen_by",
    "k" and "metrics"."""
    needs_layers: bool = True
    """Whether it stands on the pretrained layers of the pathways."""
    objective: Callable[[Mapping[str, Any]], Objective] | None = None
    """From `settings` to the objective that the joint layer is trained by, if it is trained by one; a method
    without one takes no setting of the joint layer, and its schedule, if any, is its setting "training"."""
    on_pathways: str = ""
    """In tables and legends where it stands on pathways; "Joint layer by <short>" unless given."""
    missing: str = "what is missing is inferred by mean field (Eq. 8)"
    """What it makes of a missing modality when it is asked."""
    learns_from_parts: bool = False
    """Whether it can learn from rows that lack a modality; else it takes every row as whole."""


def fit_joint_layer(objective: Callable[[Mapping[str, Any]], Objective]) -> Callable[[Training], None]:
    """`Method.fit` of a joint layer: `mvi.training.joint_layer` with this objective."""

    def fit(training: Training) -> None:
        from mvi.training.joint_layer import train_joint_layer

        train_joint_layer(
            training.store,
            training.scale,
            training.layers,
            training.method,
            objective(training.settings["objective"]),
            training.settings,
            weights=training.weights,
            metrics=training.metrics,
            config=training.config,
            monitor=training.monitor,
            device=training.device,
        )

    return fit


def fit_by_loss(
    parts: Callable[[Mapping[str, Any]], tuple[type[DirectModel], Mapping[str, Any], Differentiable]],
    finish: Callable[[Mapping[str, Any]], Callable[[Any, Blocks], None]] | None = None,
) -> Callable[[Training], None]:
    """`Method.fit` by `mvi.training.direct`, of a model, its settings and a loss by `parts`.

    What `finish` makes of the method's settings is done with the model after its last epoch.
    """

    def fit(training: Training) -> None:
        from mvi.training.direct import train_direct

        own = training.settings["objective"]
        last = None if finish is None else finish(own)
        train_direct(*_files(training), *parts(own), training.settings, finish=last, **_outputs(training))

    return fit


def fit_at_once(
    parts: Callable[
        [Mapping[str, Any]], tuple[type[DirectModel], Mapping[str, Any], Callable[[Any, Blocks], None]]
    ],
) -> Callable[[Training], None]:
    """`Method.fit` of a model, its settings and its closed form by `parts`."""

    def fit(training: Training) -> None:
        from mvi.training.direct import fit_closed_form

        own = parts(training.settings["objective"])
        fit_closed_form(*_files(training), *own, training.settings, **_outputs(training))

    return fit


def _files(training: Training) -> tuple[Path, Path, str]:
    return training.store, training.scale, training.method


def _outputs(training: Training) -> dict[str, Any]:
    names = ("weights", "metrics", "config", "device")
    return {name: getattr(training, name) for name in names}


def load_joint_layer(
    scale: Path, layers: Mapping[str, Sequence[Path]], weights: Path, device: str
) -> Encoder:
    """`Method.load` of a joint layer, finetuned or not, and of every model of `mvi.models.direct`.

    Raises `DataError` for files of something else.
    """
    from mvi.models.assembly import encoder_from_files

    return encoder_from_files(scale, layers, weights, device)
