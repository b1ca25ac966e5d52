# SPDX-License-Identifier: MIT
"""From pictures and tags to a store, a card and reference rows, through Snakemake, on very few pictures."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import mvi
from mvi.data.catalogue import read_catalogue
from mvi.data.pictures import ZipPictures, decode
from mvi.data.store import Store
from mvi.features.extract import Descriptors
from mvi.report.scores import Key, Scores, read_scores

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "rules", "workflow_scripts", "report", "config", "profiles")
FEW_WORDS = "phow: {words: 60, pictures: 30, per_picture: 20, epochs: 1}"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run Snakemake on one core in `folder`, which gets the workflow."""
    for name in PARTS:
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    cleared = {key: value for key, value in os.environ.items() if key != "MVI_MIRROR"}
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", *arguments],
        cwd=folder,
        env={**cleared, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def mini(tmp_path_factory) -> Path:
    """A folder in which everything of `mini` was made, from 60 labelled and 30 unlabelled pictures."""
    folder = tmp_path_factory.mktemp("mini")
    done = run(
        folder,
        *("features", "card", "reference", "--config"),
        "data={mini: {labelled: 60, unlabelled: 30, size: 64, vocabulary: {minimum_count: 3}, "
        "splits: {train: 0.4, validation: 0.2}}}",
        f"features={{picture_size: 64, block: 40, {FEW_WORDS}}}",
        "flickr={splits: [1, 2], card: {sheet: 6}, "
        "reference_rows: {inputs: [gist, image+text], lambda: [0.1]}}",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "results"


def test_the_store_holds_what_pictures_tags_and_labels_say(mini):
    catalogue = read_catalogue(mini / "data/mini/catalogue.h5")
    words = torch.from_numpy(np.load(mini / "data/mini/words.npy", allow_pickle=False))
    extract = Descriptors(words, size=64, gist={}, phow={})
    with Store(mini / "data/mini/store.h5") as store:
        assert (store.n_rows, store.n_labelled) == (90, 60)
        assert store.sizes["image"] == len(extract) == 1857 + 60
        assert store.attrs["generated"] and store.attrs["citation"]
        assert store.vocabulary == catalogue.vocabulary and len(store.vocabulary) > 10
        np.testing.assert_array_equal(store.read("text"), catalogue.text.toarray())
        np.testing.assert_array_equal(store.labels(), catalogue.labels)
        assert store.attrs["attributes"]["unreadable"] == []
        columns = {name: slice(*ends) for name, ends in store.attrs["attributes"]["descriptors"].items()}
        assert columns == extract.columns
        # Rows of both blocks, each with the numbers of its own picture.
        for row in (0, 39, 40, 89):
            with ZipPictures(mini / "data/mini/raw/pictures.zip", catalogue.names) as pictures:
                pixels = torch.from_numpy(decode(pictures.read(row), 64)).permute(2, 0, 1)[None] / 255
            np.testing.assert_allclose(
                store.read("image", [row]), extract(pixels).numpy(), rtol=2e-3, atol=2e-3
            )
        # Unlabelled rows are there, so that no labelled one is among those learned from.
        moments = store.moments("image", 1)
        assert moments.rows == 30
        np.testing.assert_allclose(moments.mean, store.read("image")[60:].mean(0), rtol=1e-4, atol=1e-4)


def test_reference_rows_are_scored_on_every_split_and_called_generated(mini):
    files = [
        mini / f"mini-default/scores/reference/{name}/split{number}.csv"
        for name in ("gist", "image+text")
        for number in (1, 2)
    ]
    scores = Scores(read_scores(files))
    with Store(mini / "data/mini/store.h5") as store:
        words = len(store.vocabulary)
    for name, query, width in (("gist", "image", 960), ("image+text", "image+text", 1917 + words)):
        assert list(scores.of(Key(name, "features", part="")).values()) == [width] * 2
        assert all(0 < value <= 1 for value in scores.of(Key(name, "map_interpolated", query)).values())
        assert list(scores.of(Key(name, "rows")).values()) == [24] * 2
    table = (mini / "mini-default/tables/reference.md").read_text()
    assert "generated" in table and "GIST" in table and "Image and tags" in table


def test_the_card_counts_and_draws(mini):
    card = json.loads((mini / "data/mini/card/card.json").read_text())
    assert (card["pictures"], card["labelled"], card["generated"]) == (90, 60, True)
    for name in ("sheet", "coarse", "tags", "labels", "together"):
        with Image.open(mini / f"data/mini/card/{name}.png") as figure:
            assert min(figure.size) > 100


@pytest.fixture
def own(tmp_path) -> Path:
    """A folder with twelve pictures, one of which is no picture, and their table."""
    draws = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    lines = ["file,tags"]
    for i in range(12):
        pixels = draws.integers(0, 256, (70, 90, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"pictures/{i}.jpg")
        lines.append(f"{i}.jpg,all;{'even' if i % 2 == 0 else 'odd'}")
    (tmp_path / "pictures/5.jpg").write_text("no picture")
    (tmp_path / "pictures.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_own_pictures_become_a_store_or_a_sentence_and_the_next_run_recovers(own):
    command = ["all", "--configfile", "config/folder.yaml", "--config"]
    small = f"picture_size: 64, {FEW_WORDS}"
    done = run(own, *command, f"features={{{small}}}")
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "1 of the 12 pictures of 'folder' are unreadable, such as 5.jpg" in said
    assert not (own / "results/data/folder/store.h5").exists()

    done = run(own, *command, f"features={{unreadable: 0.1, {small}}}")
    assert done.returncode == 0, done.stdout + done.stderr
    with Store(own / "results/data/folder/store.h5") as store:
        assert (store.n_rows, store.n_labelled) == (12, 0)
        assert store.attrs["attributes"]["unreadable"] == [5]
        assert store.vocabulary == ["all", "even", "odd"]
        assert store.ids().tolist() == [f"{i}.jpg" for i in range(12)]
    assert "| Pictures " in (own / "results/folder-own/report.md").read_text()
    assert (own / "results/data/folder/card/sheet.png").exists()


def test_a_picture_that_is_mended_and_a_table_in_another_order_are_noticed(own):
    command = ["features", "--configfile", "config/folder.yaml", "--config"]
    settings = f"features={{unreadable: 0.1, picture_size: 64, {FEW_WORDS}}}"
    done = run(own, *command, settings)
    assert done.returncode == 0, done.stdout + done.stderr
    with Store(own / "results/data/folder/store.h5") as store:
        before = store.read("image")
    Image.fromarray(np.random.default_rng(9).integers(0, 256, (70, 90, 3), np.uint8)).save(
        own / "pictures/5.jpg"
    )
    head, *lines = (own / "pictures.csv").read_text().splitlines()
    (own / "pictures.csv").write_text("\n".join([head, *reversed(lines)]) + "\n")
    done = run(own, *command, settings)
    assert done.returncode == 0, done.stdout + done.stderr
    with Store(own / "results/data/folder/store.h5") as store:
        after, ids = store.read("image"), store.ids().tolist()
        assert store.attrs["attributes"]["unreadable"] == []
    assert ids == [f"{i}.jpg" for i in reversed(range(12))]
    # Colour layout knows no words, which are learned anew.
    part = slice(1409, 1601)
    others = [i for i in range(12) if i != 5]
    np.testing.assert_array_equal(after[::-1][others, part], before[others, part])
    assert not np.array_equal(after[::-1][5, part], before[5, part])


@pytest.mark.parametrize("target", ["table2", "table3", "retrieval", "tags", "figure3", "search", "all"])
def test_without_labels_what_judges_is_refused_before_any_job(own, target):
    done = run(own, "-n", target, "--configfile", "config/folder.yaml", "--config", "preset=deep")
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "(pictures, pictures.csv) has no labels to judge by; add labels, or ask for what needs" in said
    assert "Traceback (most recent" not in said


def test_without_labels_and_inputs_there_is_no_reference(own):
    done = run(own, "-n", "reference", "--configfile", "config/folder.yaml")
    assert done.returncode == 1
    assert '"flickr.reference_rows.inputs" is empty, so that nothing' in done.stdout + done.stderr


def test_the_deep_model_is_made_of_own_pictures_without_labels(own):
    with (own / "pictures.csv").open("a") as table:
        for i in range(12, 72):
            shutil.copy(own / f"pictures/{i % 5}.jpg", own / f"pictures/{i}.jpg")
            table.write(f"{i}.jpg,all;odd\n")
    few = "flickr={rows: {held_out: 10}}"
    small = f"features={{unreadable: 0.1, picture_size: 64, {FEW_WORDS}}}"
    command = ["model", "--configfile", "config/folder.yaml", "--config", "preset=deep"]
    done = run(own, *command, small, few)
    assert done.returncode == 0, done.stdout + done.stderr
    model = mvi.load(own / "results/folder-deep/finetune/unlabelled.safetensors")
    with Store(own / "results/data/folder/store.h5") as store:
        image = store.read("image")
    assert model.vocabulary == ["all", "odd", "even"]
    assert model.encode({"image": image, "text": None}).shape == (72, 1024)
    expected = model.complete({"image": image}, "text")
    assert expected.shape == (72, 3)
    # All have the first tag, few the last.
    assert (expected[:, 0] > expected[:, 2]).all()


def test_a_table_that_names_no_picture_is_one_sentence_before_any_job(own):
    (own / "pictures.csv").write_text("file,words\na.jpg,b\n")
    done = run(own, "-n", "all", "--configfile", "config/folder.yaml")
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "Traceback" not in said
    assert "The first line of pictures.csv must name the columns file, tags" in said
