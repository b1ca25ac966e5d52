# SPDX-License-Identifier: MIT
"""Canonical correlation analysis: two modalities projected so that they correlate most (Hotelling 1936).

Shapes: B examples, D_m units of modality m, F_m features of it, K pairs of directions.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mvi.models.decoded import DecodedModel
from mvi.models.direct import Shapes, require_two
from mvi.models.units import Unit


class Canonical(DecodedModel):
    """Scores of unit variance on the training rows, weighted by the correlation of each pair.

    The code is the mean of the weighted scores of the given modalities, thus of one alone its scores.
    settings: "code", the number K of directions
    """

    kind = "canonical"

    @classmethod
    def features_of(cls, unit: Unit, settings: Mapping[str, Any]) -> int:
        """F_m, how many features the projections of a modality are of."""
        return unit.size

    @classmethod
    def shapes(cls, units: Mapping[str, Unit], settings: Mapping[str, Any]) -> Shapes:
        """The mean of each modality's features, projections and correlations; raises as `require_two`."""
        require_two(units, "canonical correlation")
        size = settings["code"]
        shapes: Shapes = {"correlations": (size,)}
        for name, unit in units.items():
            features = cls.features_of(unit, settings)
            shapes |= {f"{name}/mean": (features,), f"{name}/projection": (features, size)}
        return shapes | cls.decoder_shapes(units, size)

    def features(self, v: Tensor, name: str) -> Tensor:
        """(B, F_m) what is projected of a modality of joined units: its units themselves."""
        return v[:, self.slices[name]]

    def scores(self, v: Tensor, name: str) -> Tensor:
        """(B, K) projections of a modality of joined units."""
        centred = self.features(v, name) - self.parameters[f"{name}/mean"]
        return centred @ self.parameters[f"{name}/projection"]

    def code(self, v: Tensor, given: Sequence[str]) -> Tensor:
        """(B, K) mean of the scores of the given modalities, times the correlations."""
        scores = torch.stack([self.scores(v, name) for name in given])
        return scores.mean(0) * self.parameters["correlations"]


def directions(xx: Tensor, xy: Tensor, yy: Tensor, ridge: float, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """(D_x, K) and (D_y, K) projections and (K,) correlations.

    The covariances are (D_x, D_x), (D_x, D_y) and (D_y, D_y).
    `ridge` times the mean variance of a modality is added to the variance of each of its columns. The
    correlations are those of the penalised problem; projections are scaled to scores of unit variance.
    """
    factors = []
    for covariance in (xx, yy):
        penalised = covariance.clone()
        penalised.diagonal().add_(ridge * covariance.diagonal().mean())
        factors.append(torch.linalg.cholesky(penalised))
    left, right = factors
    whitened = torch.linalg.solve_triangular(left, xy, upper=False)
    whitened = torch.linalg.solve_triangular(right, whitened.T, upper=False).T
    u, correlations, vh = torch.linalg.svd(whitened, full_matrices=False)
    found = []
    for factor, side, covariance in ((left, u, xx), (right, vh.T, yy)):
        projection = torch.linalg.solve_triangular(factor.T, side[:, :count], upper=True)
        variance = ((covariance @ projection) * projection).sum(0)
        found.append(projection / variance.clamp_min(torch.finfo(variance.dtype).tiny).sqrt())
    return found[0], found[1], correlations[:count]
