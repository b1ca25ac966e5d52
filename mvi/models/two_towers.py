# SPDX-License-Identifier: MIT
"""A perceptron for each modality into one space, where rows that belong together lie close.

Shapes: B examples, D units of all modalities, K entries of the code.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mvi.models.decoded import DecodedModel
from mvi.models.direct import Shapes, mlp, mlp_shapes
from mvi.models.units import Unit

FIRST_TEMPERATURE = 0.07


class TwoTowers(DecodedModel):
    """Codes of unit length: of one modality its embedding, of several the mean of theirs, normalised anew.

    The parameter "log_scale" () is that of the similarities over that of `FIRST_TEMPERATURE`.
    settings: "hidden", widths of hidden layers, and "code", K
    """

    kind = "two_towers"

    @classmethod
    def shapes(cls, units: Mapping[str, Unit], settings: Mapping[str, Any]) -> Shapes:
        """The perceptrons "<modality>/tower" and the temperature."""
        shapes: Shapes = {}
        for name, unit in units.items():
            shapes |= mlp_shapes(f"{name}/tower", [unit.size, *settings["hidden"], settings["code"]])
        return shapes | {"log_scale": ()} | cls.decoder_shapes(units, settings["code"])

    def embedding(self, v: Tensor, name: str, **dropping: Any) -> Tensor:
        """(B, K) of unit length, of a modality of joined units (B, D); `dropping` as for `mlp`."""
        return normalize(mlp(self.parameters, f"{name}/tower", v[:, self.slices[name]], **dropping))

    def code(self, v: Tensor, given: Sequence[str]) -> Tensor:
        """(B, K) the normalised mean of the given modalities' embeddings."""
        return normalize(torch.stack([self.embedding(v, name) for name in given]).mean(0))
