# SPDX-License-Identifier: MIT
"""Which term of Eq. 4 each training method lowers, measured exactly after every epoch on a tiny model.

Beside the methods of the paper, the exact gradients of the two losses that they approximate are followed:
what differs between these two is due to the objective, what differs from them to the approximation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from mvi.data.batches import Minibatches
from mvi.methods.registry import build
from mvi.models.mrbm import MultimodalRBM
from mvi.models.numerics import binary_cross_entropy
from mvi.objectives.base import Gradient, Memory, Objective
from mvi.theory import worlds
from mvi.theory.exact import Enumeration, check_size, table_of
from mvi.theory.information import TERMS, decomposition
from mvi.training.loop import Schedule, train

MEASURED = (*TERMS, "marginals", "conditionals", "nll", "minvi", "vi", "mean_field")
"""What is followed: quantities of `decomposition`, and `mean_field_loss`."""


@dataclass(frozen=True)
class ExactGradient:
    """Gradient of the NLL (Eq. 3) or of half the MinVI loss (Eq. 2) of a minibatch, not approximated.

    From free energies F of all states: the NLL is F(x, y) + log Z; half the MinVI loss is F(x, y) plus the
    mean of the logs of the sums of exp(-F) over all x with this y and over all y with this x. The two are
    then of one scale, as in Eq. 4. For two modalities without up and down factors.
    """

    loss: Literal["nll", "minvi"]

    def start(self, model: MultimodalRBM, mean: Tensor, generator: torch.Generator) -> Memory:
        """Nothing is remembered."""
        return {}

    def step(
        self,
        model: MultimodalRBM,
        batch: Tensor,
        memory: Memory,
        epoch: int,
        generator: torch.Generator,
    ) -> tuple[Gradient, Memory]:
        """Descent direction of the mean loss over binary rows (B, D)."""
        leaves = {name: theta.detach().clone().requires_grad_() for name, theta in model.parameters.items()}
        copy = MultimodalRBM(model.sizes, model.hidden.size, leaves)
        x_units, y_units = model.sizes.values()
        states = torch.from_numpy(worlds.binary_states(x_units + y_units)).to(batch)
        table = -copy.free_energy(states).reshape(2**x_units, 2**y_units)
        place = 2 ** torch.arange(x_units + y_units - 1, -1, -1).to(batch)
        number = (batch @ place).long()
        held = table.flatten()[number]
        if self.loss == "nll":
            loss = table.logsumexp((0, 1)) - held.mean()
        else:
            x, y = number // 2**y_units, number % 2**y_units
            loss = (table.logsumexp(1)[x] + table.logsumexp(0)[y]).mean() / 2 - held.mean()
        slopes = torch.autograd.grad(loss, list(leaves.values()))
        return Gradient({name: -slope for name, slope in zip(leaves, slopes, strict=True)}), memory


def mean_field_loss(model: MultimodalRBM, data: np.ndarray, iterations: int) -> float:
    """The MinVI loss (Eq. 2) of the factorised prediction that mean-field inference (Eq. 8) makes.

    Expectation under `data` (2^Dx, 2^Dy) of -log Q(y|x) - log Q(x|y). This is how a trained model is used
    when a modality is missing, and what multi-prediction trains.
    """
    total = 0.0
    sizes = dict(model.sizes)
    for given, target in (list(sizes), list(sizes)[::-1]):
        seen, hidden = (
            torch.from_numpy(worlds.binary_states(sizes[name])).to(model.parameters["weight"])
            for name in (given, target)
        )
        v = model.join({given: seen, target: None})
        h = model.mean_field(v, [given], iterations=iterations)
        logits = model.modality_input(h, target)
        loss = binary_cross_entropy(hidden[None], logits[:, None]).sum(-1).double().numpy()
        total += float((loss * (data if given == next(iter(sizes)) else data.T)).sum())
    return total


def measure(settings: Mapping[str, Any], seed: int) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Train a tiny model by each method, from several seeds, and follow `MEASURED` exactly.

    `settings`: x_units, y_units, hidden_units; prototypes, flip_probability (see `worlds.prototypes`) and
    rows, the number of training rows drawn, whose empirical table is P_D; seeds; weight_std, epochs,
    batch_size, learning_rate, decay, momentum, l2; mean_field_iterations; methods, a mapping of method
    names to what `mvi.objectives.build` needs. The exact gradients are always trained too.

    Returns flat numbers "<method>/<quantity>/first" (before training), "/last" with its standard deviation
    over seeds "/last_sd", and "/least" (of the mean curve) with "/least_epoch"; "constant" and "vi" of the
    data. Arrays: "<method>/<quantity>" (seeds, epochs + 1), "methods" (names), "table".
    """
    sizes = {"x": settings["x_units"], "y": settings["y_units"]}
    check_size(sum(sizes.values()), settings["hidden_units"])
    generator = np.random.default_rng(seed)
    world = worlds.prototypes(
        (sizes["x"], sizes["y"]), settings["prototypes"], settings["flip_probability"], generator
    )
    drawn = generator.choice(world.size, size=settings["rows"], p=world.ravel())
    rows = worlds.binary_states(sum(sizes.values()))[drawn]
    data = table_of(rows, sizes)
    batches = Minibatches(torch.from_numpy(rows).float(), settings["batch_size"])
    objectives: dict[str, Objective] = {
        "exact_nll": ExactGradient("nll"),
        "exact_minvi": ExactGradient("minvi"),
        **{name: build(name, part) for name, part in settings["methods"].items()},
    }
    training_seeds = [int(s) for s in generator.integers(2**31, size=settings["seeds"])]
    truth = decomposition(data, data)
    numbers = {"constant": truth["constant"], "vi": truth["vi"]}
    curves: dict[str, np.ndarray] = {"methods": np.array(list(objectives)), "table": data}
    for method, objective in objectives.items():
        runs = [
            _follow(settings, sizes, batches, data, method, objective, training_seed)
            for training_seed in training_seeds
        ]
        for quantity in MEASURED:
            curve = np.array([[row[quantity] for row in run] for run in runs])
            curves[f"{method}/{quantity}"] = curve
            numbers |= _summary(f"{method}/{quantity}", curve)
    return numbers, curves


def _follow(
    settings: Mapping[str, Any],
    sizes: Mapping[str, int],
    batches: Minibatches,
    data: np.ndarray,
    method: str,
    objective: Objective,
    seed: int,
) -> list[dict[str, float]]:
    """What is measured before training and after each epoch. A seed's start is the same for all methods."""
    generator = torch.Generator().manual_seed(seed)
    model = MultimodalRBM.initialise(
        sizes,
        settings["hidden_units"],
        generator,
        weight_std=settings["weight_std"],
        visible_mean=batches.mean(),
    )
    schedule = Schedule.from_settings(settings)
    found = []

    def look(model: MultimodalRBM) -> dict[str, float]:
        now = decomposition(data, Enumeration(model).joint)
        now["mean_field"] = mean_field_loss(model, data, settings["mean_field_iterations"])
        found.append({quantity: now[quantity] for quantity in MEASURED})
        return found[-1]

    look(model)
    train(model, objective, batches, schedule, generator, label=f"theory {method}", monitor=look)
    return found


def _summary(key: str, curve: np.ndarray) -> dict[str, float]:
    mean = curve.mean(0)
    return {
        f"{key}/first": float(mean[0]),
        f"{key}/last": float(mean[-1]),
        f"{key}/last_sd": float(curve[:, -1].std(ddof=1)) if len(curve) > 1 else 0.0,
        f"{key}/least": float(mean.min()),
        f"{key}/least_epoch": int(mean.argmin()),
    }
