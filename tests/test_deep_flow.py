# SPDX-License-Identifier: MIT
"""The deep model from a store to tables, figures and an exported model, through Snakemake, on very few rows.

Twice: from images of which some have no labels, everything; and for each split on its own, from a small
store written here, what there is to train.
"""

import ast
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from conftest import link_workflow
from PIL import Image
from safetensors.numpy import load_file
from scipy import sparse

import mvi
from mvi.data.store import Store
from mvi.data.store_writer import Dense, Sparse, writing_store
from mvi.errors import DataError
from mvi.files import read_json
from mvi.models import checkpoints
from mvi.models.base import Inference
from mvi.report.scores import Key, Scores, read_scores
from mvi.training.rows import training_and_monitoring_rows

ROOT = Path(__file__).parents[1]
TABLES = ("table2", "table3", "retrieval", "tag_search", "tags")
FIGURES = ("table3", "recall", "missing_tags", "trade", "learning", "figure3", "figure4", "predicted_tags")

RUN = "results/small"
STORE = "results/data/mini/descriptors/store.h5"
SHARES = {"train": 0.4, "validation": 0.2}
SPLITS = {1, 2}
BRIEF = {"epochs": 2, "batch_size": 10}


def config(run: dict[str, Any], **others: Any) -> dict[str, Any]:
    """A config of one run, laid over that of generated scenes."""
    common = {"extends": "mini-default", "splits": sorted(SPLITS), "compare": ["mp"], "finetune_from": "mp"}
    return {"runs": {"small": {**common, **run}}, **others}


UNLABELLED = config(
    {
        "data": {
            "labelled": 60,
            "unlabelled": 40,
            "size": 64,
            "vocabulary": {"minimum_count": 3},
            "splits": SHARES,
        },
        "features": {
            "image_size": 64,
            "block": 100,
            "phow": {"words": 30, "images": 20, "per_image": 20, "epochs": 1},
        },
        "rows": {"held_out": 8},
        "pathways": {
            "image": {
                "layers": [
                    {
                        "hidden": 12,
                        "units": "stepped_sigmoid",
                        "method": "cd",
                        "training": {**BRIEF, "learning_rate": 0.001},
                    },
                    {"hidden": 10, "weight_std": 0.5, "chains": 10, "training": BRIEF},
                ]
            },
            "text": {"layers": [{"hidden": 9, "weight_std": 0.5, "chains": 10, "training": BRIEF}]},
        },
        "joint": {"hidden": 14, "weight_std": 1, "minimum_tags": 2, "training": BRIEF},
        "finetune": [
            {"name": "upper", "title": "upper layers", "layers": 1, "training": {**BRIEF, "epochs": 1}},
            {
                "name": "whole",
                "title": "whole network",
                "layers": 2,
                "iterations": 3,
                "training": {**BRIEF, "epochs": 1},
            },
        ],
        # Not as a model infers that is not told, and with weights so large that it matters.
        "inference": {"iterations": 2, "tolerance": 1e-6, "start_state": "zeros"},
        "classifier": {"lambda": [0.1], "train_on": ["multimodal", "mixed"]},
        "baselines": {"inputs": ["image", "text", "image+text"], "lambda": [0.1]},
        "sweep": {"iterations": [0, 3], "trained": [0]},
        "gallery": {"queries": 2, "nearest": 3, "on_page": 3},
        "predicted_tags": {"shown": 2, "minimum_positives": 2},
        "tag_search": {"tags": 3, "minimum": 2},
        "card": {"sheet": 6},
    }
)
MODELS = ["mp", "upper", "whole"]

