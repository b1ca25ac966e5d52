# SPDX-License-Identifier: MIT
"""Finetuning: its loss written out, its gradient against finite differences, what it may and may not see."""

import pytest
import torch

from mvi.data.batches import Minibatches
from mvi.errors import ConfigError, NonFiniteError
from mvi.models.mdrnn import Layer, Mdrnn, Pathway
from mvi.models.mrbm import MultimodalRBM
from mvi.models.stacking import joint_network
from mvi.models.units import Binary, Gaussian, ReplicatedSoftmax
from mvi.objectives.base import Sparsity
from mvi.objectives.finetuning import Finetuning, draw_mask, dropped, predict
from mvi.objectives.multiprediction import MultiPrediction
from mvi.training.loop import Schedule, train
from mvi.training.optim import UpdateRule

SPARSE_TOP = {"top": Sparsity("exact", 0.5, 0.2)}
FACTORS = [(2.0, 1.0), (1.5, 0.5), (0.7, 2.0), (1.2, 0.8)]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pathway(unit, widths, up=1.0, total=1.0):
    layers = tuple(Layer(width, *factors) for width, factors in zip(widths, FACTORS, strict=False))
    return Pathway(unit, layers, up, total)


def network(image=(3, 2), text=(4,), unit=None, words=None, dtype=torch.float64, scale=0.6, hidden=4):
    pathways = {
        "text": pathway(words or Binary(3), text, up=0.8, total=3.0),
        "image": pathway(unit or Binary(4), image, up=1.3),
    }
    model = Mdrnn.initialise(pathways, hidden, generator(), weight_std=scale, dtype=dtype, down=1.5)
    draws = generator(2)
    for name, theta in model.parameters.items():
        if name.endswith("bias"):
            theta += 0.5 * torch.randn(theta.shape, dtype=dtype, generator=draws)
    return model


def rows(model, count=6, seed=1):
    return torch.rand(count, sum(model.sizes.values()), dtype=torch.float64, generator=generator(seed))


def halves(model, v):
    return {name: v[:, part] for name, part in model.slices.items()}


def definition(model, v, target, mask, n, start, reveal=0.0, sparsity=None):
    """Loss of one direction for two modalities, from nothing but the parameters; and with its sparsity."""
    P, s = model.parameters, torch.sigmoid
    given = next(name for name in model.pathways if name != target)
    x, y = halves(model, v)[given], halves(model, v)[target]
    path = model.pathways[target]
    top = P[f"top/{target}/weight"]
    seen = {}

    def climb(name, h):
        for level, layer in enumerate(model.pathways[name].layers, 1):
            h = s(layer.up * h @ P[f"{name}/{level}/weight"] + P[f"{name}/{level}/bias"])
            seen[f"{name}/{level}"] = h
        return h @ P[f"top/{name}/weight"]

    def descend(T):
        below = P[f"{target}/{len(path.layers)}/bias"]
        a = model.down * T @ top.T + below
        for level in range(len(path.layers), 0, -1):
            a = path.layers[level - 1].down * s(a) @ P[f"{target}/{level}/weight"].T
            a = a + P[f"{target}/{level - 1}/bias"]
        return a

    ux, uy, b = model.pathways[given].up, path.up, P["top/bias"]
    shown = torch.zeros_like(y) if mask is None else mask.to(y)
    C = climb(target, shown * y)
    seen.clear()
    A = climb(given, x)
    if start == "doubled":
        T = s((ux + uy * (1 - reveal)) * A + uy * reveal * C + b)
    else:
        T = s(ux * A + uy * C + b)
    for _ in range(n):
        a = descend(T)
        if isinstance(path.input, ReplicatedSoftmax):
            q = path.total * a.exp() / a.exp().sum(1, keepdim=True)
        else:
            q = a if isinstance(path.input, Gaussian) else s(a)
        q = shown * y + (1 - shown) * q
        T = s(ux * A + uy * climb(target, q) + b)
    seen["top"] = T
    a = descend(T)
    if isinstance(path.input, ReplicatedSoftmax):
        score = -y * (a.exp() / a.exp().sum(1, keepdim=True)).log()
    elif isinstance(path.input, Gaussian):
        score = (y - a) ** 2 / 2
    else:
        score = -y * s(a).log() - (1 - y) * (1 - s(a)).log()
    loss = (score * (1 - shown)).sum() / len(v)
    whole = loss
    for group, state in seen.items():
        rule = (sparsity or {}).get(group)
        if rule:
            m, t = state.mean(0), rule.target
            whole = whole + rule.weight * (t * (t / m).log() + (1 - t) * ((1 - t) / (1 - m)).log()).sum()
    return loss, whole


