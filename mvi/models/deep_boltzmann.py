# SPDX-License-Identifier: MIT
"""Multimodal deep Boltzmann machine: the pathways of all modalities under one joint layer, undirected.

Unlike in the recurrent network every hidden layer hears both of its neighbours at once, whether its modality
is given or not, and mean field goes round them all (Salakhutdinov and Hinton 2009; Srivastava and
Salakhutdinov 2012, 2014). Layers are named "<modality>/<l>", l = 0 being the modality's own units, and "top".
Shapes: B examples, N_i units of layer i, K of the top.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from mvi.errors import ConfigError
from mvi.models.direct import DirectModel, Shapes
from mvi.models.mdrnn import Layer, Mdrnn, Pathway, expected_shapes
from mvi.models.units import Binary, Gaussian, ReplicatedSoftmax, Unit

States = dict[str, Tensor]
"""(B, N_i) states of layer i, or means of them."""
Words = Mapping[str, Tensor]
"""(B, 1) words in each row, or () in any, of every modality that counts them."""


class MultimodalDbm(DirectModel):
    """E(states) = -sum over edges x_i W_ij x_j - sum over layers b_i x_i - (log base measures).

    Gaussian inputs have variance 1. The bias of the layer above counted words is multiplied by their number,
    as in a replicated softmax model; where they are missing their number is taken to be "totals".
    `parameters` are named and shaped as those of an `Mdrnn`, all of whose factors are 1.

    settings: "layers" (sizes of the hidden layers by modality), "hidden" (K), "totals" by modality,
        "iterations" of mean field that a code comes from
    """

    kind = "deep_boltzmann"

    @classmethod
    def shapes(cls, units: Mapping[str, Unit], settings: Mapping[str, Any]) -> Shapes:
        """Those of the network; raises `ConfigError` for units of other kinds, or a learned variance."""
        for name, unit in units.items():
            if not isinstance(unit, Binary | Gaussian | ReplicatedSoftmax) or getattr(
                unit, "learn_std", False
            ):
                raise ConfigError(
                    f"the units of {name!r} are {unit}, which a Boltzmann machine cannot have; choose "
                    "binary, gaussian of variance 1 or replicated_softmax."
                )
        pathways = {
            name: Pathway(unit, tuple(map(Layer, settings["layers"][name])))  # type: ignore[arg-type]
            for name, unit in units.items()
        }
        return expected_shapes(pathways, settings["hidden"])

    @classmethod
    def stacked(cls, network: Mdrnn, iterations: int) -> "MultimodalDbm":
        """A machine with the weights of a stacked network, whose codes come from so many `iterations`.

        The network's factors made up for neighbours that its layers did not have yet, and are left out.
        """
        units = {name: pathway.input for name, pathway in network.pathways.items()}
        settings = {
            "layers": {name: pathway.sizes[1:] for name, pathway in network.pathways.items()},
            "hidden": network.hidden,
            "totals": {name: pathway.total for name, pathway in network.pathways.items()},
            "iterations": iterations,
        }
        model = cls(units, settings, {name: theta.clone() for name, theta in network.parameters.items()})
        for layer, name in model.counted.items():
            model.parameters[f"{layer}/bias"] /= network.pathways[name].total
        return model

    # -- which layers there are ----------------------------------------------------------------------------

    @cached_property
    def chains(self) -> dict[str, list[str]]:
        """The layers of each modality from its units to the top."""
        depths = {name: len(self.settings["layers"][name]) for name in self.units}
        return {
            name: [*(f"{name}/{level}" for level in range(depth + 1)), "top"]
            for name, depth in depths.items()
        }

    @cached_property
    def edges(self) -> dict[str, tuple[str, str]]:
        """Each weight matrix with the layers below and above it."""
        return {
            f"top/{name}/weight" if above == "top" else f"{above}/weight": (below, above)
            for name, chain in self.chains.items()
            for below, above in pairwise(chain)
        }

    @cached_property
    def blocks(self) -> tuple[list[str], list[str]]:
        """All layers, those at an odd distance from the top first; no two of a block are neighbours."""
        distances = {
            layer: place for chain in self.chains.values() for place, layer in enumerate(reversed(chain))
        }
        odd, even = ([layer for layer, far in distances.items() if far % 2 == rest] for rest in (1, 0))
        return odd, even

    @cached_property
    def counted(self) -> dict[str, str]:
        """The layers whose bias counts once a word, each with the modality that has the words."""
        return {
            f"{name}/1": name
            for name, unit in self.units.items()
            if isinstance(unit, ReplicatedSoftmax) and self.settings["layers"][name]
        }

    def words(self, v: Tensor, given: Sequence[str]) -> dict[str, Tensor]:
        """How many words each row of joined units `v` (B, D) has, of missing modalities how many it would."""
        return {
            name: v[:, self.slices[name]].sum(-1, keepdim=True)
            if name in given
            else v.new_full((), self.settings["totals"][name])
            for name, unit in self.units.items()
            if isinstance(unit, ReplicatedSoftmax)
        }

    # -- conditionals ----------------------------------------------------------------------------------------

    def received(self, layer: str, states: Mapping[str, Tensor], words: Words, factor: float = 1.0) -> Tensor:
        """(B, N_i) input of a layer from those of its neighbours that have states, weights times `factor`."""
        bias = self.parameters[f"{layer}/bias"]
        a = words[self.counted[layer]] * bias if layer in self.counted else bias
        for name, (below, above) in self.edges.items():
            if above == layer and below in states:
                a = torch.addmm(a, states[below], self.parameters[name], alpha=factor)
            if below == layer and above in states:
                a = torch.addmm(a, states[above], self.parameters[name].T, alpha=factor)
        return a

    def conditional(
        self, layer: str, a: Tensor, words: Words, generator: torch.Generator | None = None
    ) -> Tensor:
        """(B, N_i) mean states of a layer that receives `a` (B, N_i), drawn ones with a `generator`."""
        name, _, level = layer.partition("/")
        unit = self.units[name] if level == "0" else Binary(a.shape[1])
        total = (words[name],) if isinstance(unit, ReplicatedSoftmax) else ()
        return unit.mean(a, *total) if generator is None else unit.sample(a, generator, *total)

    def settle(
        self, v: Tensor, given: Sequence[str], iterations: int, words: Words | None = None
    ) -> tuple[States, Words]:
        """Mean-field states of all layers given some modalities, and the numbers of words.

        Joined units `v` (B, D) are read in the slices of the `given` modalities alone. The first states come
        from the given modalities upwards and from the top down to the missing ones, where weights count
        double for a layer that will hear two neighbours and hears one, and the top's input is scaled to what
        all modalities would give (Salakhutdinov and Hinton 2009, section 3.2). Then the layers at an odd
        distance from the top, and the others, take turns; each turn raises the bound on the log-likelihood.
        """
        words = self.words(v, given) if words is None else words
        states: States = {f"{name}/0": v[:, self.slices[name]] for name in given}
        fixed = set(states)
        for name in given:
            for layer in self.chains[name][1:-1]:
                states[layer] = self.conditional(layer, self.received(layer, states, words, 2.0), words)
        states["top"] = torch.sigmoid(self.received("top", states, words, len(self.units) / len(given)))
        for name in self.units:
            for layer in self.chains[name][-2::-1]:
                if layer not in states:
                    factor = 1.0 if layer.endswith("/0") else 2.0
                    states[layer] = self.conditional(
                        layer, self.received(layer, states, words, factor), words
                    )
        for _ in range(iterations):
            for layer in (one for block in self.blocks for one in block if one not in fixed):
                states[layer] = self.conditional(layer, self.received(layer, states, words), words)
        return states, words

    def gibbs_(self, states: States, words: Words, generator: torch.Generator, steps: int) -> None:
        """Draw all layers anew, in place: those at an odd distance from the top, then the others."""
        for _ in range(steps):
            for layer in (one for block in self.blocks for one in block):
                states[layer] = self.conditional(layer, self.received(layer, states, words), words, generator)

    # -- what a model of several modalities is asked ---------------------------------------------------------

    def code(self, v: Tensor, given: Sequence[str]) -> Tensor:
        """(B, K) mean-field probabilities of the joint layer."""
        return self.settle(v, given, self.settings["iterations"])[0]["top"]

    def modality_mean(self, h: Tensor, name: str) -> Tensor:
        """(B, D_m) expected units given the top (B, K), by mean field of the pathway alone."""
        words, states = self.words(h, []), {"top": h}
        layers = self.chains[name][-2::-1]
        for turn in range(1 + self.settings["iterations"]):
            for layer in layers:
                factor = 2.0 if turn == 0 and not layer.endswith("/0") else 1.0
                states[layer] = self.conditional(layer, self.received(layer, states, words, factor), words)
        return states[layers[-1]]

    # -- energies --------------------------------------------------------------------------------------------

    def energy(self, states: Mapping[str, Tensor], words: Words) -> Tensor:
        """(B,) energy of joint states (Srivastava and Salakhutdinov 2014, section 5)."""
        total = torch.zeros(len(states["top"]), dtype=self.anchor.dtype, device=self.anchor.device)
        for name, (below, above) in self.edges.items():
            total -= ((states[below] @ self.parameters[name]) * states[above]).sum(-1)
        for layer, x in states.items():
            count = words[self.counted[layer]].squeeze(-1) if layer in self.counted else 1.0
            total -= count * (x @ self.parameters[f"{layer}/bias"])
        for name, unit in self.units.items():
            total -= unit.log_base(states[f"{name}/0"])
        return total

    def statistics(
        self, states: Mapping[str, Tensor], words: Words, offsets: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Mean over the batch of -dE/d(parameter); in products of two layers `offsets` (N_i,) are subtracted.

        Those of counted words are of a single word. Of a layer whose bias counts once a word the layer above
        is left as it is: what subtracting it moves into that bias does not depend on the number of words.
        """
        found = {}
        for name, (below, above) in self.edges.items():
            x, y = states[below], states[above]
            if below in offsets:
                modality = below.removesuffix("/0")
                x = x - words.get(modality, 1.0) * offsets[below]
            if above in offsets and below not in self.counted:
                y = y - offsets[above]
            found[name] = x.T @ (y / len(y))
        for layer, x in states.items():
            count = words[self.counted[layer]] if layer in self.counted else 1.0
            found[f"{layer}/bias"] = (count * x).mean(0)
        return found
