# SPDX-License-Identifier: MIT
"""The deep recurrent network: passes written out by hand, missing modalities, the interface, the file."""

import numpy as np
import pytest
import torch

import mvi
from mvi.errors import ConfigError, ShapeError
from mvi.models import checkpoints as weights
from mvi.models.mdrnn import Layer, Mdrnn, Pathway
from mvi.models.mrbm import MultimodalRBM
from mvi.models.stacking import joint_network
from mvi.models.units import Binary, Gaussian, ReplicatedSoftmax, SteppedSigmoid

IMAGE = Pathway(Gaussian(5), (Layer(4, 2.0, 1.0), Layer(3, 1.5, 0.5)), up=1.25)
TEXT = Pathway(Binary(4), (Layer(6, 0.75, 2.0),), up=0.8)


def shaken(model, seed=2):
    """The same network with biases that are not zero."""
    draws = torch.Generator().manual_seed(seed)
    for name, theta in model.parameters.items():
        if name.endswith("bias"):
            theta += 0.5 * torch.randn(theta.shape, dtype=theta.dtype, generator=draws)
    return model


def network(pathways=None, hidden=5, dtype=torch.float64, down=2.0, seed=0):
    pathways = pathways or {"text": TEXT, "image": IMAGE}
    draws = torch.Generator().manual_seed(seed)
    model = Mdrnn.initialise(pathways, hidden, draws, weight_std=0.7, dtype=dtype, down=down)
    return shaken(model)


def values(model, rows=7, seed=1):
    draws = np.random.default_rng(seed)
    return {name: draws.random((rows, size)) for name, size in model.sizes.items()}


def s(a):
    return 1 / (1 + np.exp(-a))


def unrolled(model, x, given, start, n):
    """Text and image of the network above, one from the other, layer by layer in numpy; T_n and its means."""
    P = {name: theta.numpy() for name, theta in model.parameters.items()}

    def image_up(v):
        h = s(2.0 * v @ P["image/1/weight"] + P["image/1/bias"])
        return 1.25 * s(1.5 * h @ P["image/2/weight"] + P["image/2/bias"]) @ P["top/image/weight"]

    def text_up(v):
        return 0.8 * s(0.75 * v @ P["text/1/weight"] + P["text/1/bias"]) @ P["top/text/weight"]

    def image_down(T):
        p = s(2.0 * T @ P["top/image/weight"].T + P["image/2/bias"])
        h = s(0.5 * p @ P["image/2/weight"].T + P["image/1/bias"])
        return 1.0 * h @ P["image/1/weight"].T + P["image/0/bias"]

    def text_down(T):
        h = s(2.0 * T @ P["top/text/weight"].T + P["text/1/bias"])
        return s(2.0 * h @ P["text/1/weight"].T + P["text/0/bias"])

    if given == "image":
        A, up, down, ratio, nothing = image_up(x), text_up, text_down, 2.05 / 1.25, np.zeros((len(x), 4))
    else:
        A, up, down, ratio, nothing = text_up(x), image_up, image_down, 2.05 / 0.8, np.zeros((len(x), 5))
    T = s(ratio * A + P["top/bias"]) if start == "doubled" else s(A + up(nothing) + P["top/bias"])
    for _ in range(n):
        T = s(A + up(down(T)) + P["top/bias"])
    return T, down(T)


@pytest.mark.parametrize("given", ["image", "text"])
@pytest.mark.parametrize("start", ["zeros", "doubled"])
@pytest.mark.parametrize("iterations", [0, 1, 2, 6])
def test_encode_and_complete_follow_the_recurrence(given, start, iterations):
    model = network()
    x = values(model)[given]
    target = {"image": "text", "text": "image"}[given]
    expected, mean = unrolled(model, x, given, start, iterations)
    options = {"iterations": iterations, "start": start}
    missing = {given: x, target: None}
    np.testing.assert_allclose(model.encode(missing, **options), expected, rtol=1e-11)
    np.testing.assert_allclose(model.complete(missing, target, **options), mean, rtol=1e-11)
    np.testing.assert_allclose(model.encode({given: x}, **options), expected, rtol=1e-11)


def test_the_iterations_matter():
    model = network()
    x = {"image": values(model)["image"]}
    first, later = (model.encode(x, iterations=count) for count in (0, 3))
    assert np.abs(first - later).max() > 1e-3


