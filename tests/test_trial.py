# SPDX-License-Identifier: MIT
"""The house by trial: a method and a data set that the project does not know, each added by two files.

With a test and a line of documentation these are the numbers that docs/contributing.md promises.
"""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import copy_workflow

ROOT = Path(__file__).parents[1]

# It has no joint layer and files of its own.
METHOD = '''
"""Random directions of each half, which is what learned ones are to be better than."""

from mvi.methods.base import Method


def fit(training):
    import numpy as np
    from safetensors.numpy import save_file

    from mvi.data.store import Store
    from mvi.files import write_sealed
    from mvi.training.rows import layer_rows

    size, draws = training.settings["objective"]["size"], np.random.default_rng(training.settings["seed"])
    with Store(training.store) as store:
        rows = layer_rows(store, training.settings["split"], parts=training.settings["rows"]["parts"])
        kept = {f"mean/{name}": store.read(name, rows).mean(0) for name in store.modalities}
        kept |= {
            f"weight/{name}": draws.normal(size=(store.sizes[name], size)).astype(np.float32)
            for name in store.modalities
        }
    save_file(kept, training.weights)
    write_sealed(training.metrics, b"epoch\\n1\\n")


class Directions:
    def __init__(self, path):
        from safetensors.numpy import load_file

        self.kept = load_file(path)

    def encode(self, values, **settings):
        (rows,) = {len(value) for value in values.values() if value is not None}
        return sum(
            (self.kept[f"mean/{name}"][None].repeat(rows, 0) if value is None else value)
            @ self.kept[f"weight/{name}"]
            for name, value in values.items()
        )


METHOD = Method(
    name="directions",
    label="Random directions",
    short="Random",
    order=90,
    color="#000000",
    marker="x",
    citation="Nobody (2000)",
    settings={"size": {"type": "integer", "minimum": 1, "default": 30}},
    fit=fit,
    load=lambda scale, layers, weights, device: Directions(weights),
    needs_layers=False,
)
'''
METHOD_RUN = """
extends: digits-default
outputs: [table1]
seeds: [0]
compare: [mp, directions]
methods: {directions: {size: 25}}
joint: {hidden: 20, training: {epochs: 2}}
classifier: {C: [0.1], tolerance: 0.1}
baselines: {inputs: []}
"""

DATA_SET = '''
"""Three numbers and three words of two kinds of rows, with a split of their own."""

from mvi.data.sets.base import MEAN_AVERAGE_PRECISION, DataSet, Modality, Size


def share_ranked(scores, relevant):
    return len(relevant) / 1000


def write_store(path, raw, settings, *, dataset, citation, precision):
    import numpy as np
    from scipy import sparse

    from mvi.data.store_writer import Dense, Sparse, writing_store

    n, draws = settings["rows"], np.random.default_rng(0)
    labels = (draws.random((n, 2)) < 0.5).astype(np.uint8)
    known = np.ones((n, 2), bool)
    # Of ten test rows each nobody knows the first class, and of none the second.
    known[2:32:3, 0] = False
    image = labels @ draws.normal(size=(2, 3)) + draws.normal(size=(n, 3))
    parts = {"train": np.arange(0, n, 3), "validation": np.arange(1, n, 3), "test": np.arange(2, n, 3)}
    layout = {"image": Dense(3, precision), "text": Sparse(3)}
    with writing_store(
        path, dataset=dataset, n_rows=n, modalities=layout, citation=citation, statistics=["image"]
    ) as writer:
        writer.write("image", 0, image.astype(np.float32))
        writer.write("text", 0, sparse.csr_array(draws.poisson(0.2 + labels @ draws.random((2, 3)))))
        about = {"classes": ["a", "b"], "splits": {1: parts}, "vocabulary": ["x", "y", "z"]}
        writer.annotate(labels=labels * known, known=known, **about)


DATASET = DataSet(
    name="kinds",
    title="rows of two kinds",
    order=90,
    modalities={"image": Modality(("standardise",)), "text": Modality(("binarise", "counts"))},
    labels="multi",
    metrics={"map_ranked": "mvi.data.sets.kinds:share_ranked", **MEAN_AVERAGE_PRECISION},
    settings={"rows": {"$ref": "#/$defs/count", "default": 90}},
    size=lambda settings: Size(settings["rows"], settings["rows"], settings["rows"] // 3),
    splits=lambda settings: 1,
    write_store="mvi.data.sets.kinds:write_store",
    citation="Nobody (2000)",
)
'''
DATA_SET_RUN = """
extends: reference-flickr
dataset: kinds
outputs: [reference, table2, learning]
data: {rows: 900}
splits: [1]
baselines: {inputs: [image, text], lambda: [0.1]}
"""
ADDED = {
    "method": {"mvi/methods/directions.py": METHOD, "config/runs/digits-directions.yaml": METHOD_RUN},
    "data set": {"mvi/data/sets/kinds.py": DATA_SET, "config/runs/kinds-small.yaml": DATA_SET_RUN},
}
# A test and a place in the documents come on top.
ALLOWED = {"method": 4 - 2, "data set": 5 - 2}


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> Path:
    """A copy of the project with the files of both."""
    folder = tmp_path_factory.mktemp("extended")
    copy_workflow(folder)
    for what, files in ADDED.items():
        assert len(files) <= ALLOWED[what]
        for name, text in files.items():
            assert not (folder / name).exists()
            (folder / name).write_text(text)
    for name, text in guided().items():
        assert not (folder / name).exists()
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


