# SPDX-License-Identifier: MIT
"""What a model sees of a modality: roots before scaling, and transforms written to a file and read again."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy import sparse

from mvi.data.store import Store
from mvi.data.store_writer import Dense, Sparse, writing_store
from mvi.data.transforms import (
    Binarise,
    Counts,
    Standardise,
    describe,
    from_description,
    from_settings,
    kind_of,
    load,
    save,
)
from mvi.errors import DataError

N, D = 30, 4
SPLIT = {"train": np.arange(0, 12), "validation": np.arange(12, 18), "test": np.arange(18, 30)}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "store.h5"
    values = np.random.default_rng(0).normal(0.0, 9.0, (N, D)).astype(np.float32)
    layout = {"image": Dense(D), "text": Sparse(2)}
    with writing_store(path, dataset="t", n_rows=N, modalities=layout, statistics=["image"]) as writer:
        writer.write("image", 0, values)
        writer.write("text", 0, sparse.csr_array(np.ones((N, 2), np.int64)))
        writer.annotate(labels=np.zeros((N, 1), np.uint8), classes=["a"], splits={1: SPLIT})
    with Store(path) as opened:
        yield opened


@pytest.mark.parametrize("block_bytes", [2**26, 8 * D * 5])
def test_roots_keep_their_signs_and_are_scaled_by_their_own_moments(store, monkeypatch, block_bytes):
    monkeypatch.setattr("mvi.data.transforms.BLOCK_BYTES", block_bytes)
    rows = np.array([0, 3, 4, 7, 8, 11, 13])
    settings = {"kind": "standardise", "signed_sqrt": True, "clip": 1.5}
    made = from_settings(store, "image", 1, settings, rows=rows, floor="epsilon")
    values = store.read("image").astype(np.float64)
    roots = np.sign(values) * np.sqrt(np.abs(values))
    expected = (roots - roots[rows].mean(0)) / np.sqrt(roots[rows].var(0, ddof=1) + 1e-6)
    assert (np.abs(expected) > 1.5).any() and (roots < -1).any()
    found = made(torch.from_numpy(store.read("image"))).numpy()
    # Root, mean, difference, deviation and quotient are each rounded to float32.
    spread = np.sqrt(roots[rows].var(0, ddof=1)).min()
    rounding = 5 * np.finfo(np.float32).eps * 2 * np.abs(roots).max() / spread
    np.testing.assert_allclose(found, expected.clip(-1.5, 1.5), rtol=0, atol=rounding)
    # Of other rows the moments are others; without roots they are those of the store.
    assert not torch.allclose(from_settings(store, "image", 1, settings, rows=SPLIT["test"]).mean, made.mean)
    plain = from_settings(store, "image", 1, {**settings, "signed_sqrt": False}, rows=rows)
    np.testing.assert_allclose(plain.mean.numpy(), values[SPLIT["train"]].mean(0), atol=1e-5)


def several():
    mean, std = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 3.0])
    return {
        "text": Counts(clip=2),
        "image": Standardise(mean, std, clip=2.0, signed_sqrt=True),
        "image2": Standardise(-mean, std + 1),
        "words": Binarise(),
        "all": Counts(),
    }


def same(found, given):
    assert list(found) == list(given)
    for name, transform in given.items():
        assert type(found[name]) is type(transform)
        for key, value in vars(transform).items():
            other = getattr(found[name], key)
            assert torch.equal(other, value) if isinstance(value, torch.Tensor) else other == value, key
        values = torch.tensor([[4.0, -9.0], [0.0, 3.0]])
        assert torch.equal(found[name](values), transform(values))


def test_what_is_saved_is_loaded_in_its_order_with_its_words(tmp_path):
    path = tmp_path / "scale.safetensors"
    save(path, several(), ["café", "x"])
    found, words = load(path)
    same(found, several())
    assert words == ["café", "x"]
    before = path.read_bytes()
    save(path, several(), ["café", "x"])
    assert path.read_bytes() == before
    save(path, several())
    assert load(path)[1] == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["scale.safetensors"]


def test_a_description_is_plain_and_can_be_undone():
    described, tensors = describe(several())
    assert described[0] == {"name": "text", "kind": "counts", "clip": 2}
    assert described[1] == {"name": "image", "kind": "standardise", "clip": 2.0, "root": True}
    assert sorted(tensors) == ["image/mean", "image/std", "image2/mean", "image2/std"]
    same(from_description(described, tensors), several())
    assert [kind_of(one) for one in several().values()] == [
        *("counts", "standardise", "standardise", "binarise", "counts")
    ]


def test_a_file_of_something_else_is_one_sentence(tmp_path):
    path = tmp_path / "scale.safetensors"
    with pytest.raises(DataError, match="scale.safetensors does not exist; check the path"):
        load(path)
    save(path, several())
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    for damaged in (content, content[:-9]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="scale.safetensors is damaged .*; delete it"):
            load(path)
    save_file({"weight": torch.ones(2)}, path, {"about": '{"model": {}}'})
    with pytest.raises(DataError, match="scale.safetensors does not hold the scale of inputs"):
        load(path)


@pytest.mark.parametrize(
    "about",
    [
        {"transforms": 3, "vocabulary": []},
        {"transforms": [{"name": "text"}], "vocabulary": []},
        {"transforms": [{"name": "text", "kind": "logarithm"}], "vocabulary": []},
        {"transforms": [{"name": "text", "kind": "binarise", "clip": 2}], "vocabulary": []},
        {"transforms": [{"name": "text", "kind": "counts", "clip": "2"}], "vocabulary": []},
        {"transforms": [{"name": "image", "kind": "standardise", "root": "no"}], "vocabulary": []},
        {"transforms": [{"name": "other", "kind": "standardise"}], "vocabulary": []},
        {"transforms": [{"name": "uneven", "kind": "standardise"}], "vocabulary": []},
        {"transforms": []},
        {"transforms": [], "vocabulary": "words"},
        {"transforms": [], "vocabulary": [1]},
    ],
)
def test_a_description_that_is_not_whole_is_one_sentence(about, tmp_path):
    path = tmp_path / "scale.safetensors"
    two, three = torch.ones(2), torch.ones(3)
    tensors = {"image/mean": two, "image/std": two + 1, "uneven/mean": two + 2, "uneven/std": three}
    save_file(tensors, path, {"about": json.dumps(about)})
    with pytest.raises(DataError, match="scale.safetensors does not describe a whole scale of inputs"):
        load(path)
