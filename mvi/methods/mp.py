# SPDX-License-Identifier: MIT
"""Minimum variation of information (Eq. 2) by multi-prediction (Eq. 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mvi.methods.base import Method, fit_joint_layer, load_joint_layer

if TYPE_CHECKING:
    from mvi.objectives.multiprediction import MultiPrediction


def objective(settings: Mapping[str, Any]) -> MultiPrediction:
    """The objective that `settings` ask for, with the keys of `METHOD.settings`."""
    from mvi.objectives.base import Ramp, Sparsity
    from mvi.objectives.multiprediction import MultiPrediction

    return MultiPrediction(
        iterations=settings["iterations"],
        bptt_depth=Ramp(**settings["bptt_depth"]),
        reveal=settings["reveal"],
        start_state=settings["start_state"],
        sparsity=Sparsity(**settings["sparsity"]),
    )


METHOD = Method(
    name="mp",
    label="MinVI (MP)",
    short="MP",
    order=30,
    color="#009E73",
    marker="^",
    citation="Sohn, Shang, Lee (2014), section 3.3, after Goodfellow, Mirza, Courville, Bengio (2013), "
    "Multi-prediction deep Boltzmann machines",
    settings={
        "iterations": {"$ref": "#/$defs/iterations"},
        "bptt_depth": {"$ref": "#/$defs/bptt_depth"},
        "reveal": {"$ref": "#/$defs/reveal", "default": 0.25},
        "start_state": {"$ref": "#/$defs/start_state"},
        "sparsity": {"$ref": "#/$defs/batch_sparsity"},
    },
    fit=fit_joint_layer(objective),
    load=load_joint_layer,
    objective=objective,
)
