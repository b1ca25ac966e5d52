# SPDX-License-Identifier: MIT
"""A weighted sum of multi-prediction and joint likelihood; in the reference code, not in the paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mvi.methods import mp, pcd
from mvi.methods.base import Method, fit_joint_layer, load_joint_layer

if TYPE_CHECKING:
    from mvi.objectives.base import Objective


def objective(settings: Mapping[str, Any]) -> Objective:
    """The objective that `settings` ask for, with the keys of `METHOD.settings`."""
    from mvi.objectives.hybrid import Hybrid

    return Hybrid(
        alpha=settings["alpha"],
        warm_up=settings["warm_up"],
        prediction=mp.objective(settings),
        likelihood=pcd.objective({**settings, "sparsity": settings["likelihood_sparsity"]}),
    )


METHOD = Method(
    name="hybrid",
    label="Hybrid (MP + PCD)",
    short="Hybrid",
    order=40,
    color="#CC79A7",
    marker="D",
    citation="Reference code of Sohn, Shang, Lee (2014)",
    settings={
        "alpha": {
            "description": "Weight of multi-prediction; that of the likelihood is 1 - alpha.",
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "default": 0.5,
        },
        "warm_up": {
            "description": "First epochs in which alpha is 0; not in the reference code.",
            "type": "integer",
            "minimum": 0,
            "default": 0,
        },
        **mp.METHOD.settings,
        "reveal": {"$ref": "#/$defs/reveal", "default": 0.1},
        "chains": {"$ref": "#/$defs/chains"},
        "gibbs_steps": {"$ref": "#/$defs/gibbs_steps"},
        "likelihood_sparsity": {"$ref": "#/$defs/sparsity"},
    },
    fit=fit_joint_layer(objective),
    load=load_joint_layer,
    objective=objective,
)
