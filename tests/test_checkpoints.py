# SPDX-License-Identifier: MIT
"""Weights files: what goes in comes out, and what is no whole model of the kind asked for is one sentence."""

import copy
import json

import pytest
import torch
from safetensors.torch import save_file

import mvi
from mvi.data.transforms import Binarise, Standardise
from mvi.errors import ConfigError, DataError
from mvi.models.checkpoints import config, load, save
from mvi.models.mdrnn import Layer, Mdrnn, Pathway
from mvi.models.mrbm import MultimodalRBM
from mvi.models.pipeline import Encoder
from mvi.models.rbm import RBM
from mvi.models.units import Gaussian, ReplicatedSoftmax, SteppedSigmoid


def seeded():
    return torch.Generator().manual_seed(0)


def machine():
    return MultimodalRBM.initialise({"text": 2, "image": 3}, 4, seeded(), up={"text": 0.5}, down=2.0)


def network():
    pathways = {
        "image": Pathway(Gaussian(3), (Layer(5, 2.0, 1.0),), 1.3),
        "text": Pathway(ReplicatedSoftmax(2), (), 0.8, total=1.5),
    }
    return Mdrnn.initialise(pathways, 4, seeded(), down=1.5)


def encoder():
    scale = {"image": Standardise(torch.zeros(3), torch.ones(3), clip=1.5), "text": Binarise()}
    return Encoder(scale, network(), ["a", "b"])


def layer():
    return RBM.initialise(Gaussian(3), SteppedSigmoid(2), seeded(), up=2.0)


MODELS = [layer, machine, network, encoder]


@pytest.mark.parametrize("make", MODELS)
def test_weights_carry_model_and_config(make, tmp_path):
    path, model = tmp_path / "a.safetensors", make()
    save(path, model, {"method": "pcd"})
    found = load(path, type(model))
    assert type(found) is type(model) and found.describe() == model.describe()
    assert found.parameters.keys() == model.parameters.keys()
    assert all(torch.equal(found.parameters[name], theta) for name, theta in model.parameters.items())
    assert config(path) == {"method": "pcd"}


def test_modalities_keep_their_order_in_a_weights_file(tmp_path):
    save(tmp_path / "m.safetensors", machine(), {})
    found = load(tmp_path / "m.safetensors", MultimodalRBM)
    assert found.slices == machine().slices and list(found.sizes) == ["text", "image"]


def test_a_model_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    save(path, layer(), {})
    with pytest.raises(DataError, match="a.safetensors holds rbm where mrbm or mdrnn is needed"):
        load(path, MultimodalRBM, Mdrnn)


@pytest.mark.parametrize("read", [mvi.load, config])
def test_a_file_that_is_damaged_or_no_weights_is_one_sentence(tmp_path, read):
    path = tmp_path / "a.safetensors"
    save(path, machine(), {})
    content = bytearray(path.read_bytes())
    content[-5] ^= 4
    path.write_bytes(content)
    with pytest.raises(DataError, match="a.safetensors is damaged .*; delete it and run the workflow again"):
        read(path)
    path.write_bytes(content[:50])
    with pytest.raises(DataError, match="a.safetensors is damaged"):
        read(path)
    (tmp_path / "README.md").write_text("# Not weights")
    for name in ("absent.safetensors", "README.md"):
        with pytest.raises(DataError, match=f"{name} .*; check the path") as caught:
            read(tmp_path / name)
        assert "delete" not in str(caught.value)


def test_a_device_that_is_not_there_is_not_the_file_s_fault(tmp_path):
    path = tmp_path / "a.safetensors"
    save(path, machine(), {})
    for device in ("gpu0", "cuda:99"):
        with pytest.raises(ConfigError, match=f"device '{device}'") as caught:
            mvi.load(path, device)
        assert "delete" not in str(caught.value)


def test_a_file_without_a_config_is_one_sentence(tmp_path):
    path = tmp_path / "a.safetensors"
    for about in ({}, {"config": None}, {"config": [1]}):
        save_file({"weight": torch.ones(2)}, path, {"about": json.dumps(about)})
        with pytest.raises(DataError, match="a.safetensors holds no config"):
            config(path)


def places(value, path=()):
    """Where everything lies in nested mappings and lists."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def put(value, path, new):
    *above, last = path
    for key in above:
        value = value[key]
    if new is ...:
        del value[last]
    else:
        value[last] = new


@pytest.mark.parametrize("wrong", [..., None, "x", [], [[]], {}, {"x": 1}])
@pytest.mark.parametrize("make", MODELS)
def test_a_description_that_is_not_whole_is_one_sentence(make, wrong, tmp_path):
    """Without a checksum, as in files that others write, every part of the description is looked at."""
    path, model = tmp_path / "a.safetensors", make()
    tensors = {name: theta.contiguous() for name, theta in model.parameters.items()}
    about = json.loads(json.dumps({"model": model.describe(), "config": {}}))
    save_file(tensors, path, {"about": json.dumps(about)})
    assert load(path, type(model)).describe() == model.describe()
    accepted = set()
    for place in places(about["model"]):
        changed = copy.deepcopy(about)
        put(changed["model"], place, wrong)
        save_file(tensors, path, {"about": json.dumps(changed)})
        try:
            load(path, type(model))
            accepted.add(place)
        except DataError as error:
            assert "a.safetensors" in str(error)
    # What has a default, the words themselves, and an empty thing in place of no layers.
    free = {"vocabulary", "clip", "root", "learn_std", "copies"} | (
        {"layers"} if wrong in ([], {}) else set()
    )
    free |= {"inference"} if wrong in (..., {}, None) else set()
    assert all(free & set(place) for place in accepted), accepted


@pytest.mark.parametrize("model", [None, [], {}, {"kind": None}, {"kind": []}])
def test_a_file_without_a_description_is_one_sentence(model, tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"weight": torch.ones(2)}, path, {"about": json.dumps({"model": model})})
    with pytest.raises(DataError, match=r"a.safetensors holds .* where mrbm is needed"):
        load(path, MultimodalRBM)
