# SPDX-License-Identifier: MIT
"""An update rule of one's own beside the paper's, on the halves of scikit-learn's digits.

    .venv/bin/python docs/tutorials/add_method.py

An objective is a record of settings with two functions: `start`, what it remembers between updates, and
`step`, the direction of one. The loop, the classifier and the data are those of the tutorial `table1.py`. To
have it in the workflow's tables, curves and theory, put it into `mvi/objectives/` and a record like `METHOD`
below into `mvi/methods/one_step.py`, and name it under `compare` of a run (docs/contributing.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from table1 import digits, errors, trained
from torch import Tensor

from mvi.methods.base import Method, fit_joint_layer, load_joint_layer
from mvi.models.mrbm import MultimodalRBM
from mvi.objectives.base import Gradient, Memory


@dataclass(frozen=True)
class OneStep:
    """Predict each modality from the others after `iterations` of Eq. 8, by automatic differentiation."""

    iterations: int = 1

    def start(self, model: MultimodalRBM, mean: Tensor, generator: torch.Generator) -> Memory:
        """Nothing is remembered."""
        return {}

    def step(
        self, model: MultimodalRBM, batch: Tensor, memory: Memory, epoch: int, generator: torch.Generator
    ) -> tuple[Gradient, Memory]:
        """Minus the gradient of the cross-entropies of all modalities, mean over the minibatch (B, D)."""
        leaves = {name: theta.detach().requires_grad_() for name, theta in model.parameters.items()}
        copy = MultimodalRBM(model.sizes, model.hidden.size, leaves)
        loss = batch.new_zeros(())
        for target, columns in copy.slices.items():
            given = [name for name in copy.sizes if name != target]
            h = copy.mean_field(batch, given, iterations=self.iterations)
            predicted = copy.modality_mean(h, target).clamp(1e-6, 1 - 1e-6)
            summed = torch.nn.functional.binary_cross_entropy(predicted, batch[:, columns], reduction="sum")
            loss = loss + summed / len(batch)
        # A bias of what is given does not count for every parameter.
        found = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
        direction = {name: -gradient for name, gradient in zip(leaves, found, strict=True)}
        return Gradient(direction, metrics={"loss": loss.detach()}), memory


def objective(settings: Mapping[str, Any]) -> OneStep:
    """The objective that `settings` ask for, with the keys of `METHOD.settings`."""
    return OneStep(settings["iterations"])


METHOD = Method(
    name="one_step",
    label="One step",
    short="one step",
    order=35,
    color="#CC79A7",
    marker="P",
    citation="docs/tutorials/add_method.py",
    settings={"iterations": {"type": "integer", "minimum": 0, "default": 1}},
    fit=fit_joint_layer(objective),
    load=load_joint_layer,
    objective=objective,
)


def main() -> dict[str, float]:
    """Train, evaluate and print its row of Table 1; returns query -> error in percent."""
    halves, labels, split = digits()
    model = trained(objective({"iterations": 1}), halves, split["train"], 0.2)
    row = errors(model, halves, labels, split, iterations=1)
    print(f"{METHOD.label:12}" + "".join(f"{error:8.1f}" for error in row.values()))
    return row


if __name__ == "__main__":
    main()
