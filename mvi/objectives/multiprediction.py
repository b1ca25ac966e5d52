# SPDX-License-Identifier: MIT
"""MinVI (Eq. 2) of a multimodal RBM by multi-prediction: back-propagation through Eq. 9.

Written by hand rather than by autograd: the weights enter at every iteration, and their gradient is then one
product of stacked states instead of one a time step. Shapes: B examples, D_t units of the target, K hidden
units, n mean-field iterations.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from mvi.models.mrbm import MultimodalRBM, Start
from mvi.models.numerics import binary_cross_entropy, sample_bernoulli
from mvi.objectives.base import Gradient, Memory, Ramp, Sparsity, check_mean_field


@dataclass(frozen=True)
class MultiPrediction:
    """Each modality in turn is predicted from the others (and from what is revealed of itself).

    `reveal` p: a minibatch reveals target entries with probability p r, r uniform in [0, 1); 0 is the paper's
    sampling ratio 1. `bptt_depth` k < n lets the gradient reach only the hidden states n, ..., n - k, the
    prediction that feeds the last of them being a constant (reference code). The gradients of the directions
    are added. Raises `ConfigError` for an unknown start state or a number of iterations that is none.
    """

    iterations: int = 5
    bptt_depth: Ramp = field(default_factory=lambda: Ramp(10**9))
    reveal: float = 0.0
    start_state: Start = "doubled"
    sparsity: Sparsity = field(default_factory=Sparsity)

    def __post_init__(self) -> None:
        check_mean_field(self.start_state, self.iterations)

    def start(self, model: MultimodalRBM, mean: Tensor, generator: torch.Generator) -> Memory:
        """Nothing is remembered: the sparsity term is that of the minibatch."""
        return {}

    def step(
        self,
        model: MultimodalRBM,
        batch: Tensor,
        memory: Memory,
        epoch: int,
        generator: torch.Generator,
    ) -> tuple[Gradient, Memory]:
        """Exact (or truncated) gradient of minus the summed losses of all directions on one minibatch."""
        total = {name: torch.zeros_like(theta) for name, theta in model.parameters.items()}
        metrics: dict[str, Tensor] = {}
        for target in model.sizes:
            mask = self.draw_mask(batch[:, model.slices[target]], generator)
            loss = add_direction_(
                total,
                model,
                batch,
                target,
                mask,
                iterations=self.iterations,
                depth=self.bptt_depth.at(epoch),
                factor=self.start_factor(model, target),
                sparsity=self.sparsity,
            )
            metrics[f"cross_entropy/{target}"] = loss
        return Gradient(total, metrics=metrics), memory

    def draw_mask(self, target: Tensor, generator: torch.Generator) -> Tensor | None:
        """(B, D_t) floats, 1 where the target's entry is revealed; `None` where nothing ever is."""
        if self.reveal == 0:
            return None
        rate = torch.rand((), dtype=target.dtype, device=target.device, generator=generator)
        return sample_bernoulli((rate * self.reveal).expand(target.shape), generator)

    def start_factor(self, model: MultimodalRBM, target: str) -> float:
        """What multiplies the given modalities' input in the first hidden state.

        The reference code takes the revealed share p off the doubled input in training: (sum of up factors -
        up_target p) / (up factors of the given), 2 - p for unit factors.
        """
        given = [name for name in model.sizes if name != target]
        factor = model.start_factor(given, self.start_state)
        if self.start_state == "doubled":
            factor -= model.ups[target] * self.reveal / sum(model.ups[name] for name in given)
        return factor