def check(model, target, *, n=3, start="doubled", reveal=0.0, rule=None):
    """The gradient of one direction against central differences of fourth order of its definition."""
    v = rows(model)
    layers = {f"{m}/{i}": rule for m, p in model.pathways.items() for i in range(1, len(p.layers) + 1)}
    sparsity = {"top": rule, **layers} if rule else {}
    objective = Finetuning(n, reveal={target: reveal}, start_state=start, sparsity=sparsity)
    mask = draw_mask(halves(model, v)[target], reveal, generator(4))
    assert mask is None or 0 < int(mask.sum()) < mask.numel()
    loss, gradient = objective.direction(model, v, target, mask)
    arguments = (target, mask, n, start, reveal, sparsity)
    assert float(loss) == pytest.approx(float(definition(model, v, *arguments)[0]), rel=1e-12)
    scale = max(float(slope.abs().max()) for slope in gradient.values())
    step = 1e-3
    for name, theta in model.parameters.items():
        flat = theta.view(-1)
        for i in range(flat.numel()):
            kept, sums = float(flat[i]), []
            for offset in (-2, -1, 1, 2):
                flat[i] = kept + offset * step
                sums.append(float(definition(model, v, *arguments)[1]))
            flat[i] = kept
            slope = (sums[0] - 8 * sums[1] + 8 * sums[2] - sums[3]) / (12 * step)
            assert abs(float(gradient[name].view(-1)[i]) + slope) < 1e-8 * scale, (name, i)
    return gradient


@pytest.mark.parametrize("target", ["text", "image"])
@pytest.mark.parametrize("start", ["zeros", "doubled"])
@pytest.mark.parametrize("reveal", [0.0, 0.9])
def test_gradient_equals_finite_differences(target, start, reveal):
    check(network(), target, start=start, reveal=reveal, rule=Sparsity("exact", 0.3, 0.1))


@pytest.mark.parametrize("image", [(), (3,), (3, 2), (2, 3, 2), (2, 3, 2, 3)])
@pytest.mark.parametrize("text", [(), (2,), (2, 2, 2, 2)])
def test_gradient_at_every_depth(image, text):
    target = "image" if len(image) >= len(text) else "text"
    check(network(image, text), target, n=2, reveal=0.9, rule=Sparsity("exact", 0.3, 0.1))


@pytest.mark.parametrize("n", [0, 1, 10])
def test_gradient_through_every_number_of_iterations(n):
    gradient = check(network((2,), (2,)), "text", n=n, rule=Sparsity("exact", 0.3, 0.1))
    assert all(torch.count_nonzero(slope) for name, slope in gradient.items() if name != "image/0/bias")


@pytest.mark.parametrize("start", ["zeros", "doubled"])
@pytest.mark.parametrize("reveal", [0.0, 0.9])
@pytest.mark.parametrize("image", [(), (3, 2)])
def test_gradient_for_gaussian_targets(start, reveal, image):
    check(network(image, unit=Gaussian(4)), "image", start=start, reveal=reveal)


@pytest.mark.parametrize("start", ["zeros", "doubled"])
@pytest.mark.parametrize("reveal", [0.0, 0.9])
def test_gradient_for_word_counts(start, reveal):
    check(network(words=ReplicatedSoftmax(3)), "text", start=start, reveal=reveal)


def test_input_bias_of_what_is_only_given_rests():
    gradient = check(network(unit=Gaussian(4)), "text")
    assert torch.count_nonzero(gradient["image/0/bias"]) == 0


