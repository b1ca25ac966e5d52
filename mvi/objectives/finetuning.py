# SPDX-License-Identifier: MIT
"""Finetuning of a multimodal deep recurrent network: the exact gradient through all its passes.

Each target modality is predicted from the others by passes down and up its pathway (Eqs. 10 to 13), and the
error of the last prediction is propagated back through them all. By autograd: at the paper's sizes it takes
no longer than a gradient written by hand with stacked products, as those of `multiprediction` are. Shapes: B
examples, D units in all, D_0 of the target, D_l of layer l = 1..L of a pathway, K of the joint layer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from mvi.errors import ConfigError
from mvi.models.base import Start
from mvi.models.mdrnn import Mdrnn
from mvi.models.numerics import binary_cross_entropy, sample_bernoulli
from mvi.models.units import Gaussian, ReplicatedSoftmax
from mvi.objectives.base import Gradient, Memory, Sparsity, check_mean_field


@dataclass(frozen=True)
class Finetuning:
    """Predict each of the `directions` (target modalities; all unless given) from the other modalities.

    `reveal` p of a target: a minibatch reveals its entries with probability p r, r uniform in [0, 1); none
    are revealed unless given. `dropout` p of a modality: where it is given, a minibatch keeps each of its
    entries with probability 1 - p, divided by 1 - p, and 0 stands in place of the others (Srivastava et al.
    2014, JMLR 15); nothing is dropped unless given, and never outside training. `sparsity` by group: "top",
    the name of a modality for all layers of its pathway, or "<modality>/<l>" for one of them. It acts on the
    last joint state, on the pathways of the given modalities, and on that of the target in its last pass
    upwards (reference code). The gradients of the directions are added. Raises `ConfigError` for an unknown
    start state or a number of iterations that is none.
    """

    iterations: int = 10
    directions: tuple[str, ...] | None = None
    reveal: Mapping[str, float] = field(default_factory=dict)
    start_state: Start = "doubled"
    sparsity: Mapping[str, Sparsity] = field(default_factory=dict)
    dropout: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_mean_field(self.start_state, self.iterations)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """The objective that a section of the config asks for, with the fields of this class as keys."""
        directions = settings["directions"]
        return cls(
            iterations=settings["iterations"],
            directions=None if directions is None else tuple(directions),
            reveal=dict(settings["reveal"]),
            start_state=settings["start_state"],
            sparsity={group: Sparsity(**rule) for group, rule in settings["sparsity"].items()},
            dropout=dict(settings["dropout"]),
        )

    def start(self, model: Mdrnn, mean: Tensor, generator: torch.Generator) -> Memory:
        """Nothing is remembered; raises `ConfigError` where the settings do not fit the network."""
        named = [*(self.directions or ()), *self.reveal, *self.dropout]
        unknown = [name for name in named if name not in model.pathways]
        groups = {"top", *model.pathways} | {
            f"{name}/{level}"
            for name, pathway in model.pathways.items()
            for level in range(1, len(pathway.layers) + 1)
        }
        unknown += [group for group in self.sparsity if group not in groups]
        if unknown:
            raise ConfigError(
                f"finetuning names {unknown[0]!r}, which is neither a modality nor a layer of this network; "
                f"it has {', '.join(sorted(groups))}."
            )
        inexact = [group for group, rule in self.sparsity.items() if rule.kind == "approximate"]
        if inexact:
            raise ConfigError(
                f"the sparsity of {inexact[0]!r} is approximate, which finetuning cannot follow; choose "
                "exact or none."
            )
        if len(model.pathways) < 2:
            raise ConfigError("finetuning needs two modalities or more; give the network another pathway.")
        return {}

    def step(
        self,
        model: Mdrnn,
        batch: Tensor,
        memory: Memory,
        epoch: int,
        generator: torch.Generator,
    ) -> tuple[Gradient, Memory]:
        """Exact gradient of minus the summed losses of all directions on one minibatch (B, D)."""
        total: dict[str, Tensor] = {}
        metrics: dict[str, Tensor] = {}
        for target in self.directions or model.pathways:
            mask = draw_mask(batch[:, model.slices[target]], self.reveal.get(target, 0.0), generator)
            rates = [
                (part, self.dropout.get(name, 0.0)) for name, part in model.slices.items() if name != target
            ]
            loss, gradient = self.direction(model, dropped(batch, rates, generator), target, mask)
            for name, slope in gradient.items():
                # In place, since these are the largest arrays there are.
                total[name] = total[name].add_(slope) if name in total else slope
            gaussian = isinstance(model.pathways[target].input, Gaussian)
            metrics[f"{'half_squared_error' if gaussian else 'cross_entropy'}/{target}"] = loss
        return Gradient(total, metrics=metrics), memory

    def direction(
        self, model: Mdrnn, v: Tensor, target: str, mask: Tensor | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The () loss of one target, without the sparsity, and minus the gradient, with it.

        The loss is that of the entries that `mask` (B, D_0) does not reveal under the last prediction, summed
        over units and averaged over the batch: cross-entropy in nats for binary and replicated softmax units,
        half the squared error for Gaussian ones.
        """
        with torch.enable_grad():
            leaves = {name: theta.detach().requires_grad_() for name, theta in model.parameters.items()}
            network = Mdrnn(model.pathways, model.hidden, leaves, down=model.down)
            factors = self.start_factors(model, target)
            output, layers = predict(network, v, target, mask, self.iterations, *factors)
            loss = _loss(network, v[:, model.slices[target]], target, output, mask)
            objective = -loss
            for layer, state in layers.items():
                rule = self.sparsity.get(layer, self.sparsity.get(layer.split("/")[0], Sparsity()))
                if rule.kind == "exact":
                    mean = state.mean(0)
                    # Linear at the present mean: the slope of the KL, kept finite for units that are dead.
                    objective = objective - (rule.slope(mean.detach()) * mean).sum()
        slopes = torch.autograd.grad(objective, list(leaves.values()), allow_unused=True)
        # The input biases of modalities that are only given have no part in it.
        gradient = {
            name: torch.zeros_like(theta) if slope is None else slope
            for (name, theta), slope in zip(model.parameters.items(), slopes, strict=True)
        }
        return loss.detach(), gradient

    @torch.no_grad()
    def loss(self, model: Mdrnn, v: Tensor, target: str, block: int = 2000) -> float:
        """The loss of one target on rows (n, D), mean over them, with nothing of the target revealed."""
        blind = replace(self, reveal={})
        factors, total = blind.start_factors(model, target), 0.0
        for part in v.split(block):
            output, _ = predict(model, part, target, None, self.iterations, *factors)
            total += float(_loss(model, part[:, model.slices[target]], target, output, None)) * len(part)
        return total / len(v)

    def start_factors(self, model: Mdrnn, target: str) -> tuple[float, float]:
        """What multiplies the joint inputs of the given and of the target modality to the first joint state.

        The target's pathway starts from units that are zero where not revealed. "zeros" (the paper): 1 and 1.
        "doubled" (the reference code), with u the up factors and p the reveal rate: (sum u - p u_target) /
        (sum of the given u), and p; 2 - p and p for two modalities with equal factors.
        """
        given = [name for name in model.pathways if name != target]
        factor = model.start_factor(given, self.start_state)
        if self.start_state == "zeros":
            return factor, 1.0
        rate = self.reveal.get(target, 0.0)
        ups = {name: pathway.up for name, pathway in model.pathways.items()}
        return factor - rate * ups[target] / sum(ups[name] for name in given), rate


