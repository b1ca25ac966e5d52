# SPDX-License-Identifier: MIT
"""Training objectives by name."""

from collections.abc import Callable, Mapping
from typing import Any

from mvi.errors import ConfigError
from mvi.objectives.common import Objective, Sparsity
from mvi.objectives.hybrid import Hybrid
from mvi.objectives.likelihood import ContrastiveDivergence
from mvi.objectives.multiprediction import MultiPrediction
from mvi.objectives.percloss import CDPercLoss
from mvi.optim import Ramp

__all__ = ["METHODS", "build"]


def _pcd(settings: Mapping[str, Any]) -> ContrastiveDivergence:
    return ContrastiveDivergence(
        gibbs_steps=Ramp(**settings["gibbs_steps"]),
        persistent=True,
        chains=settings["chains"],
        sparsity=Sparsity(**settings["sparsity"]),
    )


def _cd_percloss(settings: Mapping[str, Any]) -> CDPercLoss:
    return CDPercLoss(gibbs_steps=Ramp(**settings["gibbs_steps"]), sparsity=Sparsity(**settings["sparsity"]))


def _mp(settings: Mapping[str, Any]) -> MultiPrediction:
    return MultiPrediction(
        iterations=settings["iterations"],
        bptt_depth=Ramp(**settings["bptt_depth"]),
        reveal=settings["reveal"],
        start_state=settings["start_state"],
        sparsity=Sparsity(**settings["sparsity"]),
    )


def _hybrid(settings: Mapping[str, Any]) -> Hybrid:
    return Hybrid(
        alpha=settings["alpha"],
        warm_up=settings["warm_up"],
        prediction=_mp(settings),
        likelihood=_pcd({**settings, "sparsity": settings["likelihood_sparsity"]}),
    )


METHODS: dict[str, Callable[[Mapping[str, Any]], Objective]] = {
    "pcd": _pcd,
    "cd_percloss": _cd_percloss,
    "mp": _mp,
    "hybrid": _hybrid,
}
"""Config name of each objective that the joint layer can be trained by."""


def build(method: str, settings: Mapping[str, Any]) -> Objective:
    """The objective `method` with its subtree of the config; raises `ConfigError` for an unknown name."""
    if method not in METHODS:
        raise ConfigError(f"method {method!r} is unknown; choose one of {', '.join(METHODS)}.")
    return METHODS[method](settings)
