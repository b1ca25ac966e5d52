# SPDX-License-Identifier: MIT
"""Helper functions of the rules that have to do with pictures and tags; no rule stands here."""

from functools import cache

from mvi.data.readers.folder import survey_folder
from mvi.errors import MviError

# What the generator of `mini` writes, in the layout of MIRFLICKR.
RAW_FILES = ["pictures.zip", "annotations.zip"]
# Settings of PHOW that matter while words are learned and not afterwards.
LEARNING_OF_WORDS = ["words", "seed", "pictures", "per_picture", "epochs"]
FLICKR_STORE = f"results/data/{config['flickr']['dataset']}/store.h5"


def of_flickr(path):
    """Put a file of the experiments with pictures and tags into the folder of their run."""
    return f"results/{config['flickr']['run']}/{path}"


def card_files():
    """List what is counted and drawn of the data set; the Toronto archive has no pictures to draw."""
    if config["flickr"]["dataset"] == "toronto":
        return {"card": [], "figures": []}
    folder = f"results/data/{config['flickr']['dataset']}/card"
    return {
        "card": [f"{folder}/card.md"],
        "figures": [
            f"{folder}/{name}.png" for name in ["sheet", "tags", *LABEL_FIGURES]
        ],
    }


def raw_files(wildcards):
    """Where the pictures of a data set lie, and what is known of them."""
    return raw_files_of(wildcards.dataset)


def raw_files_of(dataset):
    """Where the pictures of a data set of this name lie, and what is known of them."""
    if dataset == "folder":
        own = config["data"]["folder"]
        return {"pictures": own["pictures"], "annotations": own["table"]}
    names = RAW_FILES if dataset == "mini" else list(registry(dataset))
    return {
        kind: f"results/data/{dataset}/raw/{name}"
        for kind, name in zip(["pictures", "annotations"], names)
    }


@cache
def number_of_pictures(dataset):
    """How many pictures a data set has, which decides how many jobs describe them."""
    own = config["data"][dataset]
    if dataset == "mini":
        return own["labelled"] + own["unlabelled"]
    if dataset == "mirflickr25k":
        return own["pictures"]
    return survey().pictures


@cache
def survey():
    """Look at somebody's table and files; a mistake in them ends the run here and not among the jobs."""
    own = config["data"]["folder"]
    try:
        found = survey_folder(own["pictures"], own["table"])
    except MviError as error:
        raise WorkflowError(str(error)) from None
    return found


def judged_store(wildcards):
    """Name the store for a job that judges by labels; a table without any ends the run here, before all jobs."""
    if not LABELLED:
        raise WorkflowError(
            f"{config['data']['folder']['table']} has no labels to judge by; add labels, or ask for what "
            "needs none: features, card, learning or model."
        )
    return FLICKR_STORE


def fingerprint(wildcards):
    """Tell apart states of somebody's files, which no rule has for inputs one by one."""
    return survey().fingerprint if wildcards.dataset == "folder" else ""


def planned_pictures(wildcards):
    """Pass on how many pictures the jobs were planned for."""
    return number_of_pictures(wildcards.dataset)


def rows_of(wildcards):
    """Pick what decides which rows there are and which of them are test rows."""
    own = config["data"][wildcards.dataset]
    return {"splits": own["splits"], "labelled": own.get("labelled")}


def citation_of(wildcards):
    """Look up how the raw files of a data set are to be cited, if they come from the registry."""
    if wildcards.dataset != "mirflickr25k":
        return ""
    return next(iter(registry(wildcards.dataset).values())).citation


def blocks(wildcards):
    """List the files in which the descriptors of a data set come, a range of rows each."""
    rows, size = number_of_pictures(wildcards.dataset), config["features"]["block"]
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


# Before any job is planned, so that a mistake in somebody's table costs nothing.
LABELLED = config["flickr"]["dataset"] != "folder" or survey().labelled > 0
LABEL_FIGURES = ["labels", "together"] if LABELLED else []
