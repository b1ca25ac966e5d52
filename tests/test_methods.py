# SPDX-License-Identifier: MIT
"""What every method owes: the same interface, whatever is missing, from a file, after an interruption."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import sparse

import mvi
from mvi.data import transforms
from mvi.data.store import Store
from mvi.data.store_writer import Dense, Sparse, writing_store
from mvi.errors import DataError, ShapeError
from mvi.methods.base import Training
from mvi.methods.registry import METHODS
from mvi.models import checkpoints
from mvi.models.base import Inference
from mvi.models.direct import DirectModel
from mvi.models.rbm import RBM
from mvi.models.units import Binary, Gaussian
from mvi.tensors import read_tensors, write_tensors
from mvi.training import loop
from mvi.workflow.config import resolve
from mvi.workflow.plan import Run
from mvi.workflow.provenance import closure

N, IMAGE, TEXT = 160, 7, 6
SMALL = {
    "hidden": [5],
    "code": 3,
    "private": 2,
    "chains": 10,
    "training": {"epochs": 4, "batch_size": 20},
    "joint": {"training": {"epochs": 3, "batch_size": 20}},
}
"""Laid over the settings of each method that has them."""
AT_ZERO = {"autoencoder"}
"""Methods to which a missing modality is one whose units are 0."""


def small(name):
    """The settings of a small training by a method, at their defaults but for `SMALL`."""
    record = METHODS[name]
    own = {key: value for key, value in SMALL.items() if key in record.settings}
    joint = {"hidden": 5, "training": {"epochs": 4, "batch_size": 20}, "minimum_tags": 0}
    over = {"compare": [name], "methods": {name: own}, "joint": joint, "rows": {"held_out": 20}}
    folder = Path(__file__).parents[1] / "config" / "runs"
    run = Run(
        "mini-default", resolve({"runs": ["mini-default"], "settings": over}, folder)["runs"]["mini-default"]
    )
    return {
        "objective": run.objective(name),
        "schedule": run.schedule(name),
        "model": {**run.joint_model(name), "up": dict.fromkeys(run.modalities, 1.0)}
        if record.needs_layers
        else {},
        "rows": run.settings["rows"],
        "split": 1,
        "seed": 0,
        "minimum_tags": 0,
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A store whose modalities have two numbers in common, the scale of its inputs, and a layer for each."""
    folder = tmp_path_factory.mktemp("methods")
    random = np.random.default_rng(0)
    common = random.normal(size=(N, 2))
    image = common @ random.normal(size=(2, IMAGE)) + 0.5 * random.normal(size=(N, IMAGE))
    text = (common @ random.normal(size=(2, TEXT)) + 0.5 * random.normal(size=(N, TEXT)) > 0.5).astype(
        np.int64
    )
    layouts = {"image": Dense(IMAGE), "text": Sparse(TEXT)}
    about = {"dataset": "t", "n_rows": N, "modalities": layouts, "statistics": ["image"]}
    with writing_store(folder / "store.h5", **about) as writer:
        writer.write("image", 0, image.astype(np.float32))
        writer.write("text", 0, sparse.csr_array(text))
        parts = {"train": np.arange(120), "validation": np.arange(120, 140), "test": np.arange(140, N)}
        writer.annotate(labels=np.zeros((N, 1), np.uint8), classes=["a"], splits={1: parts})
    with Store(folder / "store.h5") as store:
        scale = {
            "image": transforms.Standardise.from_store(store, "image", 1, floor="epsilon"),
            "text": transforms.Binarise(),
        }
    transforms.save(folder / "scale.safetensors", scale, [f"word{number}" for number in range(TEXT)])
    draws = torch.Generator().manual_seed(0)
    for name, units in (("image", Gaussian(IMAGE)), ("text", Binary(TEXT))):
        layer = RBM.initialise(units, Binary(5), draws, weight_std=0.5)
        checkpoints.save(folder / f"{name}.safetensors", layer, {})
    return folder


