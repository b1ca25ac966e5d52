# SPDX-License-Identifier: MIT
"""Support vector machines on the mean of several kernels; a method without representation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mvi.methods.base import Method

if TYPE_CHECKING:
    from mvi.data.store import Store
    from mvi.evaluation.scores import Score


def scores(store: Store, scale: Path, split: int, settings: Mapping[str, Any]) -> list[Score]:
    """Machines of its own for each query, on the kernels of what it gives."""
    from mvi.evaluation.groups import evaluate_groups
    from mvi.evaluation.kernel_svm import KernelSvm

    own = {**settings, "grid": settings["C"], "classes": store.classes}
    del own["C"]
    return evaluate_groups(store, scale, split, lambda groups: KernelSvm(groups=groups, **own))


METHOD = Method(
    name="kernel_svm",
    label="Multiple-kernel SVM",
    short="MK-SVM",
    order=120,
    color="#661100",
    marker="8",
    citation="Guillaumin, Verbeek, Schmid (2010), Multimodal semi-supervised learning for image "
    "classification",
    settings={
        "C": {
            "description": "Values of which validation chooses.",
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "number", "exclusiveMinimum": 0},
            "default": [0.1, 1, 10, 100],
        },
        "tolerance": {
            "description": "Of the solver.",
            "type": "number",
            "exclusiveMinimum": 0,
            "default": 0.001,
        },
    },
    scores=scores,
    needs_layers=False,
    missing="its kernel is left out, in training and at test, and the mean is of the others",
)