LABELLED, COLUMNS, WORDS = 60, 8, 12
# Long enough to be killed in the middle.
LONG = {"epochs": 80, "batch_size": 10}
BY_SPLIT = config(
    {
        "data": {"labelled": LABELLED, "unlabelled": 0, "splits": SHARES},
        "rows": {"held_out": 5},
        "pathways": {
            # The store keeps no scale of signed square roots: the stage takes it over its own rows.
            "image": {
                "transform": {"kind": "standardise", "signed_sqrt": True},
                "layers": [{"hidden": 6, "chains": 10, "training": LONG}],
            },
            # So are mean numbers of words.
            "text": {
                "transform": {"kind": "counts"},
                "layers": [{"hidden": 5, "method": "cd", "minimum_tags": 1, "training": BRIEF}],
            },
        },
        "joint": {"hidden": 7, "minimum_tags": 2, "training": LONG},
        "finetune": [
            {"name": "whole", "title": "whole network", "layers": 1, "iterations": 2, "training": LONG}
        ],
        "classifier": {"lambda": [0.1]},
        "sweep": {"iterations": [0, 2], "trained": []},
    },
    checkpoint_seconds=0,
)
STAGES = {
    "pretrain_layer": "pretrain/image1/split1.safetensors",
    "train_joint": "joint/mp/split1.safetensors",
    "finetune": "finetune/whole/n2/split1.safetensors",
}
TRAINED = ("inputs/split1.safetensors", "pretrain/text1/split1.safetensors", *STAGES.values())


def command(*arguments: str) -> list[str]:
    given = ("--cores", "1", "--nolock", "--configfile", "given.yaml")
    return [sys.executable, "-m", "snakemake", *given, *arguments]


def prepare(folder: Path, settings: dict[str, Any]) -> None:
    """Put the workflow and its settings into `folder`."""
    link_workflow(folder)
    (folder / "given.yaml").write_text(yaml.safe_dump(settings))


def process(folder: Path) -> dict[str, Any]:
    """How a process is started in `folder`."""
    cleared = {key: value for key, value in os.environ.items() if key != "MVI_MIRROR"}
    return {"cwd": folder, "env": {**cleared, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}}


