# SPDX-License-Identifier: MIT
"""What Snakemake would run, and why: named targets, and reruns after an edit of a config key or a module.

Everything happens in a copy of the workflow, whose outputs are empty files that Snakemake has been told to
take for finished.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from mvi.workflow.config import resolve

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "rules", "workflow_scripts", "report", "config", "profiles", "mvi")
METHODS = 4
SEEDS = 3
DRAWN = {"write_table1", "draw_figure2", "draw_iterations", "draw_training", "write_report"}
# What follows when models change: encoded, classified, measured and drawn anew.
AFTER_TRAINING = {"encode", "classify", "sweep_iterations", "complete_digits", "join_scores", *DRAWN}
# Temporary representations are made again for those who read them.
AFTER_CLASSIFIER = {"encode", "classify", "write_table1", "join_scores", "write_report"}
THEORY = {"theory_measure", "theory_figure", "theory_table"}
# The resolved config stands beside the results of each experiment and is in what its page shows.
CONFIG = {"dump_config", "write_report", "dump_flickr_config", "write_flickr_report"}
# What follows when representations are made anew, when the finished network changes, when the top layer does.
AFTER_RETRIEVAL = {"write_retrieval", "draw_recall", "draw_galleries"}
AFTER_REPRESENTATIONS = {
    *("encode_pictures", "classify_pictures", "retrieve_pictures", "nearest_pictures"),
    *("write_table2", *AFTER_RETRIEVAL, "join_flickr_scores", "write_flickr_report"),
}
AFTER_SWEEP = {"write_table3", "draw_sweep", "join_flickr_scores", "write_flickr_report"}
AFTER_TAGS = {"write_tags", "draw_predicted_tags", "join_flickr_scores", "write_flickr_report"}
AFTER_NETWORK = {
    *("keep_model", "predict_tags", "sweep_pictures", "draw_learning"),
    *(AFTER_SWEEP | AFTER_TAGS | AFTER_REPRESENTATIONS),
}
AFTER_LAYERS = {"train_top", "finetune", *AFTER_NETWORK}
# What follows when only a top layer that is not finetuned changes: it is shown in no gallery.
AFTER_OTHER_TOP = AFTER_REPRESENTATIONS - {"nearest_pictures", "draw_galleries"} | {"draw_learning"}
# What follows when the numbers that describe a picture change, and when the pictures do.
AFTER_REFERENCE = {
    *("reference_rows", "write_reference_rows", "write_table2", "join_flickr_scores"),
    "write_flickr_report",
}
AFTER_STORE = {"scale_inputs", "pretrain_layer", *AFTER_LAYERS, *AFTER_REFERENCE}
AFTER_WORDS = {"describe_block", "picture_store", *AFTER_STORE}
FEATURES = {"generate_mini", "catalogue", "learn_words", "describe_block", "picture_store"}
# From pictures to the finished network.
NETWORK = {*FEATURES, "scale_inputs", "pretrain_layer", "train_top", "finetune", "dump_flickr_config"}
AFTER_CATALOGUE = {"learn_words", "data_card", *AFTER_WORDS}
# The default run's settings of pictures and tags decide how many jobs there are.
FLICKR = resolve(yaml.safe_load((ROOT / "config/config.yaml").read_text()))["flickr"]
INPUTS = len(FLICKR["reference_rows"]["inputs"])
LAYERS = {name: len(pathway["layers"]) for name, pathway in FLICKR["pathways"].items()}
OBJECTIVES = len(FLICKR["joint"]["compare"])
STAGES = len(FLICKR["finetune"])
# Networks of all stages but the last, and of the last with each number of iterations.
FINETUNED = STAGES - 1 + len({FLICKR["finetune"][-1]["iterations"], *FLICKR["sweep"]["trained"]})
MODELS = OBJECTIVES + STAGES


class Checkout:
    """A copy of the workflow in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        for name in PARTS:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, folder / name, ignore=ignored)
            else:
                shutil.copy(source, folder / name)

    def snakemake(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        """Run Snakemake on one core, with the copy's own library."""
        command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
        cleared = {key: value for key, value in os.environ.items() if key != "MVI_MIRROR"}
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**cleared, "PYTHONPATH": str(self.folder), **environment},
            capture_output=True,
            text=True,
        )

    def planned(self, *arguments: str) -> dict[str, int]:
        """Count the jobs of each rule that a dry run lists, targets without work left out."""
        done = self.snakemake("-q", "rules", "-n", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        table = re.search(r"^job +count\n-.*\n((?:.+\n)+?)total", done.stdout + done.stderr, re.M)
        lines = table[1].splitlines() if table else []
        jobs = {rule: int(count) for rule, count in map(str.split, lines)}
        targets = {"all", "table1", "figure2", "iterations", "training", "theory", "report"}
        targets |= {"features", "card", "reference", "table2", "table3", "retrieval", "tags"}
        targets |= {"figure3", "figure4", "learning", "model", "search"}
        return {rule: count for rule, count in jobs.items() if rule not in targets}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Checkout:
    """A copy in which nothing has been made."""
    return Checkout(tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Checkout:
    """A copy in which Snakemake takes everything for finished, with the settings and code of today."""
    checkout = Checkout(tmp_path_factory.mktemp("finished"))
    summary = checkout.snakemake("--summary", "all").stdout.splitlines()
    for line in summary:
        if line.startswith("results/"):
            path = checkout.folder / line.split("\t")[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    touched = checkout.snakemake("--touch", "--forceall", "all")
    assert touched.returncode == 0, touched.stderr
    for path in checkout.folder.glob("results/*/representations/**/*.h5"):
        path.unlink()
    assert checkout.planned("all") == {}
    return checkout


@pytest.mark.parametrize("together", [True, False])
def test_everything_is_planned_once(fresh, together):
    jobs = METHODS if together else METHODS * SEEDS
    assert fresh.planned("--config", f"seeds_together={together}", "--", "all") == {
        "make_store": 1,
        "train_joint": jobs,
        "encode": jobs,
        "classify": jobs,
        "classify_raw": 1,
        "sweep_iterations": METHODS,
        "complete_digits": METHODS,
        "theory_measure": 3,
        "theory_figure": 3,
        "theory_table": 1,
        "dump_config": 1,
        "join_scores": 1,
        "join_flickr_scores": 1,
        **dict.fromkeys(DRAWN, 1),
        "generate_mini": 1,
        "catalogue": 1,
        "learn_words": 1,
        "describe_block": 2,
        "picture_store": 1,
        "data_card": 1,
        "reference_rows": INPUTS,
        "write_reference_rows": 1,
        "scale_inputs": 1,
        "pretrain_layer": sum(LAYERS.values()),
        "train_top": OBJECTIVES,
        "finetune": FINETUNED,
        "keep_model": 1,
        "encode_pictures": MODELS,
        "classify_pictures": MODELS * len(FLICKR["classifier"]["train_on"]),
        "retrieve_pictures": MODELS,
        "nearest_pictures": 1,
        "sweep_pictures": FINETUNED - STAGES + 1,
        "predict_tags": 1,
        **dict.fromkeys(["write_table2", "write_table3", "write_retrieval", "write_tags"], 1),
        **dict.fromkeys(["draw_sweep", "draw_learning", "draw_recall", "draw_galleries"], 1),
        "draw_predicted_tags": 1,
        "dump_flickr_config": 1,
        "write_flickr_report": 1,
    }


@pytest.mark.parametrize(
    ("target", "rules"),
    [
        (
            "table1",
            {"make_store", "train_joint", "encode", "classify", "classify_raw", "write_table1"},
        ),
        ("figure2", {"make_store", "train_joint", "complete_digits", "draw_figure2"}),
        ("iterations", {"make_store", "train_joint", "sweep_iterations", "draw_iterations"}),
        ("training", {"make_store", "train_joint", "draw_training"}),
        ("theory", THEORY),
        ("features", FEATURES),
        ("card", {"generate_mini", "catalogue", "data_card"}),
        ("reference", {*FEATURES, "reference_rows", "write_reference_rows", "dump_flickr_config"}),
        (
            "table2",
            {*NETWORK, "encode_pictures", "classify_pictures", "reference_rows", "write_table2"},
        ),
        ("table3", {*NETWORK, "sweep_pictures", "write_table3", "draw_sweep"}),
        (
            "retrieval",
            {*NETWORK, "encode_pictures", "retrieve_pictures", "write_retrieval", "draw_recall"},
        ),
        ("tags", {*NETWORK, "predict_tags", "write_tags", "draw_predicted_tags"}),
        ("figure3", {*NETWORK, "encode_pictures", "nearest_pictures", "draw_galleries"}),
        ("figure4", {*NETWORK, "encode_pictures", "nearest_pictures", "draw_galleries"}),
        ("learning", {*NETWORK, "draw_learning"}),
        ("model", {*NETWORK, "keep_model"}),
        ("search", {*NETWORK, "search_top", "write_search"} - {"train_top", "finetune"}),
    ],
)
def test_a_named_target_plans_no_job_of_another(fresh, target, rules):
    halves = target in ("table1", "figure2", "iterations", "training")
    jobs = fresh.planned(target)
    assert set(jobs) == (rules | {"dump_config"} if halves else rules)
    # Only the objective that is finetuned where no other is compared with it; the same for iterations.
    others = target in ("table2", "retrieval", "learning")
    if "train_top" in rules:
        assert jobs["train_top"] == (OBJECTIVES if others else 1)
        assert jobs["finetune"] == (FINETUNED if target == "table3" else STAGES)
    if target == "table2":
        assert jobs["reference_rows"] < INPUTS


@pytest.mark.parametrize(
    ("experiments", "absent"),
    [
        ("[halves]", {"theory_measure", "describe_block"}),
        ("[flickr]", {"theory_measure", "train_joint", "pretrain_layer", "write_table2"}),
        ("[flickr, deep]", {"theory_measure", "train_joint"}),
        ("[theory]", {"train_joint", "describe_block", "write_report"}),
        ("[halves, theory]", {"describe_block"}),
    ],
)
def test_only_the_experiments_of_the_config_are_planned(fresh, experiments, absent):
    jobs = fresh.planned("--config", f"experiments={experiments}", "--", "all")
    assert not absent & set(jobs)
    assert ("train_joint" in jobs) == ("halves" in experiments)
    assert ("describe_block" in jobs) == ("flickr" in experiments)
    assert ("theory_measure" in jobs) == ("theory" in experiments)
    assert ("keep_model" in jobs) == ("deep" in experiments)


def test_the_real_pictures_are_planned_from_their_archives_in_blocks(fresh):
    jobs = fresh.planned("--configfile", "config/mirflickr25k.yaml", "--", "features")
    assert jobs == {
        "retrieve": 2,
        "catalogue": 1,
        "learn_words": 1,
        "describe_block": 10,
        "picture_store": 1,
    }


def test_the_archive_of_the_paper_is_planned_without_any_picture(fresh):
    jobs = fresh.planned("--configfile", "config/toronto.yaml", "--", "all")
    assert (jobs["retrieve"], jobs["make_store"], jobs["reference_rows"]) == (1, 1, 3)
    assert "describe_block" not in jobs and "data_card" not in jobs
    command = ["--configfile", "config/toronto.yaml", "--config", "experiments=[flickr, deep]", "--"]
    jobs = fresh.planned(*command, "all", "tags")
    assert {"write_tags", "write_table2", "draw_learning", "keep_model"} <= set(jobs)
    assert not {"draw_predicted_tags", "draw_galleries", "nearest_pictures"} & set(jobs)
    done = fresh.snakemake("-n", *command, "figure3")
    assert done.returncode == 1
    assert "The data set toronto has no pictures to draw; ask for its tables." in done.stdout + done.stderr


def test_without_unlabelled_rows_every_stage_is_planned_for_each_split(fresh):
    def planned(labelled, unlabelled):
        own = f"{{labelled: {labelled}, unlabelled: {unlabelled}, splits: {{train: 0.4}}}}"
        return fresh.planned("--config", f"data={{mini: {own}}}", "flickr={splits: [2, 5]}", "--", "table3")

    # As many unlabelled rows as training rows are enough to learn from.
    once, each = planned(100, 40), planned(100, 39)
    assert once["scale_inputs"] == 1
    for rule in ("scale_inputs", "pretrain_layer", "train_top", "finetune", "sweep_pictures"):
        assert each[rule] == 2 * once[rule], rule
    assert each["write_table3"] == once["write_table3"] == 1


def test_a_search_plans_every_trial_with_layers_that_know_no_validation_row(fresh):
    search = "joint: {search: {weight_std: [0.1, 0.2], learning_rate: [0.1, 0.2, 0.3], split: 3}}"
    data = "data={mini: {labelled: 100, unlabelled: 0}}"
    own = ["--config", data, f"flickr={{rows: {{parts: [train]}}, {search}}}", "--", "search"]
    jobs = fresh.planned(*own)
    assert jobs["search_top"] == 6 * OBJECTIVES and jobs["write_search"] == 1
    # Those of one split only.
    assert jobs["pretrain_layer"] == sum(LAYERS.values()) and jobs["scale_inputs"] == 1
    done = fresh.snakemake("-n", "--config", data, f"flickr={{{search}}}", "--", "search")
    assert done.returncode == 1
    assert "Settings are chosen on validation rows" in done.stdout + done.stderr


def test_a_network_s_activations_need_its_weights_and_no_words(fresh):
    command = ["--config", "features={kind: cnn}", "flickr={reference_rows: {inputs: [image]}}"]
    jobs = fresh.planned(*command, "--", "features")
    assert (jobs["retrieve"], jobs["describe_block"]) == (1, 2) and "learn_words" not in jobs


@pytest.mark.parametrize(
    "command",
    [["--configfile", "config/mnist.yaml", "--", "table1"], ["--configfile=config/mnist.yaml", "table1"]],
)
def test_mnist_is_planned_from_its_raw_files(fresh, command):
    jobs = fresh.planned(*command)
    assert jobs["retrieve"] == 4 and jobs["make_store"] == 1
    assert jobs["train_joint"] == METHODS


def settings(path: str, value: str) -> list[str]:
    """Command-line arguments that set one config key."""
    first, *rest = path.split(".")
    for key in reversed(rest):
        value = f"{{{key}: {value}}}"
    return ["--config", f"{first}={value}", "--", "all"]


@pytest.mark.parametrize(
    ("key", "value", "rules"),
    [
        ("data.digits.seed", "1", {"make_store", "train_joint", "classify_raw", *AFTER_TRAINING}),
        ("data.mnist.seed", "1", set()),
        ("halves.training.learning_rate", "0.5", {"train_joint", *AFTER_TRAINING}),
        ("checkpoint_seconds", "1", set()),
        ("cuda_graphs", "true", set()),
        ("halves.training.rejected_share", "0.5", {"train_joint", *AFTER_TRAINING}),
        ("halves.model.hidden", "7", {"train_joint", *AFTER_TRAINING}),
        ("halves.inference.iterations.mp", "3", {"complete_digits", "draw_figure2", *AFTER_CLASSIFIER}),
        ("halves.methods.mp.reveal", "0.5", {"train_joint", *AFTER_TRAINING}),
        (
            "halves.inference.tolerance",
            "0.1",
            {"complete_digits", "draw_figure2", *AFTER_CLASSIFIER},
        ),
        ("halves.classifier.C", "[1.0]", {"classify_raw", *AFTER_CLASSIFIER}),
        ("halves.classifier.train_on", "mixed", AFTER_CLASSIFIER),
        ("halves.sweep.iterations", "3", {"sweep_iterations", "draw_iterations"}),
        ("halves.figure2.seed", "5", {"complete_digits", "draw_figure2"}),
        ("data.mini.seed", "1", {"generate_mini", "catalogue", *AFTER_CATALOGUE}),
        ("data.mini.vocabulary.size", "9", {"catalogue", *AFTER_CATALOGUE}),
        ("data.mini.splits.seed", "9", {"catalogue", *AFTER_CATALOGUE}),
        ("data.mirflickr25k.splits.seed", "1", set()),
        ("features.phow.scales", "[4, 5]", {"learn_words", *AFTER_WORDS}),
        ("features.gist.stride", "1", AFTER_WORDS),
        ("features.edge_histogram.threshold", "5", AFTER_WORDS),
        ("features.phow.seed", "5", {"learn_words", *AFTER_WORDS}),
        ("features.precision", "float16", {"picture_store", *AFTER_STORE}),
        ("flickr.reference_rows.lambda", "[1.0]", AFTER_REFERENCE),
        ("flickr.reference_rows.text_scale", "1", AFTER_REFERENCE),
        ("flickr.standard_deviation", "deepnet", AFTER_STORE),
        ("flickr.card.sheet", "3", {"data_card", "write_flickr_report"}),
        ("flickr.rows.held_out", "5", {"pretrain_layer", *AFTER_LAYERS}),
        ("flickr.seed", "5", {"pretrain_layer", *AFTER_LAYERS}),
        ("flickr.pathways.image.transform.clip", "4", AFTER_STORE - AFTER_REFERENCE | AFTER_LAYERS),
        ("flickr.joint.training.learning_rate", "0.5", AFTER_LAYERS),
        ("flickr.joint.training_of", "{pcd: {l2: 0.0}}", {"train_top", *AFTER_OTHER_TOP}),
        ("flickr.joint.methods.pcd.chains", "7", {"train_top", *AFTER_OTHER_TOP}),
        ("flickr.joint.methods.mp.iterations", "7", AFTER_LAYERS),
        ("flickr.joint.monitor.iterations", "7", AFTER_LAYERS),
        ("flickr.joint.search.epochs", "7", set()),
        (
            "precision",
            "tf32",
            {"train_joint", "pretrain_layer", *AFTER_TRAINING, *AFTER_LAYERS},
        ),
        ("flickr.inference.tolerance", "0.1", AFTER_REPRESENTATIONS),
        ("flickr.inference.iterations", "7", {"predict_tags", *AFTER_TAGS, *AFTER_REPRESENTATIONS}),
        (
            "flickr.classifier.lambda",
            "[1.0]",
            {"sweep_pictures", *AFTER_SWEEP, *AFTER_REPRESENTATIONS},
        ),
        ("flickr.retrieval.seed", "5", AFTER_REPRESENTATIONS),
        ("flickr.sweep.iterations", "[0, 1, 2, 3, 5, 10, 12]", {"sweep_pictures", *AFTER_SWEEP}),
        ("flickr.predicted_tags.seed", "5", {"predict_tags", *AFTER_TAGS}),
        ("flickr.gallery.queries", "3", {"draw_galleries", "write_flickr_report"}),
        ("theory.consistency.repetitions", "9", THEORY),
        ("device", "cpu", set()),
    ],
)
def test_a_config_key_reruns_the_rules_that_use_it(finished, key, value, rules):
    jobs = finished.planned(*settings(key, value))
    assert set(jobs) == rules | CONFIG
    if key.startswith("halves.methods.mp"):
        assert (jobs["train_joint"], jobs["encode"], jobs["complete_digits"]) == (1, 1, 1)
    if key.startswith("flickr.joint.methods"):
        assert jobs["train_top"] == 1
        assert jobs["encode_pictures"] == (1 + STAGES if key.startswith("flickr.joint.methods.mp") else 1)
    if key.startswith("theory"):
        assert (jobs["theory_measure"], jobs["theory_figure"]) == (1, 1)


def changed(folder: Path, change: Callable[[dict], object]) -> list[str]:
    """Arguments for the default run with what `change` does to its settings of pictures and tags."""
    kept = json.loads(json.dumps({key: FLICKR[key] for key in ("pathways", "finetune")}))
    change(kept)
    path = folder / "changed.yaml"
    path.write_text(json.dumps({"flickr": kept}))
    return ["--configfile", str(path), "--", "all"]


@pytest.mark.parametrize(("name", "level"), [(name, n) for name in LAYERS for n in range(LAYERS[name])])
def test_a_layer_s_setting_trains_it_and_what_stands_on_it_again(finished, tmp_path, name, level):
    def change(settings):
        settings["pathways"][name]["layers"][level]["training"]["learning_rate"] *= 2

    jobs = finished.planned(*changed(tmp_path, change))
    assert set(jobs) == {"pretrain_layer", *AFTER_LAYERS} | CONFIG
    assert (jobs["pretrain_layer"], jobs["train_top"]) == (LAYERS[name] - level, OBJECTIVES)


@pytest.mark.parametrize("place", range(STAGES))
def test_a_stage_s_setting_trains_it_and_those_after_it_again(finished, tmp_path, place):
    def change(settings):
        settings["finetune"][place]["training"]["learning_rate"] *= 2

    jobs = finished.planned(*changed(tmp_path, change))
    assert set(jobs) == {"finetune", *AFTER_NETWORK} | CONFIG
    assert (jobs["finetune"], jobs["encode_pictures"]) == (FINETUNED - place, STAGES - place)


@pytest.mark.parametrize("place", range(STAGES))
def test_a_stage_s_title_is_only_written_anew(finished, tmp_path, place):
    def change(settings):
        settings["finetune"][place]["title"] += " again"

    jobs = finished.planned(*changed(tmp_path, change))
    assert set(jobs) == {"write_table2", "write_retrieval", "write_tags", "draw_recall"} | CONFIG


def test_settings_of_two_phases_changed_at_once_rerun_both(finished):
    changes = ["data={mini: {vocabulary: {size: 9}}}", "features={gist: {stride: 1}, phow: {seed: 7}}"]
    jobs = finished.planned("--config", *changes, "--", "features")
    assert set(jobs) == {"catalogue", "learn_words", "describe_block", "picture_store"}


def test_where_raw_files_are_kept_is_no_reason_to_rerun(finished, tmp_path):
    assert finished.planned("--config", f"mirror={tmp_path}", "--", "all") == {}


def test_a_mirror_that_is_no_folder_is_refused(fresh):
    done = fresh.snakemake("-n", "all", MVI_MIRROR="nowhere")
    assert done.returncode == 1 and "The mirror nowhere is not a folder" in done.stdout + done.stderr


@pytest.fixture
def edited(finished) -> Iterator:
    """Append text to a module of the copy's library; what was there comes back afterwards."""
    kept = {}

    def edit(name: str, text: str) -> None:
        path = finished.folder / name
        kept[path] = path.read_text()
        path.write_text(kept[path] + text)

    yield edit
    for path, text in kept.items():
        path.write_text(text)


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        ("data/readers/digits.py", {"make_store", "train_joint", "classify_raw", *AFTER_TRAINING}),
        ("data/readers/mnist.py", set()),
        (
            "training.py",
            {"train_joint", "pretrain_layer", *THEORY, *AFTER_TRAINING, *AFTER_LAYERS},
        ),
        # The queries of both experiments have their names from one protocol.
        ("evaluation/linear.py", {"classify_raw", *AFTER_CLASSIFIER, *AFTER_REPRESENTATIONS}),
        ("evaluation/completion.py", {"complete_digits", "draw_figure2", "write_report"}),
        # Training watches it on validation rows.
        ("evaluation/cross_entropy.py", {"train_joint", *AFTER_TRAINING, *AFTER_LAYERS}),
        (
            "plotting/curves.py",
            {"draw_training", "write_report", "draw_learning", "draw_sweep", "write_flickr_report"},
        ),
        ("plotting/halves.py", {"draw_figure2", "draw_iterations", "write_report"}),
        ("plotting/theory.py", {"theory_figure", "write_report"}),
        ("theory/summary.py", {"theory_figure", "theory_table", "write_report"}),
        ("theory/dynamics.py", {*THEORY, "write_report"}),
        ("data/readers/toronto.py", set()),
        ("features/gist.py", AFTER_WORDS),
        (
            "evaluation/multilabel.py",
            {
                *("predict_tags", "sweep_pictures"),
                *(AFTER_REFERENCE | AFTER_REPRESENTATIONS | AFTER_SWEEP | AFTER_TAGS),
            },
        ),
        ("evaluation/retrieval.py", AFTER_REPRESENTATIONS),
        ("evaluation/tag_prediction.py", {"predict_tags", *AFTER_TAGS}),
        ("objectives/mdrnn.py", {"finetune", *AFTER_NETWORK}),
        # A file of weights may hold any model, so that all who read one depend on each.
        (
            "mdrnn.py",
            {"train_joint", "pretrain_layer", *AFTER_LAYERS, *AFTER_TRAINING},
        ),
        ("stages.py", {"pretrain_layer", *AFTER_LAYERS}),
        ("replay.py", {"train_joint", "pretrain_layer", *THEORY, *AFTER_TRAINING, *AFTER_LAYERS}),
        ("top_layer.py", AFTER_LAYERS),
        ("evaluation/validation.py", set()),
        ("precision.py", {"train_joint", "pretrain_layer", *AFTER_TRAINING, *AFTER_LAYERS}),
        ("plotting/gallery.py", {"draw_galleries", "write_flickr_report"}),
        ("plotting/card.py", {"data_card", "write_flickr_report"}),
    ],
)
def test_a_module_reruns_the_rules_that_run_it(finished, edited, module, rules):
    edited(f"mvi/{module}", "\nEDITED = True\n")
    jobs = finished.planned("all")
    assert set(jobs) == rules
    if module == "theory/dynamics.py":
        assert jobs["theory_measure"] == 1


def test_a_comment_reruns_nothing(finished, edited):
    for module in ("numerics.py", "data/store.py", "plotting/style.py", "files.py"):
        edited(f"mvi/{module}", "\n# A remark.\n")
    assert finished.planned("all") == {}


def test_a_mistake_in_the_config_is_one_sentence(fresh):
    done = fresh.snakemake("-n", "--config", "halves={trainig: {}}", "--", "all")
    text = done.stdout + done.stderr
    assert done.returncode == 1
    assert 'config key "halves.trainig" is unknown; did you mean "halves.training"?' in text
    assert "Traceback" not in text and "config.py" not in text


def test_a_path_of_another_run_is_refused(fresh):
    done = fresh.snakemake("-n", "--", "results/mnist-paper/tables/table1.md")
    assert done.returncode == 1
    assert "MissingRuleException" in done.stderr + done.stdout


def test_a_failing_job_says_why_and_leaves_nothing_and_the_next_run_recovers(tmp_path):
    checkout = Checkout(tmp_path / "copy")
    target = "results/digits-default/joint/mp/seed0.safetensors"
    done = checkout.snakemake(target, "--config", "halves={training: {batch_size: 5000}}")
    log = (checkout.folder / "results/digits-default/logs/train_joint/mp/seeds.log").read_text()
    sentence = "a minibatch of 5000 rows needs at least as many training rows"
    assert done.returncode == 1
    assert sentence in log and sentence in done.stdout + done.stderr
    assert "Traceback" not in log
    folder = checkout.folder / target
    assert not folder.parent.exists() or not list(folder.parent.iterdir())
    assert checkout.snakemake(target, "--config", "halves={training: {epochs: 1}}").returncode == 0
    assert folder.stat().st_size > 0


def test_the_dumped_config_makes_the_same_run(tmp_path):
    checkout = Checkout(tmp_path / "copy")
    target = "results/digits-default/config.yaml"
    assert checkout.snakemake("--", target).returncode == 0
    dumped = checkout.folder / target
    assert yaml.safe_load(dumped.read_text())["run"] == "digits-default"
    assert checkout.planned("--configfile", target, "--", target) == {}


def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_bytes(tmp_path):
    target = "results/digits-default/joint/mp/seed0.safetensors"
    settings = [
        *("--config", "seeds=[0]", "checkpoint_seconds=0"),
        "halves={training: {epochs: 60}, model: {hidden: 60}}",
    ]
    whole = Checkout(tmp_path / "whole")
    assert whole.snakemake(target, *settings).returncode == 0
    killed = Checkout(tmp_path / "killed")
    command = [sys.executable, "-m", "snakemake", "--cores", "1", target, *settings]
    run = subprocess.Popen(
        command,
        cwd=killed.folder,
        env={**os.environ, "PYTHONPATH": str(killed.folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    checkpoint = (killed.folder / target).with_suffix(".checkpoint")
    try:
        while run.poll() is None and not checkpoint.exists():
            time.sleep(0.02)
        # Snakemake and the training, in the middle of whatever they do.
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    assert checkpoint.exists() and not (killed.folder / target).exists()
    assert killed.snakemake("--unlock").returncode == 0
    assert killed.snakemake(target, *settings).returncode == 0
    log = (killed.folder / "results/digits-default/logs/train_joint/mp/seeds.log").read_text()
    assert "resuming after epoch" in log
    assert (killed.folder / target).read_bytes() == (whole.folder / target).read_bytes()
    assert not checkpoint.exists()