def draw_mask(target: Tensor, reveal: float, generator: torch.Generator) -> Tensor | None:
    """(B, D_0) bools, true where the target's entry is revealed; `None` where nothing ever is."""
    if reveal == 0:
        return None
    rate = torch.rand((), dtype=target.dtype, device=target.device, generator=generator)
    return sample_bernoulli((rate * reveal).expand(target.shape), generator).bool()


def dropped(v: Tensor, rates: Sequence[tuple[slice, float]], generator: torch.Generator) -> Tensor:
    """`v` (B, D) with entries of its slices at 0, each at its rate, and the others divided by 1 - rate."""
    rates = [(part, rate) for part, rate in rates if rate]
    if rates:
        v = v.clone()
    for part, rate in rates:
        v[:, part] *= sample_bernoulli(torch.full_like(v[:, part], 1 - rate), generator) / (1 - rate)
    return v


def predict(
    model: Mdrnn,
    v: Tensor,
    target: str,
    mask: Tensor | None,
    iterations: int,
    factor: float,
    target_factor: float,
) -> tuple[Tensor, dict[str, Tensor]]:
    """What the target's units receive (B, D_0) in the last prediction, and the layers that may be sparse.

    The first joint state is s(factor * joint input of the given modalities + target_factor * joint input of
    the target's pathway + b), where that starts from the revealed entries and zeros. Then come `iterations`
    passes down and up. Of the target (B, D_0 of `v`) only what `mask` reveals is looked at. The layers, by
    "top" or "<modality>/<l>", are the last joint state, those of the given modalities, and the target's in
    the last pass upwards.
    """
    y = v[:, model.slices[target]]
    bias = model.parameters["top/bias"]
    layers: dict[str, Tensor] = {}
    conditioning = torch.zeros_like(bias)
    for name in model.pathways:
        if name != target:
            states = model.bottom_up_states(v[:, model.slices[name]], name)
            layers |= {f"{name}/{level}": state for level, state in enumerate(states) if level}
            conditioning = conditioning + model.joint_input(states[-1], name)
    first = conditioning * factor + bias
    conditioning = conditioning + bias
    if target_factor:
        # With nothing revealed all rows start alike.
        shown = y.new_zeros(1, y.shape[1]) if mask is None else torch.where(mask, y, 0.0)
        first = first + model.joint_input(model.bottom_up_states(shown, target)[-1], target) * target_factor
    h = torch.sigmoid(first)
    for i in range(iterations):
        q = model.modality_mean(h, target)
        if mask is not None:
            q = torch.where(mask, y, q)
        states = model.bottom_up_states(q, target)
        h = torch.sigmoid(conditioning + model.joint_input(states[-1], target))
        if i == iterations - 1:
            layers |= {f"{target}/{level}": state for level, state in enumerate(states) if level}
    layers["top"] = h
    return model.modality_input(h, target), layers


def _loss(model: Mdrnn, y: Tensor, target: str, output: Tensor, mask: Tensor | None) -> Tensor:
    unit = model.pathways[target].input
    if isinstance(unit, ReplicatedSoftmax):
        score = -y * log_softmax(output, -1)
    elif isinstance(unit, Gaussian):
        score = (y - output).square() / 2
    else:
        score = binary_cross_entropy(y, output)
    if mask is not None:
        score = score * ~mask
    return score.sum() / len(y)
