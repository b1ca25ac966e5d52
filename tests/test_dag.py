# SPDX-License-Identifier: MIT
"""What Snakemake would run, and why: named targets, and what an edit of a config key or a module makes anew.

Everything happens in a copy of the workflow, whose outputs are empty files that Snakemake has been told to
take for finished. The promise: an edit makes anew exactly what depends on it.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from conftest import copy_workflow

from mvi.workflow import results
from mvi.workflow.config import resolve
from mvi.workflow.plan import EXPERIMENTS, Plan

ROOT = Path(__file__).parents[1]
NAMED = {"all", "theory", "report", *results.TARGETS}
# The default without minivoc-default, which the rules of mini-default make: runs of three kinds say what an
# edit makes anew. They decide how many jobs there are.
RUNS = {"runs": ["digits-default", "mini-default", "theory"]}
PLAN = Plan(resolve(RUNS, ROOT / "config/runs"))
HALVES, DEEP = PLAN.runs["digits-default"], PLAN.runs["mini-default"]
LAYERS = {name: len(DEEP.levels(name)) for name in DEEP.modalities}
# Networks of all stages but the last, and of the last with each number of iterations.
FINETUNED = len(DEEP.stages) - 1 + len(DEEP.swept())
THEORY = {"theory_measure", "theory_figure", "theory_table"}
FEATURES = {"generate_mini", "catalogue", "learn_words", "describe_block", "image_store"}
# From images to the finished network, and from an image-only or multimodal query to scores.
NETWORK = {*FEATURES, "scale_inputs", "pretrain_layer", "train_joint", "finetune", "dump_config"}
SCORED, SEARCHED = {"encode", "classify", "baselines"}, {"encode", "search_database", "search_inputs"}


class Checkout:
    """A copy of the workflow in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        copy_workflow(folder)
        (folder / "config/config.yaml").write_text(yaml.safe_dump(RUNS))

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
        return {rule: count for rule, count in jobs.items() if rule not in NAMED}

    def refused(self, *arguments: str, **environment: str) -> str:
        """What a dry run that fails says."""
        done = self.snakemake("-n", *arguments, **environment)
        assert done.returncode == 1
        return done.stdout + done.stderr

    def files(self, *arguments: str) -> dict[str, tuple[str, bool]]:
        """Each output, its place under results/ without its ending: its rule, and whether to be made."""
        done = self.snakemake("--summary", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = [line.split("\t") for line in done.stdout.splitlines() if line.startswith("results/")]
        return {
            str(Path(path).with_suffix("").relative_to("results")): (rule, plan == "update pending")
            for path, _, rule, _, _, plan in lines
        }

    def stale(self, *arguments: str) -> dict[str, str]:
        """The outputs that are to be made, with their rules."""
        return {path: rule for path, (rule, stale) in self.files(*arguments).items() if stale}

    def finish(self, *arguments: str) -> None:
        """Tell Snakemake that all is made, with the settings and code of now."""
        for line in self.snakemake("--summary", *arguments).stdout.splitlines():
            if line.startswith("results/"):
                path = self.folder / line.split("\t")[0]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        touched = self.snakemake("--touch", "--forceall", *arguments)
        assert touched.returncode == 0, touched.stderr
        # Those who read them have them made again.
        for path in self.folder.glob("results/*/representations/**/*.h5"):
            path.unlink()
        assert self.planned(*arguments) == {}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Checkout:
    """A copy in which nothing has been made."""
    return Checkout(tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Checkout:
    """A copy in which all of the default is made."""
    checkout = Checkout(tmp_path_factory.mktemp("finished"))
    checkout.finish("all")
    return checkout


# -- what is planned ------------------------------------------------------------------------------------


@pytest.mark.parametrize("together", [True, False])
def test_everything_is_planned_once(fresh, together):
    runs = PLAN.runs.values()
    batches = {"digits-default": 1 if together else len(HALVES.parts), "mini-default": len(DEEP.parts)}
    encoded = sum(len(run.models) * batches[run.name] for run in runs)
    pages = dict.fromkeys(["dump_config", "write_report"], len(PLAN.runs) + len(PLAN.theory))
    tables = [name for run in runs for name in run.settings["outputs"] if name in results.TABLES]
    settings = f"settings={{seeds_together: {together}}}"
    assert fresh.planned("--config", settings, "--", "all") == {
        "make_store": 1,
        "scale_inputs": len(PLAN.runs),
        "train_joint": sum(len(run.compared) * len(run.parts) for run in runs),
        "encode": encoded,
        "classify": encoded,
        "baselines": sum(len(run.settings["baselines"]["inputs"]) for run in runs),
        **dict.fromkeys(["complete", "cross_entropy"], len(HALVES.compared)),
        **dict.fromkeys(["theory_measure", "theory_figure"], len(EXPERIMENTS)),
        "theory_table": 1,
        **dict.fromkeys(["generate_mini", "catalogue", "learn_words", "image_store", "data_card"], 1),
        "describe_block": len(DEEP.source.blocks()),
        "pretrain_layer": sum(LAYERS.values()),
        "finetune": FINETUNED,
        "export_model": len(DEEP.parts),
        "search_database": len(DEEP.models),
        "search_inputs": 1,
        "predict_tags_linearly": 2,
        "sweep_iterations": len(DEEP.swept()),
        **dict.fromkeys(["nearest_images", "predict_tags", "draw_galleries", "draw_predicted_tags"], 1),
        "write_table": len(tables),
        "write_class_table": 1,
        # Three of two halves; those of Table 3, of missing tags, of the trade, of recall and of learning.
        "draw_figure": 8,
        "join_scores": len(PLAN.runs),
        **pages,
    }


@pytest.mark.parametrize(
    ("target", "rules"),
    [
        ("table1", {"make_store", "encode", "classify", "baselines", "write_table"}),
        ("figure2", {"make_store", "complete", "draw_figure"}),
        ("iterations", {"make_store", "cross_entropy", "draw_figure"}),
        ("training", {"make_store", "draw_figure"}),
        ("theory", THEORY),
        ("features", {*FEATURES, "dump_config"}),
        ("card", {"generate_mini", "catalogue", "data_card", "dump_config"}),
        ("reference", {*FEATURES, "baselines", "write_table", "dump_config"}),
        ("table2", {*NETWORK, *SCORED, *SEARCHED, "write_table", "write_class_table"}),
        ("ablation", {*NETWORK, "encode", "classify", "sweep_iterations", "sweep_joint", "write_table"}),
        ("table3", {*NETWORK, "sweep_iterations", "write_table", "draw_figure"}),
        ("missing_tags", {*NETWORK, *SCORED, "draw_figure"}),
        ("trade", {*NETWORK, *SCORED, *SEARCHED, "draw_figure"}),
        ("retrieval", {*NETWORK, *SEARCHED, "write_table", "draw_figure"}),
        ("tag_search", {*NETWORK, "encode", "search_database", "predict_tags", "write_table"}),
        ("tags", {*NETWORK, "predict_tags", "predict_tags_linearly", "write_table", "draw_predicted_tags"}),
        ("figure3", {*NETWORK, "encode", "nearest_images", "draw_galleries"}),
        ("figure4", {*NETWORK, "encode", "nearest_images", "draw_galleries"}),
        ("learning", {*NETWORK, "draw_figure"}),
        ("model", {*NETWORK, "export_model"}),
        ("search", {*NETWORK, "search_joint", "write_search"} - {"train_joint", "finetune"}),
    ],
)
def test_a_named_target_plans_no_job_of_another(fresh, target, rules):
    halves = {"scale_inputs", "train_joint", "dump_config"}
    jobs = fresh.planned(target)
    assert set(jobs) == (rules | halves if "make_store" in rules else rules)
    # Only the method that is finetuned where no other is compared with it; the same for iterations.
    others = target in ("table2", "ablation", "missing_tags", "trade", "retrieval", "tag_search", "learning")
    if "pretrain_layer" in rules and target != "search":
        assert jobs["train_joint"] == (len(DEEP.compared) if others else 1)
        # Of the numbers of Table 3 the ablation has none and its own.
        counts = {"table3": FINETUNED, "ablation": len(DEEP.stages) + 1}
        assert jobs["finetune"] == counts.get(target, len(DEEP.stages))
    if target == "table2":
        assert jobs["baselines"] == len(results.LINEAR_INPUTS)
    assert jobs.get("write_table", 1) == jobs.get("draw_figure", 1) == jobs.get("dump_config", 1) == 1


def test_the_gain_is_planned_of_every_run_with_its_own_pairs_and_one_store(fresh):
    runs = "runs={a: {extends: mini-gain}, b: {extends: mini-gain-doubled, pairs: 2000}}"
    jobs = fresh.planned("--config", runs, "--", "gain")
    described = {
        "generate_mini": 1,
        "catalogue": 1,
        "convert_network": 1,
        "image_store": 1,
        "describe_block": 13,
    }
    own = ("draw_pairs", "scale_inputs", "train_joint", "finetune", "sweep_iterations", "predict_tags")
    each = dict.fromkeys((*own, "dump_config"), 2)
    assert jobs == {**described, **each, "pretrain_layer": 4, "baselines": 1, "draw_gain": 1}


@pytest.mark.parametrize("runs", [["digits-default"], ["mini-default", "theory"]])
def test_only_the_runs_of_the_config_are_planned(fresh, runs):
    found = fresh.files("--config", f"runs=[{', '.join(runs)}]", "--", "all")
    data = {"digits-default": "digits", "mini-default": "mini"}
    assert {Path(path).parts[0] for path in found} - {"data"} == set(runs)
    assert {Path(path).parts[1] for path in found if path.startswith("data/")} == {
        data[run] for run in runs if run in data
    }


def test_real_images_are_planned_from_their_archives_in_blocks(fresh):
    jobs = fresh.planned("--configfile", "config/mirflickr25k.yaml", "--", "features")
    once = dict.fromkeys(["catalogue", "learn_words", "image_store", "dump_config"], 1)
    assert jobs == {"download": 2, "describe_block": 10, **once}


def test_the_archive_of_the_paper_is_planned_without_any_image(fresh):
    jobs = fresh.planned("--configfile", "config/toronto.yaml", "--", "all")
    assert (jobs["download"], jobs["make_store"], jobs["baselines"]) == (1, 1, 3)
    assert "describe_block" not in jobs and "data_card" not in jobs
    command = ["--configfile", "config/toronto.yaml", "--config", "preset=paper", "--"]
    jobs = fresh.planned(*command, "all", "tags")
    assert {"write_table", "draw_figure", "export_model", "predict_tags"} <= set(jobs)
    assert not {"draw_predicted_tags", "draw_galleries", "nearest_images"} & set(jobs)
    said = fresh.refused(*command, "figure3")
    assert "The data set toronto has no images to draw; ask for its tables." in said


def test_without_unlabelled_rows_every_stage_is_planned_for_each_split(fresh):
    def planned(labelled, unlabelled):
        own = f"{{labelled: {labelled}, unlabelled: {unlabelled}, splits: {{train: 0.4}}}}"
        given = ("runs=[mini-default]", f"data={{mini: {own}}}", "settings={splits: [2, 5]}")
        return fresh.planned("--config", *given, "--", "table3")

    # As many unlabelled rows as training rows are enough to learn from.
    once, each = planned(10000, 4000), planned(10000, 3999)
    assert once["scale_inputs"] == 1
    for rule in ("scale_inputs", "pretrain_layer", "train_joint", "finetune", "sweep_iterations"):
        assert each[rule] == 2 * once[rule], rule
    assert each["write_table"] == once["write_table"] == 1


def test_a_search_plans_every_trial_with_layers_that_know_no_validation_row(fresh):
    search = "joint: {search: {weight_std: [0.1, 0.2], learning_rate: [0.1, 0.2, 0.3], split: 3}}"
    data = "data={mini: {labelled: 10000, unlabelled: 0}}"
    own = ["--config", "runs=[mini-default]", data]
    jobs = fresh.planned(*own, f"settings={{rows: {{parts: [train]}}, {search}}}", "--", "search")
    assert jobs["search_joint"] == 6 * len(DEEP.compared) and jobs["write_search"] == 1
    # Those of one split only.
    assert jobs["pretrain_layer"] == sum(LAYERS.values()) and jobs["scale_inputs"] == 1
    said = fresh.refused(*own, f"settings={{{search}}}", "--", "search")
    assert "Settings are chosen on validation rows" in said


def test_a_network_s_activations_need_its_weights_and_no_words(fresh):
    own = ["--config", "runs=[mini-default]"]
    for network, downloads in (("efficientnet_lite0", 0), ("alexnet", 1)):
        chosen = f"features={{kind: network, network: {network}}}"
        jobs = fresh.planned(*own, chosen, "settings={baselines: {inputs: [image]}}", "--", "features")
        assert (jobs["convert_network"], jobs["describe_block"]) == (1, 2) and "learn_words" not in jobs
        assert jobs.get("download", 0) == downloads


def test_mnist_is_planned_from_its_raw_files(fresh):
    jobs = fresh.planned("--configfile=config/mnist.yaml", "table1")
    assert jobs["download"] == 4 and jobs["make_store"] == 1
    assert jobs["train_joint"] == jobs["encode"] == len(HALVES.compared)


# -- what a setting makes anew --------------------------------------------------------------------------

# What follows when scores change: the page of a run is written after all else.
SCORED = {"write_table", "join_scores", "write_report"}
# Representations are temporary: whoever reads them anew has them made again, and all their readers follow.
CLASSIFIED = {"encode", "classify", *SCORED}
TRAINED = {*CLASSIFIED, "cross_entropy", "complete", "draw_figure"}
# The same on pathways, where what is encoded is searched and shown too.
REPRESENTED = {*CLASSIFIED, "write_class_table", "search_database", "draw_figure"}
SHOWN = {"nearest_images", "draw_galleries"}
TAGS = {"predict_tags", "draw_predicted_tags", *SCORED}
NETWORKS = {"export_model", "sweep_iterations", *TAGS, *REPRESENTED, *SHOWN}
JOINT = {"train_joint", "finetune", *NETWORKS}
# Cosines of input features, and tags predicted from them.
INPUTS = {"search_inputs", "predict_tags_linearly"}
STORED = {"scale_inputs", "pretrain_layer", "baselines", *INPUTS, *JOINT}
DESCRIBED = {"describe_block", "image_store", *STORED}
CATALOGUED = {"catalogue", "learn_words", "data_card", *DESCRIBED}


def changed(run: str, path: str, value: str) -> list[str]:
    """Arguments that make one run with one of its settings changed."""
    whole = path if path.split(".")[0] in ("data", "features") else f"settings.{path}"
    first, *rest = whole.split(".")
    for key in reversed(rest):
        value = f"{{{key}: {value}}}"
    return ["--config", f"runs=[{run}]", f"{first}={value}", "--", "all"]


@pytest.mark.parametrize(
    ("key", "value", "rules"),
    [
        ("data.digits.seed", "1", {"make_store", "scale_inputs", "train_joint", "baselines", *TRAINED}),
        ("data.mnist.seed", "1", set()),
        ("rows.parts", "[train, validation]", {"scale_inputs", "train_joint", *TRAINED}),
        ("joint.training.learning_rate", "0.5", {"train_joint", *TRAINED}),
        ("joint.training.rejected_share", "0.5", {"train_joint", *TRAINED}),
        ("joint.hidden", "7", {"train_joint", *TRAINED}),
        ("joint.monitor.iterations", "7", set()),
        ("inference.iterations", "{mp: 3}", {"complete", "draw_figure", *CLASSIFIED}),
        ("inference.tolerance", "0.1", {"complete", "draw_figure", *CLASSIFIED}),
        ("inference.block", "70", CLASSIFIED),
        ("methods.mp.reveal", "0.5", {"train_joint", *TRAINED}),
        ("classifier.C", "[1.0]", {"baselines", *CLASSIFIED}),
        ("classifier.train_on", "[mixed]", CLASSIFIED),
        ("sweep.iterations", "[3]", {"cross_entropy", "draw_figure", "join_scores", "write_report"}),
        ("completion.seed", "5", {"complete", "draw_figure", "write_report"}),
        ("compare", "[mp, pcd]", {"write_table", "join_scores", "draw_figure", "write_report"}),
        ("title", "Other", set()),
    ],
)
def test_a_setting_of_halves_makes_anew_what_uses_it(finished, key, value, rules):
    jobs = finished.stale(*changed("digits-default", key, value))
    # The page of a run has its settings beside it.
    shown = set() if key.startswith("data.mnist") else {"dump_config", "write_report"}
    assert set(jobs.values()) == rules | shown
    if key in ("methods.mp.reveal", "inference.iterations"):
        models = ("train_joint", "encode", "complete", "classify", "cross_entropy")
        assert all("mp" in Path(path).parts for path, rule in jobs.items() if rule in models)


@pytest.mark.parametrize(
    ("key", "value", "rules"),
    [
        ("data.mini.seed", "1", {"generate_mini", *CATALOGUED}),
        ("data.mini.vocabulary.size", "10", CATALOGUED),
        ("data.mini.splits.seed", "9", CATALOGUED),
        ("data.mirflickr25k.splits.seed", "1", set()),
        ("features.phow.scales", "[4, 5]", {"learn_words", *DESCRIBED}),
        ("features.phow.seed", "5", {"learn_words", *DESCRIBED}),
        ("features.gist.stride", "1", DESCRIBED),
        ("features.side", "32", set()),
        ("features.precision", "float16", {"image_store", *STORED}),
        ("features.unreadable", "0.5", {"image_store", *STORED}),
        ("baselines.lambda", "[1.0]", {"baselines", "write_class_table", "draw_figure", *SCORED}),
        ("baselines.text_scale", "1", {"baselines", "write_class_table", "draw_figure", *SCORED}),
        ("standard_deviation", "deepnet", STORED - {"search_inputs"}),
        ("card.sheet", "3", {"data_card"}),
        ("rows.held_out", "5", {"pretrain_layer", *JOINT}),
        ("seeds", "[5]", {"pretrain_layer", *JOINT}),
        ("pathways.image.transform.clip", "4", STORED - {"baselines", *INPUTS}),
        ("joint.training.learning_rate", "0.5", JOINT),
        ("joint.training_of", "{pcd: {l2: 0.0}}", {"train_joint", *REPRESENTED}),
        ("methods.pcd.chains", "7", {"train_joint", *REPRESENTED}),
        ("methods.mp.iterations", "7", JOINT),
        ("methods.hybrid.alpha", "0.7", set()),
        ("joint.monitor.iterations", "7", set()),
        ("joint.search.epochs", "7", set()),
        ("inference.tolerance", "0.1", NETWORKS - {"sweep_iterations"}),
        ("inference.iterations", "7", NETWORKS - {"sweep_iterations"}),
        ("classifier.lambda", "[1.0]", {"sweep_iterations", *REPRESENTED, *SHOWN}),
        ("retrieval.seed", "5", {"search_inputs", *REPRESENTED, *SHOWN}),
        ("sweep.iterations", "[0, 1, 2, 3, 5, 10, 12]", {"sweep_iterations", "draw_figure", *SCORED}),
        ("predicted_tags.seed", "5", {"predict_tags_linearly", *TAGS}),
        ("gallery.queries", "3", {"draw_galleries"}),
    ],
)
def test_a_setting_of_images_and_tags_makes_anew_what_uses_it(finished, key, value, rules):
    jobs = finished.stale(*changed("mini-default", key, value))
    shown = set() if key.startswith("data.mirflickr25k") else {"dump_config", "write_report"}
    assert set(jobs.values()) == rules | shown
    if key in ("joint.training_of", "methods.pcd.chains"):
        models = ("train_joint", "encode", "classify", "search_database")
        assert all("pcd" in Path(path).parts for path, rule in jobs.items() if rule in models)


@pytest.mark.parametrize(
    ("setting", "rules"),
    [
        ("precision=tf32", {"train_joint", "pretrain_layer", *TRAINED, *JOINT}),
        *((setting, set()) for setting in ("cuda_graphs=true", "checkpoint_seconds=1", "device=cpu")),
    ],
)
def test_a_setting_of_the_machine_trains_anew_where_it_changes_numbers(finished, setting, rules):
    jobs = finished.stale("--config", setting, "--", "all")
    assert set(jobs.values()) == {"dump_config", "write_report", *rules}
    assert sum(rule == "dump_config" for rule in jobs.values()) == len(PLAN.runs) + len(PLAN.theory)


def test_a_setting_of_an_experiment_of_the_theory_measures_that_again(finished):
    jobs = finished.stale(*changed("theory", "theory.consistency.repetitions", "9"))
    again = {"theory/consistency", "theory/figures/consistency", "theory/tables/theory"}
    assert set(jobs) == {*again, "theory/config", *page("theory")}


def laid_over(folder: Path, settings: dict) -> list[str]:
    """Arguments for mini-default with lists in its settings replaced."""
    path = folder / "changed.yaml"
    path.write_text(json.dumps({"runs": ["mini-default"], "settings": settings}))
    return ["--configfile", str(path), "--", "all"]


@pytest.mark.parametrize(("name", "level"), [(name, n) for name in LAYERS for n in range(LAYERS[name])])
def test_a_layer_s_setting_trains_it_and_what_stands_on_it_again(finished, tmp_path, name, level):
    pathways = json.loads(json.dumps(DEEP.settings["pathways"]))
    pathways[name]["layers"][level]["training"]["learning_rate"] *= 2
    jobs = finished.stale(*laid_over(tmp_path, {"pathways": pathways}))
    assert set(jobs.values()) == {"pretrain_layer", *JOINT, "dump_config"}
    (part,) = DEEP.parts
    assert {path for path, rule in jobs.items() if rule == "pretrain_layer"} == {
        f"mini-default/pretrain/{name}{n + 1}/{part.name}" for n in range(level, LAYERS[name])
    }


@pytest.mark.parametrize("place", range(len(DEEP.stages)))
@pytest.mark.parametrize("title", [True, False])
def test_a_stage_s_setting_trains_it_and_those_after_it_again_and_its_title_nothing(
    finished, tmp_path, place, title
):
    stages = json.loads(json.dumps(DEEP.settings["finetune"]))
    if title:
        stages[place]["title"] += " again"
    else:
        stages[place]["training"]["learning_rate"] *= 2
    jobs = finished.stale(*laid_over(tmp_path, {"finetune": stages}))
    written = {"dump_config", "write_report", "write_table", "draw_figure"}
    assert set(jobs.values()) == (written if title else {"finetune", *NETWORKS, "dump_config"})
    assert list(jobs.values()).count("finetune") == (0 if title else FINETUNED - place)
    assert list(jobs.values()).count("encode") == (0 if title else len(DEEP.stages) - place)


def test_another_order_of_the_comparison_trains_nothing(finished):
    order = ", ".join(reversed(DEEP.compared))
    jobs = finished.stale(*changed("mini-default", "compare", f"[{order}]"))
    written = {"write_table", "write_class_table", "draw_figure", "join_scores"}
    assert set(jobs.values()) <= {"dump_config", "write_report", *written}


def test_settings_of_two_phases_changed_at_once_rerun_both(finished):
    changes = ["data={mini: {vocabulary: {size: 9}}}", "features={gist: {stride: 1}, phow: {seed: 7}}"]
    jobs = finished.stale("--config", *changes, "--", "features")
    assert set(jobs.values()) == {*FEATURES, "dump_config"} - {"generate_mini"}


def test_where_raw_files_are_kept_is_no_reason_to_rerun(finished, tmp_path):
    assert finished.planned("--config", f"mirror={tmp_path}", "--", "all") == {}


def test_a_mirror_that_is_no_folder_is_refused(fresh):
    assert "The mirror nowhere is not a folder" in fresh.refused("all", MVI_MIRROR="nowhere")


# -- what an edit of the code makes anew ----------------------------------------------------------------


@contextlib.contextmanager
def edited(checkout: Checkout, module: str, text: str = "\nEDITED = True\n") -> Iterator[None]:
    """Append text to a module of the copy's library; what was there comes back afterwards."""
    path = checkout.folder / "mvi" / module
    kept = path.read_text()
    path.write_text(kept + text)
    try:
        yield
    finally:
        path.write_text(kept)


def those(checkout: Checkout, patterns: Sequence[str], arguments: Sequence[str] = ("all",)) -> set[str]:
    """The outputs that match a pattern, each of which must match some."""
    every = checkout.files(*arguments)
    lacking = [pattern for pattern in patterns if not any(fnmatch(path, pattern) for path in every)]
    assert not lacking
    return {path for path in every if any(fnmatch(path, pattern) for pattern in patterns)}


def page(run: str, *more: str) -> list[str]:
    """The page of a run with what it shows."""
    return [f"{run}/{name}" for name in ("report", "findings", "cost", "checksums", *more)]


DIGITS_TABLE = page("digits-default", "scores", "tables/table1")
# What is made of mini but its settings; its raw files are where it begins.
MINI = [
    "data/mini/*",
    *page("mini-default", "scores", "nearest"),
    *(
        f"mini-default/{name}/*"
        for name in [
            *("inputs", "pretrain", "joint", "finetune", "representations", "scores", "tables", "figures"),
            "predicted_tags",
        ]
    ),
]
MINI_TABLES = page(
    "mini-default",
    *(f"tables/{name}" for name in ("reference", "table2", "table3", "retrieval", "tags", "tag_search")),
)
# Scores of logistic regressions, or of what is read with them.
LINEAR = ("classify", "baselines", "sweep", "retrieval", "linear_tags")
PROMISES = {
    # A method trains what it trains, and no other.
    "objectives/percloss.py": [
        "*/joint/cd_percloss/*",
        "*/representations/cd_percloss/*",
        "*/scores/*/cd_percloss*",
        "digits-default/completions/cd_percloss",
        *DIGITS_TABLE,
        "digits-default/figures/*",
        *page("mini-default", "scores", "tables/table2*"),
        *(f"mini-default/tables/{name}" for name in ("retrieval", "tag_search")),
        *(f"mini-default/figures/{name}" for name in ("recall", "learning", "missing_tags", "trade")),
        *page("theory", "training", "figures/training", "tables/theory"),
    ],
    # What monitors a training changes nothing in it; it also measures the curves of mean-field iterations.
    "training/monitors.py": [
        "digits-default/scores/cross_entropy/*",
        *page("digits-default", "scores", "figures/iterations"),
    ],
    "synthetic/people.py": MINI,
    "evaluation/svm.py": [
        "digits-default/representations/*",
        "digits-default/scores/classify/*",
        "digits-default/scores/baselines/*",
        *DIGITS_TABLE,
    ],
    # The representations that it reads are made again, so that retrieval, which reads them too, follows.
    "evaluation/logistic.py": [
        "mini-default/representations/*",
        *(f"mini-default/scores/{name}/*" for name in LINEAR),
        *page("mini-default", "scores", "nearest"),
        *MINI_TABLES,
        "mini-default/tables/table2_classes",
        *(f"mini-default/figures/{name}" for name in ("table3", "recall", "missing_tags", "trade")),
        *(f"mini-default/figures/{name}" for name in ("figure3", "figure4", "nearest")),
    ],
    "report/captions.py": [*page("digits-default", "tables/table1"), *MINI_TABLES],
    "report/figures/style.py": [
        "*/figures/*",
        "data/mini/card/*",
        *(name for run in (*PLAN.runs, *PLAN.theory) for name in page(run)),
    ],
    "methods/hybrid.py": [
        "digits-default/*/hybrid/*",
        "digits-default/scores/cross_entropy/hybrid",
        "digits-default/completions/hybrid",
        *DIGITS_TABLE,
        "digits-default/figures/*",
    ],
}


@pytest.mark.parametrize("module", PROMISES)
def test_an_edit_makes_anew_what_depends_on_it_and_no_more(finished, module):
    expected = those(finished, PROMISES[module])
    with edited(finished, module):
        assert set(finished.stale("all")) == expected


def test_files_to_be_made_are_those_of_the_jobs_that_would_run(finished):
    with edited(finished, "objectives/percloss.py"):
        jobs, files = finished.planned("all"), finished.stale("all")
    assert set(jobs) == set(files.values())
    assert jobs["train_joint"] == len(HALVES.parts) + len(DEEP.parts)
    assert list(files.values()).count("train_joint") == jobs["train_joint"]


def test_the_painter_of_scenes_touches_no_real_image(tmp_path):
    checkout = Checkout(tmp_path / "both")
    small = {"splits": [1], "outputs": ["features", "reference", "model"], "sweep": {"trained": []}}
    runs = {name: {"extends": name, **small} for name in ("mini-default", "mirflickr25k-25k")}
    (checkout.folder / "both.yaml").write_text(json.dumps({"runs": runs}))
    arguments = ["--configfile", "both.yaml", "--", "all"]
    checkout.finish(*arguments)
    with edited(checkout, "synthetic/people.py"):
        jobs = checkout.stale(*arguments)
    real = {path for path in jobs if "mirflickr25k" in path}
    assert not real and {"generate_mini", "describe_block", "train_joint"} <= set(jobs.values())


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        ("data/readers/digits.py", {"make_store", "scale_inputs", "train_joint", "baselines", *TRAINED}),
        *((f"data/readers/{name}.py", set()) for name in ("mnist", "toronto", "folder")),
        ("data/sets/mini.py", set()),
        ("data/registry.py", set()),
        ("features/gist.py", DESCRIBED),
        *((f"features/{name}.py", set()) for name in ("onnx_network", "conversion", "networks")),
        (
            "training/loop.py",
            {"pretrain_layer", *THEORY, *TRAINED, *JOINT},
        ),
        ("training/joint_layer.py", {*TRAINED, *JOINT}),
        ("training/pathway_layer.py", {"pretrain_layer", *JOINT}),
        ("objectives/finetuning.py", {"finetune", *NETWORKS}),
        ("evaluation/completion.py", {"complete", "draw_figure", "write_report"}),
        (
            "evaluation/classification.py",
            {"baselines", "sweep_iterations", *REPRESENTED, *SHOWN},
        ),
        # Tags are searched for by their probabilities too.
        (
            "evaluation/retrieval.py",
            {"search_inputs", "predict_tags", "draw_predicted_tags", *REPRESENTED, *SHOWN},
        ),
        ("evaluation/tag_prediction.py", {"predict_tags_linearly", *TAGS}),
        ("evaluation/validation.py", set()),
        ("theory/dynamics.py", {*THEORY, "write_report"}),
        ("report/specs.py", {"write_table", "write_report"}),
        ("report/theory_table.py", {"theory_table", "write_report"}),
        ("report/figures/gallery.py", {"draw_galleries", "write_report"}),
        ("report/figures/card.py", {"data_card", "write_report"}),
        ("workflow/plan.py", set()),
        ("workflow/schema.py", set()),
    ],
)
def test_a_module_reruns_the_rules_that_run_it(finished, module, rules):
    with edited(finished, module):
        jobs = finished.stale("all")
    assert set(jobs.values()) == rules
    if module.startswith("theory/"):
        assert list(jobs.values()).count("theory_measure") == 1


