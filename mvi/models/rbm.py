# SPDX-License-Identifier: MIT
"""Restricted Boltzmann machine between any two unit types: energy, conditionals, free energy, statistics.

Nothing here knows how the machine is trained. Shapes: B examples, D visible units, K hidden units.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from mvi.errors import DataError, ShapeError
from mvi.models.numerics import logit
from mvi.models.units import Binary, Gaussian, ReplicatedSoftmax, Unit, describe, from_description

VISIBLE_MEAN_FLOOR = 0.01
"""Training means are clipped to [0.01, 0.99] before their log-odds start a visible bias (reference code)."""


class RBM:
    """E(v, h) = -v W h - b h - c v - (log base measures of v and h), v divided by its std where Gaussian.

    `parameters` holds "weight" (D, K), "visible_bias" (D,), "hidden_bias" (K,) and, for Gaussian visible
    units, "visible_log_std" (D,). `up` and `down` multiply the weights on the way up and down, never a bias:
    a layer that will later have a neighbour on either side gets twice the input while it has one (reference
    code). With up = down = 1 the conditionals are those of the energy.
    """

    kind: ClassVar[str] = "rbm"

    def __init__(
        self,
        visible: Unit,
        hidden: Unit,
        parameters: Mapping[str, Tensor],
        up: float = 1.0,
        down: float = 1.0,
    ) -> None:
        self._hold(visible, hidden, parameters, down)
        self.up = up

    def _hold(self, visible: Unit, hidden: Unit, parameters: Mapping[str, Tensor], down: float) -> None:
        """Take what every machine has; raises `ShapeError` where `parameters` do not fit the units."""
        self.visible = visible
        self.hidden = hidden
        self.parameters = dict(parameters)
        self.down = down
        expected = {
            "weight": (visible.size, hidden.size),
            "visible_bias": (visible.size,),
            "hidden_bias": (hidden.size,),
        }
        if isinstance(visible, Gaussian):
            expected["visible_log_std"] = (visible.size,)
        found = {name: tuple(tensor.shape) for name, tensor in self.parameters.items()}
        if found != expected:
            raise ShapeError(
                f"{self.kind} of {visible.size} visible and {hidden.size} hidden units needs parameters "
                f"of shapes {expected}, not {found}; check the sizes in the config."
            )

    @classmethod
    def initialise(
        cls,
        visible: Unit,
        hidden: Unit,
        generator: torch.Generator,
        *,
        weight_std: float = 0.01,
        visible_mean: Tensor | None = None,
        visible_std: Tensor | None = None,
        dtype: torch.dtype = torch.float32,
        **factors: Any,
    ) -> Self:
        """Weights N(0, weight_std^2), hidden biases 0, visible biases from the training mean (D,).

        Binary visible units start at the log-odds of `visible_mean`, replicated softmax units at its log,
        others at 0, as in the reference code; `visible_std` (D,) is for Gaussian units, 1 by default.
        """
        return cls(
            visible,
            hidden,
            initial_parameters(
                visible,
                hidden.size,
                generator,
                weight_std=weight_std,
                visible_mean=visible_mean,
                visible_std=visible_std,
                dtype=dtype,
            ),
            **factors,
        )

    # -- conditionals ------------------------------------------------------------------------------

    def scaled(self, v: Tensor) -> Tensor:
        """(B, D) visible states as the energy sees them: divided by the std of Gaussian units."""
        if isinstance(self.visible, Gaussian):
            return v / self.parameters["visible_log_std"].exp()
        return v

    def _bottom_up_input(self, v: Tensor, factor: float) -> Tensor:
        a = self.scaled(v) @ self.parameters["weight"]
        if factor != 1.0:
            a *= factor
        if isinstance(self.visible, ReplicatedSoftmax):
            # One set of softmax units a word, all with the same hidden bias (Salakhutdinov and Hinton 2009).
            return a.addcmul_(v.sum(-1, keepdim=True), self.parameters["hidden_bias"])
        return a.add_(self.parameters["hidden_bias"])

    def hidden_input(self, v: Tensor) -> Tensor:
        """(B, K) input of the hidden units: up * v W + b."""
        return self._bottom_up_input(v, self.up)

    def visible_input(self, h: Tensor) -> Tensor:
        """(B, D) input of the visible units, down * h W' + c; in units of the std where Gaussian."""
        bias = self.parameters["visible_bias"]
        if isinstance(self.visible, Gaussian):
            bias = bias / self.parameters["visible_log_std"].exp()
        return torch.addmm(bias, h, self.parameters["weight"].T, alpha=self.down)

    def hidden_mean(self, v: Tensor) -> Tensor:
        """(B, K) expected hidden state given v (Eq. 6 for binary units)."""
        return self.hidden.mean(self.hidden_input(v))

    def visible_mean(self, h: Tensor, total: Tensor | float = 1.0) -> Tensor:
        """(B, D) expected visible state given h (Eq. 7); `total` () or (B, 1) words of a softmax."""
        return self._visible(self.visible_input(h), None, total)

    def sample_hidden(self, v: Tensor, generator: torch.Generator) -> Tensor:
        """(B, K) hidden states drawn given v."""
        return self.hidden.sample(self.hidden_input(v), generator)

    def sample_visible(self, h: Tensor, generator: torch.Generator, total: Tensor | float = 1.0) -> Tensor:
        """(B, D) visible states drawn given h; `total` as in `visible_mean`."""
        return self._visible(self.visible_input(h), generator, total)

    def _visible(self, a: Tensor, generator: torch.Generator | None, total: Tensor | float) -> Tensor:
        extra = (total,) if isinstance(self.visible, ReplicatedSoftmax) else ()
        if generator is None:
            state = self.visible.mean(a, *extra)
        else:
            state = self.visible.sample(a, generator, *extra)
        if isinstance(self.visible, Gaussian):
            return state * self.parameters["visible_log_std"].exp()
        return state

    # -- energies ----------------------------------------------------------------------------------

    def energy(self, v: Tensor, h: Tensor) -> Tensor:
        """(B,) energy of joint states (Eq. 5, with the base measures of units that are not binary)."""
        observed = self.scaled(v)
        interaction = (observed @ self.parameters["weight"] * h).sum(-1)
        bias = h @ self.parameters["hidden_bias"]
        if isinstance(self.visible, ReplicatedSoftmax):
            bias = bias * v.sum(-1)
        return -interaction - bias - self._visible_terms(v, observed) - self.hidden.log_base(h)

    def free_energy(self, v: Tensor) -> Tensor:
        """(B,) -log of the sum over h of exp(-E(v, h)); the hidden term is multiplied by `down`.

        The down factor, and the absence of `up`, follow the reference code's free energy for CD-PercLoss.
        """
        summed = self.hidden.log_normaliser(self._bottom_up_input(v, 1.0))
        return -self._visible_terms(v, self.scaled(v)) - self.down * summed

    def _visible_terms(self, v: Tensor, observed: Tensor) -> Tensor:
        bias = self.parameters["visible_bias"]
        if isinstance(self.visible, Gaussian):
            bias = bias / self.parameters["visible_log_std"].exp()
        return observed @ bias + self.visible.log_base(observed)

    def statistics(self, v: Tensor, h: Tensor, weighed: Tensor | None = None) -> dict[str, Tensor]:
        """Mean over the batch of -dE/d(parameter), keyed and shaped as `parameters`.

        `weighed` (B, K), if it is given, takes the place of h for the weights. For the log std of Gaussian
        units up to c^2 / s^2, which cancels between data and model. As in the reference code's contrastive
        trainers, the factors `up` and `down` do not enter.
        """
        observed = self.scaled(v)
        weighed = h if weighed is None else weighed
        hidden = h
        if isinstance(self.visible, ReplicatedSoftmax):
            hidden = h * v.sum(-1, keepdim=True)
        result = {
            # One operation, of which beta = 0 leaves the bias out, saves a pass to divide by the count.
            "weight": torch.addmm(
                self.parameters["hidden_bias"], observed.T, weighed, beta=0, alpha=1 / len(v)
            ),
            "visible_bias": observed.mean(0),
            "hidden_bias": hidden.mean(0),
        }
        if isinstance(self.visible, Gaussian):
            std = self.parameters["visible_log_std"].exp()
            result["visible_bias"] = result["visible_bias"] / std
            result["visible_log_std"] = torch.zeros_like(std)
            if self.visible.learn_std:
                # E = |(v - c)/s|^2 / 2 - (v/s) W h, differentiated by log s.
                centred = observed - self.parameters["visible_bias"] / std
                top_down = h @ self.parameters["weight"].T
                result["visible_log_std"] = (centred.square() - observed * top_down).mean(0)
        return result

    def expected_statistics(self, h: Tensor, total: Tensor | float = 1.0) -> dict[str, Tensor]:
        """Expectation of `statistics` over v given h (B, K), with the visible units summed out."""
        result = self.statistics(self.visible_mean(h, total), h)
        if isinstance(self.visible, Gaussian) and self.visible.learn_std:
            # All statistics are linear in v but the square, whose mean exceeds the squared mean by s^2.
            result["visible_log_std"] += 1
        return result

    # -- bookkeeping -------------------------------------------------------------------------------

    def to(self, device: torch.device | str) -> Self:
        """Move the parameters; returns the model itself."""
        self.parameters = {name: tensor.to(device) for name, tensor in self.parameters.items()}
        return self

    def describe(self) -> dict[str, Any]:
        """Everything but the parameters, as plain values."""
        return {
            "kind": self.kind,
            "visible": describe(self.visible),
            "hidden": describe(self.hidden),
            "up": self.up,
            "down": self.down,
        }

    @classmethod
    def from_description(cls, description: Mapping[str, Any], parameters: Mapping[str, Tensor]) -> Self:
        """The inverse of `describe`."""
        return cls(
            from_description(description["visible"]),
            from_description(description["hidden"]),
            parameters,
            up=float(description["up"]),
            down=float(description["down"]),
        )


