# SPDX-License-Identifier: MIT
"""The multimodal deep Boltzmann machine against the enumeration of all its joint states."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch

from mvi.models.deep_boltzmann import MultimodalDbm
from mvi.models.mdrnn import Layer, Mdrnn, Pathway
from mvi.models.units import Binary, Gaussian, ReplicatedSoftmax
from mvi.objectives.deep_boltzmann import DbmLikelihood, follow_
from mvi.theory.worlds import binary_states

WORDS = 2


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def model_of(units, layers, hidden=2, scale=0.8, iterations=30):
    settings = {
        "layers": layers,
        "hidden": hidden,
        "iterations": iterations,
        "totals": {name: float(WORDS) for name, unit in units.items() if isinstance(unit, ReplicatedSoftmax)},
    }
    model = MultimodalDbm.initialise(units, settings, generator(), dtype=torch.float64)
    draws = generator(1)
    for theta in model.parameters.values():
        theta.copy_(scale * torch.randn(theta.shape, dtype=theta.dtype, generator=draws))
    return model


def binary_model(**options):
    return model_of({"image": Binary(3), "text": Binary(2)}, {"image": [2], "text": [2, 1]}, **options)


def mixed_model(**options):
    units = {"image": Gaussian(2), "text": ReplicatedSoftmax(3)}
    return model_of(units, {"image": [2], "text": [2]}, **options)


def words_of(model):
    return {name: torch.tensor(float(WORDS)).double() for name in model.settings["totals"]}


def layers_of(model):
    return [one for block in model.blocks for one in block]


def every_state(model):
    """All joint states; of Gaussian units a few, which is enough for conditionals of the others."""
    grids = []
    for layer in layers_of(model):
        name, _, level = layer.partition("/")
        unit = model.units[name] if level == "0" else Binary(len(model.parameters[f"{layer}/bias"]))
        if isinstance(unit, ReplicatedSoftmax):
            counts = product(range(WORDS + 1), repeat=unit.size)
            grids.append(torch.tensor([one for one in counts if sum(one) == WORDS]).double())
        elif isinstance(unit, Gaussian):
            grids.append(torch.tensor([[0.3, -1.2], [-0.7, 0.4]]).double())
        else:
            grids.append(torch.from_numpy(binary_states(unit.size)))
    places = torch.cartesian_prod(*(torch.arange(len(grid)) for grid in grids))
    return {
        layer: grid[places[:, i]] for i, (layer, grid) in enumerate(zip(layers_of(model), grids, strict=True))
    }


def probabilities(model, states):
    return torch.softmax(-model.energy(states, words_of(model)), 0)


def rows_equal(states, fixed):
    """Which joint states agree with `fixed` layers."""
    return torch.stack([(states[name] == x).all(-1) for name, x in fixed.items()]).all(0)


def test_energy_is_the_sum_written_out():
    model = mixed_model()
    P = {name: theta.numpy() for name, theta in model.parameters.items()}
    states = every_state(model)
    for row in (0, 77, 200, 383):
        v, t, h, g, T = (
            states[name][row].numpy() for name in ("image/0", "text/0", "image/1", "text/1", "top")
        )
        ways = {2.0: 1.0, 1.0: 2.0}[t.max()]
        expected = -(v @ P["image/1/weight"] @ h + t @ P["text/1/weight"] @ g)
        expected -= h @ P["top/image/weight"] @ T + g @ P["top/text/weight"] @ T
        expected -= v @ P["image/0/bias"] + t @ P["text/0/bias"] + h @ P["image/1/bias"] + T @ P["top/bias"]
        expected -= WORDS * (g @ P["text/1/bias"]) + np.log(ways) - v @ v / 2
        one = {name: x[row : row + 1] for name, x in states.items()}
        assert float(model.energy(one, words_of(model))) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("make", [binary_model, mixed_model])
def test_conditionals_are_those_of_the_energy(make):
    model = make()
    states, words = every_state(model), words_of(model)
    p = probabilities(model, states)
    for layer in layers_of(model):
        if isinstance(model.units.get(layer.removesuffix("/0")), Gaussian):
            continue
        for row in (3, 50, len(p) - 7):
            others = {name: x[row] for name, x in states.items() if name != layer}
            same = rows_equal(states, others)
            exact = (p[same, None] * states[layer][same]).sum(0) / p[same].sum()
            around = {name: x[None] for name, x in others.items()}
            a = model.received(layer, around, words).expand(1, -1)
            torch.testing.assert_close(model.conditional(layer, a, words)[0], exact, rtol=0, atol=1e-12)


def test_a_gaussian_input_lies_around_what_it_receives():
    """Its energy is least there, and of curvature 1."""
    model, words = mixed_model(), words_of(mixed_model())
    states = {name: x[100:101] for name, x in every_state(model).items()}
    mean = model.received("image/0", states, words)
    for step in torch.tensor([[0.5, 0.0], [-0.3, 0.8]]).double():
        rise = [
            float(model.energy(states | {"image/0": mean + sign * step}, words)) for sign in (-1.0, 0.0, 1.0)
        ]
        assert rise[0] - rise[1] == pytest.approx(rise[2] - rise[1], abs=1e-12)
        assert rise[2] - rise[1] == pytest.approx(float(step @ step) / 2, abs=1e-12)


def bound(model, states, words, log_z):
    """(B,) mean-field bound on the log-likelihood of both modalities, from the means of hidden layers."""
    hidden = torch.cat([x for name, x in states.items() if not name.endswith("/0")], 1)
    entropy = -(torch.xlogy(hidden, hidden) + torch.xlogy(1 - hidden, 1 - hidden)).sum(-1)
    return -model.energy(states, words) + entropy - log_z


def test_the_mean_field_bound_rises_and_stays_below_the_likelihood():
    model = binary_model(scale=1.5)
    states = every_state(model)
    energy = -model.energy(states, {})
    log_z = torch.logsumexp(energy, 0)
    visible = {name: torch.from_numpy(binary_states(unit.size)) for name, unit in model.units.items()}
    pairs = torch.cartesian_prod(torch.arange(8), torch.arange(4))
    v = torch.cat([visible["image"][pairs[:, 0]], visible["text"][pairs[:, 1]]], 1)
    exact = torch.stack(
        [
            torch.logsumexp(energy[rows_equal(states, {"image/0": row[:3], "text/0": row[3:]})], 0) - log_z
            for row in v
        ]
    )
    assert float(exact.exp().sum()) == pytest.approx(1, abs=1e-12)
    bounds = [
        bound(model, model.settle(v, ["image", "text"], iterations)[0], {}, log_z)
        for iterations in (0, 1, 2, 4, 8, 60)
    ]
    for before, after in pairwise(bounds):
        assert (after >= before - 1e-12).all()
    assert (bounds[-1] <= exact + 1e-12).all()
    # The gap is what the hidden units of the posterior owe to each other: small, not nothing.
    assert 1e-4 < float((exact - bounds[-1]).mean()) < float((exact - bounds[0]).mean())


def test_weak_machines_infer_as_their_posterior_does():
    """Mean field is exact to first order in the weights: halving them cuts the error to a quarter or less."""
    errors = []
    for scale in (0.2, 0.1):
        model = binary_model(scale=scale)
        states, p = every_state(model), probabilities(model, every_state(model))
        v = torch.tensor([[1.0, 0.0, 1.0, 0.0, 0.0]]).double()
        top = model.code(v, ["image"])[0]
        same = rows_equal(states, {"image/0": v[0, :3]})
        exact = (p[same, None] * states["top"][same]).sum(0) / p[same].sum()
        errors.append(float((top - exact).abs().max()))
    assert errors[1] < errors[0] / 3.5


@pytest.mark.parametrize("make", [binary_model, mixed_model])
def test_settled_states_solve_the_mean_field_equations(make):
    model = make(scale=0.4)
    v = torch.rand(3, sum(model.sizes.values()), dtype=torch.float64, generator=generator(2))
    for given in (["image", "text"], ["image"], ["text"]):
        states, words = model.settle(v, given, 200)
        for layer in layers_of(model):
            if layer.removesuffix("/0") not in given:
                again = model.conditional(layer, model.received(layer, states, words), words)
                torch.testing.assert_close(again, states[layer], rtol=0, atol=1e-10)
        for name in {"image", "text"} - set(given):
            model.settings["iterations"] = 200
            mean = model.modality_mean(states["top"], name)
            torch.testing.assert_close(mean, states[f"{name}/0"], rtol=0, atol=1e-10)


def expectations(model, states, p, offsets):
    """Exact mean of -dE/d(parameter), from gradients of the energy of every joint state."""
    leaves = {name: theta.clone().requires_grad_() for name, theta in model.parameters.items()}
    mean = (p * -model.with_parameters(leaves).energy(states, words_of(model))).sum()
    return dict(zip(leaves, torch.autograd.grad(mean, list(leaves.values())), strict=True))


@pytest.mark.parametrize("make", [binary_model, mixed_model])
def test_statistics_are_slopes_of_the_energy(make):
    model = make()
    states = every_state(model)
    uniform = torch.full((len(states["top"]),), 1 / len(states["top"]), dtype=torch.float64)
    found = model.statistics(states, words_of(model), {})
    for name, exact in expectations(model, states, uniform, {}).items():
        torch.testing.assert_close(found[name], exact, rtol=0, atol=1e-11)


def test_the_negative_phase_has_the_moments_of_the_model():
    model = binary_model(scale=0.6)
    objective = DbmLikelihood(mean_field=3, gibbs_steps=2, chains=400)
    states = every_state(model)
    exact = expectations(model, states, probabilities(model, states), {})
    batch = torch.zeros(1, 5, dtype=torch.float64)
    settled, words = model.settle(batch, list(model.units), 3)
    positive = model.statistics(settled, words, {})
    draws = generator(5)
    memory = objective.start(model, torch.full((5,), 0.5).double(), draws)
    sums = []
    for step in range(400):
        gradient, memory = objective.step(model, batch, memory, 1, draws)
        if step >= 40:
            sums.append({name: positive[name] - gradient.positive[name] for name in positive})
    # Means of 12 stretches: what neighbours in a chain share is within them.
    for name, expected in exact.items():
        means = torch.stack([one[name] for one in sums]).reshape(12, 30, *expected.shape).mean(1)
        error = means.std(0) / 12**0.5
        assert ((means.mean(0) - expected).abs() < 4 * error + 1e-12).all(), name


def test_centring_changes_the_way_and_not_the_slope():
    """A centred step is a positive definite matrix times the plain one: it is zero where that is zero."""
    model = mixed_model(scale=0.5)
    draws = generator(3)
    states = every_state(model)
    words = words_of(model)
    offsets = {
        layer: torch.rand(len(model.parameters[f"{layer}/bias"]), dtype=torch.float64, generator=draws)
        for layer in states
    }
    data = torch.rand(len(states["top"]), dtype=torch.float64, generator=draws).softmax(0)
    p = probabilities(model, states)

    def mean(weights, offsets):
        found = {}
        for row in weights.nonzero().flatten():
            one = {name: x[row : row + 1] for name, x in states.items()}
            for name, value in model.statistics(one, words, offsets).items():
                found[name] = found.get(name, 0) + weights[row] * value
        return found

    plain = {name: a - b for (name, a), b in zip(mean(data, {}).items(), mean(p, {}).values(), strict=True)}
    centred = {
        name: a - b
        for (name, a), b in zip(mean(data, offsets).items(), mean(p, offsets).values(), strict=True)
    }
    follow_(model, centred, offsets)
    # The slope of the log-likelihood along the centred direction is the squared length of the direction in
    # centred parameters: more than nothing.
    slope = sum(float((plain[name] * centred[name]).sum()) for name in plain)
    assert slope > 0
    biases = {
        name: a - b
        for (name, a), b in zip(mean(data, offsets).items(), mean(p, offsets).values(), strict=True)
    }
    length = sum(float(one.square().sum()) for one in biases.values())
    assert slope == pytest.approx(length, rel=1e-9)


def test_offsets_run_after_the_means():
    model = mixed_model()
    objective = DbmLikelihood(chains=3, centred=True, damping=0.5)
    batch = torch.tensor([[0.5, -1.0, 2.0, 0.0, 1.0], [1.5, 0.0, 0.0, 1.0, 0.0]]).double()
    memory = objective.start(model, batch.mean(0), generator())
    torch.testing.assert_close(memory["offset/text/0"], torch.tensor([0.5, 0.25, 0.25]).double())
    memory["offset/image/0"].zero_()
    _, after = objective.step(model, batch, memory, 1, generator())
    torch.testing.assert_close(after["offset/image/0"], torch.tensor([0.5, -0.25]).double())
    # Words of the whole batch, whatever row they are in: 2, 1 and 1 of 4.
    torch.testing.assert_close(after["offset/text/0"], torch.tensor([0.5, 0.25, 0.25]).double())
    assert after.keys() == memory.keys()


def test_a_row_of_many_words_counts_its_bias_often_and_one_without_is_finite():
    model = mixed_model(scale=0.3)
    v = torch.tensor([[0.1, 0.2, 1.0, 2.0, 0.0], [0.1, 0.2, 10.0, 20.0, 0.0], [0.1, 0.2, 0, 0, 0]]).double()
    words = model.words(v, ["image", "text"])
    states = {"text/0": v[:, 2:]}
    a = model.received("text/1", states, words)
    torch.testing.assert_close(a[1], 10 * a[0], rtol=0, atol=1e-12)
    assert not a[2].any()
    assert model.code(v, ["image", "text"]).isfinite().all()


def test_it_begins_as_the_stack_that_was_trained_with_doubled_weights():
    """Before any iteration, for a row of the mean number of words; the factors themselves are gone."""
    total = 4.0
    pathways = {
        "image": Pathway(Gaussian(2), (Layer(2, 2.0, 1.0), Layer(2, 2.0, 2.0))),
        "text": Pathway(ReplicatedSoftmax(3), (Layer(2, 2.0, 1.0),), total=total),
    }
    network = Mdrnn.initialise(pathways, 2, generator(), weight_std=0.7, dtype=torch.float64, down=2.0)
    for theta in network.parameters.values():
        theta.add_(0.1)
    model = MultimodalDbm.stacked(network, 0)
    v = torch.tensor([[0.3, -1.0, 3.0, 1.0, 0.0]]).double()
    torch.testing.assert_close(model.code(v, ["image", "text"]), network.encode(_values(model, v)))
    for name in model.units:
        expected = network.encode({name: v[:, model.slices[name]]}, iterations=0, start="doubled")
        torch.testing.assert_close(model.code(v, [name]), expected)
    assert torch.equal(model.parameters["text/1/bias"], network.parameters["text/1/bias"] / total)
    assert model.settings["iterations"] == 0 and model.settings["totals"]["text"] == total


def _values(model, v):
    return {name: v[:, part] for name, part in model.slices.items()}