def test_a_comment_and_an_edit_of_what_only_tests_and_readers_use_rerun_nothing(finished):
    modules = ("models/numerics.py", "data/store.py", "report/figures/style.py", "files.py")
    with contextlib.ExitStack() as stack:
        for module in modules:
            stack.enter_context(edited(finished, module, "\n# A remark.\n"))
        stack.enter_context(edited(finished, "version.py"))
        stack.enter_context(edited(finished, "models/public.py"))
        assert finished.planned("all") == {}


def test_a_touch_of_the_scripts_reruns_nothing_and_an_edit_what_it_makes(finished):
    scripts = finished.folder / "workflow_scripts"
    for path in (*scripts.glob("*.py"), *(finished.folder / "mvi").rglob("*.py")):
        path.touch()
    assert finished.planned("all") == {}
    script = scripts / "draw_recall.py"
    content = script.read_text()
    try:
        script.write_text(content + "\nEDITED = True\n")
        assert finished.planned("all") == {"draw_figure": 1, "write_report": 1}
    finally:
        script.write_text(content)
    assert finished.planned("all") == {}


# -- mistakes, interruptions, repetition ----------------------------------------------------------------


def test_a_mistake_in_the_config_is_one_sentence(fresh):
    said = fresh.refused("--config", "settings={joint: {trainig: {}}}", "--", "all")
    assert 'config key "settings.joint.trainig" is unknown; did you mean "settings.joint.training"?' in said
    assert "Traceback" not in said and "config.py" not in said


