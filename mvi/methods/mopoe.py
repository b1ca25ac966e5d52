# SPDX-License-Identifier: MIT
"""A variational autoencoder whose posterior is a mixture of products of experts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mvi.methods.base import Method, fit_by_loss, load_joint_layer

if TYPE_CHECKING:
    from mvi.models.product_of_experts import ProductOfExperts
    from mvi.objectives.variational import ProductBounds


def parts(settings: Mapping[str, Any]) -> tuple[type[ProductOfExperts], dict[str, Any], ProductBounds]:
    """The model, its settings and the loss that `settings` ask for."""
    from mvi.models.product_of_experts import ProductOfExperts
    from mvi.objectives.variational import ProductBounds

    sizes = {"hidden": settings["hidden"], "code": settings["code"], "prior_expert": False}
    asked = {key: settings[key] for key in ("beta", "dropout", "untagged")}
    return ProductOfExperts, sizes, ProductBounds(mixture=True, **asked)


METHOD = Method(
    name="mopoe",
    label="MoPoE-VAE",
    short="MoPoE",
    order=240,
    color="#BCBD22",
    marker=">",
    citation="Sutter, Daunhawer, Vogt (2021), Generalized multimodal ELBO",
    settings={
        "hidden": {"$ref": "#/$defs/widths"},
        "code": {"$ref": "#/$defs/count", "description": "Entries of the code.", "default": 128},
        "beta": {"$ref": "#/$defs/beta"},
        "dropout": {"$ref": "#/$defs/dropout"},
        "untagged": {"$ref": "#/$defs/untagged"},
        "training": {"$ref": "#/$defs/adam"},
    },
    fit=fit_by_loss(parts),
    load=load_joint_layer,
    needs_layers=False,
    missing="its expert is left out of the product",
    learns_from_parts=True,
)