@pytest.mark.parametrize("start", ["zeros", "doubled"])
def test_everything_given_is_one_pass_up(start):
    model = network()
    given = values(model)
    P = {name: theta.numpy() for name, theta in model.parameters.items()}
    a = P["top/bias"]
    for name, pathway in model.pathways.items():
        h = given[name]
        for level, layer in enumerate(pathway.layers, 1):
            h = s(layer.up * h @ P[f"{name}/{level}/weight"] + P[f"{name}/{level}/bias"])
        a = a + pathway.up * h @ P[f"top/{name}/weight"]
    for iterations in (0, 5):
        np.testing.assert_allclose(model.encode(given, iterations=iterations, start=start), s(a), rtol=1e-12)


@pytest.mark.parametrize("start", ["zeros", "doubled"])
@pytest.mark.parametrize("iterations", [0, 3])
def test_without_layers_it_is_the_multimodal_rbm(start, iterations):
    draws = torch.Generator().manual_seed(0)
    sizes, ups = {"b": 4, "a": 3, "c": 2}, {"b": 1.5, "a": 0.5, "c": 2.0}
    mrbm = MultimodalRBM.initialise(sizes, 6, draws, weight_std=0.7, dtype=torch.float64, up=ups, down=2.0)
    mrbm.parameters["visible_bias"] += 0.3
    mrbm.parameters["hidden_bias"] -= 0.2
    model = joint_network(mrbm)
    rows = values(model)
    options = {"iterations": iterations, "start": start}
    for given in (["b"], ["a", "c"], ["b", "a", "c"]):
        part = {name: rows[name] for name in given}
        np.testing.assert_allclose(model.encode(part, **options), mrbm.encode(part, **options), rtol=1e-12)
    np.testing.assert_allclose(
        model.complete(rows, "c", **options), mrbm.complete(rows, "c", **options), rtol=1e-12
    )


@pytest.mark.parametrize("start", ["zeros", "doubled"])
def test_values_of_a_missing_modality_cannot_matter(start):
    model = network()
    rows = values(model)
    without = model.complete(rows | {"text": None}, "text", start=start)
    assert np.array_equal(
        model.complete(rows | {"text": np.full((7, 4), np.nan)}, "text", start=start), without
    )
    v = model.join(rows)
    poisoned = v.clone()
    poisoned[:, model.slices["text"]] = torch.nan
    states = [model.mean_field(x, ["image"], iterations=3, start=start) for x in (v, poisoned)]
    assert torch.equal(*states)
    leaf = v.clone().requires_grad_()
    model.mean_field(leaf, ["image"], iterations=3, start=start).sum().backward()
    assert torch.count_nonzero(leaf.grad[:, model.slices["text"]]) == 0
    assert torch.count_nonzero(leaf.grad[:, model.slices["image"]]) > 0


def test_two_of_three_modalities_may_be_missing():
    model = network({"a": Pathway(Binary(3), (Layer(2),)), "b": TEXT, "c": IMAGE})
    x = torch.as_tensor(values(model)["a"])
    h = torch.sigmoid(
        model.joint_input(model.bottom_up_states(x, "a")[-1], "a") * ((1 + 0.8 + 1.25) / 1.0)
        + model.parameters["top/bias"]
    )
    for _ in range(2):
        a = model.joint_input(model.bottom_up_states(x, "a")[-1], "a") + model.parameters["top/bias"]
        for name in "bc":
            a = a + model.joint_input(model.bottom_up_states(model.modality_mean(h, name), name)[-1], name)
        h = torch.sigmoid(a)
    torch.testing.assert_close(model.encode({"a": x}, iterations=2), h)


def test_tolerance_stops_early():
    model = network()
    x = {"image": values(model)["image"]}
    states = model.sweep(x, range(4))
    changes = [np.abs(states[i + 1] - states[i]).mean() for i in range(3)]
    assert changes[0] > changes[1] > changes[2]
    between = (changes[0] + changes[1]) / 2
    assert np.array_equal(model.encode(x, iterations=50, tolerance=between), states[2])
    assert not np.array_equal(model.encode(x, iterations=50, tolerance=between), states[3])


def test_sweep_gives_what_encode_gives():
    model = network()
    rows = values(model)
    for start in ("zeros", "doubled"):
        for given in ({"image": rows["image"]}, {"text": rows["text"]}, rows):
            found = model.sweep(given, (0, 5, 2), start=start, block=3)
            assert list(found) == [0, 5, 2]
            for count, state in found.items():
                np.testing.assert_allclose(state, model.encode(given, iterations=count, start=start), 1e-14)


