# SPDX-License-Identifier: MIT
"""From images and tags to a store, a card, baselines and a model, through Snakemake, on very few images."""

import json
import os
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import h5py
import numpy as np
import onnx
import pytest
import torch
from conftest import link_workflow
from onnx import TensorProto, helper
from PIL import Image

import mvi
from mvi.data.catalogue import read_catalogue
from mvi.data.images import ZipImages, decode
from mvi.data.store import Store
from mvi.features.extract import Descriptors
from mvi.files import write_arrays
from mvi.report.scores import Key, Scores, read_scores

ROOT = Path(__file__).parents[1]
FEW_WORDS = "phow: {words: 60, images: 30, per_image: 20, epochs: 1}"
# As many as the deep run needs: 10 held out, and a minibatch of 50.
IMAGES = 64


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run Snakemake on one core in `folder`, which gets the workflow."""
    link_workflow(folder)
    cleared = {key: value for key, value in os.environ.items() if key != "MVI_MIRROR"}
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", *arguments],
        cwd=folder,
        env={
            **cleared,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
    )


def made(folder: Path, *arguments: str) -> str:
    """Run Snakemake, which must succeed, and return what it said."""
    done = run(folder, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def refused(folder: Path, *arguments: str) -> str:
    """Run Snakemake, which must fail, and return what it said."""
    done = run(folder, *arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout + done.stderr


# -- generated images, with labels ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def mini(tmp_path_factory) -> Path:
    """The results of a run on `mini`, from 60 labelled and 30 unlabelled images."""
    folder = tmp_path_factory.mktemp("mini")
    made(
        folder,
        *("features", "card", "reference", "--config", "runs=[mini-default]"),
        "data={mini: {labelled: 60, unlabelled: 30, size: 64, vocabulary: {minimum_count: 3}, "
        "splits: {train: 0.4, validation: 0.2}}}",
        f"features={{image_size: 64, block: 50, {FEW_WORDS}}}",
        "settings={splits: [1, 2], card: {sheet: 6}, baselines: {inputs: [gist, image+text], lambda: [0.1]}}",
    )
    return folder / "results"


def test_the_store_holds_what_images_tags_and_labels_say(mini):
    catalogue = read_catalogue(mini / "data/mini/catalogue.h5")
    words = torch.from_numpy(np.load(mini / "data/mini/descriptors/words.npy", allow_pickle=False))
    extract = Descriptors(words, size=64, gist={}, phow={})
    with Store(mini / "data/mini/descriptors/store.h5") as store:
        assert (store.n_rows, store.n_labelled) == (90, 60)
        assert store.sizes["image"] == len(extract) == 1857 + 60
        assert store.attrs["generated"] and store.attrs["citation"]
        assert store.vocabulary == catalogue.vocabulary and len(store.vocabulary) > 10
        np.testing.assert_array_equal(store.read("text"), catalogue.text.toarray())
        np.testing.assert_array_equal(store.labels(), catalogue.labels)
        assert store.attrs["attributes"]["unreadable"] == []
        columns = {name: slice(*ends) for name, ends in store.attrs["attributes"]["descriptors"].items()}
        assert columns == extract.columns
        # Rows of both blocks, each with the numbers of its own image.
        with ZipImages(mini / "data/mini/raw/pictures.zip", catalogue.names) as images:
            for row in (0, 49, 50, 89):
                pixels = torch.from_numpy(decode(images.read(row), 64)).permute(2, 0, 1)[None] / 255
                np.testing.assert_allclose(
                    store.read("image", [row]), extract(pixels).numpy(), rtol=2e-3, atol=2e-3
                )
        # Unlabelled rows are there, so that no labelled one is among those learned from.
        moments = store.moments("image", 1)
        assert moments.rows == 30
        np.testing.assert_allclose(moments.mean, store.read("image")[60:].mean(0), rtol=1e-4, atol=1e-4)


def test_baselines_are_scored_on_every_split_and_called_generated(mini):
    folder = mini / "mini-default"
    scores = Scores(read_scores(folder / f"scores/baselines/{name}.csv" for name in ("gist", "image+text")))
    with Store(mini / "data/mini/descriptors/store.h5") as store:
        words = len(store.vocabulary)
    for name, query, width in (("gist", "image", 960), ("image+text", "image+text", 1917 + words)):
        assert scores.of(Key(name, "features", part="")) == {(1, None): width, (2, None): width}
        assert all(0 < value <= 1 for value in scores.of(Key(name, "map_interpolated", query)).values())
        assert list(scores.of(Key(name, "rows")).values()) == [24] * 2
    table = (folder / "tables/reference.md").read_text()
    assert "generated" in table and "GIST" in table and "Image and tags" in table


def test_the_card_counts_and_draws(mini):
    card = json.loads((mini / "data/mini/card/card.json").read_text())
    assert (card["pictures"], card["labelled"], card["generated"]) == (90, 60, True)
    for name in ("sheet", "coarse", "tags", "labels", "together"):
        with Image.open(mini / f"data/mini/card/{name}.png") as figure:
            assert min(figure.size) > 100


# -- one's own images, without labels ------------------------------------------------------------------

OWN = ("--configfile", "config/folder.yaml")
DEEP = (*OWN, "--config", "preset=deep")
SMALL = f"image_size: 64, {FEW_WORDS}"
FEATURES = f"features={{unreadable: 0.1, {SMALL}}}"
STORE = "results/data/folder/descriptors/store.h5"


def noise(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (70, 90, 3), np.uint8))


def write_images(folder: Path) -> Path:
    """Images, one of which is none, and their table; returns `folder`."""
    (folder / "images").mkdir(parents=True)
    lines = ["file,tags"]
    for i in range(IMAGES):
        noise(i).save(folder / f"images/{i}.jpg")
        lines.append(f"{i}.jpg,all;{'few' if i < 5 else 'most'}")
    (folder / "images/5.jpg").write_text("no image")
    (folder / "images.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def unmade(tmp_path_factory) -> Path:
    """A folder with own images and their table, of which nothing is made."""
    return write_images(tmp_path_factory.mktemp("unmade"))


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Path:
    """The same with a store and a page, made after a first run was refused for the file that is no image."""
    folder = write_images(tmp_path_factory.mktemp("own"))
    said = refused(folder, "all", *OWN, "--config", f"features={{{SMALL}}}")
    assert f"1 of the {IMAGES} images of 'folder' are unreadable, such as 5.jpg" in said
    assert not (folder / STORE).exists()
    made(folder, "all", *OWN, "--config", FEATURES)
    return folder


def test_own_images_become_a_store_or_a_sentence_and_the_next_run_recovers(own):
    with Store(own / STORE) as store:
        assert (store.n_rows, store.n_labelled) == (IMAGES, 0)
        assert store.attrs["attributes"]["unreadable"] == [5]
        assert store.vocabulary == ["all", "most", "few"]
        assert store.ids().tolist() == [f"{i}.jpg" for i in range(IMAGES)]
    page = (own / "results/folder-own/report.md").read_text()
    assert re.search(rf"^\| Images +\| {IMAGES} \|$", page, re.M)
    assert (own / "results/data/folder/card/sheet.png").exists()


def test_an_image_that_is_mended_and_a_table_in_another_order_are_noticed(own, tmp_path):
    folder, command = tmp_path / "copy", ("features", *OWN, "--config", FEATURES)
    shutil.copytree(own, folder, symlinks=True)
    with Store(folder / STORE) as store:
        before = store.read("image")
    assert "Nothing to be done" in made(folder, "-n", *command)
    noise(IMAGES).save(folder / "images/5.jpg")
    assert "describe_block" in made(folder, "-n", *command)
    head, *lines = (folder / "images.csv").read_text().splitlines()
    (folder / "images.csv").write_text("\n".join([head, *reversed(lines)]) + "\n")
    made(folder, *command)
    with Store(folder / STORE) as store:
        after, ids = store.read("image"), store.ids().tolist()
        assert store.attrs["attributes"]["unreadable"] == []
        part = slice(*store.attrs["attributes"]["descriptors"]["colour_layout"])
    assert ids == [f"{i}.jpg" for i in reversed(range(IMAGES))]
    # Colour layout knows no words, which are learned anew.
    others = [i for i in range(IMAGES) if i != 5]
    np.testing.assert_array_equal(after[::-1][others, part], before[others, part])
    assert not np.array_equal(after[::-1][5, part], before[5, part])


def test_own_images_are_described_by_an_own_network(tmp_path):
    write_images(tmp_path)
    graph = helper.make_graph(
        [helper.make_node("Identity", ["pixels"], ["maps"])],
        "own",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, [1, 3, 8, 8])],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
        tmp_path / "own.onnx",
    )
    seen = "side: 8, mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5]"
    network = f"features={{kind: network, network: own.onnx, {seen}, unreadable: 0.1, block: 40}}"
    made(tmp_path, "features", *OWN, "--config", network)
    with Store(tmp_path / "results/data/folder/own/store.h5") as store:
        image, facts = store.read("image"), store.features
        assert store.attrs["attributes"]["unreadable"] == [5]
    assert facts["kind"] == "network" and facts["network"] == "own.onnx" and facts["output"] == "maps"
    assert facts["sha256"] == sha256((tmp_path / "own.onnx").read_bytes()).hexdigest()
    pixels = decode((tmp_path / "images/50.jpg").read_bytes(), 8)
    np.testing.assert_allclose(image[50], pixels.mean((0, 1)) / 127.5 - 1, atol=1e-5)
    assert image.shape == (IMAGES, 3)
    # Other blocks than the new network's own would be mixed with them.
    block = tmp_path / "results/data/folder/own/blocks/0-40.npz"
    with np.load(block) as kept:
        other = dict(kept) | {"features": np.array(json.dumps({**facts, "sha256": "1f"}))}
    write_arrays(block, other)
    said = refused(tmp_path, "features", *OWN, "--config", network)
    assert "The blocks of features of 'folder' were not all made alike; delete their folder" in said


def test_own_images_have_features_of_a_file(own):
    # Backwards, by name, beside another image; of the one that is no image too.
    rows = np.random.default_rng(0).normal(size=(IMAGES + 1, 7))
    with h5py.File(own / "made elsewhere.h5", "w") as file:
        file["features"], file["names"] = rows, [f"{i}.jpg" for i in reversed(range(IMAGES + 1))]
    features = "features={kind: file, file: made elsewhere.h5, columns: 7, block: 40}"
    made(own, "features", *OWN, "--config", features)
    with Store(own / "results/data/folder/made-elsewhere/store.h5") as store:
        np.testing.assert_array_equal(store.read("image"), rows[:0:-1].astype(np.float32))
        assert store.features == {
            **{"kind": "file", "file": "made elsewhere.h5", "columns": 7},
            "sha256": sha256((own / "made elsewhere.h5").read_bytes()).hexdigest(),
        }


def test_the_deep_model_is_made_of_own_images_without_labels(own):
    said = made(own, "model", *DEEP, FEATURES, "settings={rows: {held_out: 10}}")
    # The store is that of the other run.
    assert "describe_block" not in said
    model = mvi.load(own / "results/folder-deep/finetune/unlabelled.safetensors")
    with Store(own / STORE) as store:
        image = store.read("image")
    assert model.vocabulary == ["all", "most", "few"]
    assert model.encode({"image": image, "text": None}).shape == (IMAGES, 1024)
    expected = model.complete({"image": image}, "text")
    assert expected.shape == (IMAGES, 3)
    # All have the first tag, few the last.
    assert (expected[:, 0] > expected[:, 2]).all()


@pytest.mark.parametrize("target", ["table2", "table3", "retrieval", "tags", "figure3", "search", "all"])
def test_without_labels_what_scores_by_labels_is_refused_before_any_job(unmade, target):
    said = refused(unmade, "-n", target, *DEEP)
    assert "(images, images.csv) has no labels to score by; add labels, or ask for what needs" in said
    assert "Traceback (most recent" not in said


def test_without_labels_and_inputs_there_is_no_baseline_table(unmade):
    said = refused(unmade, "-n", "reference", *OWN)
    assert 'config key "baselines.inputs" of run folder-own is empty, so that nothing is classified' in said
    assert "Traceback (most recent" not in said


def test_a_table_that_names_no_image_is_one_sentence_before_any_job(tmp_path):
    (tmp_path / "images.csv").write_text("file,words\na.jpg,b\n")
    said = refused(tmp_path, "-n", "all", *OWN)
    assert "The first line of images.csv must name the columns file, tags" in said
    assert "Traceback" not in said
