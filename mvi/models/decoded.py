# SPDX-License-Identifier: MIT
"""What completes modalities for models that only encode: a linear regression from the code.

Shapes: B examples, D_m units of modality m, K entries of the code.
"""

from collections.abc import Mapping

from torch import Tensor

from mvi.models.direct import DirectModel, Shapes
from mvi.models.units import Binary, ReplicatedSoftmax, Unit


class DecodedModel(DirectModel):
    """A model whose parameters "<modality>/at_zero" (D_m,) and "<modality>/slopes" (K, D_m) complete.

    They are the least-squares prediction of a modality from the code that the others give alone
    (`mvi.training.decoding`), which a transposed projection would only be for whitened values.
    """

    @staticmethod
    def decoder_shapes(units: Mapping[str, Unit], size: int) -> Shapes:
        """Their shapes for codes of `size` entries."""
        shapes: Shapes = {}
        for name, unit in units.items():
            shapes |= {f"{name}/at_zero": (unit.size,), f"{name}/slopes": (size, unit.size)}
        return shapes

    def modality_mean(self, h: Tensor, name: str) -> Tensor:
        """(B, D_m) the regression, brought into the range that means of the units have."""
        mean = h @ self.parameters[f"{name}/slopes"] + self.parameters[f"{name}/at_zero"]
        if isinstance(self.units[name], Binary):
            return mean.clamp(0, 1)
        if isinstance(self.units[name], ReplicatedSoftmax):
            # Of words the shares.
            mean = mean.clamp_min(0)
            return mean / mean.sum(-1, keepdim=True).clamp_min(1e-12)
        return mean
