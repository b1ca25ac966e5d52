# SPDX-License-Identifier: MIT
"""Maximum likelihood of a deep Boltzmann machine: mean field given the data, and persistent chains.

Salakhutdinov and Hinton (2009); Srivastava and Salakhutdinov (2012, 2014). Shapes: B examples, D units of all
modalities, N_i units of layer i.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mvi.models.deep_boltzmann import MultimodalDbm, States
from mvi.models.numerics import sample_bernoulli
from mvi.models.units import Binary, ReplicatedSoftmax
from mvi.objectives.base import Gradient, Memory


@dataclass(frozen=True)
class DbmLikelihood:
    """The gradient of the mean-field bound on the log-likelihood, its negative phase by PCD.

    mean_field: iterations of the positive phase
    gibbs_steps: of each of the `chains` between two updates
    centred: whether products of two layers are taken around running means of both, which move by
        1 - `damping` an update; biases follow, so that the model is the same (Montavon and Mueller 2012, in
        the form of Melchior, Fischer and Wiskott 2016)
    """

    mean_field: int = 5
    gibbs_steps: int = 5
    chains: int = 100
    centred: bool = False
    damping: float = 0.99

    def start(self, model: MultimodalDbm, mean: Tensor, generator: torch.Generator) -> Memory:
        """Chains drawn layer by layer from the biases, of the mean number of words; offsets."""
        words = {
            name: mean[model.slices[name]].sum().round().clamp_min(1)
            for name, unit in model.units.items()
            if isinstance(unit, ReplicatedSoftmax)
        }
        chain: States = {}
        for layer in (one for block in model.blocks for one in block):
            a = model.received(layer, {}, words).expand(self.chains, -1)
            chain[layer] = model.conditional(layer, a, words, generator)
        # With the host, which has to know how many words to draw and would else wait for a GPU.
        memory = {f"words/{name}": count.cpu() for name, count in words.items()}
        if self.centred:
            ones = {layer: torch.ones_like(model.parameters[f"{layer}/bias"]) for layer in chain}
            memory |= {f"offset/{layer}": one / 2 for layer, one in ones.items()}
            for name, part in model.slices.items():
                memory[f"offset/{name}/0"] = mean[part] / words.get(name, 1.0)
        return memory | {f"chain/{layer}": x for layer, x in chain.items()}

    def step(
        self, model: MultimodalDbm, batch: Tensor, memory: Memory, epoch: int, generator: torch.Generator
    ) -> tuple[Gradient, Memory]:
        """Direction of the bound's estimated gradient for one minibatch (B, D); binary inputs are drawn."""
        v = batch.clone()
        for name, unit in model.units.items():
            if isinstance(unit, Binary):
                v[:, model.slices[name]] = sample_bernoulli(batch[:, model.slices[name]], generator)
        states, words = model.settle(v, list(model.units), self.mean_field)
        chain, counts, offsets = (_group(memory, group) for group in ("chain", "words", "offset"))
        model.gibbs_(chain, counts, generator, self.gibbs_steps)
        # The last block's means given the others' draws: the same expectation as its draws, with less noise.
        expected = dict(chain)
        for layer in model.blocks[1]:
            expected[layer] = model.conditional(layer, model.received(layer, chain, counts), counts)
        positive = model.statistics(states, words, offsets)
        negative = model.statistics(expected, counts, offsets)
        direction = {name: positive[name] - negative[name] for name in model.parameters}
        gaps = torch.cat([direction[f"{name}/0/bias"] for name in model.units]).abs().mean()
        after = {f"chain/{layer}": x for layer, x in chain.items()} | {
            name: tensor for name, tensor in memory.items() if name.startswith("words/")
        }
        if self.centred:
            follow_(model, direction, offsets)
            for layer, offset in offsets.items():
                share = (
                    states[layer].sum(0) / words.get(layer.removesuffix("/0"), batch.new_ones(len(v))).sum()
                )
                after[f"offset/{layer}"] = offset * self.damping + share * (1 - self.damping)
        return Gradient(direction, metrics={"activity": states["top"].mean(), "mean_gap": gaps}), after


def follow_(model: MultimodalDbm, direction: dict[str, Tensor], offsets: Mapping[str, Tensor]) -> None:
    """Turn, in place, a direction of centred parameters into that of the model's own.

    A centred machine's biases hold what its weights would add at the offsets; as the weights move, the
    model's biases move against that. See `MultimodalDbm.statistics` for what is not centred.
    """
    for name, (below, above) in model.edges.items():
        direction[f"{above}/bias"] -= offsets[below] @ direction[name]
        if below not in model.counted:
            direction[f"{below}/bias"] -= direction[name] @ offsets[above]


def _group(memory: Memory, group: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(f"{group}/"): tensor
        for name, tensor in memory.items()
        if name.startswith(f"{group}/")
    }
