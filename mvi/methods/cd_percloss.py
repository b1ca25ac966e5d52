# SPDX-License-Identifier: MIT
"""Minimum variation of information (Eq. 2) by CD-PercLoss (paper, section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mvi.methods.base import Method, fit_joint_layer, load_joint_layer

if TYPE_CHECKING:
    from mvi.objectives.base import Objective


def objective(settings: Mapping[str, Any]) -> Objective:
    """The objective that `settings` ask for, with the keys of `METHOD.settings`."""
    from mvi.objectives.base import Ramp, Sparsity
    from mvi.objectives.percloss import CDPercLoss

    return CDPercLoss(
        gibbs_steps=Ramp(**settings["gibbs_steps"]),
        sparsity=Sparsity(**settings["sparsity"]),
        start_state=settings["start_state"],
    )


METHOD = Method(
    name="cd_percloss",
    label="MinVI (CD-PercLoss)",
    short="CD-PercLoss",
    order=20,
    color="#D55E00",
    marker="s",
    citation="Sohn, Shang, Lee (2014), section 3.2, after Mnih, Larochelle, Hinton (2011), Conditional "
    "restricted Boltzmann machines for structured output prediction",
    settings={
        "gibbs_steps": {"$ref": "#/$defs/gibbs_steps", "default": {"start": 10}},
        "start_state": {"$ref": "#/$defs/start_state"},
        "sparsity": {"$ref": "#/$defs/sparsity"},
    },
    fit=fit_joint_layer(objective),
    load=load_joint_layer,
    objective=objective,
)
