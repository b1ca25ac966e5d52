# SPDX-License-Identifier: MIT
"""Binds what `mvi.workflow` says of a run or a data set to the wildcards of rules; no rule stands here."""

import os
import re
from functools import reduce
from inspect import signature
from operator import getitem
from pathlib import Path

from mvi.data.sets.base import module_of
from mvi.data.sets.registry import DATASETS
from mvi.errors import MviError
from mvi.methods.registry import METHODS
from mvi.workflow import results
from mvi.workflow.config import resolve
from mvi.workflow.plan import (
    DOWNLOADED,
    EXPERIMENTS,
    Plan,
    Run,
    Source,
    Theory,
    digest,
    hash_of_download,
)
from mvi.workflow.provenance import code_hash, gpus, script_hash

# What watches a training and changes nothing in it: an edit trains nothing again.
OBSERVERS = ["mvi.training.monitors"]


def checked(question, *arguments):
    """Ask, and end the run with one sentence where a user has made a mistake."""
    try:
        return question(*arguments)
    except MviError as error:
        raise WorkflowError(str(error)) from None


# Complete, in place; where raw files are kept is no reason to make results anew, so that jobs do not see it.
resolved = checked(resolve, config)
if resolved["mirror"]:
    os.environ["MVI_MIRROR"] = resolved["mirror"]
checked(Plan.check_mirror, os.environ.get("MVI_MIRROR"))
config.clear()
config.update(resolved, mirror=None)
PLAN = checked(Plan, config)


def bound(question, subject):
    """A function of wildcards: `question` of the subject that they name, with those that it takes."""
    ask = question.fget if isinstance(question, property) else question
    names = list(signature(ask).parameters)[1:]

    def answer(wildcards):
        given = [wildcards[name] for name in names]
        return checked(lambda: ask(subject(wildcards), *given))

    return answer


def of(question):
    """Ask about the run of a job."""
    return bound(question, lambda wildcards: PLAN.run(wildcards.run))


def of_source(question):
    """Ask about the data set, and the features, of a job."""
    return bound(
        question,
        lambda wildcards: PLAN.source(wildcards.dataset, wildcards.get("features")),
    )


def setting(*path):
    """A question for a setting of a run."""
    return lambda run: reduce(getitem, path, run.settings)


def feature(name):
    """A question for a setting of the features of a data set."""
    return lambda source: source.features[name]


def one_of(names):
    """Constrain a wildcard to these very names; to nothing where there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


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


def memory(megabytes):
    """Ask for more after each failure: a job that ran out of memory would again."""
    return lambda wildcards, attempt: megabytes * attempt


def gpu():
    """How many GPUs a job with a model asks for: one if it is told to use one, or would find one here."""
    device = config["device"]
    return int(device == "cuda" or (device == "auto" and gpus() > 0))