@pytest.mark.parametrize(("start", "reveal"), [("doubled", 0.0), ("zeros", 0.0), ("zeros", 0.5)])
@pytest.mark.parametrize("iterations", [0, 1, 5])
def test_without_layers_it_is_multi_prediction(start, reveal, iterations):
    """Only a doubled start with revealed entries differs: the reference code weights these differently."""
    sizes = {"b": 4, "a": 3, "c": 2}
    mrbm = MultimodalRBM.initialise(
        sizes, 6, generator(), weight_std=0.7, dtype=torch.float64,
        up={"b": 1.5, "a": 0.5, "c": 2.0}, down=2.0,
    )  # fmt: skip
    mrbm.parameters["visible_bias"] += 0.3
    v = torch.rand(8, 9, dtype=torch.float64, generator=generator(1))
    rule = Sparsity("exact", 0.3, 0.1)
    reference = MultiPrediction(iterations, reveal=reveal, start_state=start, sparsity=rule)
    expected, _ = reference.step(mrbm, v, {}, 1, generator(5))
    model = joint_network(mrbm)
    objective = Finetuning(
        iterations, reveal=dict.fromkeys(sizes, reveal), start_state=start, sparsity={"top": rule}
    )
    found, _ = objective.step(model, v, objective.start(model, v.mean(0), generator()), 1, generator(5))
    close = {"rtol": 1e-10, "atol": 1e-13}
    for name, part in mrbm.slices.items():
        for parameter, slope in (
            (f"top/{name}/weight", expected.positive["weight"][part]),
            (f"{name}/0/bias", expected.positive["visible_bias"][part]),
        ):
            torch.testing.assert_close(found.positive[parameter], slope, **close)
    torch.testing.assert_close(found.positive["top/bias"], expected.positive["hidden_bias"], **close)
    assert found.metrics.keys() == expected.metrics.keys()
    for name, value in expected.metrics.items():
        torch.testing.assert_close(found.metrics[name], value)


def test_start_factors_are_those_of_the_reference_code():
    even = Mdrnn.initialise({"x": Pathway(Binary(2)), "z": Pathway(Binary(2))}, 2, generator())
    assert Finetuning(reveal={"z": 0.1}).start_factors(even, "z") == pytest.approx((1.9, 0.1))
    assert Finetuning(reveal={"z": 0.1}).start_factors(even, "x") == (2.0, 0.0)
    assert Finetuning(reveal={"z": 0.1}, start_state="zeros").start_factors(even, "z") == (1.0, 1.0)


def test_a_step_adds_its_directions():
    model = network(unit=Gaussian(4))
    v = rows(model)
    kept = {name: theta.clone() for name, theta in model.parameters.items()}
    rule = Sparsity("exact", 0.3, 0.1)
    settings = {"reveal": {"text": 0.5}, "sparsity": {"top": rule, "image": rule}}
    both, memory = Finetuning(2, **settings).step(model, v, {}, 1, generator(3))
    mask = draw_mask(halves(model, v)["text"], 0.5, generator(3))
    objective = Finetuning(2, **settings)
    text_loss, text = objective.direction(model, v, "text", mask)
    image_loss, image = objective.direction(model, v, "image", None)
    for name, slope in both.positive.items():
        torch.testing.assert_close(slope, text[name] + image[name])
        # What the training loop overwrites must not be the network's own.
        assert slope.is_contiguous()
        assert slope.data_ptr() != model.parameters[name].data_ptr()
    assert len({slope.data_ptr() for slope in both.positive.values()}) == len(both.positive)
    assert both.metrics == {"cross_entropy/text": text_loss, "half_squared_error/image": image_loss}
    assert memory == {}
    assert all(torch.equal(model.parameters[name], theta) for name, theta in kept.items())
    assert not any(theta.requires_grad for theta in model.parameters.values())
    one, _ = Finetuning(2, directions=("text",), **settings).step(model, v, {}, 1, generator(3))
    assert all(torch.equal(one.positive[name], slope) for name, slope in text.items())
    assert list(one.metrics) == ["cross_entropy/text"]


def test_sparsity_by_group():
    """A layer's own rule goes before that of its pathway, and groups without one are left alone."""
    model = network()
    v = rows(model)
    strong, weak = Sparsity("exact", 0.5, 0.1), Sparsity("exact", 0.1, 0.2)

    def gradient(sparsity):
        return Finetuning(2, sparsity=sparsity).direction(model, v, "text", None)[1]

    grouped = gradient({"image": weak, "image/2": strong})
    single = gradient({"image/1": weak, "image/2": strong})
    swapped = gradient({"image/1": strong, "image/2": weak})
    assert all(torch.equal(grouped[name], single[name]) for name in single)
    assert not torch.equal(grouped["image/1/weight"], swapped["image/1/weight"])
    plain = gradient({})
    assert torch.equal(grouped["text/1/weight"], plain["text/1/weight"])


def test_sparsity_of_dead_units_stays_finite():
    model = network()
    model.parameters["top/bias"] -= 1000
    rule = Sparsity("exact", 1.0, 0.2)
    _, gradient = Finetuning(2, sparsity={"top": rule}).direction(model, rows(model), "text", None)
    assert all(slope.isfinite().all() for slope in gradient.values())