def test_mistakes_that_the_numbers_of_rows_show_are_refused_before_the_first_job(fresh):
    said = fresh.refused("--config", "settings={joint: {training: {batch_size: 5000}}}", "--", "all")
    assert 'config key "runs.digits-default.joint.training.batch_size" is 5000, but there are only' in said
    assert "Traceback (most recent call last)" not in said


def test_a_key_that_stands_twice_in_a_config_file_is_refused(fresh):
    (fresh.folder / "twice.yaml").write_text("device: cpu\nruns: [digits-default]\ndevice: cuda\n")
    said = fresh.refused("--configfile", "twice.yaml", "--", "all")
    assert 'twice.yaml has the key "device" twice in the mapping from line 1 on.' in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--config", "runs=[mini-default]", "--", "table1"],
            "No run of this config makes table1 (runs: mini-def",
        ),
        (["--configfile", "config/toronto.yaml", "--", "table2"], "of toronto: archive, paper)."),
        # Not a network of the paper's sizes for some images of one's own.
        (
            ["--configfile", "config/folder.yaml", "--config", "{data}", "--", "model"],
            "of folder: collection, deep, own).",
        ),
        # Of a dependency far below the target.
        (
            ["--configfile", "config/folder.yaml", "--config", "{data}", "preset=deep", "--", "table2"],
            "has no labels",
        ),
    ],
)
def test_what_no_run_can_make_is_refused_in_one_sentence(fresh, arguments, sentence):
    (fresh.folder / "own").mkdir(exist_ok=True)
    for number in range(3):
        (fresh.folder / f"own/{number}.png").touch()
    (fresh.folder / "own.csv").write_text(
        "file,tags\n" + "".join(f"{number}.png,sea\n" for number in range(3))
    )
    data = "data={folder: {images: own, table: own.csv}}"
    done = fresh.snakemake("-n", *(one.replace("{data}", data) for one in arguments))
    (said,) = [line for line in done.stderr.splitlines() if sentence in line]
    assert done.returncode == 1 and said.endswith(".")
    for noise in ("Traceback", "Wildcards", "Exception", ".smk", ".py,"):
        assert noise not in done.stderr


