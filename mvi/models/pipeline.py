# SPDX-License-Identifier: MIT
"""A network with all that stands below it: features as a store holds them in, joint representations out.

Shapes: n examples, d_m columns of modality m in the store, K units of the joint layer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from torch import Tensor

from mvi.data import transforms
from mvi.data.facts import Facts
from mvi.data.transforms import Transform
from mvi.errors import ConfigError, ShapeError
from mvi.models.arrays import COUNTS, FINITE, Range
from mvi.models.base import Inference, MultimodalModel, Start, describe_inference, inference_of
from mvi.models.kinds import model_of
from mvi.models.mdrnn import Mdrnn
from mvi.models.mrbm import MultimodalRBM
from mvi.models.rbm import RBM
from mvi.models.units import SteppedSigmoid

NETWORKS: tuple[type[MultimodalModel], ...] = (MultimodalRBM, Mdrnn)
"""What an encoder can have on top, besides the models that `mvi.models.kinds.model_of` finds by kind."""


def layer_probabilities(rbms: Sequence[RBM], v: Tensor) -> Tensor:
    """(B, K) of the last of `rbms` given the input (B, D) of the first; `v` itself where there is none.

    Each hands on the probability of its hidden units, stepped ones that of their first copy (reference
    code), with its up factor and without sampling.
    """
    for rbm in rbms:
        a = rbm.hidden_input(v)
        v = rbm.hidden.first_copy(a) if isinstance(rbm.hidden, SteppedSigmoid) else rbm.hidden.mean(a)
    return v


@dataclass(frozen=True, eq=False)
class Encode:
    """The transform of a modality into the input of the layer above `rbms`: the first one's, then theirs.

    These are probabilities. What draws binary states of them anew in each minibatch is the objective
    (`sample_input`), which has the generator of the training.
    """

    first: Transform
    rbms: Sequence[RBM]

    def __call__(self, values: Tensor) -> Tensor:
        """(n, K) probabilities of the values (n, d) of the store."""
        return layer_probabilities(self.rbms, self.first(values))


def inputs_of(
    transforms: Mapping[str, Transform], layers: Mapping[str, Sequence[RBM]], depths: Mapping[str, int]
) -> dict[str, Transform]:
    """What a network sees of each modality: its transform, and `layers` but for the last `depths` of them."""
    below = {name: layers.get(name, ())[: len(layers.get(name, ())) - depths[name]] for name in transforms}
    return {name: Encode(one, below[name]) if below[name] else one for name, one in transforms.items()}


class Encoder(MultimodalModel):
    """A network and the scale of its inputs: values as a store holds them, before any scaling, go in.

    `inputs` turns the values (n, d_m) of each modality into what `network` sees of it (n, D_m), which is what
    `complete` gives. `vocabulary` are the words that the columns of the text count, if any. `inference` is
    the network's unless it is given. `features` says what described the images (`mvi.data.facts`), if known.
    `centres` are the mean states of queries, if they are known.
    """

    kind = "encoder"
    block_rows = 2000

    def __init__(
        self,
        inputs: Mapping[str, Transform],
        network: MultimodalModel,
        vocabulary: Sequence[str] = (),
        inference: Inference | None = None,
        features: Facts | None = None,
        centres: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.inputs = dict(inputs)
        self.network = network
        self.vocabulary = list(vocabulary)
        self.inference = inference or network.inference
        self.centres = dict(centres or {})
        self.features = features
        if self.inputs.keys() != network.sizes.keys():
            raise ShapeError(
                f"there are inputs for {', '.join(self.inputs)} where the network has "
                f"{', '.join(network.sizes)}; take both from one run."
            )
        self.sizes = {
            name: one.rbms[0].visible.size if isinstance(one, Encode) else network.sizes[name]
            for name, one in self.inputs.items()
        }
        self.slices = network.slices
        self.ups = network.ups

    @property
    def anchor(self) -> Tensor:
        """That of the network."""
        return self.network.anchor

    def accepted(self, name: str) -> Range:
        """0 or more for counts and tags, finite numbers to be standardised, else what the units take."""
        one = self.inputs[name]
        first = one.first if isinstance(one, Encode) else one
        if isinstance(first, transforms.AsStored):
            return one.rbms[0].visible.range if isinstance(one, Encode) else self.network.accepted(name)
        return COUNTS if isinstance(first, transforms.Binarise | transforms.Counts) else FINITE

    def seen(self, name: str, values: Tensor) -> Tensor:
        """(B, D_m) what the network sees of the values (B, d_m) of a modality."""
        return self.inputs[name](values.float())

    def first_state(self, v: Tensor, given: Sequence[str], start: Start) -> tuple[Tensor, Tensor]:
        """That of the network."""
        return self.network.first_state(v, given, start)

    def next_state(self, conditioning: Tensor, h: Tensor, missing: Sequence[str]) -> Tensor:
        """That of the network."""
        return self.network.next_state(conditioning, h, missing)

    def modality_mean(self, h: Tensor, name: str) -> Tensor:
        """That of the network, which is of its input and not of the values as a store holds them."""
        return self.network.modality_mean(h, name)

    @property
    def parameters(self) -> dict[str, Tensor]:  # type: ignore[override]  # Made from those of its parts.
        """All by name: "network/<name>", "inputs/<modality>/<name>" of their scale, "centres/<query>"."""
        _, tensors = transforms.describe(self.inputs)
        return {
            **{f"network/{name}": theta for name, theta in self.network.parameters.items()},
            **{f"inputs/{name}": tensor for name, tensor in tensors.items()},
            **{f"centres/{query}": mean for query, mean in self.centres.items()},
        }

    def describe(self) -> dict[str, Any]:
        """Everything but the parameters, as plain values; only of inputs that are plain transforms."""
        described, _ = transforms.describe(self.inputs)
        return {
            "kind": self.kind,
            "network": self.network.describe(),
            "inputs": described,
            "vocabulary": self.vocabulary,
            **describe_inference(self.inference),
            **({"features": dict(self.features)} if self.features else {}),
        }

    @classmethod
    def from_description(cls, description: Mapping[str, Any], parameters: Mapping[str, Tensor]) -> Self:
        """The inverse of `describe`."""
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "inputs": {}, "centres": {}}
        for key, tensor in parameters.items():
            part, name = key.split("/", 1)
            parts[part][name] = tensor
        inputs = transforms.from_description(description["inputs"], parts["inputs"])
        below = description["network"]
        model = {one.kind: one for one in NETWORKS}.get(below["kind"]) or model_of(below["kind"])
        if model is None:
            raise ConfigError(f"there is no network of kind {below['kind']!r}")
        network = model.from_description(below, parts["network"])
        words, features = transforms.words_of(description), description.get("features")
        return cls(inputs, network, words, inference_of(description), features, parts["centres"])
