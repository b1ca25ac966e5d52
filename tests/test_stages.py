# SPDX-License-Identifier: MIT
"""What the stages of a training share: their rows, what a checkpoint was made from, the files at the end."""

import os

import numpy as np
import pytest
import torch
from scipy import sparse

from mvi.data.store_writer import Dense, Sparse, writing_store
from mvi.data.transforms import Binarise, Counts
from mvi.models.checkpoints import load
from mvi.models.rbm import RBM
from mvi.models.units import Binary, ReplicatedSoftmax
from mvi.objectives.likelihood import ContrastiveDivergence
from mvi.training import stage as stages
from mvi.training.stage import StageRows, made_from, stage_rows, train_stage

N = 50
SCHEDULE = {
    **{"epochs": 2, "batch_size": 5, "batches_per_epoch": 3, "learning_rate": 0.1, "decay": 0.0, "l2": 0.0},
    "momentum": {"initial": 0.5, "final": 0.5, "change_after": 5},
    **{"rejected_share": 0.1, "rate_after_rejection": 0.95},
}
ROWS = {"parts": ("train", "validation"), "held_out": 6, "seed": 0, "memory_mb": 10, "minimum_tags": 0}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Image rows hold their own number; tags are there in two rows of three."""
    path = tmp_path_factory.mktemp("store") / "store.h5"
    tags = (np.arange(N) % 3 > 0)[:, None] * np.ones((1, 4), np.int64)
    with writing_store(path, dataset="t", n_rows=N, modalities={"image": Dense(1), "text": Sparse(4)}) as w:
        w.write("image", 0, np.arange(N, dtype=np.float32)[:, None])
        w.write("text", 0, sparse.csr_array(tags))
        parts = {"train": np.arange(20), "validation": np.arange(20, 30), "test": np.arange(30, N)}
        w.annotate(labels=np.zeros((N, 1), np.uint8), classes=["a"], splits={1: parts})
    return path


def learned(rows):
    generator = torch.Generator().manual_seed(0)
    return np.unique(torch.cat(list(rows.batches.epoch(generator))).numpy()[:, 0]).astype(int)


@pytest.mark.parametrize("memory_mb", [0, 10])
def test_a_stage_s_rows_are_no_test_rows_and_none_that_is_monitored(store, memory_mb):
    every = SCHEDULE | {"batches_per_epoch": 100, "batch_size": 1}
    transforms = {"image": Counts(), "text": Binarise()}
    rows = stage_rows(store, transforms, 1, every, **ROWS | {"memory_mb": memory_mb})
    monitored = rows.monitored.numpy()[:, 0].astype(int)
    assert rows.monitored.shape == (6, 5) and (np.diff(monitored) > 0).all()
    assert rows.count == 24 and sorted([*learned(rows), *monitored]) == list(range(30))
    tagged = stage_rows(store, transforms, 1, every, **ROWS | {"minimum_tags": 1, "memory_mb": memory_mb})
    seen = tagged.monitored.numpy()[:, 0].astype(int)
    np.testing.assert_array_equal(seen, [row for row in monitored if row % 3])
    np.testing.assert_array_equal(learned(tagged), [row for row in learned(rows) if row % 3])
    few = stage_rows(store, transforms, 1, every, cap=7, **ROWS)
    assert few.count == 7 and set(learned(few)) < set(learned(rows))


def test_nothing_is_monitored_where_nothing_is_held_out(store):
    rows = stage_rows(store, {"image": Counts()}, 1, SCHEDULE, **ROWS | {"held_out": 0})
    assert rows.monitored is None and rows.count == 30 and len(rows.batches) == 3


def test_a_checkpoint_is_of_its_settings_files_and_device(tmp_path, monkeypatch):
    path = tmp_path / "layer.st"
    path.write_bytes(b"weights")
    settings = {"rate": 0.1, "layer": {"hidden": 3, "up": 2.0}}
    made = made_from(settings, [path], "cpu")
    assert made_from({"layer": {"up": 2.0, "hidden": 3}, "rate": 0.1}, [str(path)], "cpu") == made
    assert made_from(settings, [path], "cuda") != made
    assert made_from(settings | {"layer": {"hidden": 4, "up": 2.0}}, [path], "cpu") != made
    assert made_from(settings, [path, path], "cpu") != made
    # A small file counts by what is in it.
    os.utime(path, ns=(1, 1))
    assert made_from(settings, [path], "cpu") == made
    path.write_bytes(b"weighty")
    assert made_from(settings, [path], "cpu") != made
    # A large one by its size and time.
    monkeypatch.setattr(stages, "_HASHED_BYTES", 3)
    os.utime(path, ns=(1, 1))
    large = made_from(settings, [path], "cpu")
    path.write_bytes(b"weights")
    os.utime(path, ns=(1, 1))
    assert made_from(settings, [path], "cpu") == large
    os.utime(path, ns=(2, 2))
    assert made_from(settings, [path], "cpu") != large


def run_stage(store, folder, epochs, fingerprint, *, seconds=0, rows=None, visible=None, graphs=False):
    rows = rows or stage_rows(store, {"text": Binarise()}, 1, SCHEDULE, **ROWS)
    generator = torch.Generator().manual_seed(1)
    visible = visible or Binary(4)
    rbm = RBM.initialise(visible, Binary(3), generator, weight_std=0.1, visible_mean=rows.batches.mean())
    seen = []

    def measure(model):
        seen.append(len(rows.monitored))
        if len(seen) > epochs:
            raise KeyboardInterrupt
        return {"validation/rows": float(len(rows.monitored))}

    train_stage(
        rbm,
        ContrastiveDivergence(persistent=True, chains=4),
        rows,
        SCHEDULE | {"epochs": 4},
        generator,
        label="layer",
        weights=folder / "layer.safetensors",
        metrics=folder / "layer.csv",
        config={"checkpoint_seconds": seconds, "cuda_graphs": graphs},
        fingerprint=fingerprint,
        monitor=None if rows.monitored is None else measure,
    )
    return seen


def test_a_stage_that_is_stopped_goes_on_from_its_checkpoint_unless_that_is_of_others(store, tmp_path):
    folders = {name: tmp_path / name for name in ("whole", "stopped", "changed")}
    for folder in folders.values():
        folder.mkdir()
    assert run_stage(store, folders["whole"], 4, "a") == [6] * 4
    for name in ("stopped", "changed"):
        with pytest.raises(KeyboardInterrupt):
            run_stage(store, folders[name], 2, "a")
        assert [path.suffix for path in folders[name].glob("layer.*") if path.suffix != ".lock"] == [
            ".checkpoint"
        ]
    assert len(run_stage(store, folders["stopped"], 4, "a")) == 2
    assert len(run_stage(store, folders["changed"], 4, "b")) == 4
    for folder in folders.values():
        assert not (folder / "layer.checkpoint").exists()
        for name in ("layer.safetensors", "layer.csv"):
            assert (folder / name).read_bytes() == (folders["whole"] / name).read_bytes()
    assert isinstance(load(folders["whole"] / "layer.safetensors", RBM), RBM)


def test_a_stage_that_monitors_nothing_has_no_such_columns(store, tmp_path):
    rows = stage_rows(store, {"text": Binarise()}, 1, SCHEDULE, **ROWS | {"held_out": 0})
    assert isinstance(rows, StageRows)
    assert run_stage(store, tmp_path, 0, "a", rows=rows) == []
    assert "validation" not in (tmp_path / "layer.csv").read_text()


@pytest.mark.parametrize("graphs", [True, False])
@pytest.mark.parametrize("visible", [Binary(4), ReplicatedSoftmax(4)], ids=lambda unit: type(unit).__name__)
def test_updates_are_recorded_where_that_is_asked_for_and_possible(
    store, tmp_path, monkeypatch, graphs, visible
):
    asked, recorded = [], []

    def recorder(wanted, device):
        asked.append((wanted, device))
        return (lambda work, generator: recorded.append(None) or work) if wanted else None

    monkeypatch.setattr(stages, "recorder", recorder)
    run_stage(store, tmp_path, 4, "a", visible=visible, graphs=graphs)
    possible = graphs and isinstance(visible, Binary)
    assert asked == [(possible, "cpu")]
    assert len(recorded) == 4 * possible
