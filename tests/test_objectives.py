# SPDX-License-Identifier: MIT
"""The objectives against finite differences, hand-written definitions and exact expectations."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn.functional import binary_cross_entropy

from mvi.errors import ConfigError
from mvi.methods.registry import LAYERED, build
from mvi.models.mrbm import MultimodalRBM
from mvi.models.rbm import RBM
from mvi.models.units import Binary, Gaussian, ReplicatedSoftmax, SteppedSigmoid
from mvi.objectives.base import Ramp, Sparsity
from mvi.objectives.finetuning import Finetuning
from mvi.objectives.likelihood import ContrastiveDivergence
from mvi.objectives.multiprediction import MultiPrediction, add_direction_
from mvi.objectives.percloss import CDPercLoss, lowest_particle
from mvi.workflow.config import resolve

SIZES = {"left": 6, "right": 5}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def mrbm(seed=0, up=None, down=1.0, hidden=7, sizes=SIZES, scale=0.5):
    draws = generator(seed)
    model = MultimodalRBM.initialise(
        sizes, hidden, draws, weight_std=scale, dtype=torch.float64, up=up, down=down
    )
    for name in ("visible_bias", "hidden_bias"):
        theta = model.parameters[name]
        theta += scale * torch.randn(theta.shape, dtype=theta.dtype, generator=draws)
    return model


def grey(rows=8, seed=1, sizes=SIZES):
    return torch.rand(rows, sum(sizes.values()), dtype=torch.float64, generator=generator(seed))


def loss(model, v, target, mask, iterations, factor, sparsity, frozen=None):
    """The multi-prediction loss of one direction by its definition; `frozen` (i, q) holds prediction i."""
    y = v[:, model.slices[target]]
    W, b = model.weight(target), model.parameters["hidden_bias"]
    c = model.parameters["visible_bias"][model.slices[target]]
    up, down = model.ups[target], model.down
    x = sum(
        model.ups[name] * v[:, model.slices[name]] @ model.weight(name)
        for name in model.sizes
        if name != target
    )
    h = torch.sigmoid(factor * x + up * (y * mask) @ W + b)
    predictions = []
    for i in range(iterations):
        q = mask * y + (1 - mask) * torch.sigmoid(down * h @ W.T + c)
        predictions.append(q)
        if frozen is not None and i == frozen[0]:
            q = frozen[1]
        h = torch.sigmoid(x + up * q @ W + b)
    last = torch.sigmoid(down * h @ W.T + c)
    entropy = binary_cross_entropy(last, y, reduction="none") * (1 - mask)
    total = entropy.sum() / len(v)
    if sparsity.kind == "exact":
        m, t = h.mean(0), torch.tensor(sparsity.target, dtype=h.dtype)
        kl = t * torch.log(t / m) + (1 - t) * torch.log((1 - t) / (1 - m))
        total = total + sparsity.weight * kl.sum()
    return total, predictions


def central_differences(function, model, step=1e-5):
    """Gradient by central differences of fourth order, keyed as the parameters."""
    result = {}
    for name, theta in model.parameters.items():
        slope = torch.zeros_like(theta)
        flat = theta.view(-1)
        for i in range(flat.numel()):
            kept = float(flat[i])
            values = []
            for offset in (-2, -1, 1, 2):
                flat[i] = kept + offset * step
                values.append(float(function()))
            flat[i] = kept
            slope.view(-1)[i] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
        result[name] = slope
    return result


def particle_of(model, v, *rest):
    """The particle of lowest free energy, given what each modality tells the hidden units."""
    return lowest_particle(model, v, {name: model.bottom_up_input(v, [name]) for name in model.sizes}, *rest)


def assert_close(found, expected, relative=1e-8):
    scale = max(float(tensor.abs().max()) for tensor in expected.values())
    for name, tensor in expected.items():
        assert float((found[name] - tensor).abs().max()) <= relative * scale, name


@pytest.mark.parametrize("target", ["left", "right"])
@pytest.mark.parametrize("iterations", [0, 1, 4])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("start_state", ["zeros", "doubled"])
def test_mp_gradient_equals_finite_differences(target, iterations, masked, start_state):
    model = mrbm(up={"left": 1.5, "right": 0.7}, down=2.0, scale=0.3)
    v = grey()
    objective = MultiPrediction(iterations, reveal=0.5 * masked, start_state=start_state)
    factor = objective.start_factor(model, target)
    mask = objective.draw_mask(v[:, model.slices[target]], generator(3))
    sparsity = Sparsity("exact", 0.3, 0.1)
    total = {name: torch.zeros_like(theta) for name, theta in model.parameters.items()}
    add_direction_(
        total, model, v, target, mask,
        iterations=iterations, depth=10**9, factor=factor, sparsity=sparsity,
    )  # fmt: skip
    shown = torch.zeros_like(v[:, model.slices[target]]) if mask is None else mask
    slope = central_differences(
        lambda: loss(model, v, target, shown, iterations, factor, sparsity)[0], model, 1e-3
    )
    assert_close(total, {name: -value for name, value in slope.items()})


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_truncated_mp_holds_one_prediction_constant(depth):
    model, v, n = mrbm(scale=0.3), grey(), 4
    mask = (torch.rand(8, 5, generator=generator(3)) < 0.3).double()
    sparsity = Sparsity("exact", 0.3, 0.1)
    total = {name: torch.zeros_like(theta) for name, theta in model.parameters.items()}
    add_direction_(total, model, v, "right", mask, iterations=n, depth=depth, factor=1.75, sparsity=sparsity)
    _, predictions = loss(model, v, "right", mask, n, 1.75, sparsity)
    # The prediction that feeds hidden state n - depth is a number, not a function of the parameters.
    index = n - depth - 1
    frozen = (index, predictions[index].clone())
    slope = central_differences(
        lambda: loss(model, v, "right", mask, n, 1.75, sparsity, frozen)[0], model, 1e-3
    )
    assert_close(total, {name: -value for name, value in slope.items()})


def test_mp_step_adds_the_directions_and_reports_their_losses():
    model, v = mrbm(), grey()
    objective = MultiPrediction(3, sparsity=Sparsity("exact", 0.1, 0.1))
    gradient, _ = objective.step(model, v, {}, 1, generator())
    expected = {name: torch.zeros_like(theta) for name, theta in model.parameters.items()}
    nothing = Sparsity()
    for target in SIZES:
        mask = torch.zeros_like(v[:, model.slices[target]])
        value, _ = loss(model, v, target, mask, 3, 2.0, nothing)
        assert float(gradient.metrics[f"cross_entropy/{target}"]) == pytest.approx(float(value))
        add_direction_(
            expected, model, v, target, None,
            iterations=3, depth=3, factor=2.0, sparsity=objective.sparsity,
        )  # fmt: skip
    assert_close(gradient.positive, expected, 1e-14)


def test_mp_trains_three_modalities():
    sizes = {"a": 3, "b": 4, "c": 2}
    model, v = mrbm(sizes=sizes), grey(sizes=sizes)
    sparsity = Sparsity()
    total = {name: torch.zeros_like(theta) for name, theta in model.parameters.items()}
    add_direction_(total, model, v, "b", None, iterations=2, depth=2, factor=1.5, sparsity=sparsity)
    mask = torch.zeros(8, 4, dtype=torch.float64)
    slope = central_differences(lambda: loss(model, v, "b", mask, 2, 1.5, sparsity)[0], model, 1e-3)
    assert_close(total, {name: -value for name, value in slope.items()})


def test_hidden_target_entries_get_no_say():
    """What is not revealed of the target may only enter as a goal: predictions do not move with it."""
    model, v = mrbm(), grey()
    other = v.clone()
    other[:, model.slices["right"]] = torch.rand(8, 5, dtype=torch.float64, generator=generator(9))
    for start in ("zeros", "doubled"):
        states = [model.mean_field(rows, ["left"], iterations=5, start=start) for rows in (v, other)]
        assert torch.equal(*states)
    leaf = v.clone().requires_grad_()
    model.mean_field(leaf, ["left"], iterations=5).sum().backward()
    assert torch.count_nonzero(leaf.grad[:, model.slices["right"]]) == 0
    assert torch.count_nonzero(leaf.grad[:, model.slices["left"]]) > 0


def test_hidden_target_entries_enter_the_gradient_as_goals_only():
    """The predictions must not know them, so that the gradient is an affine function of their values."""
    model, v = mrbm(), grey()
    part = model.slices["right"]
    mask = (torch.rand(8, 5, generator=generator(3)) < 0.4).double()

    def gradient(target):
        rows = v.clone()
        rows[:, part] = mask * v[:, part] + (1 - mask) * target
        total = {name: torch.zeros_like(theta) for name, theta in model.parameters.items()}
        add_direction_(
            total, model, rows, "right", mask, iterations=3, depth=3, factor=1.75, sparsity=Sparsity()
        )
        return total

    one, other = (torch.rand(8, 5, dtype=torch.float64, generator=generator(seed)) for seed in (4, 5))
    ends, middle = (gradient(one), gradient(other)), gradient((one + other) / 2)
    assert_close(middle, {name: (ends[0][name] + ends[1][name]) / 2 for name in middle}, 1e-13)
    assert any(not torch.equal(ends[0][name], ends[1][name]) for name in middle)


def test_mask_rate_is_drawn_once_a_minibatch():
    objective = MultiPrediction(reveal=0.25)
    rates = [float(objective.draw_mask(torch.zeros(200, 100), generator(seed)).mean()) for seed in range(40)]
    assert max(rates) < 0.26
    assert sum(rates) / 40 == pytest.approx(0.125, abs=0.03)
    assert min(rates) < 0.05


def exact_log_likelihood(model, v):
    states = torch.tensor(list(itertools.product((0.0, 1.0), repeat=model.visible.size)), dtype=torch.float64)
    log_z = torch.logsumexp(-model.free_energy(states), 0)
    return (-model.free_energy(v) - log_z).mean()


@pytest.mark.parametrize("persistent", [True, False])
@pytest.mark.parametrize("negative", ["visible_means", "hidden_means"])
def test_contrastive_divergence_nears_the_exact_gradient(persistent, negative):
    """With many chains and Gibbs steps the direction is that of the exact log-likelihood, within noise."""
    sizes = {"left": 3, "right": 3}
    model = mrbm(sizes=sizes, hidden=4, scale=1.0)
    v = (grey(40000, sizes=sizes) < 0.4).double()
    objective = ContrastiveDivergence(
        Ramp(30), persistent=persistent, chains=40000, sample_input=False, negative=negative
    )
    draws = generator(5)
    memory = objective.start(model, v.mean(0), draws)
    gradient, _ = objective.step(model, v, memory, 1, draws)
    slope = central_differences(lambda: exact_log_likelihood(model, v), model, 1e-3)
    for name, expected in slope.items():
        found = gradient.positive[name] - gradient.negative[name]
        # Each entry is a mean of 40,000 values in [0, 1]: its sd is at most 0.0025.
        assert float((found - expected).abs().max()) < 0.0125, name
        assert float(expected.abs().max()) > 0.05, name


def test_pcd_keeps_binary_chains_and_uses_mean_visibles():
    model, v = mrbm(), grey()
    objective = ContrastiveDivergence(Ramp(2), chains=16)
    memory = objective.start(model, v.mean(0), generator())
    gradient, after = objective.step(model, v, memory, 1, generator(1))
    assert set(after["chain"].unique().tolist()) <= {0.0, 1.0}
    assert after["chain"].shape == (16, 7)
    mean = model.visible_mean(after["chain"]).mean(0)
    torch.testing.assert_close(gradient.negative["visible_bias"], mean)
    assert gradient.negative_at_once
    assert not torch.equal(memory["chain"], after["chain"])


def test_sampled_visibles_and_mean_hiddens_save_a_product():
    """As scikit-learn has it: the chain's last visible states, and the chain goes on from those hiddens."""
    model, v = mrbm(), grey()
    objective = ContrastiveDivergence(Ramp(1), chains=16, sample_input=False, negative="hidden_means")
    memory = objective.start(model, v.mean(0), generator())
    gradient, after = objective.step(model, v, memory, 1, generator(1))
    draws = generator(1)
    sampled = model.sample_visible(memory["chain"], draws)
    expected = model.statistics(sampled, model.hidden_mean(sampled))
    assert all(torch.equal(gradient.negative[name], expected[name]) for name in expected)
    assert torch.equal(after["chain"], model.sample_hidden(sampled, draws))
    with pytest.raises(ConfigError, match="negative is 'means'; choose one of visible_means, hidden_means"):
        ContrastiveDivergence(negative="means")


