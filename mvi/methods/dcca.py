# SPDX-License-Identifier: MIT
"""Deep canonical correlation analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mvi.methods.base import Method, fit_by_loss, load_joint_layer

if TYPE_CHECKING:
    from collections.abc import Callable

    from mvi.models.deep_canonical import DeepCanonical
    from mvi.objectives.correlation import Correlation
    from mvi.training.rows import Blocks


def parts(
    settings: Mapping[str, Any],
) -> tuple[type[DeepCanonical], dict[str, Any], Correlation]:
    """The model, its settings and the loss that `settings` ask for."""
    from mvi.models.deep_canonical import DeepCanonical
    from mvi.objectives.correlation import Correlation

    sizes = {key: settings[key] for key in ("hidden", "code")}
    return DeepCanonical, sizes, Correlation(settings["ridge"], settings["dropout"])


def finish(settings: Mapping[str, Any]) -> Callable[[DeepCanonical, Blocks], None]:
    """Linear CCA of the outputs on all training rows."""
    from functools import partial

    from mvi.training.canonical import fit_canonical

    return partial(fit_canonical, ridge=settings["ridge"])


METHOD = Method(
    name="dcca",
    label="Deep CCA",
    short="DCCA",
    order=210,
    color="#666666",
    marker="+",
    citation="Andrew, Arora, Bilmes, Livescu (2013), Deep canonical correlation analysis; in minibatches "
    "after Wang, Arora, Livescu, Bilmes (2015), Unsupervised learning of acoustic features via deep CCA",
    settings={
        "hidden": {"$ref": "#/$defs/widths"},
        "code": {"$ref": "#/$defs/count", "description": "Outputs and pairs of directions.", "default": 64},
        "ridge": {
            "description": "Added to the variance of each output.",
            "type": "number",
            "exclusiveMinimum": 0,
            "default": 0.001,
        },
        "dropout": {"$ref": "#/$defs/dropout"},
        "training": {"$ref": "#/$defs/adam", "default": {"batch_size": 500}},
    },
    fit=fit_by_loss(parts, finish),
    load=load_joint_layer,
    needs_layers=False,
    missing="its scores are left out of the mean of both",
)