def guided() -> dict[str, str]:
    """The files that docs/contributing.md shows whole, by their paths."""
    text = (ROOT / "docs/contributing.md").read_text()
    return dict(re.findall(r"^`([\w/.-]+)`:\n\n```\w+\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))


def snakemake(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_method_of_two_files_is_trained_evaluated_and_stands_in_the_table(extended):
    snakemake(extended, "table1", "--config", "runs=[digits-directions]")
    folder = extended / "results/digits-directions"
    scores = rows_of(folder / "scores/classify/directions/every.csv")
    found = [row for row in scores if row["metric"] == "error" and row["part"] == "test"]
    errors = {row["query"]: float(row["value"]) for row in found}
    assert errors.keys() == {"left+right", "left", "right"}
    # By chance nine of ten would be wrong.
    assert errors["left+right"] < 20 < errors["left"] < 70
    table = (folder / "tables/table1.md").read_text()
    assert table.index("MinVI (MP)") < table.index("Random directions")


def test_what_the_guide_shows_passes_its_own_tests_and_is_planned(extended):
    tests = sorted(name for name in guided() if name.startswith("tests/"))
    assert tests == ["tests/test_cd.py", "tests/test_iris.py"] and len(guided()) == 7
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        cwd=extended,
        env={**os.environ, "PYTHONPATH": str(extended)},
        capture_output=True,
        text=True,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    said = snakemake(extended, "--summary", "--config", "runs=[digits-cd,iris-default]", "--", "all")
    for path in (
        "digits-cd/joint/cd/seed0.safetensors",
        "data/iris/store.h5",
        "iris-default/tables/table1.md",
    ):
        assert f"results/{path}" in said, path


def test_its_figures_and_those_of_others_are_planned_with_its_look(extended):
    asked = ("-n", "-q", "rules", "--config", "runs=[digits-directions]", "--", "training", "iterations")
    assert "draw_figure" in snakemake(extended, *asked)


def test_a_data_set_of_two_files_is_planned_whole_and_makes_its_table(extended):
    said = snakemake(extended, "--summary", "--config", "runs=[kinds-small]", "--", "all")
    for path in ("data/kinds/store.h5", "kinds-small/finetune/whole/n10/seed0.safetensors"):
        assert f"results/{path}" in said, path
    snakemake(extended, "reference", "--config", "runs=[kinds-small]")
    table = (extended / "results/kinds-small/tables/reference.md").read_text()
    assert "rows of two kinds" in table and "Image" in table
    # Its own metric is the headline: of 300 test rows 290 are known of one class and all of the other.
    assert "Mean average precision (ranked, test set)" in table and "0.295" in table
    scores = rows_of(extended / "results/kinds-small/scores/baselines/image.csv")
    ranked = {
        row["label"]: row["value"] for row in scores if row["metric"] == "ap_ranked" and row["part"] == "test"
    }
    assert ranked == {"a": "0.29", "b": "0.3"}
    assert {"map_interpolated", "map_noninterpolated", "map_step"} <= {row["metric"] for row in scores}


def test_methods_alone_are_classified_and_searched_by_where_nothing_is_finetuned(extended):
    only = "{extends: kinds-small, compare: [directions], finetune: [], outputs: [table2, retrieval]}"
    asked = ("--config", f"runs={{alone: {only}}}", "--")
    said = snakemake(extended, "-n", *asked, "table2", "retrieval")
    assert "rule pretrain_layer" not in said and "table2_classes.csv" in said and "recall.png" in said
    folder = extended / "results/alone"
    files = ("scores/classify/directions/seed0.csv", "tables/retrieval.md")
    snakemake(extended, *asked, *(f"results/alone/{name}" for name in files))
    scores = rows_of(folder / files[0])
    ranked = [float(r["value"]) for r in scores if (r["metric"], r["part"]) == ("map_ranked", "test")]
    assert {row["query"] for row in scores} >= {"image+text", "image", "text"}
    assert len(ranked) >= 3 and ranked == pytest.approx([0.295] * len(ranked))
    table = (folder / files[1]).read_text()
    assert "Random directions" in table and "MDRNN" not in table and "mean-field" not in table
