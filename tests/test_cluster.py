# SPDX-License-Identifier: MIT
"""What jobs ask a cluster for: more with more data and with each attempt, and a partition that has it.

The plugin for Slurm runs with programs of Slurm that only write down how they were called.
"""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from conftest import copy_workflow

from mvi.workflow.binding import growing
from mvi.workflow.config import resolve
from mvi.workflow.plan import Plan

ROOT = Path(__file__).parents[1]
# Where `make test` puts it: beside what every call of Snakemake would have to import.
PLUGINS = Path(sys.prefix, "plugins")
FAKES = {
    # The process number is the job's.
    "sbatch": 'printf "%s\\n" "$@" > "$FAKE_SLURM/$$.args"; echo $$',
    "squeue": 'for file in "$FAKE_SLURM"/*.args; do echo "$(basename "$file" .args)|FAILED"; done',
    "scontrol": 'echo "MinJobAge = 600 sec"; echo "MaxArraySize = 1001"',
    "sinfo": 'echo "PARTITION"; echo "main*"',
    "sacctmgr": "echo lab",
    "sacct": "exit 1",
    "scancel": "true",
}


def plan(**laid_over) -> Plan:
    """The plan of the default with other settings."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    return Plan(resolve({**config, **laid_over}, ROOT / "config/runs"))


def test_an_amount_grows_with_the_data_and_with_each_attempt():
    amount = growing(100, 0.5, lambda wildcards: wildcards["size"])
    assert amount({"size": 0}, 1) == 100
    assert amount({"size": 301}, 1) == 251
    assert amount({"size": 301}, 3) == 752
    assert growing(100)({"size": 301}, 2) == 200
    assert growing(100, 1, lambda wildcards: 1000, most=150)({}, 1) == 150


def test_the_sizes_of_data_are_those_of_rows_columns_and_hidden_units():
    halves = plan().runs["digits-default"]
    # 1,797 digits of 8 x 8 pixels; both modalities, and three queries of 200 hidden units.
    assert halves.source.all_mb == halves.labelled_mb == pytest.approx(1797 * 64 * 4 / 1e6)
    assert halves.represented_mb == pytest.approx(1797 * 3 * 200 * 4 / 1e6)
    few = plan().runs["mini-default"]
    many = plan(data={"mini": {"unlabelled": 100_000}}).runs["mini-default"]
    assert many.source.all_mb > 20 * few.source.all_mb
    assert many.labelled_mb == few.labelled_mb
    # 2,500 unlabelled rows and 1,500 others; at most 500 batches of 50 an epoch.
    epochs = few.layer_settings("image", "1")["training"]["epochs"]
    assert few.shown_to_layer("image", "1") == 4 * epochs
    assert many.shown_to_layer("image", "1") == 25 * epochs
    longer = plan(settings={"joint": {"training": {"epochs": 40}}}).runs["mini-default"]
    assert longer.shown_to_joint("mp") == 2 * few.shown_to_joint("mp")


def test_every_rule_that_a_cluster_runs_says_its_memory_and_time():
    # So that nothing is lost with the profile's defaults.
    for path in sorted((ROOT / "rules").glob("*.smk")):
        text = path.read_text()
        local = "".join(re.findall(r"^localrules:\n((?:    .*\n)+)", text, re.M))
        for name, body in re.findall(r"^ *rule (\w+):\n(.*?)(?=^ *(?:use )?rule |\Z)", text, re.M | re.S):
            said = re.search(r"\"\.\./workflow_scripts/(\w+)\.py\"", body)
            if said and f"    {name}," not in local and "draw_" not in said[1]:
                assert "mem_mb=memory(" in body, (path, name)
                assert re.search(r"runtime=(?:\w*minutes\(|\"|\d)", body), (path, name)


@pytest.fixture
def cluster(tmp_path):
    """A copy of the workflow in which all is made but a training and a measurement; returns what runs it."""
    found = find_spec("snakemake_executor_plugin_slurm")
    if not found and not (PLUGINS / "snakemake_executor_plugin_slurm").exists():
        pytest.skip("the plugin for Slurm is not installed; make test installs it")
    folder, calls, programs = tmp_path / "copy", tmp_path / "calls", tmp_path / "bin"
    for new in (folder, calls, programs):
        new.mkdir()
    copy_workflow(folder)
    for name, body in FAKES.items():
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    for made in ("results/data/digits/store.h5", "results/digits-default/inputs/split1.safetensors"):
        (folder / made).parent.mkdir(parents=True)
        (folder / made).touch()
    path = [str(folder), str(PLUGINS), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(path),
        "FAKE_SLURM": str(calls),
    }

    def submitted(*arguments: str) -> list[dict[str, str]]:
        """Options of every job that Snakemake submits, in order; all fail."""
        done = subprocess.run(
            [
                *(sys.executable, "-m", "snakemake", "--workflow-profile", "slurm"),
                *("--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1"),
                *(*arguments, "--", "results/digits-default/joint/mp/seed0.safetensors"),
                "results/theory/identity.json",
            ],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1, done.stdout + done.stderr
        files = sorted(calls.glob("*.args"), key=lambda path: path.stat().st_mtime_ns)
        assert files, done.stdout + done.stderr
        return [options(path.read_text().splitlines()) for path in files]

    return submitted


def options(words: list[str]) -> dict[str, str]:
    """What sbatch was told, by option."""
    found = {}
    for place, word in enumerate(words):
        if re.fullmatch(r"--[\w-]+=.*", word):
            name, _, value = word.partition("=")
            found[name] = value
        elif re.fullmatch(r"--?[a-zA-Z][\w-]*", word):
            found[word] = words[place + 1]
    return found


def test_each_job_goes_to_a_partition_that_has_what_it_asks_for_and_each_attempt_asks_for_more(cluster):
    jobs = cluster(*("--slurm-partition-config", "profiles/slurm/partitions.yaml", "--config", "device=cuda"))
    trained = [job for job in jobs if "train_joint" in job["--comment"]]
    measured = [job for job in jobs if "theory_measure" in job["--comment"]]
    # The profile has one more attempt for each.
    assert len(trained) == len(measured) == 2
    assert {job["-p"] for job in trained} == {"gpu"} and {job["--gpus"] for job in trained} == {"1"}
    assert {job["-p"] for job in measured} == {"short"} and "--gpus" not in measured[0]
    for first, second in (trained, measured):
        assert int(first["--mem"]) > 1000 and int(first["-t"]) >= 60
        assert int(second["--mem"]) == pytest.approx(2 * int(first["--mem"]), abs=1)
        assert int(second["-t"]) == pytest.approx(2 * int(first["-t"]), abs=1)


def test_an_account_on_the_command_line_takes_nothing_from_the_jobs(cluster):
    jobs = cluster("--default-resources", "slurm_account=lab", "slurm_partition=main")
    assert {job["-A"] for job in jobs} == {"lab"} and {job["-p"] for job in jobs} == {"main"}
    # 1,000 MB is what Snakemake gives to who says nothing.
    assert all(int(job["--mem"]) > 1000 and int(job["-t"]) >= 60 for job in jobs)