def test_an_edit_of_inference_trains_nothing_and_rewrites_what_users_load(tmp_path):
    checkout, asked = Checkout(tmp_path), ["--config", "runs=[digits-default]"]
    seeds = "seeds: [0, 1], compare: [pcd, mp]"
    checkout.finish(*asked, f"settings={{{seeds}}}", "--", "model")
    for edit in ("tolerance: 0.5", "stop: block", "start_state: zeros", "iterations: {pcd: 3, mp: 3}"):
        stale = checkout.stale(*asked, f"settings={{{seeds}, inference: {{{edit}}}}}", "--", "model")
        assert stale == {
            "digits-default/config": "dump_config",
            **{
                f"digits-default/models/{method}/seed{seed}": "export_joint"
                for method in ("pcd", "mp")
                for seed in (0, 1)
            },
        }, edit


def test_two_kinds_of_features_of_one_data_set_stand_side_by_side(fresh):
    runs = ["mini-default", "coarse: {extends: mini-default, features: {name: coarse, image_size: 64}}"]
    asked = ["--config", f"runs={{mini-default: {{}}, {runs[1]}}}", "settings={outputs: [reference]}", "--"]
    jobs = fresh.planned(*asked, "features")
    twice = dict.fromkeys(["learn_words", "image_store", "dump_config"], 2)
    assert jobs == {"generate_mini": 1, "catalogue": 1, "describe_block": 4, **twice}
    files = fresh.files(*asked, "reference")
    for features, run in (("descriptors", "mini-default"), ("coarse", "coarse")):
        assert f"data/mini/{features}/store" in files and f"{run}/scores/baselines/phow" in files