def train(files, name, folder):
    """Train a small model into a folder; returns the file of weights."""
    needed = METHODS[name].needs_layers
    METHODS[name].fit(
        Training(
            method=name,
            store=files / "store.h5",
            scale=files / "scale.safetensors",
            layers=layers(files) if needed else {},
            settings=small(name),
            weights=folder / "weights.safetensors",
            metrics=folder / "metrics.csv",
            monitor={"rows": 0, "iterations": 1, "start_state": "doubled"},
            config={"checkpoint_seconds": 0, "cuda_graphs": False},
            device="cpu",
        )
    )
    return folder / "weights.safetensors"


def layers(files):
    return {name: [files / f"{name}.safetensors"] for name in ("image", "text")}


def loaded(files, name, weights):
    below = layers(files) if METHODS[name].needs_layers else {}
    model = METHODS[name].load(files / "scale.safetensors", below, weights, "cpu")
    # How a joint layer is asked is no matter of its training.
    model.inference = model.inference or Inference(iterations=3)
    return model


@pytest.fixture(scope="module", params=[name for name, record in METHODS.items() if record.fit])
def method(request):
    return request.param


@pytest.fixture(scope="module")
def weights(files, method, tmp_path_factory):
    return train(files, method, tmp_path_factory.mktemp(method))


@pytest.fixture(scope="module")
def model(files, method, weights):
    return loaded(files, method, weights)


@pytest.fixture(scope="module")
def values(files):
    """Rows that nothing was learned from."""
    with Store(files / "store.h5") as store:
        rows = np.arange(140, N)
        return {name: store.read(name, rows) for name in ("image", "text")}


@pytest.mark.parametrize("method", METHODS)
def test_a_record_says_what_a_reader_must_know(method):
    record = METHODS[method]
    assert record.name == method and record.citation and record.missing and record.label and record.short
    others = [other for other in METHODS.values() if other is not record]
    for field in ("label", "short", "order", "color"):
        assert getattr(record, field) not in [getattr(other, field) for other in others], field


def test_nothing_is_not_zero(method, model, values):
    if method in AT_ZERO:
        pytest.skip("to it, as in its paper, a missing modality is one at 0")
    for name, other in (("image", "text"), ("text", "image")):
        alone = model.encode({name: values[name], other: None})
        zero = model.encode({name: values[name], other: np.zeros_like(values[other])})
        both = model.encode(values)
        assert alone.shape == zero.shape == both.shape and np.isfinite(both).all()
        assert np.abs(alone - zero).max() > 1e-4 and np.abs(alone - both).max() > 1e-4
        # Of one row it knows more than of another.
        assert alone.std(0).max() > 1e-4


def test_what_is_not_read_has_no_influence(model, values):
    joined = model.join(values)
    for name in values:
        spoiled = joined.clone()
        for other in set(values) - {name}:
            spoiled[:, model.slices[other]] = torch.nan
        states = [model.mean_field(v, [name], iterations=2) for v in (joined, spoiled)]
        assert torch.equal(*states) and states[0].isfinite().all()


def test_rows_without_tags_are_as_if_asked_without(model, values):
    tagged = np.arange(len(values["text"])) % 3 > 0
    found = model.encode(values, observed={"text": tagged})
    np.testing.assert_array_equal(found[tagged], model.encode(values)[tagged])
    np.testing.assert_array_equal(found[~tagged], model.encode({"image": values["image"]})[~tagged])


def test_a_row_s_code_does_not_depend_on_its_neighbours(model, values):
    whole = model.encode(values)
    one = model.encode({name: value[3:4] for name, value in values.items()})
    # Sums of a few products of single precision in another order.
    np.testing.assert_allclose(one[0], whole[3], rtol=1e-4, atol=1e-5)


def test_modalities_are_completed_without_looking_at_them(model, values):
    for name in values:
        target = next(other for other in values if other != name)
        given = {name: values[name]}
        found = model.complete(given, target=target)
        noise = np.full_like(values[target], np.nan)
        np.testing.assert_array_equal(model.complete({**given, target: noise}, target=target), found)
        assert len(found) == len(values[target]) and np.isfinite(found).all()
        if target == "text":
            assert found.min() >= 0 and found.max() <= 1


