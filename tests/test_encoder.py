# SPDX-License-Identifier: MIT
"""A network with the scale of its inputs: raw features in, what the network says of scaled ones out."""

from itertools import pairwise

import numpy as np
import pytest
import torch

import mvi
from mvi.data import transforms
from mvi.data.transforms import Binarise, Standardise
from mvi.errors import DataError, ShapeError
from mvi.models.assembly import encoder_from_files
from mvi.models.checkpoints import load, save
from mvi.models.mdrnn import Layer, Mdrnn, Pathway
from mvi.models.mrbm import MultimodalRBM
from mvi.models.pipeline import Encode, Encoder, layer_probabilities
from mvi.models.rbm import RBM
from mvi.models.units import Binary, Gaussian

D, WORDS, N = 4, 3, 11
WORDS_OF = ["a", "b", "c"]
# What float32 may add where rows are taken in other blocks: 4 iterations are 10 products of at most 10 terms,
# whose magnitudes add up to 16 at most (inputs up to 1.5, columns of weights up to 5, factors up to 2).
ROUNDING = 10 * 10 * torch.finfo(torch.float32).eps * 16


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def scale():
    return {
        "image": Standardise(torch.linspace(5.0, 8.0, D), torch.linspace(1.0, 4.0, D), clip=1.5),
        "text": Binarise(),
    }


def network():
    pathways = {
        "image": Pathway(Gaussian(D), (Layer(5, 2.0, 1.0),), 1.3),
        "text": Pathway(Binary(WORDS), (), 0.8),
    }
    model = Mdrnn.initialise(pathways, 6, seeded(), weight_std=0.8, down=1.5)
    for theta in model.parameters.values():
        theta += 0.3 * torch.randn(theta.shape, generator=seeded(len(theta)))
    return model


@pytest.fixture
def encoder():
    return Encoder(scale(), network(), WORDS_OF)


def raw(n=N):
    draws = np.random.default_rng(0)
    image = draws.normal(6.0, 4.0, (n, D)).astype(np.float32)
    return {"image": image, "text": draws.poisson(0.7, (n, WORDS)).astype(np.float32)}


def scaled(values):
    first = scale()
    return {
        name: None if value is None else first[name](torch.as_tensor(value)) for name, value in values.items()
    }


QUERIES = [("image", "text"), ("image",), ("text",)]


@pytest.mark.parametrize("given", QUERIES)
@pytest.mark.parametrize("block", [3, 2000])
def test_it_says_of_raw_values_what_the_network_says_of_scaled_ones(encoder, given, block):
    values = {name: value if name in given else None for name, value in raw().items()}
    options = {"iterations": 4, "start": "zeros"}
    expected = network().encode(scaled(values), **options)
    found = encoder.encode(values, block=block, **options)
    assert isinstance(found, np.ndarray) and found.shape == (N, 6)
    np.testing.assert_allclose(found, expected.numpy(), rtol=0, atol=ROUNDING)
    tensors = {name: None if value is None else torch.from_numpy(value) for name, value in values.items()}
    as_tensor = encoder.encode(tensors, block=block, **options)
    assert isinstance(as_tensor, torch.Tensor)
    np.testing.assert_array_equal(as_tensor.numpy(), found)
    if "image" in given:
        unscaled = scaled(values) | {"image": values["image"]}
        assert not np.allclose(found, network().encode(unscaled, **options), atol=1e-3)


@pytest.mark.parametrize("target", ["image", "text"])
def test_it_completes_what_the_network_sees(encoder, target):
    values = raw()
    found = encoder.complete(values, target, iterations=3, block=4)
    expected = network().complete(scaled(values), target, iterations=3)
    np.testing.assert_allclose(found, expected.numpy(), rtol=0, atol=ROUNDING)
    other = {name: None if name == target else value for name, value in values.items()}
    np.testing.assert_array_equal(encoder.complete(other, target, iterations=3, block=4), found)


@pytest.mark.parametrize("given", QUERIES)
def test_a_sweep_is_encoding_with_each_number(encoder, given):
    values = {name: value if name in given else None for name, value in raw().items()}
    for start in ("zeros", "doubled"):
        found = encoder.sweep(values, [0, 1, 4], start=start, block=4)
        assert list(found) == [0, 1, 4]
        for count, states in found.items():
            expected = encoder.encode(values, iterations=count, start=start, block=4)
            assert isinstance(states, np.ndarray)
            np.testing.assert_allclose(states, expected, rtol=0, atol=ROUNDING)
    if len(given) == 1:
        assert np.abs(found[0] - found[4]).max() > 1e-3


def test_values_that_come_in_are_not_changed(encoder):
    values = raw()
    encoder.encode(values)
    encoder.complete(values, "text")
    for name, value in raw().items():
        np.testing.assert_array_equal(values[name], value)