def add_direction_(
    total: dict[str, Tensor],
    model: MultimodalRBM,
    v: Tensor,
    target: str,
    mask: Tensor | None,
    *,
    iterations: int,
    depth: int,
    factor: float,
    sparsity: Sparsity,
) -> Tensor:
    """Add the ascent direction of one target given the others to `total`; returns its () cross-entropy.

    At full depth it is exactly minus the gradient of the cross-entropy, in nats, of the hidden entries under
    the last prediction, summed over units and averaged over the batch, plus the exact sparsity term of the
    last hidden state. Starting from h_0 = s(factor * conditioning + revealed part + b), the iteration is
    q_i = s(down h_i W' + c) with revealed entries put back, h_{i+1} = s(conditioning + up q_i W + b).

    `mask` (B, D_t) is 1 where an entry of the target is revealed. `depth` is the number of hidden states
    before the last that the gradient reaches.
    """
    n, count = iterations, len(v)
    others = [name for name in model.sizes if name != target]
    part = model.slices[target]
    y = v[:, part]
    weight, up, down = model.weight(target), model.ups[target], model.down
    hidden_bias = model.parameters["hidden_bias"]
    conditioning = model.bottom_up_input(v, others)

    first = conditioning * factor
    if mask is not None:
        first.addmm_(y * mask, weight, alpha=up)
    hidden = first.new_empty(n + 1, *first.shape)
    predicted = first.new_empty(n, *y.shape)
    torch.sigmoid(first.add_(hidden_bias), out=hidden[0])
    conditioning += hidden_bias
    for i in range(n):
        q = torch.sigmoid(model.modality_input(hidden[i], target), out=predicted[i])
        if mask is not None:
            q.lerp_(y, mask)
        torch.addmm(conditioning, q, weight, alpha=up, out=hidden[i + 1]).sigmoid_()

    # Errors and deltas stand in the order of the states that the gradient reaches, which are the last ones.
    states = hidden[n - min(depth, n) :]
    last = len(states) - 1
    logits = model.modality_input(hidden[n], target)
    score = binary_cross_entropy(y, logits)
    errors = first.new_empty(last + 1, *y.shape)
    deltas = first.new_empty(last + 1, *first.shape)
    torch.sub(y, logits.sigmoid_(), out=errors[last]).div_(count)
    if mask is not None:
        errors[last].mul_(1 - mask)
        score.mul_(1 - mask)
    for t in range(last, -1, -1):
        h = states[t]
        delta = torch.mm(errors[t], weight, out=deltas[t])
        if down != 1.0:
            delta.mul_(down)
        if t == last and sparsity.kind == "exact":
            delta.sub_(sparsity.slope(h.mean(0)) / count)
        _through_logistic_(delta, h)
        if t > 0:
            q = predicted[n - last + t - 1]
            error = torch.mm(delta, weight.T, out=errors[t - 1])
            _through_logistic_(error, q)
            if up != 1.0:
                error.mul_(up)
            if mask is not None:
                error.mul_(1 - mask)

    gradient = total["weight"]
    flat_errors, flat_deltas = errors.flatten(0, 1), deltas.flatten(0, 1)
    gradient[part].addmm_(flat_errors.T, states.flatten(0, 1), alpha=down)
    fed = min(last + 1, n)
    if fed:
        inputs = predicted[n - fed :].flatten(0, 1)
        gradient[part].addmm_(inputs.T, deltas[last + 1 - fed :].flatten(0, 1), alpha=up)
    total["hidden_bias"] += flat_deltas.sum(0)
    if last == n:
        # The first hidden state saw the conditioning input times `factor`, and only revealed entries.
        if mask is not None:
            gradient[part].addmm_((y * mask).T, deltas[0], alpha=up)
        deltas[0].mul_(factor)
    reaching = deltas.sum(0)
    for name in others:
        x = v[:, model.slices[name]]
        gradient[model.slices[name]].addmm_(x.T, reaching, alpha=model.ups[name])
    total["visible_bias"][part] += flat_errors.sum(0)
    return score.sum() / count


def _through_logistic_(slope: Tensor, value: Tensor) -> None:
    """Multiply a `slope` by the derivative of the logistic, of which `value` is the value."""
    slope.mul_(value).addcmul_(slope, value, value=-1)
