# SPDX-License-Identifier: MIT
"""Binds what `mvi.workflow` says of a run or a data set to the wildcards of rules; no rule stands here."""

import os
import sys
from pathlib import Path

from snakemake.logging import logger

from mvi.data.sets.base import module_of
from mvi.data.sets.registry import DATASETS
from mvi.errors import MviError
from mvi.features.networks import NETWORKS
from mvi.methods.registry import METHODS
from mvi.workflow import plan, results, summary
from mvi.workflow.binding import bound, feature, growing, one_of, setting
from mvi.workflow.config import read_settings, resolve
from mvi.workflow.plan import EXPERIMENTS, Plan, Run, Source, Theory
from mvi.workflow.progress import Progress, costs
from mvi.workflow.provenance import gpus, script_hash
from mvi.workflow.terminal import take_over

# What monitors a training and changes nothing in it: an edit trains nothing again.
MONITORS = ["mvi.training.monitors"]
# What the record of a method leads to besides, for jobs that do not train by it, or neither train nor load.
FITTING = ["mvi.training.joint_layer", "mvi.training.direct", "mvi.training.greedy"]
FITTING_AND_LOADING = [*FITTING, "mvi.models.assembly"]
# What jobs ask a cluster for, in MB or minutes, and how many more for each MB of data; with each attempt more.
# Set by docs/benchmarks.md ("Runtime and memory of runs") with room to spare. What reads its data in blocks asks
# for little more where there are more of them. A job of a cluster holds two Snakemakes besides.
memory = minutes = growing


def checked(question, *arguments):
    """Ask, and end the run with one sentence where a user has made a mistake.

    Any other exception than an exit would be wrapped by Snakemake in some lines of its own and a traceback.
    """
    try:
        return question(*arguments)
    except MviError as error:
        raise SystemExit(str(error)) from None


# Snakemake's own reader lets the last of two keys win.
for _file in workflow.configfiles:
    checked(read_settings, Path(_file))
# Complete, in place; where raw files are kept is no reason to make results anew, so that jobs do not see it.
resolved = checked(resolve, config)
if resolved["mirror"]:
    os.environ.update(MVI_MIRROR=resolved["mirror"])
checked(plan.check_mirror, os.environ.get("MVI_MIRROR"))
config.clear()
config.update(resolved, mirror=None)
PLAN = checked(Plan, config)
# A table of one's own images that is wrong is said as such, and not as a fault of the rule that asks for rows.
for _source in PLAN.sources.values():
    checked(lambda: _source.size)
    if workflow.is_main_process:
        checked(lambda: _source.catalogue_ahead)


def at_end():
    """The lines that a run ends with: who asks for a table by name sees it, who asks for all what was found."""
    if workflow.execution_settings.no_hooks:
        return []
    return summary.at_end(PLAN, set(workflow.dag_settings.targets))


# A dry run, and one with --verbose, say all that Snakemake says.
_said = workflow.output_settings
if workflow.is_main_process and not (_said.dryrun or _said.verbose):
    take_over(logger, Progress(checked(costs, PLAN.runs.values())), at_end)


def of(question):
    """Ask about the run of a job."""
    return bound(question, lambda wildcards: PLAN.run(wildcards.run), checked)


def of_source(question):
    """Ask about the data set, and the features, of a job."""

    def source(wildcards):
        return PLAN.source(wildcards.dataset, wildcards.get("features"))

    return bound(question, source, checked)


def code(script, *modules, without=()):
    """Hash the part of the library that a script runs, for a rule's params: an edit of it is a rerun."""
    path = Path(workflow.basedir) / "workflow_scripts" / script
    return script_hash(path, *filter(None, modules), without=without)


def code_of(script, modules, without=()):
    """The same with the modules that wildcards name: of a method, of a data set's reader."""
    return lambda wildcards: code(script, *modules(wildcards), without=without)


def method_of(wildcards):
    """The module of the method that a job trains, or loads where it is not a finetuned network."""
    name = wildcards.get("method") or wildcards.model
    return [f"mvi.methods.{name}"] if name in METHODS else []


def reader(field):
    """The module that the record of a data set names under `field`."""
    return lambda wildcards: [module_of(getattr(DATASETS[wildcards.dataset], field))]


def training_minutes(thousands_of_rows):
    """How long a training may take: at most a day, since it resumes from its last checkpoint when tried again."""
    return growing(60, 0.3, thousands_of_rows, most=24 * 60)


def gpu():
    """How many GPUs a job with a model asks for: one if it is told to use one, or would find one here."""
    device = config["device"]
    return int(device == "cuda" or (device == "auto" and gpus() > 0))