def test_what_it_does_not_know_is_one_sentence(encoder):
    with pytest.raises(ShapeError, match="no modality 'sound'; this model has image, text"):
        encoder.encode({"sound": np.ones((2, 3), np.float32)})
    with pytest.raises(ShapeError, match="no modality 'sound'"):
        encoder.complete(raw(), "sound")
    with pytest.raises(ShapeError, match="no modality given at all"):
        encoder.encode({"image": None, "text": None})
    short = raw() | {"text": raw()["text"][:5]}
    for block in (2, 5, 2000):
        with pytest.raises(ShapeError, match="unequal numbers of rows"):
            encoder.encode(short, block=block)


def test_a_scale_of_other_modalities_is_refused():
    with pytest.raises(ShapeError, match="inputs for image where the network has image, text"):
        Encoder({"image": scale()["image"]}, network())


@pytest.mark.parametrize("width", [1, D - 1, D + 1])
def test_values_of_another_width_are_one_sentence(encoder, width):
    with pytest.raises(ShapeError, match="image"):
        encoder.encode({"image": np.ones((2, width), np.float32), "text": None})


def test_it_is_saved_and_loaded_whole(encoder, tmp_path):
    path = tmp_path / "model.safetensors"
    save(path, encoder, {"seed": 3})
    found = mvi.load(path)
    assert isinstance(found, Encoder)
    assert found.vocabulary == WORDS_OF and found.describe() == encoder.describe()
    assert found.parameters.keys() == encoder.parameters.keys() and "inputs/image/std" in found.parameters
    for given in QUERIES:
        values = {name: value if name in given else None for name, value in raw().items()}
        np.testing.assert_array_equal(found.encode(values), encoder.encode(values))
    np.testing.assert_array_equal(found.complete(raw(), "text"), encoder.complete(raw(), "text"))
    before = path.read_bytes()
    save(path, found, {"seed": 3})
    assert path.read_bytes() == before


# -- from the files of a run ---------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    """Two layers under the image, one under the text, and a joint layer on them."""
    transforms.save(tmp_path / "scale.st", scale(), WORDS_OF)
    sizes = {"image": [D, 5, 2], "text": [WORDS, 4]}
    layers = {}
    for name, widths in sizes.items():
        layers[name] = []
        for level, (below, above) in enumerate(pairwise(widths)):
            visible = Gaussian(below) if (name, level) == ("image", 0) else Binary(below)
            rbm = RBM.initialise(visible, Binary(above), seeded(level), weight_std=0.7, up=2.0)
            layers[name].append(tmp_path / f"{name}{level}.st")
            save(layers[name][-1], rbm, {})
    top = MultimodalRBM.initialise({"image": 2, "text": 4}, 6, seeded(8), weight_std=0.8)
    save(tmp_path / "top.st", top, {})
    return tmp_path / "scale.st", layers, tmp_path / "top.st"


def test_a_top_layer_stands_on_all_pretrained_layers(files):
    scale_file, layers, top = files
    found = encoder_from_files(scale_file, layers, top)
    assert found.vocabulary == WORDS_OF
    values = scaled(raw())
    below = {
        name: layer_probabilities([load(path, RBM) for path in paths], values[name])
        for name, paths in layers.items()
    }
    expected = mvi.load(top).encode(below)
    np.testing.assert_allclose(found.encode(raw()), expected.numpy(), rtol=0, atol=ROUNDING)


def test_a_network_takes_the_place_of_the_layers_that_are_part_of_it(files, tmp_path):
    scale_file, layers, _ = files
    upper = Mdrnn.initialise(
        {"image": Pathway(Binary(5), (Layer(2),)), "text": Pathway(Binary(4))}, 6, seeded(4), weight_std=0.9
    )
    save(tmp_path / "upper.st", upper, {})
    found = encoder_from_files(scale_file, layers, tmp_path / "upper.st")
    assert isinstance(found.inputs["image"], Encode) and len(found.inputs["image"].rbms) == 1
    assert len(found.inputs["text"].rbms) == 1
    whole = tmp_path / "whole.st"
    save(whole, network(), {})
    plain = encoder_from_files(scale_file, {"image": layers["image"][:1], "text": ()}, whole)
    np.testing.assert_array_equal(plain.encode(raw()), Encoder(scale(), network(), WORDS_OF).encode(raw()))
    assert plain.describe()["inputs"][0]["kind"] == "standardise"


def test_files_in_the_wrong_place_are_one_sentence(files):
    scale_file, layers, top = files
    with pytest.raises(DataError, match="holds rbm where mrbm or mdrnn is needed"):
        encoder_from_files(scale_file, layers, layers["text"][0])
    with pytest.raises(DataError, match="does not hold the scale of inputs"):
        encoder_from_files(top, layers, top)


def test_a_top_layer_in_place_of_a_pathway_s_is_refused(files):
    scale_file, layers, top = files
    with pytest.raises(DataError, match="holds mrbm where rbm is needed"):
        encoder_from_files(scale_file, layers | {"text": [top]}, top)
