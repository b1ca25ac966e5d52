# SPDX-License-Identifier: MIT
"""What images were described by goes from store to model, and what was described otherwise is refused."""

import numpy as np
import pytest
import torch

import mvi
from mvi.data import transforms
from mvi.data.facts import fingerprint, refuse_other
from mvi.data.store import Store
from mvi.data.store_writer import Dense, writing_store
from mvi.data.transforms import AsStored, Binarise
from mvi.errors import DataError
from mvi.models import checkpoints
from mvi.models.assembly import encoder_from_files
from mvi.models.mrbm import MultimodalRBM

LITE = {"kind": "network", "network": "lite0", "sha256": "1f" * 32, "side": 224, "mean": [0.5] * 3}
FILE = {"kind": "file", "file": "fc7.h5", "sha256": "5d" * 32, "columns": 4096}
WORDS = {"kind": "descriptors", "sha256": "2e" * 32, "picture_size": 128}


def test_a_fingerprint_is_of_all_but_the_name_of_a_network_or_file():
    assert (
        fingerprint(LITE) == fingerprint(dict(reversed(LITE.items()))) == fingerprint(LITE | {"network": "x"})
    )
    assert (
        fingerprint(FILE) == fingerprint(FILE | {"file": "moved.h5"}) != fingerprint(FILE | {"sha256": "1"})
    )
    others = [LITE | {"sha256": "3e" * 32}, LITE | {"side": 160}, LITE | {"mean": [0.4] * 3}, WORDS]
    assert len({fingerprint(one) for one in [LITE, *others]}) == 5


def test_rows_that_were_described_otherwise_are_refused():
    for wanted, found in ((LITE, LITE), (None, LITE), (LITE, None), (None, None)):
        refuse_other(wanted, found, "store.h5")
    with pytest.raises(DataError) as error:
        refuse_other(LITE, WORDS, "store.h5")
    said = str(error.value)
    assert said.startswith("store.h5 is about images described by descriptors (")
    assert "not by lite0 at 224 px (" in said and said.endswith(".") and ". " not in said
    with pytest.raises(DataError, match=r"described by fc7\.h5 \([0-9a-f]{16}\), and not by lite0"):
        refuse_other(LITE, FILE, "store.h5")


def test_a_store_says_what_described_its_images(tmp_path):
    def made(name, attributes):
        with writing_store(
            tmp_path / name,
            dataset="mine",
            n_rows=3,
            modalities={"image": Dense(2)},
            attributes=attributes,
        ) as writer:
            writer.write("image", 0, np.ones((3, 2), np.float32))
        with Store(tmp_path / name) as store:
            return store.features

    assert made("a.h5", {"features": LITE}) == LITE and made("b.h5", {}) is None


@pytest.fixture
def network():
    draws = torch.Generator().manual_seed(0)
    return MultimodalRBM.initialise({"image": 2, "text": 1}, 3, draws, weight_std=0.1)


def test_an_exported_model_says_what_described_its_images_and_takes_parts_of_one_kind(tmp_path, network):
    scale, top, whole = (tmp_path / f"{name}.safetensors" for name in ("scale", "top", "whole"))
    inputs = {"image": AsStored(), "text": Binarise()}
    for features in (LITE, None):
        transforms.save(scale, inputs, ["sky"], features)
        checkpoints.save(top, network, {}, features)
        assert transforms.features_of(scale) == checkpoints.features(top) == features
        checkpoints.save(whole, encoder_from_files(scale, {}, top), {})
        assert mvi.load(whole).features == features
    transforms.save(scale, inputs, ["sky"], WORDS)
    # Of before there were facts.
    assert encoder_from_files(scale, {}, top).features == WORDS
    checkpoints.save(top, network, {}, LITE)
    with pytest.raises(DataError, match="top.safetensors is about images described by lite0"):
        encoder_from_files(scale, {}, top)
