# SPDX-License-Identifier: MIT
"""Sealed files of tensors: what goes in comes out, and whatever was changed in between is refused."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mvi.errors import ConfigError, DataError
from mvi.tensors import read_tensors, usable, write_tensors

ABOUT = {"b": [1, 2.5e-7, "é"], "a": {"none": None}}


def tensors():
    return {
        "w": torch.linspace(-1, 1, 6).reshape(2, 3),
        "empty": torch.zeros(0, 4),
        "one": torch.tensor(3, dtype=torch.int64),
        "half": torch.ones(3, dtype=torch.bfloat16),
        "state": torch.arange(5, dtype=torch.uint8),
    }


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "some.safetensors"
    write_tensors(path, tensors(), ABOUT)
    return path


def test_what_is_written_is_read(path):
    found, about = read_tensors(path)
    assert about == ABOUT
    assert found.keys() == tensors().keys()
    for name, tensor in tensors().items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor), name


def test_equal_content_is_equal_bytes(path, tmp_path):
    turned = {name: tensors()[name] for name in reversed(tensors())}
    turned["w"] = turned["w"].T.contiguous().T
    write_tensors(tmp_path / "again.safetensors", turned, {key: ABOUT[key] for key in reversed(ABOUT)})
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["again.safetensors", "some.safetensors"]


def test_others_can_read_the_description(path):
    with safe_open(path, "pt") as file:
        assert list(file.metadata()) == ["sealed"]
        assert json.loads(file.metadata()["sealed"])["about"] == ABOUT


@pytest.mark.parametrize("bit", [0, 3, 5, 7])
def test_a_bit_that_flips_anywhere_is_noticed(path, bit):
    content = path.read_bytes()
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1 << bit
        path.write_bytes(changed)
        with pytest.raises(DataError, match=r"some.safetensors is damaged|some.safetensors (is no|does not)"):
            read_tensors(path)


def test_random_bits_of_a_larger_file_are_noticed(tmp_path):
    path = tmp_path / "large.safetensors"
    write_tensors(path, {"w": torch.rand(200, 300, generator=torch.Generator().manual_seed(0))}, ABOUT)
    content = np.frombuffer(path.read_bytes(), np.uint8)
    for bit in np.random.default_rng(1).integers(8 * len(content), size=300):
        changed = content.copy()
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed.tobytes())
        with pytest.raises(DataError, match=r"large.safetensors is damaged .*; delete it and run"):
            read_tensors(path)


def test_cut_and_lengthened_files_are_noticed(path):
    content = path.read_bytes()
    for end in range(0, len(content), 7):
        path.write_bytes(content[:end])
        with pytest.raises(DataError, match="some.safetensors"):
            read_tensors(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(DataError, match="is damaged"):
        read_tensors(path)


def test_a_path_to_something_else_is_not_to_be_deleted(tmp_path):
    text = tmp_path / "README.md"
    text.write_text("# A project\n\nIn words.\n" * 50)
    save_file({"w": torch.ones(2)}, tmp_path / "other.safetensors", {"format": "pt"})
    for found, message in [
        (tmp_path / "absent", "absent does not exist; check the path"),
        (tmp_path, "cannot be read .*; check the path"),
        (text, "README.md is no safetensors file; check the path"),
        (tmp_path / "other.safetensors", "does not say what it holds, so mvi has not written it; check"),
    ]:
        with pytest.raises(DataError, match=message) as caught:
            read_tensors(found)
        assert "delete" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", bytes(9), bytes(4096)])
def test_what_a_crash_leaves_of_a_file_is_to_be_deleted(tmp_path, content):
    (tmp_path / "left.safetensors").write_bytes(content)
    with pytest.raises(DataError, match="left.safetensors is damaged .*; delete it and run"):
        read_tensors(tmp_path / "left.safetensors")


def test_files_from_before_there_was_a_checksum_are_read(tmp_path):
    path = tmp_path / "old.safetensors"
    save_file(tensors(), path, {"about": json.dumps(ABOUT)})
    assert read_tensors(path)[1] == ABOUT
    for text, reason in [("{", "no JSON"), ("[]", "no mapping"), ('"x"', "no mapping")]:
        save_file(tensors(), path, {"about": text})
        with pytest.raises(DataError, match=f"old.safetensors is damaged .*{reason}"):
            read_tensors(path)


def test_a_device_that_is_not_there_is_named(path):
    assert usable("cpu") == torch.device("cpu")
    for wrong in ("gpu0", "", None, 3.5):
        with pytest.raises(ConfigError, match="device .* is unknown; choose cpu"):
            read_tensors(path, wrong)
    with pytest.raises(ConfigError, match=r"device 'cuda:99' cannot be used here \(.*\); choose cpu"):
        read_tensors(path, "cuda:99")
    # Before the file is looked at, and without a word of deleting it.
    path.write_bytes(b"")
    with pytest.raises(ConfigError, match="'gpu0' is unknown"):
        read_tensors(path, "gpu0")
