# SPDX-License-Identifier: MIT
"""Two towers that are taught which image and which tags belong together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mvi.methods.base import Method, fit_by_loss, load_joint_layer

if TYPE_CHECKING:
    from collections.abc import Callable

    from mvi.models.two_towers import TwoTowers
    from mvi.objectives.contrastive import Contrastive
    from mvi.training.rows import Blocks


def parts(settings: Mapping[str, Any]) -> tuple[type[TwoTowers], dict[str, Any], Contrastive]:
    """The model, its settings and the loss that `settings` ask for."""
    from mvi.models.two_towers import TwoTowers
    from mvi.objectives.contrastive import Contrastive

    return TwoTowers, {key: settings[key] for key in ("hidden", "code")}, Contrastive(settings["dropout"])


def finish(settings: Mapping[str, Any]) -> Callable[[TwoTowers, Blocks], None]:
    """The regression that completes modalities."""
    from mvi.training.decoding import fit_decoder

    return fit_decoder


METHOD = Method(
    name="contrastive",
    label="Two towers (InfoNCE)",
    short="InfoNCE",
    order=250,
    color="#E69F00",
    marker="p",
    citation="Radford et al. (2021), Learning transferable visual models from natural language supervision; "
    "the loss after van den Oord, Li, Vinyals (2018), Representation learning with contrastive predictive "
    "coding",
    settings={
        "hidden": {"$ref": "#/$defs/widths"},
        "code": {"$ref": "#/$defs/count", "description": "Entries of an embedding.", "default": 256},
        "dropout": {"$ref": "#/$defs/dropout"},
        "training": {"$ref": "#/$defs/adam", "default": {"batch_size": 500}},
    },
    fit=fit_by_loss(parts, finish),
    load=load_joint_layer,
    needs_layers=False,
    missing="its embedding is left out of the mean of both",
)
