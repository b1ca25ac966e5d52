# SPDX-License-Identifier: MIT
"""Variational CCA with private codes, by the posteriors of both modalities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mvi.methods.base import Method, fit_by_loss, load_joint_layer

if TYPE_CHECKING:
    from mvi.models.shared_private import SharedPrivate
    from mvi.objectives.shared_private import SharedPrivateBound


def parts(settings: Mapping[str, Any]) -> tuple[type[SharedPrivate], dict[str, Any], SharedPrivateBound]:
    """The model, its settings and the loss that `settings` ask for."""
    from mvi.models.shared_private import SharedPrivate
    from mvi.objectives.shared_private import SharedPrivateBound

    sizes = {key: settings[key] for key in ("hidden", "code", "private")}
    return SharedPrivate, sizes, SharedPrivateBound(beta=settings["beta"], dropout=settings["dropout"])


METHOD = Method(
    name="vcca",
    label="Bi-VCCA-private",
    short="VCCA",
    order=220,
    color="#17BECF",
    marker="h",
    citation="Wang, Yan, Lee, Livescu (2016), Deep variational canonical correlation analysis; the bound by "
    "both modalities' posteriors, since that by one has no code of the other alone",
    settings={
        "hidden": {"$ref": "#/$defs/widths"},
        "code": {"$ref": "#/$defs/count", "description": "Entries of the shared code.", "default": 128},
        "private": {"$ref": "#/$defs/count", "description": "Entries of each private code.", "default": 32},
        "beta": {"$ref": "#/$defs/beta"},
        "dropout": {"$ref": "#/$defs/dropout"},
        "training": {"$ref": "#/$defs/adam"},
    },
    fit=fit_by_loss(parts),
    load=load_joint_layer,
    needs_layers=False,
    missing="its posterior of the shared code is left out of the mean of both",
)
