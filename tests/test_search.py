# SPDX-License-Identifier: MIT
"""The search for settings of the joint layer: its measure and its table."""

from functools import partial

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from mvi.data.store_writer import Dense, Sparse, writing_store
from mvi.data.transforms import AsStored, Binarise, Counts
from mvi.errors import ConfigError, DataError
from mvi.evaluation.classification import Query, evaluate
from mvi.evaluation.logistic_classifier import Logistic
from mvi.evaluation.validation import validation_map
from mvi.models.mrbm import MultimodalRBM
from mvi.models.pipeline import Encode, Encoder
from mvi.models.rbm import RBM
from mvi.models.units import Binary
from mvi.report.search import search_caption, search_markdown, search_table
from mvi.report.tables import About
from mvi.training.precision import RoundedFactors

N, K = 90, 6
PARTS = {"train": np.arange(40), "validation": np.arange(60, 40, -1), "test": np.arange(61, N)}
SEES = {"image": Counts(), "text": Binarise()}
GRID = [0.1, 0.001]
QUERIES = ["image+text", "image", "text"]


KNOWN = np.random.default_rng(3).random((N, 3)) < 0.7


def write_store(path, poisoned, known=None):
    draws = np.random.default_rng(0)
    labels = draws.integers(0, 2, (N, 3), dtype=np.uint8)
    image = (labels @ draws.random((3, 5)) + 0.3 * draws.random((N, 5))) / 3.3
    tags = (draws.random((N, 4)) < 0.4).astype(np.int64)
    if known is not None:
        labels *= known
    if poisoned:
        labels[PARTS["test"]] = 1 - labels[PARTS["test"]]
    with writing_store(path, dataset="t", n_rows=N, modalities={"image": Dense(5), "text": Sparse(4)}) as w:
        w.write("image", 0, image.astype(np.float32))
        w.write("text", 0, sparse.csr_array(tags))
        w.annotate(labels=labels, known=known, classes=["a", "b", "c"], splits={1: PARTS})
    if poisoned:
        with h5py.File(path, "r+") as file:
            file["image"][PARTS["test"]] = np.nan
    return image.astype(np.float32), tags, labels


@pytest.fixture
def model():
    draws = torch.Generator().manual_seed(1)
    return MultimodalRBM.initialise({"image": 5, "text": 4}, K, draws, weight_std=1.0)


@pytest.mark.parametrize("known", [None, KNOWN], ids=["all known", "partly known"])
def test_the_measure_is_the_protocol_s_validation_map_and_reads_no_test_row(tmp_path, model, known):
    image, tags, labels = write_store(tmp_path / "store.h5", False, known)
    values = {"image": torch.from_numpy(image), "text": torch.from_numpy((tags > 0).astype(np.float32))}

    def features(query, rows):
        given = {name: value[rows] if name in query.split("+") else None for name, value in values.items()}
        return model.encode(given, iterations=3, start="zeros").numpy()

    asked = [Query(name, partial(features, name)) for name in QUERIES]
    classifier = Logistic(GRID, ["a", "b", "c"])
    scores = evaluate(asked, labels, PARTS, classifier, known=known)

    def named(scores):
        return {
            f"validation_map/{score.query}": score.value
            for score in scores
            if (score.metric, score.part) == ("map_interpolated", "validation")
        }

    expected = named(scores)
    inference = {"iterations": 3, "start": "zeros"}
    found = validation_map(tmp_path / "store.h5", SEES, 1, GRID, inference=inference)(model)
    assert found == pytest.approx(expected, abs=1e-6) and len(set(found.values())) == 3

    if known is not None:
        assert found != pytest.approx(named(evaluate(asked, labels, PARTS, classifier)), abs=1e-3)
        return
    write_store(tmp_path / "poisoned.h5", poisoned=True)
    again = validation_map(tmp_path / "poisoned.h5", SEES, 1, GRID, inference=inference)(model)
    assert again == found


def test_a_model_of_raw_features_is_worth_what_its_joint_layer_is(tmp_path, model):
    write_store(tmp_path / "store.h5", poisoned=False)
    draws = torch.Generator().manual_seed(2)
    below = RBM.initialise(Binary(5), Binary(3), draws, weight_std=2.0)
    joint = MultimodalRBM.initialise({"image": 3, "text": 4}, K, draws, weight_std=1.0)
    inputs = SEES | {"image": Encode(SEES["image"], [below])}
    asked = {"inference": {"iterations": 3, "start": "zeros"}}
    expected = validation_map(tmp_path / "store.h5", inputs, 1, GRID, **asked)(joint)
    raw = dict.fromkeys(SEES, AsStored())
    found = validation_map(tmp_path / "store.h5", raw, 1, GRID, **asked)(Encoder(inputs, joint))
    assert found == pytest.approx(expected, abs=1e-6) and len(set(found.values())) == 3