def test_arrays_come_back_as_they_went_in():
    model = network(dtype=torch.float32)
    rows = values(model)
    x = rows["image"]
    joint = model.encode({"image": x.astype(np.float16), "text": None})
    assert isinstance(joint, np.ndarray)
    assert (joint.dtype, joint.shape) == (np.float32, (7, 5))
    tensor = model.encode({"image": torch.as_tensor(x)})
    assert isinstance(tensor, torch.Tensor)
    assert tensor.dtype == torch.float32
    assert network().encode({"image": x.astype(np.float32)}).dtype == np.float64
    assert model.complete({"text": (rows["text"] > 0.5).astype(np.uint8)}, "image").shape == (7, 5)
    assert model.encode({"image": x[:0]}).shape == (0, 5)
    np.testing.assert_allclose(model.encode({"image": x}, block=2), model.encode({"image": x}), rtol=1e-5)


def test_predicted_words_add_up_to_the_total():
    text = Pathway(ReplicatedSoftmax(6), (Layer(4),), total=5.5)
    model = network({"image": IMAGE, "text": text})
    counts = model.complete(values(model), "text")
    np.testing.assert_allclose(counts.sum(1), 5.5)
    assert (counts > 0).all()


def test_a_network_without_pretraining_starts_from_the_means():
    text = Pathway(ReplicatedSoftmax(3), (Layer(4),))
    pathways = {"image": IMAGE, "tags": TEXT, "words": text}
    mean = torch.tensor([9.0] * 5 + [0.0, 0.5, 0.2, 1.0] + [1.0, 3.0, 4.0])
    model = Mdrnn.initialise(
        pathways, 50, torch.Generator().manual_seed(0), weight_std=0.1, visible_mean=mean
    )
    assert torch.count_nonzero(model.bias("image", 0)) == 0
    torch.testing.assert_close(model.bias("tags", 0).sigmoid(), torch.tensor([0.01, 0.5, 0.2, 0.99]))
    torch.testing.assert_close(model.bias("words", 0).exp(), torch.tensor([0.125, 0.375, 0.5]))
    assert torch.count_nonzero(model.bias("image", 1)) == 0
    assert float(model.parameters["top/tags/weight"].std()) == pytest.approx(0.1, rel=0.2)


def test_a_file_gives_back_the_network(tmp_path):
    pathways = {"text": Pathway(ReplicatedSoftmax(4), (Layer(6, 0.75, 2.0),), 0.8, 3.5), "image": IMAGE}
    model = network(pathways, dtype=torch.float32)
    path = tmp_path / "model.safetensors"
    weights.save(path, model, {"seed": 1})
    again = mvi.load(path)
    assert isinstance(again, Mdrnn)
    # The order in which modalities are joined is part of the network.
    assert list(again.pathways.items()) == list(model.pathways.items())
    assert (again.hidden, again.down) == (5, 2.0)
    rows = values(model)
    assert np.array_equal(again.complete(rows, "text"), model.complete(rows, "text"))
    assert again.parameters.keys() == model.parameters.keys()
    content = path.read_bytes()
    weights.save(path, again, {"seed": 1})
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"sound": np.zeros((2, 4))}, "no modality 'sound'; this model has text, image"),
        ({"image": None}, "no modality given at all"),
        ({"image": np.zeros((2, 6))}, r"'image' has shape \(2, 6\) where \(rows, 5\) is needed"),
        ({"image": np.zeros(5)}, r"'image' has shape \(5,\) where"),
        ({"image": np.zeros((2, 5)), "text": np.zeros((3, 4))}, "unequal numbers of rows"),
    ],
)
def test_wrong_values_are_named(rows, message):
    with pytest.raises(ShapeError, match=message):
        network().encode(rows)


def test_wrong_target_parameters_and_units_are_named():
    model = network()
    with pytest.raises(ShapeError, match="no modality 'sound'"):
        model.complete(values(model), "sound")
    fewer = {name: theta for name, theta in model.parameters.items() if name != "image/2/bias"}
    with pytest.raises(ShapeError, match=r"'image/2/bias' of shape \(3,\), not nothing"):
        Mdrnn(model.pathways, 5, fewer)
    with pytest.raises(ShapeError, match=r"'top/bias' of shape \(6,\), not \(5,\)"):
        Mdrnn(model.pathways, 6, model.parameters)
    with pytest.raises(ShapeError, match="'image/3/bias' of shape no such parameter"):
        Mdrnn(model.pathways, 5, model.parameters | {"image/3/bias": torch.zeros(2)})
    with pytest.raises(ConfigError, match="'image' is SteppedSigmoid, which cannot be predicted"):
        Mdrnn({"image": Pathway(SteppedSigmoid(4))}, 5, {})
