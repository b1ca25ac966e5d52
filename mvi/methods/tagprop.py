# SPDX-License-Identifier: MIT
"""TagProp: labels of weighted nearest neighbours; a method without representation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mvi.methods.base import Method

if TYPE_CHECKING:
    from mvi.data.store import Store
    from mvi.evaluation.scores import Score


def scores(store: Store, scale: Path, split: int, settings: Mapping[str, Any]) -> list[Score]:
    """A TagProp of its own for each query, on the distances of what it gives."""
    from mvi.evaluation.groups import evaluate_groups
    from mvi.evaluation.tagprop import TagProp

    return evaluate_groups(store, scale, split, lambda groups: TagProp.of(groups, store.classes, **settings))


METHOD = Method(
    name="tagprop",
    label="TagProp",
    short="TagProp",
    order=110,
    color="#999933",
    marker="h",
    citation="Guillaumin, Mensink, Verbeek, Schmid (2009), TagProp; Verbeek, Guillaumin, Mensink, Schmid "
    "(2010), Image annotation with TagProp on the MIRFLICKR set",
    settings={
        "weights": {
            "description": "Kinds of weights of the neighbours, of which validation chooses.",
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"enum": ["rank", "distance"]},
            "default": ["rank", "distance"],
        },
        "neighbours": {
            "description": "Numbers of neighbours, of which validation chooses.",
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"$ref": "#/$defs/count"},
            "default": [20, 100],
        },
        "rounds": {
            "description": "How often weights and sigmoids take turns.",
            "$ref": "#/$defs/count",
            "default": 5,
        },
        "steps": {
            "description": "Steps of the optimiser in each turn, at most.",
            "$ref": "#/$defs/count",
            "default": 100,
        },
    },
    scores=scores,
    needs_layers=False,
    missing="its distance is left out, in training and at test, and the others have its share",
)