@pytest.mark.parametrize(
    ("visible", "hidden"),
    list(
        itertools.product(
            [Binary(5), Gaussian(5, learn_std=True), SteppedSigmoid(5, 3), ReplicatedSoftmax(5)],
            [Binary(4), Gaussian(4), SteppedSigmoid(4, 5), ReplicatedSoftmax(4)],
        )
    ),
    ids=lambda unit: type(unit).__name__,
)
@pytest.mark.parametrize("persistent", [True, False])
def test_any_pair_of_units_trains(visible, hidden, persistent):
    model = RBM.initialise(visible, hidden, generator(), weight_std=0.1)
    v = torch.randint(0, 4, (12, 5), generator=generator(2)).float()
    if isinstance(visible, Binary):
        v = (v > 1).float()
    objective = ContrastiveDivergence(
        Ramp(2), persistent, chains=6, sparsity=Sparsity("approximate", 0.1, 0.1, on_weights=True)
    )
    memory = objective.start(model, v.mean(0), generator(3))
    for epoch in (1, 2):
        gradient, memory = objective.step(model, v, memory, epoch, generator(4))
        for part in (gradient.positive, gradient.negative):
            assert {name: t.shape for name, t in part.items()} == {
                name: t.shape for name, t in model.parameters.items()
            }
            assert all(tensor.isfinite().all() for tensor in part.values())


