# SPDX-License-Identifier: MIT
"""Canonical correlation analysis with a ridge, in closed form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mvi.methods.base import Method, fit_at_once, load_joint_layer

if TYPE_CHECKING:
    from mvi.models.canonical import Canonical
    from mvi.training.rows import Blocks


def parts(
    settings: Mapping[str, Any],
) -> tuple[type[Canonical], dict[str, Any], Callable[[Canonical, Blocks], None]]:
    """The model, its settings and its closed form that `settings` ask for."""
    from functools import partial

    from mvi.models.canonical import Canonical
    from mvi.training.canonical import fit_canonical

    return Canonical, {"code": settings["code"]}, partial(fit_canonical, ridge=settings["ridge"])


METHOD = Method(
    name="cca",
    label="CCA",
    short="CCA",
    order=200,
    color="#999999",
    marker="x",
    citation="Hotelling (1936), Relations between two sets of variates; with a ridge after Vinod (1976), "
    "Canonical ridge and econometrics of joint production",
    settings={
        "code": {"$ref": "#/$defs/count", "description": "Pairs of directions.", "default": 128},
        "ridge": {
            "description": "Added to the variance of each column, in mean variances of its modality.",
            "type": "number",
            "minimum": 0,
            "default": 1.0,
        },
    },
    fit=fit_at_once(parts),
    load=load_joint_layer,
    needs_layers=False,
    missing="its scores are left out of the mean of both",
)