def test_a_path_of_another_run_is_refused(fresh):
    assert "MissingRuleException" in fresh.refused("--", "results/mnist-paper/tables/table1.md")


def test_a_failing_job_says_why_and_leaves_nothing_and_the_next_run_recovers(tmp_path):
    checkout = Checkout(tmp_path / "copy")
    target = "results/digits-default/joint/mp/seed0.safetensors"
    done = checkout.snakemake(target, "--config", "settings={joint: {weight_std: 1.0e+39}}")
    log = (checkout.folder / "results/digits-default/logs/train_joint/mp/seed0.log").read_text()
    sentence = "numbers stopped being finite in epoch 1"
    assert done.returncode == 1
    assert sentence in log and sentence in done.stdout + done.stderr
    assert "Traceback" not in log
    folder = checkout.folder / target
    assert not folder.parent.exists() or not list(folder.parent.iterdir())
    assert checkout.snakemake(target, "--config", "settings={joint: {training: {epochs: 1}}}").returncode == 0
    assert folder.stat().st_size > 0


def test_the_dumped_config_makes_the_same_run(tmp_path):
    checkout = Checkout(tmp_path / "copy")
    target = "results/digits-default/config.yaml"
    assert checkout.snakemake("--", target).returncode == 0
    dumped = checkout.folder / target
    assert list(yaml.safe_load(dumped.read_text())["runs"]) == ["digits-default"]
    assert checkout.planned("--configfile", target, "--", target) == {}


def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_bytes(tmp_path):
    target = "results/digits-default/joint/mp/seed0.safetensors"
    settings = [
        *("--config", "runs=[digits-default]", "checkpoint_seconds=0"),
        "settings={seeds: [0], joint: {hidden: 60, training: {epochs: 60}}}",
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
        process_group=0,
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
    log = (killed.folder / "results/digits-default/logs/train_joint/mp/seed0.log").read_text()
    assert "resuming after epoch" in log
    assert (killed.folder / target).read_bytes() == (whole.folder / target).read_bytes()
    assert not checkpoint.exists()