@pytest.mark.parametrize("shift", [0, -800, 800])
def test_lowest_particle_is_the_lowest_of_its_chain(shift):
    """Also where hidden units are never or always on, so that their logistic is 0 or 1."""
    model = mrbm(hidden=3)
    model.parameters["hidden_bias"] += shift
    v = (grey(200) < 0.5).double()
    few, _ = particle_of(model, v, "right", 0, generator(7))
    many, h = particle_of(model, v, "right", 10, generator(7))
    # The same generator draws the same first sample, which the longer chain can only improve upon.
    assert (model.free_energy(many) <= model.free_energy(few) + 1e-12).all()
    assert (model.free_energy(many) < model.free_energy(few) - 1e-9).double().mean() > 0.3
    assert torch.equal(many[:, model.slices["left"]], v[:, model.slices["left"]])
    assert set(many.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(h, model.hidden_mean(many))


@pytest.mark.parametrize("start", ["doubled", "zeros"])
@pytest.mark.parametrize("factors", [{}, {"up": {"left": 1.5, "right": 0.5}, "down": 2.0}])
def test_lowest_particle_follows_its_definition(factors, start):
    """The chain written out: the start, Gibbs steps with factors, the plain free energy."""
    model = mrbm(**factors)
    v = (grey(300) < 0.5).double()
    x, ups = v[:, :6], model.ups
    W, b, c = (model.parameters[name] for name in ("weight", "hidden_bias", "visible_bias"))
    draws = generator(8)
    a = (ups["left"] + (ups["right"] if start == "doubled" else 0)) * (x @ W[:6]) + b
    candidates, energies = [], []
    for _ in range(5):
        h = (torch.rand(a.shape, dtype=a.dtype, generator=draws) < torch.sigmoid(a)).double()
        p = torch.sigmoid(model.down * h @ W[6:].T + c[6:])
        y = (torch.rand(p.shape, dtype=p.dtype, generator=draws) < p).double()
        a = ups["left"] * (x @ W[:6]) + ups["right"] * (y @ W[6:]) + b
        plain = x @ W[:6] + y @ W[6:] + b
        candidates.append(y)
        energies.append(-(y @ c[6:]) - model.down * torch.log1p(plain.exp()).sum(-1))
    # Equal samples have equal energies but for rounding, so that the states are compared, not the steps.
    best = torch.stack(energies).argmin(0)
    expected = torch.stack(candidates)[best, torch.arange(300)]
    particle, _ = particle_of(model, v, "right", 4, generator(8), start)
    assert torch.equal(particle[:, 6:], expected)
    assert best.unique().numel() == 5


def test_a_later_particle_wins_a_tie():
    """With no weights and no biases all states tie, and the last of them must be taken."""
    model = mrbm(scale=0.0)
    model.parameters["visible_bias"].zero_()
    v = (grey(50) < 0.5).double()
    draws = generator(8)
    for _ in range(4):
        torch.rand(50, 7, dtype=torch.float64, generator=draws)
        last = (torch.rand(50, 5, dtype=torch.float64, generator=draws) < 0.5).double()
    particle, _ = particle_of(model, v, "right", 3, generator(8))
    assert torch.equal(particle[:, 6:], last)


@pytest.mark.parametrize("start", ["doubled", "zeros"])
def test_percloss_averages_the_targets(start):
    model, v = mrbm(), (grey() < 0.5).double()
    objective = CDPercLoss(Ramp(3), sample_input=False, start_state=start)
    gradient, _ = objective.step(model, v, {}, 1, generator(2))
    draws = generator(2)
    parts = [particle_of(model, v, name, 3, draws, start) for name in SIZES]
    expected = [model.statistics(*part) for part in parts]
    for name, tensor in gradient.negative.items():
        torch.testing.assert_close(tensor, sum(part[name] for part in expected) / 2)
    assert not gradient.negative_at_once


def test_up_and_down_factors_reach_percloss():
    """With factors, the free energy takes the plain input and the conditionals the scaled one."""
    model = mrbm(up={"left": 1.5, "right": 0.5}, down=2.0)
    v = (grey() < 0.5).double()
    particle, h = particle_of(model, v, "right", 4, generator(2))
    torch.testing.assert_close(h, model.hidden_mean(particle))
    scaled = model.parameters["hidden_bias"] + particle @ model.parameters["weight"]
    plain = -particle @ model.parameters["visible_bias"] - 2 * torch.log1p(scaled.exp()).sum(-1)
    torch.testing.assert_close(model.free_energy(particle), plain)


def test_approximate_sparsity_follows_a_running_mean():
    model, v = mrbm(), grey()
    rule = Sparsity("approximate", 0.3, 0.05, damping=0.9)
    memory = rule.start(model)
    h = model.hidden_mean(v)
    expected = torch.zeros(7, dtype=torch.float64)
    for _ in range(3):
        before = model.statistics(v, h)
        positive, memory = rule.statistics(model, v, h, h, memory)
        expected = 0.9 * expected + 0.1 * h.mean(0)
        pushed = before["hidden_bias"] - 0.3 * (expected - 0.05)
        torch.testing.assert_close(positive["hidden_bias"], pushed)
        assert torch.equal(positive["weight"], before["weight"])


def test_sparsity_of_stepped_units_looks_at_the_first_copy():
    model = RBM.initialise(Binary(5), SteppedSigmoid(4, 3), generator(), weight_std=0.5)
    v = (torch.rand(20, 5, generator=generator(1)) < 0.5).float()
    objective = ContrastiveDivergence(
        persistent=False, sparsity=Sparsity("approximate", 1.0, 0.2), sample_input=False
    )
    memory = objective.start(model, v.mean(0), generator())
    gradient, memory = objective.step(model, v, memory, 1, generator())
    first = torch.sigmoid(model.hidden_input(v) - 0.5).mean(0)
    torch.testing.assert_close(memory["activity"], 0.1 * first)
    torch.testing.assert_close(gradient.metrics["activity"], first.mean())


def test_sparsity_on_weights_sees_gaussian_units_scaled():
    std = torch.full((3,), 2.0)
    model = RBM.initialise(Gaussian(3), Binary(4), generator(), visible_std=std)
    v = torch.randn(20, 3, generator=generator(1))
    rule = Sparsity("approximate", 1.0, 0.2, on_weights=True)
    plain, sparse = (
        ContrastiveDivergence(persistent=False, sparsity=sparsity)
        .step(model, v, rule.start(model), 1, generator())[0]
        .positive["weight"]
        for sparsity in (Sparsity(), rule)
    )
    push = 0.1 * model.hidden_mean(v).mean(0) - 0.2
    torch.testing.assert_close(sparse, plain - torch.outer(v.mean(0) / 2, push))


def test_exact_sparsity_is_the_gradient_of_the_kl():
    model, v = mrbm(), grey()
    rule = Sparsity("exact", 0.3, 0.05)
    h = model.hidden_mean(v)
    sparse, plain = (one.statistics(model, v, h, h, {})[0] for one in (rule, Sparsity()))
    positive = {name: sparse[name] - plain[name] for name in plain}

    def penalty():
        m = model.hidden_mean(v).mean(0)
        return 0.3 * (0.05 * torch.log(0.05 / m) + 0.95 * torch.log(0.95 / (1 - m))).sum()

    slope = central_differences(penalty, model, 1e-3)
    assert_close(positive, {name: -value for name, value in slope.items()})


def settings(method):
    sparsity = {"kind": "approximate", "weight": 0.1, "target": 0.1, "damping": 0.9}
    exact = sparsity | {"kind": "exact"}
    ramp = {"start": 1, "step": 1, "every": 1, "maximum": 3}
    mp = {"iterations": 3, "bptt_depth": ramp, "reveal": 0.2, "start_state": "doubled"}
    pcd = {"gibbs_steps": ramp, "chains": 10}
    own = {
        "pcd": pcd | {"sparsity": sparsity},
        "cd_percloss": {"gibbs_steps": ramp, "sparsity": sparsity, "start_state": "zeros"},
        "mp": mp | {"sparsity": exact},
        "hybrid": mp
        | pcd
        | {"sparsity": exact, "likelihood_sparsity": sparsity, "alpha": 0.25, "warm_up": 1},
    }
    # A method that is new is taken by the settings that it has of itself.
    folder = Path(__file__).parents[1] / "config/runs"
    return (
        own.get(method)
        or resolve({"runs": ["digits-default"]}, folder)["runs"]["digits-default"]["methods"][method]
    )


def test_hybrid_is_the_weighted_sum_of_its_parts():
    model, v = mrbm(), grey()
    hybrid = build("hybrid", settings("hybrid"))
    memory = hybrid.start(model, v.mean(0), generator(4))
    gradient, _ = hybrid.step(model, v, memory, 2, generator(5))
    draws = generator(5)
    pcd, _ = hybrid.likelihood.step(model, v, memory, 2, draws)
    mp, _ = hybrid.prediction.step(model, v, {}, 2, draws)
    for name in model.parameters:
        positive = 0.25 * mp.positive[name] + 0.75 * pcd.positive[name]
        torch.testing.assert_close(gradient.positive[name], positive)
        torch.testing.assert_close(gradient.negative[name], 0.75 * pcd.negative[name])
    assert not gradient.negative_at_once


def test_hybrid_warms_up_on_likelihood_alone():
    model, v = mrbm(), grey()
    hybrid = build("hybrid", settings("hybrid"))
    memory = hybrid.start(model, v.mean(0), generator(4))
    gradient, _ = hybrid.step(model, v, memory, 1, generator(5))
    pcd, _ = hybrid.likelihood.step(model, v, memory, 1, generator(5))
    assert_close(gradient.positive, pcd.positive, 0)
    assert_close(gradient.negative, pcd.negative, 0)
    assert not gradient.negative_at_once


@pytest.mark.parametrize("method", LAYERED)
def test_objectives_are_pure(method):
    """A step changes neither the model, nor the minibatch, nor the memory it was given."""
    model, v = mrbm(), grey()
    objective = build(method, settings(method))
    memory = objective.start(model, v.mean(0), generator())
    kept = [{name: t.clone() for name, t in group.items()} for group in (model.parameters, memory)]
    rows = v.clone()
    first, after = objective.step(model, v, memory, 1, generator(6))
    again, _ = objective.step(model, v, memory, 1, generator(6))
    assert torch.equal(v, rows)
    for group, copy in zip((model.parameters, memory), kept, strict=True):
        assert all(torch.equal(group[name], copy[name]) for name in copy)
    assert after.keys() == memory.keys()
    assert all(torch.equal(first.positive[name], again.positive[name]) for name in first.positive)


@pytest.mark.parametrize("method", LAYERED)
def test_extreme_inputs_stay_finite(method):
    model = mrbm(scale=200.0)
    v = torch.cat([torch.zeros(4, 11), torch.ones(4, 11)]).double()
    objective = build(method, settings(method))
    memory = objective.start(model, v.mean(0), generator())
    gradient, _ = objective.step(model, v, memory, 1, generator())
    for part in (gradient.positive, gradient.negative or {}):
        assert all(tensor.isfinite().all() for tensor in part.values())
    assert all(value.isfinite() for value in gradient.metrics.values())


def test_build_passes_every_setting_on():
    built = build("pcd", settings("pcd"))
    assert (built.chains, built.gibbs_steps.maximum, built.sparsity.weight) == (10, 3, 0.1)
    mp = build("mp", settings("mp"))
    assert (mp.iterations, mp.bptt_depth.maximum, mp.reveal, mp.start_state) == (3, 3, 0.2, "doubled")
    percloss = build("cd_percloss", settings("cd_percloss"))
    assert (percloss.gibbs_steps.maximum, percloss.start_state) == (3, "zeros")


@pytest.mark.parametrize("objective", [MultiPrediction, CDPercLoss, Finetuning])
@pytest.mark.parametrize("word", ["zero", "Doubled", "", None])
def test_another_start_state_is_refused(objective, word):
    with pytest.raises(ConfigError, match=rf"start_state is {word!r}; choose one of zeros, doubled\."):
        objective(start_state=word)
    with pytest.raises(ConfigError, match="start_state is"):
        replace(objective(), start_state=word)


@pytest.mark.parametrize("objective", [MultiPrediction, Finetuning])
@pytest.mark.parametrize("iterations", [-1, 2.5, None])
def test_iterations_are_counted(objective, iterations):
    with pytest.raises(ConfigError, match=f"iterations are {iterations}; give a whole number from 0"):
        objective(iterations=iterations)


def test_unknown_method_is_named():
    with pytest.raises(ConfigError, match="'mpp' is unknown; choose one of .*pcd, .*cd_percloss"):
        build("mpp", {})
