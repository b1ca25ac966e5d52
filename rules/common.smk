# SPDX-License-Identifier: MIT
"""Binds what `mvi.workflow.plan` says of a run or a data set to the wildcards of rules; no rule stands here."""

import os
import re
from collections.abc import Callable, Mapping
from functools import reduce
from inspect import signature
from operator import getitem
from pathlib import Path

from mvi.data.registry import rows as registered
from mvi.data.sets.base import module_of
from mvi.data.sets.registry import DATASETS
from mvi.errors import MviError
from mvi.methods.registry import METHODS
from mvi.workflow.config import resolve
from mvi.workflow.plan import EXPERIMENTS, NETWORK, REGISTRY, Plan, Run, Source, Theory
from mvi.workflow.provenance import code_hash, gpus, script_hash

# What watches a training and changes nothing in it: an edit trains nothing again.
OBSERVERS = ["mvi.training.monitors"]


def checked(question, *arguments, **named):
    """Ask, and end the run with one sentence where a user has made a mistake."""
    try:
        return question(*arguments, **named)
    except MviError as error:
        raise WorkflowError(str(error)) from None


def complete(config):
    """Complete and check the configuration in place."""
    resolved = checked(resolve, config)
    # Where somebody keeps raw files belongs neither into results nor among the reasons to make them anew.
    if mirror := resolved["mirror"]:
        os.environ.update(MVI_MIRROR=mirror)
        resolved["mirror"] = None
    mirror = os.environ.get("MVI_MIRROR")
    if mirror and not Path(mirror).expanduser().is_dir():
        raise WorkflowError(
            f"The mirror {mirror} is not a folder; name the folder that holds the raw files."
        )
    config.clear()
    config.update(resolved)


complete(config)
PLAN = checked(Plan, config)
# Data sets by what has to be done for their stores.
DOWNLOADED = [NETWORK, *(name for name, one in DATASETS.items() if one.downloads)]
WITH_IMAGES = [name for name, one in DATASETS.items() if one.has_images]
READ_AT_ONCE = [name for name, one in DATASETS.items() if one.write_store]
GENERATED = {name: one for name, one in PLAN.sources.items() if one.dataset.generator}


def one_of(names):
    """Constrain a wildcard to these very names; to nothing where there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


def of(question):
    """Ask about the run of a job: `question` takes a `Run` and the wildcards that it names."""
    return _bound(question, lambda wildcards: PLAN.run(wildcards.run))


def of_source(question):
    """Ask about the data set, and features, of a job: `question` takes a `Source` and wildcards."""
    return _bound(
        question,
        lambda wildcards: PLAN.source(wildcards.dataset, wildcards.get("features")),
    )


def _bound(question, subject):
    ask = question.fget if isinstance(question, property) else question
    names = list(signature(ask).parameters)[1:]

    def answer(wildcards):
        return checked(
            lambda: ask(subject(wildcards), **{name: wildcards[name] for name in names})
        )

    return answer


def setting(*path):
    """A question for a setting of a run."""
    return lambda run: reduce(getitem, path, run.settings)


def code(script, *modules, without=()):
    """Hash the part of the library that a script runs, for a rule's params: an edit of it is a rerun."""
    path = Path(workflow.basedir) / "workflow_scripts" / script
    return script_hash(path, *modules, without=without)


def trainer(script):
    """Hash the code of a training by the method that a wildcard names."""
    return lambda wildcards: code(
        script, f"mvi.methods.{wildcards.method}", without=OBSERVERS
    )


def entry_point(field):
    """What the record of a data set names under `field`, for a script to load."""
    return lambda wildcards: getattr(DATASETS[wildcards.dataset], field)


def reader(script, field):
    """Hash the code of a script that runs an entry point of the record of a data set."""
    return lambda wildcards: code(
        script, module_of(getattr(DATASETS[wildcards.dataset], field))
    )


def encoder(script):
    """Hash the code of a job that loads the model that a wildcard names: a method's, or a finetuned network."""

    def hashed(wildcards):
        method = [f"mvi.methods.{wildcards.model}"] if wildcards.model in METHODS else []
        return code(script, *method, without=OBSERVERS)

    return hashed


def memory(megabytes):
    """Ask for so much memory, and for more after each failure: a job that ran out of it would again."""
    return lambda wildcards, attempt: megabytes * attempt


def gpu():
    """How many GPUs a job with a model asks for: one if it is told to use one, or would find one here."""
    device = config["device"]
    return int(device == "cuda" or (device == "auto" and gpus() > 0))