@pytest.mark.parametrize("start", ["zeros", "doubled"])
def test_hidden_target_entries_get_no_say(start):
    """Predictions come from what is given and revealed: NaN elsewhere changes nothing."""
    model = network()
    v = rows(model)
    part = model.slices["text"]
    mask = draw_mask(v[:, part], 0.9, generator(4))
    factors = Finetuning(reveal={"text": 0.9}, start_state=start).start_factors(model, "text")
    poisoned = v.clone()
    poisoned[:, part] = torch.where(mask, v[:, part], torch.nan)
    outputs = [predict(model, x, "text", mask, 3, *factors)[0] for x in (v, poisoned)]
    assert torch.equal(*outputs)
    leaf = v.clone().requires_grad_()
    predict(model, leaf, "text", mask, 3, *factors)[0].sum().backward()
    assert torch.count_nonzero(leaf.grad[:, part][~mask]) == 0
    assert torch.count_nonzero(leaf.grad[:, part][mask]) > 0
    poisoned[:, part] = torch.nan
    blind = [predict(model, x, "text", None, 3, *factors)[0] for x in (v, poisoned)]
    # Without a mask nothing is revealed.
    assert torch.equal(*blind)


def test_the_last_prediction_is_what_complete_gives():
    model = network()
    v = rows(model)
    for start in ("zeros", "doubled"):
        factors = Finetuning(start_state=start).start_factors(model, "text")
        output, layers = predict(model, v, "text", None, 4, *factors)
        x = {"image": v[:, model.slices["image"]]}
        torch.testing.assert_close(output.sigmoid(), model.complete(x, "text", iterations=4, start=start))
        torch.testing.assert_close(layers["top"], model.encode(x, iterations=4, start=start))
        assert sorted(layers) == ["image/1", "image/2", "text/1", "top"]
    assert sorted(predict(model, v, "text", None, 0, 2.0, 0.0)[1]) == ["image/1", "image/2", "top"]


def test_mask_rate_is_drawn_once_a_minibatch():
    rates = [
        float(draw_mask(torch.zeros(200, 100), 0.25, generator(seed)).float().mean()) for seed in range(40)
    ]
    assert max(rates) < 0.26
    assert sum(rates) / 40 == pytest.approx(0.125, abs=0.03)
    assert min(rates) < 0.05
    assert draw_mask(torch.zeros(2, 2), 0.0, generator()) is None


def toy(count=400):
    """Seven bits that mostly agree, so that each modality tells the other."""
    kind = (torch.rand(count, 1, generator=generator(6)) < 0.5).float()
    noise = (torch.rand(count, 7, generator=generator(8)) < 0.05).float()
    return (kind - noise).abs()


def learn(folder, epochs, widths=(8,)):
    model = network(widths, widths, dtype=torch.float32, scale=1.0, hidden=12)
    objective = Finetuning(2, reveal={"text": 0.2})
    schedule = Schedule(epochs, UpdateRule(0.1, 0.0))
    checkpoint = folder / "checkpoint" if folder else None
    history = train(
        model, objective, Minibatches(toy(), 20), schedule, generator(7), label="toy", checkpoint=checkpoint,
        checkpoint_seconds=0,
    )  # fmt: skip
    return model, history


@pytest.mark.parametrize("widths", [(), (8,)])
def test_networks_learn_from_scratch(widths):
    """Deeper ones need pretraining: see the stages in the tests of the hand-over."""
    _, history = learn(None, 20, widths)
    # Bits that are not told from the other modality cost log 2 = 0.69 each. Over eight seeds, 0.33 and 0.36
    # of that are left at most, and no more than 0.38 and 0.43 at half or twice the learning rate.
    assert history["cross_entropy/text"].iloc[-1] < 0.4 * 3 * 0.69
    assert history["cross_entropy/image"].iloc[-1] < 0.6 * 4 * 0.69


def test_killed_and_resumed_it_ends_the_same(tmp_path):
    whole, history = learn(None, 4)
    learn(tmp_path, 2)
    resumed, again = learn(tmp_path, 4)
    assert all(torch.equal(theta, resumed.parameters[name]) for name, theta in whole.parameters.items())
    assert history.equals(again)