def test_images_without_tags_may_be_inferred_and_precision_is_full(tmp_path, model):
    _, tags, _ = write_store(tmp_path / "store.h5", poisoned=False)
    inference = {"iterations": 3, "start": "zeros"}
    between = torch.full((1, 1), 1 + 2.0**-9)
    products = []

    def layer_below(values):
        products.append((between @ torch.eye(1)).item())
        return values

    sees = SEES | {"image": layer_below}

    def found(**settings):
        return validation_map(tmp_path / "store.h5", sees, 1, GRID, inference=inference, **settings)(model)

    untagged = (tags[np.concatenate([PARTS["train"], PARTS["validation"]])] == 0).all(1)
    assert untagged.any()
    observed, inferred = found(), found(untagged="inferred")
    key = "validation_map/image+text"
    assert inferred[key] != observed[key]
    with pytest.raises(ConfigError, match="'precision'; choose one of interpolated"):
        found(chosen_by="precision")
    with RoundedFactors("bfloat16"):
        assert found() == observed
        rounded = between @ torch.eye(1)
    assert rounded.item() == 1.0
    assert set(products) == {between.item()}


SETTINGS = [{"weight_std": 0.01, "learning_rate": 0.1}, {"weight_std": 0.02, "learning_rate": 0.1}]
ABOUT = About("mini", "scenes", "mini-default", generated=True, note="A note.")
LABELS = {"pcd": "Joint layer by PCD", "cd": "absent", "mp": "Joint layer by MP"}


def trial(*rows):
    columns = ["epoch", "gap", "validation_map/image+text", "validation_map/image", "validation_map/text"]
    return pd.DataFrame([[k + 1, 9.0, *row] for k, row in enumerate(rows)], columns=columns)


METRICS = {
    "pcd": [trial((0.5, 0.3, 0.2), (0.6, 0.2, 0.1)), trial((0.55, 0.35, 0.1), (0.1, 0.1, 0.1))],
    "mp": [trial((0.5, 0.3, 0.2), (0.4, 0.2, 0.1)), trial((0.45, 0.29, 0.1), (0.51, 0.41, 0.3))],
}


def test_the_best_trial_and_epoch_of_each_method_are_shown():
    trials = search_table(METRICS, SETTINGS, ABOUT, split=1, queries=QUERIES)
    assert len(trials) == 8 * 3 and trials["generated"].all() and set(trials["split"]) == {1}
    found = trials.set_index(["method", "weight_std", "epoch", "query"])["value"]
    assert found["pcd", 0.01, 1, "image"] == 0.3 and found["mp", 0.02, 2, "text"] == 0.3
    assert found.index.is_unique
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in search_markdown(trials, LABELS, QUERIES).splitlines()
    ]
    queries = ["multimodal", "image-only", "text-only"]
    settings = ["initial weight std", "learning rate", "epochs"]
    assert lines[0] == ["Model", "best of its trials for", *settings, *queries]
    assert lines[2:] == [
        ["Joint layer by PCD", "multimodal", "0.01", "0.1", "2", "0.600", "0.200", "0.100"],
        ["Joint layer by PCD", "image-only", "0.02", "0.1", "1", "0.550", "0.350", "0.100"],
        ["Joint layer by MP", "multimodal", "0.02", "0.1", "2", "0.510", "0.410", "0.300"],
        ["Joint layer by MP", "image-only", "0.02", "0.1", "2", "0.510", "0.410", "0.300"],
    ]
    about = {"iterations": 7, "untagged": "inferred"}
    lines = search_caption(trials, ABOUT, grid=GRID, **about)
    caption = "\n".join(lines)
    assert len(lines) == 3 and "A note." in caption and "text of untagged images inferred" in caption
    assert "lambda chosen among 2 on the validation set too" in caption
    assert "lambda fixed" in search_caption(trials, ABOUT, grid=[0.1], **about)[2]
    assert "generated by a program" in caption and "one of 4." in caption and "7 mean-field" in caption
    assert "validation examples of split 1, which nothing has learned from" in caption


def test_a_trial_that_was_not_scored_is_named():
    broken = {"mp": [METRICS["mp"][0].drop(columns="validation_map/image"), METRICS["mp"][1]]}
    with pytest.raises(DataError, match="A trial of mp has no validation mAP of image;"):
        search_table(broken, SETTINGS, ABOUT, split=1, queries=QUERIES)
