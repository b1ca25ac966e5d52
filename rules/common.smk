# SPDX-License-Identifier: MIT
"""Helper functions of the rules; no rule stands here."""

import hashlib
import json
import os
import re
from functools import cache
from pathlib import Path

from mvi.data.registry import rows
from mvi.errors import MviError
from mvi.evaluation.queries import queries_of
from mvi.methods.registry import METHODS
from mvi.workflow.config import merge, resolve
from mvi.workflow.provenance import code_hash, gpus, script_hash


def complete(config):
    """Complete and check the configuration in place; a user's mistake ends the run with one sentence."""
    try:
        resolved = resolve(config)
    except MviError as error:
        raise WorkflowError(str(error)) from None
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


# What watches a training and changes nothing in it: an edit trains nothing again.
OBSERVERS = ["mvi.training.monitors"]


def code(script, *modules, without=()):
    """Hash the part of the library that a script runs, for a rule's params: an edit of it is a rerun."""
    path = Path(workflow.basedir) / "workflow_scripts" / script
    return script_hash(path, *modules, without=without)


def trainer(script, wildcard):
    """Hash the code of a training whose method is the value of a wildcard."""

    def hashed(wildcards):
        return code(script, f"mvi.methods.{wildcards[wildcard]}", without=OBSERVERS)

    return hashed


def digest_of(settings):
    """Shorten settings to what tells them from others."""
    return hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]


def one_of(*names):
    """Constrain a wildcard to these very names."""
    return "|".join(map(re.escape, names))


TITLES = {
    "digits": "scikit-learn's handwritten digits (8 x 8 pixels)",
    "mnist": "MNIST (28 x 28 pixels)",
    "mini": "procedural scenes with tags",
    "mirflickr25k": "MIRFLICKR-25000",
    "toronto": "the feature archive of Srivastava and Salakhutdinov (2012)",
}


def title_of(dataset):
    """Name a data set for readers."""
    return TITLES.get(dataset, dataset)


def looks(names, label="{label}"):
    """Label, colour and marker of methods, in their order; `label` is made from those of the method."""
    return {
        name: {
            "label": label.format(label=METHODS[name].label, short=METHODS[name].short),
            "color": METHODS[name].color,
            "marker": METHODS[name].marker,
        }
        for name in METHODS
        if name in names
    }


def labels_of(looks):
    """Keep the labels alone."""
    return {name: look["label"] for name, look in looks.items()}


# The methods of the two-halves experiment, and the queries by which they are scored.
HALVES = looks(config["halves"]["compare"])
HALVES_QUERIES = queries_of(["left", "right"])


def store_with(copies):
    """Name the store of the two-halves experiment that has so many moved copies of the training rows."""
    return f"results/data/{config['dataset']}/{f'copies{copies}' if copies else 'store'}.h5"


def of_seeds(pattern):
    """List the files with {seed} in their names that one job makes: one, or those of every seed at once."""
    return (
        expand(pattern, seed=config["seeds"], allow_missing=True)
        if config["seeds_together"]
        else [pattern]
    )


def per_job(pattern):
    """Name the log or benchmark file of a job that makes what `of_seeds` lists."""
    return (
        pattern.replace("seed{seed}", "seeds") if config["seeds_together"] else pattern
    )


def seeds_of(wildcards):
    """List the seeds of a job."""
    return config["seeds"] if config["seeds_together"] else [int(wildcards.seed)]


def schedule(wildcards):
    """Lay what one method changes over the schedule of all."""
    halves = config["halves"]
    return merge(halves["training"], halves["training_of"].get(wildcards.method, {}))


def mean_field(wildcards):
    """Pick the settings of inference with models of one method."""
    settings = config["halves"]["inference"]
    return {
        "iterations": settings["iterations"][wildcards.method],
        "tolerance": settings["tolerance"],
        "start": settings["start_state"],
    }


def gpu():
    """How many GPUs a job with a model asks for: one if it is told to use one, or would find one here."""
    device = config["device"]
    return int(device == "cuda" or (device == "auto" and gpus() > 0))


@cache
def registry(dataset):
    """Rows of the data registry for one data set, by file name."""
    try:
        return rows("config/data_registry.csv", dataset)
    except MviError as error:
        raise WorkflowError(str(error)) from None


def accepted_hashes(wildcards):
    """Hashes that the registry accepts for one raw file."""
    return registry(wildcards.dataset)[wildcards.file].sha256


def theory_experiments():
    """Name the theory experiments."""
    return [name for name in config["theory"] if name != "seed"]


def theory_methods():
    """How the methods of the theory are drawn; the exact gradients come first."""
    exact = {
        "exact_nll": {"label": "NLL, exact gradient", "color": "#1a1a1a", "marker": ""},
        "exact_minvi": {
            "label": "MinVI, exact gradient",
            "color": "#6b6b6b",
            "marker": "",
        },
    }
    return exact | looks(METHODS)


def theory_files():
    """List the tables and figures of the theory, if it is among the experiments."""
    if "theory" not in config["experiments"]:
        return {"tables": [], "figures": []}
    figures = [f"results/theory/figures/{name}.png" for name in theory_experiments()]
    return {"tables": ["results/theory/tables/theory.md"], "figures": figures}


def reports():
    """List what `all` is to make: a page for each experiment of the config."""
    pages = {"halves": config["run"], "flickr": config["flickr"]["run"]}
    found = [
        f"results/{run}/report.md"
        for name, run in pages.items()
        if name in config["experiments"]
    ]
    alone = [file for files in theory_files().values() for file in files]
    return found if "halves" in config["experiments"] else [*found, *alone]


def theory_module(wildcards):
    """Name the module that measures one of the theory experiments."""
    name = wildcards.experiment
    return f"mvi.theory.{'dynamics' if name == 'training' else name}"


def theory_code(wildcards):
    """Hash the code behind one of the theory experiments."""
    methods = (
        config["theory"]["training"]["methods"]
        if wildcards.experiment == "training"
        else []
    )
    return code_hash(
        theory_module(wildcards), *(f"mvi.methods.{name}" for name in methods)
    )
