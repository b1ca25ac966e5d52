# SPDX-License-Identifier: MIT
"""A network with all that stands below it: features as a store holds them in, joint representations out.

Shapes: n examples, d_m columns of modality m in the store, K units of the top layer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from mvi.data import transforms
from mvi.data.transforms import Transform
from mvi.errors import ConfigError, ShapeError
from mvi.models.base import Array, Start, Values, like
from mvi.models.mdrnn import Mdrnn
from mvi.models.mrbm import MultimodalRBM
from mvi.models.rbm import RBM
from mvi.models.units import SteppedSigmoid


def layer_probabilities(rbms: Sequence[RBM], v: Tensor) -> Tensor:
    """(B, K) of the last of `rbms` given the input (B, D) of the first; `v` itself where there is none.

    Each hands on the probability of its hidden units, stepped ones that of their first copy (reference
    code), with its up factor and without sampling.
    """
    for rbm in rbms:
        a = rbm.hidden_input(v)
        stepped = isinstance(rbm.hidden, SteppedSigmoid)
        v = rbm.hidden.first_copy(a) if stepped else rbm.hidden.mean(a)
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


class Encoder:
    """The verbs of a model (`mvi.models.base`) for values before any scaling.

    `inputs` turns the values (n, d_m) of each modality into what `network` sees of it. A modality that is
    missing is `None`, as everywhere. `vocabulary` are the words that the columns of the text count, if any.
    """

    kind = "encoder"

    def __init__(
        self, inputs: Mapping[str, Transform], network: Mdrnn | MultimodalRBM, vocabulary: Sequence[str] = ()
    ) -> None:
        self.inputs = dict(inputs)
        self.network = network
        self.vocabulary = list(vocabulary)
        if self.inputs.keys() != network.sizes.keys():
            raise ShapeError(
                f"there are inputs for {', '.join(self.inputs)} where the network has "
                f"{', '.join(network.sizes)}; take both from one run."
            )

    @property
    def parameters(self) -> dict[str, Tensor]:
        """Those of the network as "network/<name>", the inputs' scale as "inputs/<modality>/<name>"."""
        _, tensors = transforms.describe(self.inputs)
        return {
            **{f"network/{name}": theta for name, theta in self.network.parameters.items()},
            **{f"inputs/{name}": tensor for name, tensor in tensors.items()},
        }

    def describe(self) -> dict[str, Any]:
        """Everything but the parameters, as plain values; only of inputs that are plain transforms."""
        described, _ = transforms.describe(self.inputs)
        return {
            "kind": self.kind,
            "network": self.network.describe(),
            "inputs": described,
            "vocabulary": self.vocabulary,
        }

    @classmethod
    def from_description(cls, description: Mapping[str, Any], parameters: Mapping[str, Tensor]) -> Self:
        """The inverse of `describe`."""
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "inputs": {}}
        for key, tensor in parameters.items():
            part, name = key.split("/", 1)
            parts[part][name] = tensor
        inputs = transforms.from_description(description["inputs"], parts["inputs"])
        if description["network"]["kind"] != Mdrnn.kind:
            raise ConfigError(f"an encoder needs a network of kind {Mdrnn.kind}.")
        network = Mdrnn.from_description(description["network"], parts["network"])
        return cls(inputs, network, transforms.words_of(description))

    @property
    def sizes(self) -> dict[str, int]:
        """d_m, the columns of each modality's values."""
        return {
            name: one.rbms[0].visible.size if isinstance(one, Encode) else self.network.sizes[name]
            for name, one in self.inputs.items()
        }

    def seen(self, values: Values) -> dict[str, Tensor | None]:
        """What the network sees of the `values` of each modality.

        Raises `ShapeError` for unknown modalities and wrong widths.
        """
        device = next(iter(self.network.parameters.values())).device
        unknown = [name for name in values if name not in self.inputs]
        if unknown:
            raise ShapeError(f"no modality {unknown[0]!r}; this model has {', '.join(self.inputs)}.")
        for name, value in values.items():
            if value is not None and (value.ndim != 2 or value.shape[1] != self.sizes[name]):
                raise ShapeError(
                    f"modality {name!r} has shape {tuple(value.shape)} where "
                    f"(rows, {self.sizes[name]}) is needed."
                )
        return {
            name: None
            if value is None
            else self.inputs[name](torch.as_tensor(value, dtype=torch.float32, device=device))
            for name, value in values.items()
        }

    def encode(self, values: Values, *, block: int = 2000, **inference: Any) -> Array:
        """(n, K) joint representations; `inference` as for `Verbs.encode`."""
        parts = [
            self.network.encode(self.seen(part), block=block, **inference) for part in _blocks(values, block)
        ]
        return like(torch.cat(parts), values)

    def complete(self, values: Values, target: str, *, block: int = 2000, **inference: Any) -> Array:
        """(n, D_target) expected values of what the network sees of `target`; as `Verbs.complete`."""
        parts = [
            self.network.complete(self.seen(part), target, block=block, **inference)
            for part in _blocks(values, block)
        ]
        return like(torch.cat(parts), values)

    def sweep(
        self, values: Values, iterations: Sequence[int], *, start: Start = "doubled", block: int = 2000
    ) -> dict[int, Array]:
        """What `encode` gives for each number of `iterations`, at the price of the largest alone."""
        found: dict[int, list[Tensor]] = {count: [] for count in iterations}
        for part in _blocks(values, block):
            for count, states in self.network.sweep(
                self.seen(part), iterations, start=start, block=block
            ).items():
                found[count].append(states)
        return {count: like(torch.cat(states), values) for count, states in found.items()}


def _blocks(values: Values, block: int) -> Iterator[dict[str, Array | None]]:
    length = max((len(value) for value in values.values() if value is not None), default=0)
    for begin in range(0, max(length, 1), block):
        yield {
            name: None if value is None else value[begin : begin + block] for name, value in values.items()
        }