def test_numbers_that_are_not_finite_stop_it():
    model = network(dtype=torch.float32)
    v = toy()
    v[3, 2] = torch.nan
    with pytest.raises(NonFiniteError, match="toy: the training rows hold numbers that are not finite"):
        train(model, Finetuning(2), Minibatches(v, 20), Schedule(1), generator(), label="toy")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"directions": ("sound",)}, "finetuning names 'sound', which is neither a modality nor a layer"),
        ({"reveal": {"tags": 0.1}}, "'tags'"),
        ({"sparsity": {"image/3": Sparsity()}}, "'image/3'.*image/1, image/2, text, text/1, top"),
        ({"sparsity": {"top": Sparsity("approximate")}}, "'top' is approximate.*choose exact or none"),
    ],
)
def test_settings_that_do_not_fit_are_named(settings, message):
    with pytest.raises(ConfigError, match=message):
        Finetuning(**settings).start(network(), torch.zeros(7), generator())


def test_one_pathway_cannot_be_finetuned():
    model = Mdrnn.initialise({"image": pathway(Binary(3), (2,))}, 2, generator())
    with pytest.raises(ConfigError, match="needs two modalities or more"):
        Finetuning().start(model, torch.zeros(3), generator())


def test_settings_of_the_config_reach_the_objective():
    sparsity = {"top": {"kind": "exact", "weight": 0.01, "target": 0.2}}
    settings = {
        "iterations": 7, "directions": ["text"], "reveal": {"text": 0.1}, "start_state": "zeros",
        "sparsity": sparsity, "dropout": {"image": 0.5},
    }  # fmt: skip
    built = Finetuning.from_settings(settings)
    rule = {"top": Sparsity("exact", 0.01, 0.2)}
    assert built == Finetuning(7, ("text",), {"text": 0.1}, "zeros", rule, {"image": 0.5})
    assert Finetuning.from_settings(settings | {"directions": None}).directions is None


@pytest.mark.parametrize("block", [4, 2000])
@pytest.mark.parametrize("start", ["zeros", "doubled"])
@pytest.mark.parametrize("unit", ["binary", "gaussian", "words"])
def test_the_loss_on_other_rows_is_that_of_training_with_nothing_revealed(unit, start, block):
    model = network(
        unit=Gaussian(4) if unit == "gaussian" else None,
        words=ReplicatedSoftmax(3) if unit == "words" else None,
    )
    v = rows(model, 10)
    revealing = Finetuning(3, reveal={"text": 0.7, "image": 0.4}, start_state=start, sparsity=SPARSE_TOP)
    blind = Finetuning(3, start_state=start)
    before = {name: theta.clone() for name, theta in model.parameters.items()}
    for target in ("text", "image"):
        expected, _ = blind.direction(model, v, target, None)
        found = revealing.loss(model, v, target, block)
        assert isinstance(found, float) and found == pytest.approx(float(expected), rel=1e-12)
    for name, theta in model.parameters.items():
        assert torch.equal(theta, before[name]) and not theta.requires_grad


def test_dropout_zeroes_a_share_of_what_is_given_and_nothing_of_the_target():
    v = torch.ones(400, 7, dtype=torch.float64)
    seen = dropped(v, [(slice(0, 3), 0.25), (slice(3, 5), 0.0)], generator())
    assert torch.equal(seen[:, 3:], v[:, 3:])
    assert set(seen[:, :3].unique().tolist()) == {0.0, 1 / 0.75}
    # Four standard deviations of the mean of 1,200 draws.
    assert abs(float((seen[:, :3] == 0).double().mean()) - 0.25) < 4 * (0.25 * 0.75 / 1200) ** 0.5
    assert torch.equal(v, torch.ones_like(v))


def test_a_step_with_dropout_is_the_gradient_on_the_dropped_rows():
    model, batch = network(), rows(network())
    objective = Finetuning(2, directions=("text",), dropout={"image": 0.5, "text": 0.9})
    found, _ = objective.step(model, batch, {}, 1, generator(5))
    seen = dropped(batch, [(model.slices["image"], 0.5)], generator(5))
    plain, _ = Finetuning(2, directions=("text",)).step(model, seen, {}, 1, generator(5))
    for name, slope in plain.positive.items():
        assert torch.equal(found.positive[name], slope), name
    undropped, _ = Finetuning(2, directions=("text",)).step(model, batch, {}, 1, generator(5))
    assert not torch.equal(found.positive["top/image/weight"], undropped.positive["top/image/weight"])
    with pytest.raises(ConfigError, match="'sound', which is neither"):
        Finetuning(dropout={"sound": 0.5}).start(model, batch.mean(0), generator())