def run(folder: Path, *arguments: str) -> None:
    """Run Snakemake on one core."""
    done = subprocess.run(command(*arguments), **process(folder), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# -- with unlabelled rows: everything ------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A folder in which everything was made; the representations were kept."""
    folder = tmp_path_factory.mktemp("whole")
    prepare(folder, UNLABELLED)
    run(folder, "--notemp", "--", "all")
    return folder


def test_every_model_is_scored_on_every_split_by_finite_numbers(whole):
    expected = {
        f"{kind}/{name}"
        for kind, names in {
            "baselines": ["image", "text", "image+text", "sqrt_image", "sqrt_image+text"],
            "classify": [f"{model}/unlabelled" for model in MODELS],
            "retrieval": [f"{model}/unlabelled" for model in MODELS],
            "sweep": ["n0/unlabelled", "n3/unlabelled"],
            "tags": ["unlabelled"],
        }.items()
        for name in names
    } | {"retrieval_inputs", "linear_tags/image", "linear_tags/sqrt_image"}
    folder = whole / RUN / "scores"
    # No number that is not finite can be read.
    found = {
        str(path.relative_to(folder).with_suffix("")): read_scores([path]) for path in folder.rglob("*.csv")
    }
    assert found.keys() == expected
    for name, scores in found.items():
        assert {score.run for score in scores} == {"small"}, name
        # Each split has the numbers of the others, and its own values: it is of other rows.
        first, second = (
            {replace(one, split=None, value=0.0): one.value for one in scores if one.split == split}
            for split in sorted(SPLITS)
        )
        assert first and first != second, name
        assert len(first) + len(second) == len(scores), name
    for model in MODELS:
        classified, retrieved = (
            Scores(found[f"classify/{model}/unlabelled"]),
            found[f"retrieval/{model}/unlabelled"],
        )
        for query in ("image+text", "image", "text"):
            for variant in ("multimodal", "mixed"):
                values = classified.of(Key(model, "map_interpolated", query, variant=variant))
                assert values.keys() == {(split, None) for split in SPLITS}
            assert {score.split for score in retrieved if score.query == query} == SPLITS
    for trained in (0, 3):
        sweep = Scores(found[f"sweep/n{trained}/unlabelled"])
        for tested in (0, 3):
            key = Key("whole", "map_interpolated", "image", "validation", f"trained={trained}", tested)
            assert sweep.of(key).keys() == {(split, None) for split in SPLITS}
    # All of them, joined.
    joined = read_scores([whole / RUN / "scores.csv"])
    assert set(joined) == {score for scores in found.values() for score in scores}


@pytest.mark.parametrize("name", TABLES)
def test_tables_say_that_data_are_generated_and_what_was_learned_from(whole, name):
    text = (whole / f"{RUN}/tables/{name}.md").read_text()
    assert "generated" in text
    assert "Unsupervised training on the unlabelled rows, once for all splits" in text
    assert "nan" not in text.lower().split()
    assert len((whole / f"{RUN}/tables/{name}.csv").read_text().splitlines()) > 2


def test_figures_are_drawn_and_stand_in_the_report(whole):
    report = (whole / f"{RUN}/report.md").read_text()
    for name in FIGURES:
        with Image.open(whole / f"{RUN}/figures/{name}.png") as figure:
            assert min(figure.size) > 100
        assert f"figures/{name}.png" in report
    assert "data:image" in (whole / f"{RUN}/figures/nearest.html").read_text()
    for name in TABLES:
        table = (whole / f"{RUN}/tables/{name}.md").read_text()
        lines = [line for line in table.splitlines() if line.startswith("|")]
        assert lines and all(line in report for line in lines)


def test_unlabelled_rows_are_learned_from_once_and_none_that_is_monitored(whole):
    folder = whole / RUN
    with Store(whole / STORE) as store:
        every, tagged = (
            len(training_and_monitoring_rows(store, 1, held_out=8, minimum_tags=minimum)[0])
            for minimum in (0, 2)
        )
    assert 0 < tagged < every == 32
    stages = ("upper/n10", "whole/n3", "whole/n0")
    expected = {
        **dict.fromkeys([f"pretrain_layer/{name}" for name in ("image1", "image2", "text1")], every),
        **dict.fromkeys(["train_joint/mp", *(f"finetune/{name}" for name in stages)], tagged),
    }
    # One log of each: the same for all splits.
    assert [path.stem for rule in STAGES for path in (folder / "logs" / rule).rglob("*.log")] == (
        ["unlabelled"] * len(expected)
    )
    logs = {
        str(path.parent.relative_to(folder / "logs")): path.read_text()
        for rule in STAGES
        for path in (folder / "logs" / rule).rglob("*.log")
    }
    assert logs.keys() == expected.keys()
    for name, rows in expected.items():
        assert f"learning from {rows} rows" in logs[name], name
    assert not list(folder.rglob("split*.safetensors"))


def test_the_exported_model_does_what_the_workflow_did(whole):
    folder = whole / RUN
    model = mvi.load(folder / "finetune/unlabelled.safetensors")
    assert model.inference == Inference(iterations=2, tolerance=1e-6, start="zeros")
    with (
        Store(whole / STORE) as store,
        h5py.File(folder / "representations/whole/unlabelled.h5") as file,
    ):
        values = {name: store.read(name, range(60)) for name in ("image", "text")}
        assert model.vocabulary == store.vocabulary
        for query in ("image+text", "image", "text"):
            given = {name: value if name in query.split("+") else None for name, value in values.items()}
            states = model.encode(given)
            assert states.shape == (60, 14) and states.std(0).max() > 0
            np.testing.assert_allclose(states, file[f"unlabelled/{query}"][:], rtol=0, atol=1e-6)
            if "+" not in query:
                # The settings tell: asked by others it answers otherwise.
                for others in ({"iterations": 10}, {"start": "doubled"}):
                    assert np.abs(model.encode(given, **others) - states).max() > 1e-5, (query, others)
        assert not np.allclose(file["unlabelled/image"][:], file["unlabelled/image+text"][:], atol=1e-4)
        # Around the means of rows that it may have learned from.
        unlabelled = {name: store.read(name, store.unlabelled) for name in values}
        expected = model.encode({"image": unlabelled["image"]}).mean(0)
        np.testing.assert_allclose(model.centres["image"], expected, rtol=0, atol=1e-6)
        centred = model.encode({"image": values["image"]}, centre=True)
        np.testing.assert_allclose(centred, file["unlabelled/image"][:] - expected, rtol=0, atol=2e-6)
        alone = model.encode({"text": np.eye(len(model.vocabulary), dtype=np.float32)})
        np.testing.assert_allclose(alone, file["unlabelled/words"][:], rtol=0, atol=1e-6)
    shown = np.load(folder / "predicted_tags/unlabelled.npz")
    images = {"image": values["image"][shown["rows"]]}
    tags = model.complete(images, "text")
    assert tags.shape == (2, len(model.vocabulary)) and ((tags > 0) & (tags < 1)).all()
    np.testing.assert_allclose(tags, shown["probabilities"], rtol=0, atol=1e-6)


def test_python_of_the_documents_runs_as_printed(whole, monkeypatch, capsys):
    monkeypatch.chdir(whole)
    names: dict[str, Any] = {}
    for page in ("README.md", "docs/usage.md"):
        (snippet,) = re.findall(
            r"^```python\n(.*?)^```$", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE
        )
        assert "results/mini-default/" in snippet
        exec(snippet.replace("results/mini-default/", f"{RUN}/"), names)
        assert names["tags"].shape == (10, len(names["model"].vocabulary))
    # README prints the five likeliest tags.
    assert len(set(ast.literal_eval(capsys.readouterr().out)) & set(names["model"].vocabulary)) == 5
    assert names["both"].shape == names["alone"].shape == names["mixed"].shape == (10, 14)


# -- without: split by split ---------------------------------------------------------------------------


def write_store(path: Path) -> None:
    """A store of labelled rows alone, in place of that of `mini`."""
    draws = np.random.default_rng(0)
    labels = (draws.random((LABELLED, 3)) < 0.5).astype(np.uint8)
    image = labels @ draws.normal(size=(3, COLUMNS)) + draws.normal(size=(LABELLED, COLUMNS))
    tags = draws.poisson(0.1 + 0.5 * labels @ draws.random((3, WORDS)))
    parts = [draws.permutation(LABELLED) for _ in range(2)]
    splits = {
        number: {"train": np.sort(p[:24]), "validation": np.sort(p[24:36]), "test": np.sort(p[36:])}
        for number, p in enumerate(parts, 1)
    }
    path.parent.mkdir(parents=True)
    layout = {"image": Dense(COLUMNS), "text": Sparse(WORDS)}
    with writing_store(
        path, dataset="mini", n_rows=LABELLED, modalities=layout, statistics=["image"], generated=True
    ) as writer:
        writer.write("image", 0, image.astype(np.float32))
        writer.write("text", 0, sparse.csr_array(tags))
        words = [f"word{i}" for i in range(WORDS)]
        writer.annotate(labels=labels, classes=["a", "b", "c"], splits=splits, vocabulary=words)


@pytest.fixture(scope="module")
def by_split(tmp_path_factory) -> Path:
    """A folder in which both splits were trained, and Table 3 was made."""
    folder = tmp_path_factory.mktemp("by_split")
    prepare(folder, BY_SPLIT)
    write_store(folder / STORE)
    run(folder, "--", "table3", "model")
    return folder


def test_without_unlabelled_rows_each_split_is_trained_and_tables_say_so(by_split):
    folder = by_split / RUN
    for name in TRAINED:
        first, second = (folder / name.replace("split1", f"split{split}") for split in (1, 2))
        assert first.read_bytes() != second.read_bytes(), name
    assert not list(folder.rglob("unlabelled*"))
    said = "on the train and validation rows of each split (validation scores are optimistic)"
    assert said in (folder / "tables/table3.md").read_text()
    with Store(by_split / STORE) as store:
        for split in SPLITS:
            learned, _ = training_and_monitoring_rows(store, split, held_out=5, minimum_tags=2)
            log = (folder / f"logs/finetune/whole/n2/split{split}.log").read_text()
            assert f"learning from {len(learned)} rows" in log
    for split in SPLITS:
        model = mvi.load(folder / f"finetune/split{split}.safetensors")
        assert np.isfinite(model.encode({"image": np.ones((2, COLUMNS), np.float32), "text": None})).all()


def copied_store(by_split: Path, folder: Path, settings: dict[str, Any]) -> Path:
    """Prepare `folder` with a copy of the store alone, and return where that is."""
    prepare(folder, settings)
    (folder / STORE).parent.mkdir(parents=True)
    return Path(shutil.copy(by_split / STORE, folder / STORE))


def test_settings_are_searched_on_validation_rows(by_split, tmp_path):
    search = {"epochs": 2, "split": 2, "learning_rate": [0.1], "weight_std": [0.1, 0.2]}
    overlay = {"rows": {"parts": ["train"]}, "joint": {"search": search}}
    copied_store(by_split, tmp_path, BY_SPLIT | {"settings": overlay})
    run(tmp_path, "--", "search")
    folder = tmp_path / RUN
    table = (folder / "tables/search.csv").read_text().splitlines()
    # Two settings and epochs, three queries.
    assert len(table) == 1 + 2 * 2 * 3
    found = [float(line.rpartition(",")[2]) for line in table[1:]]
    assert all(0 < value < 1 for value in found) and len(set(found)) > 3
    assert "lambda fixed" in (folder / "tables/search.md").read_text()
    assert not list(folder.rglob("trial*.safetensors"))
    with Store(tmp_path / STORE) as store:
        learned, _ = training_and_monitoring_rows(store, 2, held_out=5, minimum_tags=2, parts=["train"])
    log = (folder / "logs/search_joint/mp/trial1.log").read_text()
    assert f"learning from {len(learned)} rows" in log


def test_what_is_best_on_validation_rows_is_trained_with_and_no_test_row_is_read(by_split, tmp_path):
    folder = tmp_path / "chosen"
    shutil.copytree(by_split, folder, symlinks=True)
    poison(folder / STORE, 1)
    ridges = [1000.0, 0.001]
    settings = {
        "compare": ["cca"],
        "finetune": [],
        "outputs": ["chosen"],
        "methods": {"cca": {"code": 2}},
        "search": {"cca": {"ridge": ridges}},
    }
    (folder / "given.yaml").write_text(yaml.safe_dump(BY_SPLIT | {"settings": settings}))
    run(folder, "--rerun-triggers", "mtime", "--", "chosen", f"{RUN}/joint/cca/split1.safetensors")
    folder /= RUN
    tried = [Scores(read_scores([folder / f"candidates/cca/{number}.csv"])) for number in (1, 2)]
    means = [
        sum(
            one.of(Key("cca", "map_interpolated", query, "validation", f"candidate={number}"))[1, 0]
            for query in ("image+text", "image")
        )
        for number, one in enumerate(tried, 1)
    ]
    assert len(set(means)) == 2
    best = ridges[means.index(max(means))]
    assert read_json(folder / "chosen/cca.json")["objective"] == {"code": 2, "ridge": best}
    made_with = checkpoints.config(folder / "joint/cca/split1.safetensors")["runs"]["small"]
    assert made_with["methods"]["cca"] == {"code": 2, "ridge": best}
    (row,) = (line for line in (folder / "tables/chosen.md").read_text().splitlines() if "yes |" in line)
    assert f"ridge {best}" in row and not list(folder.rglob("candidates/**/*.safetensors"))


def test_other_methods_stand_on_the_same_layers_or_score_labels_themselves(by_split, tmp_path):
    folder = tmp_path / "others"
    shutil.copytree(by_split, folder, symlinks=True)
    brief = {"joint": {"training": BRIEF}, "training": BRIEF}
    settings = {
        "compare": ["dbm", "autoencoder", "tagprop", "kernel_svm"],
        "outputs": ["table2"],
        "methods": {
            "dbm": {"chains": 10, "centred": True, **brief},
            "autoencoder": brief,
            "tagprop": {"neighbours": [3, 5]},
            "kernel_svm": {"C": [1, 10]},
        },
    }
    (folder / "given.yaml").write_text(yaml.safe_dump(BY_SPLIT | {"settings": settings}))
    names = settings["compare"]
    files = [f"{RUN}/scores/classify/{name}/split1.csv" for name in names]
    run(folder, "--rerun-triggers", "mtime", "--", *files)
    for name, file in zip(names, files, strict=True):
        scores = Scores(read_scores([folder / file]))
        variant = "multimodal" if name in names[:2] else ""
        values = [
            scores.of(Key(name, "map_interpolated", query, variant=variant))[1, None]
            for query in ("image+text", "image", "text")
        ]
        assert len(set(values)) == 3 and all(0 < value <= 1 for value in values), name
    assert not list(folder.rglob("*.joint.*")) and not list(folder.rglob("joint/tagprop"))


@pytest.mark.parametrize("rule", STAGES)
def test_reduced_precision_changes_what_a_stage_learns(by_split, tmp_path, rule):
    folder = tmp_path / "rounded"
    shutil.copytree(by_split, folder, symlinks=True)
    weights = folder / RUN / STAGES[rule]
    exact = load_file(weights)
    weights.unlink()
    # What stands below stays that of full precision, so that the stage alone makes the difference.
    run(
        folder,
        *("--rerun-triggers", "mtime", "--config", "precision=bfloat16", "--", f"{RUN}/{STAGES[rule]}"),
    )
    rounded = load_file(weights)
    assert rounded.keys() == exact.keys()
    off = {name: np.abs(rounded[name] - value).max() for name, value in exact.items()}
    assert 0 < max(off.values()) < 0.5


def poison(path: Path, split: int) -> None:
    """Make the image of test rows NaN and give them other tags, as many as before and each more often."""
    with h5py.File(path, "r+") as file:
        rows = file[f"splits/{split}/test"][:]
        image = file["image"][:]
        image[rows] = np.nan
        file["image"][:] = image
        indices, ends = file["text/indices"][:], file["text/indptr"][:]
        for row in rows:
            place = slice(ends[row], ends[row + 1])
            indices[place] = WORDS - 1 - indices[place][::-1]
        file["text/indices"][:] = indices
        more = np.isin(np.repeat(np.arange(len(image)), np.diff(ends)), rows)
        file["text/data"][:] = file["text/data"][:] + 3 * more


def test_no_test_row_reaches_any_stage(by_split, tmp_path):
    poison(copied_store(by_split, tmp_path, BY_SPLIT), 1)
    with Store(tmp_path / STORE) as store, Store(by_split / STORE) as clean:
        test = store.split(1)["test"]
        # Whoever reads one of them is stopped.
        with pytest.raises(DataError, match="has the value nan in row"):
            store.read("image", test[-1:])
        assert len(test) == 24
        assert (store.read("text", test) != clean.read("text", test)).any(1).sum() > 12
        np.testing.assert_array_equal(store.tag_counts(), clean.tag_counts())
        np.testing.assert_array_equal(store.labels(), clean.labels())
    run(tmp_path, "--", f"{RUN}/finetune/split1.safetensors")
    for name in (*TRAINED, "finetune/split1.safetensors"):
        assert (tmp_path / RUN / name).read_bytes() == (by_split / RUN / name).read_bytes(), name
        metrics = (by_split / RUN / name).with_suffix(".csv")
        if metrics.exists():
            assert (tmp_path / RUN / name).with_suffix(".csv").read_bytes() == metrics.read_bytes(), name


def test_stages_that_are_killed_go_on_and_end_with_the_same_bytes(by_split, tmp_path):
    folder = tmp_path / "killed"
    shutil.copytree(by_split, folder, symlinks=True)
    made = [folder / RUN / name for name in STAGES.values()]
    made += [path.with_suffix(".csv") for path in made]
    expected = {path: path.read_bytes() for path in made}
    for path in made:
        path.unlink()
    target = f"{RUN}/{STAGES['finetune']}"
    for name in STAGES.values():
        weights = folder / RUN / name
        kill_while_there_is(folder, target, weights.with_suffix(".checkpoint"))
        assert weights.with_suffix(".checkpoint").exists() and not weights.exists()
    run(folder, "--", target)
    for rule, name in STAGES.items():
        log = folder / RUN / "logs" / rule / Path(*Path(name).with_suffix(".log").parts[1:])
        assert "resuming after epoch" in log.read_text(), rule
        assert not (folder / RUN / name).with_suffix(".checkpoint").exists(), rule
    assert {path: path.read_bytes() for path in made} == expected


def kill_while_there_is(folder: Path, target: str, checkpoint: Path) -> None:
    """Begin to make `target`; kill Snakemake and the training, in the middle of whatever they do."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = subprocess.Popen(command("--", target), **process(folder), **quiet, process_group=0)
    try:
        while running.poll() is None and not checkpoint.exists():
            time.sleep(0.02)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