def initial_parameters(
    visible: Unit,
    hidden_size: int,
    generator: torch.Generator,
    *,
    weight_std: float,
    visible_mean: Tensor | None,
    visible_std: Tensor | None = None,
    dtype: torch.dtype = torch.float32,
) -> dict[str, Tensor]:
    """Start values of an RBM's parameters; see `RBM.initialise`.

    Raises `DataError` where words are counted and `visible_mean` has none.
    """
    device = generator.device
    shape = (visible.size, hidden_size)
    weight = torch.randn(shape, dtype=dtype, device=device, generator=generator) * weight_std
    bias = torch.zeros(visible.size, dtype=dtype, device=device)
    if visible_mean is not None and isinstance(visible, Binary):
        bias = logit(visible_mean.to(bias), VISIBLE_MEAN_FLOOR)
    elif visible_mean is not None and isinstance(visible, ReplicatedSoftmax):
        if not visible_mean.sum() > 0:
            raise DataError("no row that is to be learned from has a word; learn from rows with words.")
        share = visible_mean.to(bias) / visible_mean.sum()
        bias = share.clamp_min(1e-12).log()
    parameters = {
        "weight": weight,
        "visible_bias": bias,
        "hidden_bias": torch.zeros(hidden_size, dtype=dtype, device=device),
    }
    if isinstance(visible, Gaussian):
        std = torch.ones_like(bias) if visible_std is None else visible_std.to(bias)
        parameters["visible_log_std"] = std.log()
    return parameters