def test_a_model_of_bare_inputs_is_exported_whole(files, method, weights, model, values, tmp_path):
    if METHODS[method].needs_layers:
        pytest.skip("its network is put into a file by the workflow")
    checkpoints.save(tmp_path / "one.safetensors", model, {})
    again = mvi.load(tmp_path / "one.safetensors")
    assert again.vocabulary == [f"word{number}" for number in range(TEXT)]
    for query in ({"image": values["image"]}, {"text": values["text"]}, values):
        np.testing.assert_array_equal(again.encode(query), model.encode(query))
    alone = mvi.load(weights)
    assert isinstance(alone, DirectModel) and type(alone) is type(model.network)


def test_wrong_shapes_are_refused(files, method, weights, model, values, tmp_path):
    with pytest.raises(ShapeError, match="where \\(rows, 7\\) is needed"):
        model.encode({"image": values["image"][:, :-1]})
    tensors, about = read_tensors(weights)
    name = max(tensors, key=lambda key: tensors[key].numel())
    tensors[name] = tensors[name][:-1].clone()
    write_tensors(tmp_path / "cut.safetensors", tensors, about)
    with pytest.raises(DataError, match="does not describe a whole"):
        loaded(files, method, tmp_path / "cut.safetensors")


def test_an_interrupted_training_ends_with_the_same_bytes(files, method, weights, tmp_path, monkeypatch):
    """Also one that is not interrupted since it has no epochs."""
    save, seen = loop._save, []

    def interrupting(*arguments):
        save(*arguments)
        seen.append(None)
        if len(seen) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "_save", interrupting)
    if (weights.parent / "metrics.csv").read_text().count("\n") > 2:
        with pytest.raises(KeyboardInterrupt):
            train(files, method, tmp_path)
        assert list(tmp_path.glob("*.checkpoint")) and not (tmp_path / "weights.safetensors").exists()
    again = train(files, method, tmp_path)
    assert again.read_bytes() == weights.read_bytes()
    assert (tmp_path / "metrics.csv").read_bytes() == (weights.parent / "metrics.csv").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"weights.safetensors", "metrics.csv"}


@pytest.mark.parametrize("name", ["dbm", "autoencoder"])
def test_the_joint_layer_that_a_whole_begins_with_is_trained_once(files, name, tmp_path, monkeypatch):
    """Though the training is interrupted after it; and once that is done nothing is left of it."""

    def interrupted(*arguments, **others):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mvi.training.greedy.train_stage", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(files, name, tmp_path)
    made = tmp_path / "weights.joint.safetensors"
    assert made.exists() and not (tmp_path / "weights.safetensors").exists()
    with monkeypatch.context() as patch:
        patch.setattr("mvi.training.greedy.train_joint_layer", interrupted)
        found = train(files, name, tmp_path)
        assert found.exists() and not made.exists()
        with pytest.raises(KeyboardInterrupt):
            train(files, name, tmp_path)


# What several methods stand on, by the method whose own it is.
SHARED = {"cca": {"dcca"}, "mvae": {"mopoe"}, "mopoe": {"mvae"}}


def test_an_edit_of_what_a_rival_alone_runs_reaches_no_other_method():
    """Neither its training nor its encoding: `params: code=` of both is a hash of what they reach."""
    scripts = {"mvi.training.joint_layer", "mvi.models.assembly", "mvi.models.public", "mvi.training.stage"}
    reached = {name: set(closure([f"mvi.methods.{name}"])) for name in METHODS}
    for name, record in METHODS.items():
        if record.needs_layers:
            continue
        others = set(METHODS) - {name} - SHARED.get(name, set())
        own = reached[name] - set(closure(scripts)) - set().union(*(reached[other] for other in others))
        assert f"mvi.methods.{name}" in own
        parts = ("mvi.models.", "mvi.objectives.", "mvi.evaluation.")
        assert any(module.startswith(parts) for module in own), name
