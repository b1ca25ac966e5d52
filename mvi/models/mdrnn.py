# SPDX-License-Identifier: MIT
"""Multimodal deep recurrent neural network: one pathway a modality, and one layer on top of them all.

Inference of a missing modality goes all the way down its pathway and up again, over and over (Eqs. 10 to
13). Each layer has one weight matrix and one bias for both ways. Shapes: B examples, D visible units in all,
D_l units of a pathway's layer l, K units of the joint layer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Self

import torch
from torch import Tensor

from mvi.errors import ConfigError, ShapeError
from mvi.models.arrays import Range
from mvi.models.base import (
    REFERENCE,
    Inference,
    MultimodalModel,
    Start,
    describe_inference,
    inference_of,
    slices_of,
)
from mvi.models.rbm import initial_parameters
from mvi.models.units import Binary, Gaussian, ReplicatedSoftmax, describe, from_description


@dataclass(frozen=True)
class Layer:
    """Binary units above others. `up` and `down` multiply the weights between on each way, never a bias."""

    size: int
    up: float = 1.0
    down: float = 1.0


@dataclass(frozen=True)
class Pathway:
    """From the `input` of a modality through `layers` to the joint layer, whose up factor for it is `up`.

    The network takes replicated softmax input as it comes, with the bias of the layer above counted once a
    row, and predicts `total` words a row where it has to fill them in. Gaussian input has variance 1.
    """

    input: Binary | Gaussian | ReplicatedSoftmax
    layers: tuple[Layer, ...] = ()
    up: float = 1.0
    total: float = 1.0

    @property
    def sizes(self) -> list[int]:
        """D_0 of the input, D_1, ..., D_L."""
        return [self.input.size, *(layer.size for layer in self.layers)]

    def mean(self, a: Tensor) -> Tensor:
        """(B, D_0) expected input units that receive `a` (B, D_0)."""
        if isinstance(self.input, ReplicatedSoftmax):
            return self.input.mean(a, self.total)
        return self.input.mean(a)


class Mdrnn(MultimodalModel):
    """Pathways by modality, in the order in which values are joined, under `hidden` joint units.

    `parameters` holds, for a modality m whose pathway has L layers, "m/l/weight" (D_{l-1}, D_l) for l = 1..L
    and "m/l/bias" (D_l,) for l = 0..L, then "top/m/weight" (D_L, K), and "top/bias" (K,). `down` multiplies
    the joint weights on the way down. With L = 0 everywhere this is the multimodal RBM.
    """

    kind = "mdrnn"

    def __init__(
        self,
        pathways: Mapping[str, Pathway],
        hidden: int,
        parameters: Mapping[str, Tensor],
        down: float = 1.0,
        inference: Inference | None = REFERENCE,
    ) -> None:
        self.pathways = dict(pathways)
        self.hidden = hidden
        self.parameters = dict(parameters)
        self.down = down
        self.sizes = {name: pathway.input.size for name, pathway in self.pathways.items()}
        self.slices = slices_of(self.sizes)
        self.ups = {name: pathway.up for name, pathway in self.pathways.items()}
        self.vocabulary = []
        self.centres = {}
        self.inference = inference
        for name, pathway in self.pathways.items():
            if not isinstance(pathway.input, Binary | Gaussian | ReplicatedSoftmax):
                raise ConfigError(
                    f"the input of pathway {name!r} is {type(pathway.input).__name__}, which cannot be "
                    "predicted; choose binary, gaussian or replicated_softmax."
                )
        expected = expected_shapes(self.pathways, hidden)
        found = {name: tuple(tensor.shape) for name, tensor in self.parameters.items()}
        wrong = [name for name in expected | found if expected.get(name) != found.get(name)]
        if wrong:
            raise ShapeError(
                f"{self.kind} needs {wrong[0]!r} of shape {expected.get(wrong[0], 'no such parameter')}, "
                f"not {found.get(wrong[0], 'nothing')}; check the sizes in the config."
            )

    @property
    def depths(self) -> dict[str, int]:
        """Layers of its own in each modality's pathway."""
        return {name: len(pathway.layers) for name, pathway in self.pathways.items()}

    @classmethod
    def initialise(
        cls,
        pathways: Mapping[str, Pathway],
        hidden: int,
        generator: torch.Generator,
        *,
        weight_std: float = 0.01,
        visible_mean: Tensor | None = None,
        dtype: torch.dtype = torch.float32,
        down: float = 1.0,
    ) -> Self:
        """A network that was not pretrained: start values as `RBM.initialise` has them, layer by layer.

        `visible_mean` (D,) is the training mean in the joined order.
        """
        slices = slices_of({name: pathway.input.size for name, pathway in pathways.items()})
        parameters = {"top/bias": torch.zeros(hidden, dtype=dtype, device=generator.device)}
        for name, pathway in pathways.items():
            sizes = [*pathway.sizes, hidden]
            for level, size in enumerate(sizes[:-1]):
                unit = pathway.input if level == 0 else Binary(size)
                mean = None if level or visible_mean is None else visible_mean[slices[name]]
                start = initial_parameters(
                    unit,
                    sizes[level + 1],
                    generator,
                    weight_std=weight_std,
                    visible_mean=mean,
                    dtype=dtype,
                )
                parameters[f"{name}/{level}/bias"] = start["visible_bias"]
                parameters[weight_name(pathway, name, level + 1)] = start["weight"]
        return cls(pathways, hidden, parameters, down=down)

    # -- one step up or down -----------------------------------------------------------------------

    def weight_name(self, name: str, level: int) -> str:
        """The parameter that `weight` returns."""
        return weight_name(self.pathways[name], name, level)

    def weight(self, name: str, level: int) -> Tensor:
        """(D_{l-1}, D_l) weights below layer l = 1..L of a pathway; (D_L, K) of the joint layer for L + 1."""
        return self.parameters[self.weight_name(name, level)]

    def bias(self, name: str, level: int) -> Tensor:
        """(D_l,) bias of layer l = 0..L of a pathway."""
        return self.parameters[f"{name}/{level}/bias"]

    def up_factor(self, name: str, level: int) -> float:
        """What multiplies `weight(name, level)` on the way up, l = 1..L + 1."""
        pathway = self.pathways[name]
        return pathway.layers[level - 1].up if level <= len(pathway.layers) else pathway.up

    def down_factor(self, name: str, level: int) -> float:
        """What multiplies `weight(name, level)` on the way down, l = 1..L + 1."""
        layers = self.pathways[name].layers
        return layers[level - 1].down if level <= len(layers) else self.down

    def bottom_up_states(self, v: Tensor, name: str) -> list[Tensor]:
        """States [v, h_1, ..., h_L] of a pathway on the way up from its input (B, D_0) (Eqs. 10, 11)."""
        states = [v]
        for level in range(1, len(self.pathways[name].layers) + 1):
            a = torch.addmm(
                self.bias(name, level),
                states[-1],
                self.weight(name, level),
                alpha=self.up_factor(name, level),
            )
            states.append(a.sigmoid_())
        return states

    def joint_input(self, last: Tensor, name: str) -> Tensor:
        """(B, K) input of the joint layer from the last layer (B, D_L) of one pathway, without the bias."""
        return (last @ self.parameters[f"top/{name}/weight"]) * self.pathways[name].up

    def modality_input(self, h: Tensor, name: str) -> Tensor:
        """(B, D_0) input of a modality's units on the way down from the joint state (B, K) (Eq. 13)."""
        for level in range(len(self.pathways[name].layers), -1, -1):
            if level < len(self.pathways[name].layers):
                h = h.sigmoid()
            h = torch.addmm(
                self.bias(name, level),
                h,
                self.weight(name, level + 1).T,
                alpha=self.down_factor(name, level + 1),
            )
        return h

    def modality_mean(self, h: Tensor, name: str) -> Tensor:
        """(B, D_0) probabilities, means or counts of one modality given the joint state (B, K)."""
        return self.pathways[name].mean(self.modality_input(h, name))

    # -- inference ---------------------------------------------------------------------------------

    @property
    def anchor(self) -> Tensor:
        """The bias of the joint layer."""
        return self.parameters["top/bias"]

    def accepted(self, name: str) -> Range:
        """What the units of a pathway's input stand for."""
        return self.pathways[name].input.range

    def first_state(self, v: Tensor, given: Sequence[str], start: Start) -> tuple[Tensor, Tensor]:
        """The given modalities' joint inputs with the joint bias, and T_0; Eq. 12 with none missing.

        From "zeros" the pathways of missing modalities are passed upwards from units at zero; from "doubled"
        they are left out of the first state.
        """
        bias = self.parameters["top/bias"]
        parts = (
            self.joint_input(self.bottom_up_states(v[:, self.slices[name]], name)[-1], name) for name in given
        )
        conditioning = reduce(torch.add, parts)
        first = conditioning * self.start_factor(given, start) + bias
        if start == "zeros":
            for name in self.pathways:
                if name not in given:
                    nothing = v.new_zeros(1, self.sizes[name])
                    first += self.joint_input(self.bottom_up_states(nothing, name)[-1], name)
        return conditioning + bias, torch.sigmoid(first)

    def next_state(self, conditioning: Tensor, h: Tensor, missing: Sequence[str]) -> Tensor:
        """(B, K) joint state after one pass down and up the missing modalities' pathways (Eqs. 10 to 13)."""
        a = conditioning
        for name in missing:
            a = a + self.joint_input(self.bottom_up_states(self.modality_mean(h, name), name)[-1], name)
        return torch.sigmoid(a)

    # -- bookkeeping -------------------------------------------------------------------------------

    def to(self, device: torch.device | str) -> Self:
        """Move the parameters; returns the model itself."""
        self.parameters = {name: tensor.to(device) for name, tensor in self.parameters.items()}
        return self

    def describe(self) -> dict[str, Any]:
        """Everything but the parameters, as plain values. Pathways are a list, so that their order lasts."""
        return {
            "kind": self.kind,
            "pathways": [
                {
                    "name": name,
                    "input": describe(pathway.input),
                    "layers": [vars(layer) for layer in pathway.layers],
                    "up": pathway.up,
                    "total": pathway.total,
                }
                for name, pathway in self.pathways.items()
            ],
            "hidden": self.hidden,
            "down": self.down,
            **describe_inference(self.inference),
        }

    @classmethod
    def from_description(cls, description: Mapping[str, Any], parameters: Mapping[str, Tensor]) -> Self:
        """The inverse of `describe`."""
        pathways = {
            entry["name"]: Pathway(
                from_description(entry["input"]),  # type: ignore[arg-type]  # `__init__` refuses others.
                tuple(Layer(one["size"], float(one["up"]), float(one["down"])) for one in entry["layers"]),
                float(entry["up"]),
                float(entry["total"]),
            )
            for entry in description["pathways"]
        }
        return cls(
            pathways,
            description["hidden"],
            parameters,
            down=float(description["down"]),
            inference=inference_of(description),
        )


def expected_shapes(pathways: Mapping[str, Pathway], hidden: int) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter of a network."""
    shapes: dict[str, tuple[int, ...]] = {"top/bias": (hidden,)}
    for name, pathway in pathways.items():
        sizes = [*pathway.sizes, hidden]
        for level, size in enumerate(sizes[:-1]):
            shapes[f"{name}/{level}/bias"] = (size,)
            shapes[weight_name(pathway, name, level + 1)] = (size, sizes[level + 1])
    return shapes


def weight_name(pathway: Pathway, name: str, level: int) -> str:
    """The parameter between the layers l - 1 and l = 1..L + 1 of a pathway, the joint layer being L + 1."""
    return f"{name}/{level}/weight" if level <= len(pathway.layers) else f"top/{name}/weight"
