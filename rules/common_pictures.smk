# SPDX-License-Identifier: MIT
"""Helper functions of the rules that have to do with pictures and tags; no rule stands here."""

from functools import cache

from mvi.data.sets.base import module_of
from mvi.data.sets.registry import DATASETS
from mvi.errors import MviError

# Settings of PHOW that matter while words are learned and not afterwards.
LEARNING_OF_WORDS = ["words", "seed", "pictures", "per_picture", "epochs"]
FLICKR_STORE = f"results/data/{config['flickr']['dataset']}/store.h5"
# What titles and published numbers are read from.
FLICKR_RECORD = f"mvi.data.sets.{config['flickr']['dataset']}"


def of_flickr(path):
    """Put a file of the experiments with pictures and tags into the folder of their run."""
    return f"results/{config['flickr']['run']}/{path}"


def card_files():
    """List what is counted and drawn of the data set, if it has pictures to draw."""
    if not PICTURES:
        return {"card": [], "figures": []}
    folder = f"results/data/{config['flickr']['dataset']}/card"
    return {
        "card": [f"{folder}/card.md"],
        "figures": [
            f"{folder}/{name}.png" for name in ["sheet", "tags", *LABEL_FIGURES]
        ],
    }


def raw_files(wildcards):
    """Name the raw files of a data set by their kinds."""
    return raw_files_of(wildcards.dataset)


def raw_files_of(dataset):
    """Name the raw files of the data set of this name by their kinds."""
    folder = f"results/data/{dataset}/raw"
    return DATASETS[dataset].raw_files(config["data"][dataset], folder)


@cache
def size_of(dataset):
    """Count the rows of a data set; a mistake in somebody's files ends the run here and not among the jobs."""
    try:
        return DATASETS[dataset].size(config["data"][dataset])
    except MviError as error:
        raise WorkflowError(str(error)) from None


def judged_store(wildcards):
    """Name the store for a job that judges by labels; a table without any ends the run here, before all jobs."""
    if not LABELLED:
        dataset = config["flickr"]["dataset"]
        raise WorkflowError(
            f"The data set {dataset} ({', '.join(raw_files_of(dataset).values())}) has no labels to judge by; add "
            "labels, or ask for what needs none: features, card, learning or model."
        )
    return FLICKR_STORE


def fingerprint(wildcards):
    """Tell apart states of somebody's files, which no rule has for inputs one by one."""
    return size_of(wildcards.dataset).fingerprint


def planned_rows(wildcards):
    """Pass on how many rows the jobs were planned for."""
    return size_of(wildcards.dataset).rows


def about(wildcards):
    """Say what a store or a catalogue says of its data set."""
    name, record = wildcards.dataset, DATASETS[wildcards.dataset]
    of_files = (
        registry(name)[[*record.downloads.values()][0]].citation
        if record.downloads
        else ""
    )
    facts = {"dataset": name, "citation": record.citation or of_files}
    if record.read:
        return {**facts, "generated": record.generated}
    precision = {"precision": config["features"]["precision"]}
    return facts | (precision if record.has_features else {})


def data_code(script, field):
    """Hash the code behind a script that runs an entry point of the record of the wildcard's data set."""

    def hashed(wildcards):
        return code(script, module_of(getattr(DATASETS[wildcards.dataset], field)))

    return hashed


def blocks(wildcards):
    """List the files in which the descriptors of a data set come, a range of rows each."""
    rows, size = size_of(wildcards.dataset).rows, config["features"]["block"]
    return [
        f"results/data/{wildcards.dataset}/blocks/{start}-{min(start + size, rows)}.npz"
        for start in range(0, rows, size)
    ]


def learned_before(wildcards):
    """Name what describes pictures: visual words, or the weights of a network."""
    if config["features"]["kind"] == "descriptors":
        return {"words": f"results/data/{wildcards.dataset}/words.npy"}
    return {"weights": f"results/data/alexnet/raw/{next(iter(registry('alexnet')))}"}


def descriptor_settings():
    """Pick the settings of the features that are in use, and no others."""
    features = config["features"]
    if features["kind"] == "cnn":
        return {key: features[key] for key in ("kind", "batch")}
    phow = {
        key: value
        for key, value in features["phow"].items()
        if key not in LEARNING_OF_WORDS
    }
    others = ("gist", "edge_histogram", "colour_structure", "scalable_colour")
    kept = {key: features[key] for key in ("kind", "batch", "picture_size", *others)}
    return {**kept, "phow": phow}


# Data sets by what has to be done for their stores.
DOWNLOADED = [name for name, record in DATASETS.items() if record.downloads]
GENERATORS = {
    name: record.generator for name, record in DATASETS.items() if record.generator
}
WITH_IMAGES = [name for name, record in DATASETS.items() if record.has_images]
READ_AT_ONCE = [name for name, record in DATASETS.items() if record.write_store]
PICTURES = DATASETS[config["flickr"]["dataset"]].has_images
# Before any job is planned, so that a mistake in somebody's table costs nothing.
LABELLED = size_of(config["flickr"]["dataset"]).labelled > 0
LABEL_FIGURES = ["labels", "together"] if LABELLED else []
