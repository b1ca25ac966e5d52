# SPDX-License-Identifier: MIT
"""Bimodal deep autoencoder (Ngiam, Khosla, Kim, Nam, Lee, Ng 2011): a stack of RBMs, unrolled.

Shapes: B examples, D units of all modalities, D_l of layer l = 0..L of a pathway, K of the shared layer.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from mvi.models.direct import DirectModel, Shapes
from mvi.models.mdrnn import Mdrnn
from mvi.models.units import Unit


class Autoencoder(DirectModel):
    """Logistic layers from each modality up to one that all share, and from it down to each modality.

    "<m>/up<l>/weight" (D_{l-1}, D_l) and "<m>/down<l>/weight" (D_l, D_{l-1}) are parameters of their own,
    with the bias of where they lead to; above the last layer, as l = L + 1, stands the shared one, whose bias
    is "top/bias". A missing modality is one whose units are all 0, as in the paper, so that it means the same
    as a standardised one at its mean, or a text without words.

    settings: "layers" (sizes of the hidden layers by modality) and "hidden" (K)
    """

    kind = "unrolled"

    @classmethod
    def shapes(cls, units: Mapping[str, Unit], settings: Mapping[str, Any]) -> Shapes:
        """Those of both ways; any units will do."""
        shapes: Shapes = {"top/bias": (settings["hidden"],)}
        for name, unit in units.items():
            widths = [unit.size, *settings["layers"][name], settings["hidden"]]
            for level, (lower, upper) in enumerate(pairwise(widths), 1):
                shapes[f"{name}/up{level}/weight"] = (lower, upper)
                if level < len(widths) - 1:
                    shapes[f"{name}/up{level}/bias"] = (upper,)
                shapes[f"{name}/down{level}/weight"] = (upper, lower)
                shapes[f"{name}/down{level}/bias"] = (lower,)
        return shapes

    @classmethod
    def unrolled(cls, network: Mdrnn) -> "Autoencoder":
        """Both ways with the weights of a network times its factors, so that they begin as it does."""
        parameters = {"top/bias": network.parameters["top/bias"]}
        for name, depth in network.depths.items():
            for level in range(1, depth + 2):
                weight = network.weight(name, level)
                parameters[f"{name}/up{level}/weight"] = weight * network.up_factor(name, level)
                if level <= depth:
                    parameters[f"{name}/up{level}/bias"] = network.bias(name, level)
                parameters[f"{name}/down{level}/weight"] = (
                    weight.T * network.down_factor(name, level)
                ).contiguous()
                parameters[f"{name}/down{level}/bias"] = network.bias(name, level - 1)
        units = {name: pathway.input for name, pathway in network.pathways.items()}
        layers = {name: pathway.sizes[1:] for name, pathway in network.pathways.items()}
        own = {name: theta.clone() for name, theta in parameters.items()}
        return cls(units, {"layers": layers, "hidden": network.hidden}, own)

    def code(self, v: Tensor, given: Sequence[str]) -> Tensor:
        """(B, K) shared layer of joined units (B, D), which are read in the slices of the `given` alone."""
        a = self.parameters["top/bias"]
        for name, part in self.slices.items():
            x = v[:, part] if name in given else v.new_zeros(1, self.sizes[name])
            depth = len(self.settings["layers"][name])
            for level in range(1, depth + 1):
                way = f"{name}/up{level}"
                x = torch.addmm(self.parameters[f"{way}/bias"], x, self.parameters[f"{way}/weight"]).sigmoid()
            a = a + x @ self.parameters[f"{name}/up{depth + 1}/weight"]
        return torch.sigmoid(a)

    def modality_input(self, h: Tensor, name: str) -> Tensor:
        """(B, D_0) what the units of a modality receive from the shared layer (B, K)."""
        last = len(self.settings["layers"][name]) + 1
        for level in range(last, 0, -1):
            way = f"{name}/down{level}"
            h = torch.addmm(
                self.parameters[f"{way}/bias"],
                h if level == last else h.sigmoid(),
                self.parameters[f"{way}/weight"],
            )
        return h

    def modality_mean(self, h: Tensor, name: str) -> Tensor:
        """(B, D_0) expected units, of a text the share of each word, given the shared layer (B, K)."""
        return self.units[name].mean(self.modality_input(h, name))
