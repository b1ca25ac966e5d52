# SPDX-License-Identifier: MIT
"""Maximum likelihood of both modalities together (Eq. 3), by persistent contrastive divergence.

On top of pretrained pathways this is the multimodal deep belief network of Srivastava and Salakhutdinov
(2012), with mean field over the joint layer for what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mvi.methods.base import Method, fit_joint_layer, load_joint_layer

if TYPE_CHECKING:
    from mvi.objectives.likelihood import ContrastiveDivergence


def objective(settings: Mapping[str, Any]) -> ContrastiveDivergence:
    """The objective that `settings` ask for, with the keys of `METHOD.settings`."""
    from mvi.objectives.base import Ramp, Sparsity
    from mvi.objectives.likelihood import ContrastiveDivergence

    return ContrastiveDivergence(
        gibbs_steps=Ramp(**settings["gibbs_steps"]),
        persistent=True,
        chains=settings["chains"],
        sparsity=Sparsity(**settings["sparsity"]),
        negative=settings.get("negative", "visible_means"),
    )


METHOD = Method(
    name="pcd",
    label="ML (PCD)",
    short="PCD",
    order=10,
    color="#0072B2",
    marker="o",
    on_pathways="Multimodal DBN (joint layer by PCD)",
    citation="Tieleman (2008), Training restricted Boltzmann machines using approximations to the likelihood "
    "gradient; on pathways Srivastava, Salakhutdinov (2012), Learning representations for multimodal data "
    "with deep belief nets",
    settings={
        "chains": {"$ref": "#/$defs/chains"},
        "gibbs_steps": {"$ref": "#/$defs/gibbs_steps"},
        "negative": {"$ref": "#/$defs/negative"},
        "sparsity": {"$ref": "#/$defs/sparsity", "default": {"weight": 0.3, "target": 0.05}},
    },
    fit=fit_joint_layer(objective),
    load=load_joint_layer,
    objective=objective,
)
