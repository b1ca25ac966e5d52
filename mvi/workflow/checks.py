# SPDX-License-Identifier: MIT
"""Settings that are right each by itself and wrong together: what a schema cannot say.

Found here, they cost nothing; found in a job, they may cost the hours of training before it. Each check
raises `ConfigError` with the path of the key.
"""

from collections.abc import Mapping
from itertools import chain, pairwise, product
from pathlib import Path
from typing import Any

from mvi.data.sets.base import DataSet
from mvi.data.sets.registry import DATASETS
from mvi.errors import ConfigError
from mvi.evaluation.queries import FILLED
from mvi.features.networks import NETWORKS, is_path
from mvi.methods.registry import LAYERED, METHODS
from mvi.workflow.schema import listed, nearest, printable
from mvi.workflow.search import check_search

# Descriptors of an image that a linear classifier may be given alone.
DESCRIPTORS = (
    "gist",
    "edge_histogram",
    "texture",
    "colour_structure",
    "colour_layout",
    "scalable_colour",
    "phow",
)
OF_THEORY = ("theory", "report")
NEED_IMAGES = ("card", "figure3", "figure4")
NEED_METHODS = (
    "table1",
    "figure2",
    "iterations",
    "training",
    "table2",
    "table4",
    "ablation",
    "trade",
    "retrieval",
    "learning",
    "search",
)
NEED_FINETUNING = ("table3", "gain", "tags", "figure3", "figure4")

# Of one matrix: 16 GiB in float32.
MOST_WEIGHTS = 2**32

Settings = Mapping[str, Any]


def check_run(run: Settings, dataset: DataSet) -> None:
    """Check one complete run; `dataset` is the record of its data set."""
    path = f"runs.{run['name']}"
    if run["name"] == "theory":
        raise ConfigError(
            f'config key "{path}" has a data set, but the name is kept for the theory; rename it.'
        )
    check_ramps(run, path)
    dataset.refuse_mistakes(run["data"])
    if dataset.has_images:
        _check_features(run["features"], f"{path}.features")
    _check_vocabulary(run, path, dataset)
    _check_splits(run, path, dataset)
    _check_copies(run, path, dataset)
    _check_pathways(run, path)
    _check_sizes(run, path)
    _check_finetuning(run, path)
    _check_evaluation(run, path, dataset)
    check_search(run, path, dataset)
    _check_outputs(run, path, dataset)


def check_theory(run: Settings) -> None:
    """Check one complete run of the theory."""
    path = f"runs.{run['name']}"
    check_ramps(run, path)
    others = [name for name in run["outputs"] if name not in OF_THEORY]
    if others:
        raise ConfigError(
            f'config key "{path}.outputs" has {others[0]}, but the theory has only {listed(OF_THEORY)}.'
        )


def check_stores(runs: Mapping[str, Settings]) -> None:
    """Check that runs that share a store, or what is made of its data set, want it to be the same."""
    first: dict[str, Settings] = {}
    stores: dict[tuple[str, str], Settings] = {}
    for run in runs.values():
        if "dataset" not in run:
            continue
        other = first.setdefault(run["dataset"], run)
        for key in ("data", "card"):
            if other[key] != run[key]:
                raise ConfigError(
                    f'config keys "runs.{other["name"]}.{key}" and "runs.{run["name"]}.{key}" differ, but '
                    f"runs with one data set, {run['dataset']}, must share them; make these runs one after "
                    "another."
                )
        # Features that come with the data are in the one store of these.
        described = DATASETS[run["dataset"]].has_images
        other = stores.setdefault((run["dataset"], run["features"]["name"] if described else ""), run)
        if other["features"] != run["features"]:
            said = (
                f"both have the name {run['features']['name']}; give each a name of its own."
                if described
                else f"{run['dataset']} has one store; make these runs one after another."
            )
            raise ConfigError(
                f'config keys "runs.{other["name"]}.features" and "runs.{run["name"]}.features" differ, but '
                f"{said}"
            )


def check_ramps(value: Any, path: str) -> None:
    """Raise `ConfigError` for a ramp that starts above its maximum: it would never be at its start."""
    if not isinstance(value, Mapping):
        return
    if {"start", "maximum"} <= value.keys() and value["start"] > value["maximum"]:
        raise ConfigError(
            f'config key "{path}.start" is {value["start"]}, but must not exceed '
            f'"{path}.maximum", which is {value["maximum"]}.'
        )
    for key, inner in value.items():
        check_ramps(inner, f"{path}.{key}")


def _check_features(features: Settings, path: str) -> None:
    name, own = features["name"], features["network" if features["kind"] == "network" else "kind"]
    _check_file(features, path)
    if name in {"given", "descriptors", *NETWORKS} - {own}:
        raise ConfigError(
            f'config key "{path}.name" is "{name}", but must not be that of another kind than '
            f'"{path}.kind", which is "{features["kind"]}".'
        )
    if features["kind"] == "network":
        _check_network(features, path)
    size, scales = features["image_size"], features["phow"]["scales"]
    # The outermost cells of a patch are centred within the image.
    if 3 * max(scales) > size - 1:
        raise ConfigError(
            f'config key "{path}.phow.scales" is {scales}, but must leave room for a patch in images of '
            f'{size} pixels ("{path}.image_size"): none greater than {(size - 1) // 3}.'
        )
    if 4 * features["gist"]["stride"] > size:
        raise ConfigError(
            f'config key "{path}.gist.stride" is {features["gist"]["stride"]}, but must be at most '
            f'{size // 4}, a quarter of "{path}.image_size".'
        )


def _check_file(features: Settings, path: str) -> None:
    """A file of features is named by the kind file, and by no other."""
    file, taken = features["file"], features["kind"] == "file"
    if taken != (file is not None):
        raise ConfigError(
            f'config key "{path}.file" must be {"set" if taken else "null"}, since "{path}.kind" is '
            f'"{features["kind"]}".'
        )
    if taken:
        _check_there(file, f"{path}.file")
    elif features["columns"] is not None:
        raise ConfigError(
            f'config key "{path}.columns" is {features["columns"]}, but must be null, since "{path}.kind" is '
            f'"{features["kind"]}".'
        )


def _check_there(file: str, path: str) -> None:
    """The key at `path` names a file, in a way that Snakemake takes as it is."""
    try:
        there = Path(file).expanduser().is_file()
    # The home of nobody, or a name longer than the system has any.
    except (OSError, RuntimeError):
        there = False
    if not there:
        raise ConfigError(f'config key "{path}" is "{printable(file)}", but there is no such file.')
    if {"{", "}"} & {*file}:
        raise ConfigError(
            f'config key "{path}" is "{printable(file)}", but must be without braces, which Snakemake takes '
            "for wildcards; rename the file or its folder."
        )


def _check_network(features: Settings, path: str) -> None:
    network = printable(features["network"])
    if not is_path(network):
        if network not in NETWORKS:
            raise ConfigError(
                f'config key "{path}.network" is "{network}", but must be one of {listed(NETWORKS)}, or the '
                f"path of a file .onnx{nearest(network, NETWORKS)}"
            )
        return
    _check_there(features["network"], f"{path}.network")
    for key in ("side", "mean", "deviation"):
        if features[key] is None:
            raise ConfigError(
                f'config key "{path}.{key}" is null, but must be set, since "{path}.network" is a file and '
                "does not say what it wants to see."
            )


def _check_vocabulary(run: Settings, path: str, dataset: DataSet) -> None:
    """Some tag could be on as many images as are asked for; of a user's own files the table itself tells."""
    if "vocabulary" not in run["data"] or dataset.own_files:
        return
    minimum, rows = run["data"]["vocabulary"]["minimum_count"], dataset.size(run["data"]).rows
    if minimum > rows:
        raise ConfigError(
            f'config key "{path}.data.vocabulary.minimum_count" is {minimum}, but there are only {rows} '
            "images; lower it."
        )


def _check_splits(run: Settings, path: str, dataset: DataSet) -> None:
    count = dataset.splits(run["data"])
    searched = run["joint"]["search"]["split"]
    for key, value, greatest in (
        ("splits", run["splits"], max(run["splits"])),
        ("joint.search.split", searched, searched),
    ):
        if greatest > count:
            raise ConfigError(
                f'config key "{path}.{key}" is {value}, but must not exceed the number of splits of '
                f"{dataset.name}, which is {count}."
            )


def _check_copies(run: Settings, path: str, dataset: DataSet) -> None:
    cut = all(modality.shape for modality in dataset.modalities.values())
    for where, copies in (
        ("copies", run["copies"]),
        ("classifier.copies", run["classifier"]["copies"]),
    ):
        if copies and not cut:
            raise ConfigError(
                f'config key "{path}.{where}" is {copies}, but must be 0: the store of {dataset.name} holds '
                "no images to translate."
            )
    if "pairs" in run and run["copies"]:
        raise ConfigError(
            f'config key "{path}.pairs" is {run["pairs"]}, but must be left out where "{path}.copies" is '
            f"{run['copies']}: copies are of all training images."
        )


def _check_pathways(run: Settings, path: str) -> None:
    for name, pathway in run["pathways"].items():
        kind = pathway["transform"]["kind"]
        if kind == "counts" and pathway["layers"] and pathway["layers"][0]["method"] == "pcd":
            raise ConfigError(
                f'config key "{path}.pathways.{name}.layers" has a first layer of method pcd, but must have '
                "cd: chains of counts would need a number of words each."
            )


def _check_sizes(run: Settings, path: str) -> None:
    """Weights that no machine holds would end the run where they are made, after all that comes before."""
    for name, pathway in run["pathways"].items():
        sizes = [(f"pathways.{name}.layers[{n}]", one["hidden"]) for n, one in enumerate(pathway["layers"])]
        sizes.append(("joint", run["joint"]["hidden"]))
        for (_, below), (place, hidden) in pairwise(sizes):
            if below * hidden > MOST_WEIGHTS:
                raise ConfigError(
                    f'config key "{path}.{place}.hidden" is {hidden}, but must be at most '
                    f"{MOST_WEIGHTS // below}: it stands on {below} units, and no matrix of weights may have "
                    f"more than {MOST_WEIGHTS} weights."
                )


def _check_finetuning(run: Settings, path: str) -> None:
    stages = run["finetune"]
    if not stages:
        return
    if run["finetune_from"] is None:
        raise ConfigError(
            f'config key "{path}.finetune_from" is null, but must be one of {listed(LAYERED)}: '
            f'"{path}.finetune" has stages.'
        )
    names = [stage["name"] for stage in stages]
    taken = sorted({name for name in names if names.count(name) > 1 or name in METHODS})
    if taken:
        raise ConfigError(
            f'config key "{path}.finetune" has the name {taken[0]}, but must have a name of its own for each '
            "stage, none of them that of a method."
        )
    last, depth = stages[-1], max(len(one["layers"]) for one in run["pathways"].values())
    if last["layers"] < depth:
        raise ConfigError(
            f'config key "{path}.finetune" ends with {last["layers"]} layers, but must end with the whole '
            f"network, {depth} layers."
        )
    lacking = sorted({last["iterations"], *run["sweep"]["trained"]} - set(run["sweep"]["iterations"]))
    if lacking:
        raise ConfigError(
            f'config key "{path}.sweep.iterations" lacks {lacking[0]}, but must have every number that a '
            "network is finetuned with."
        )


def _check_evaluation(run: Settings, path: str, dataset: DataSet) -> None:
    grid = run["classifier"]["C"]
    if grid != sorted(grid):
        raise ConfigError(f'config key "{path}.classifier.C" is {grid}, but must ascend.')
    scored = [name for name in run["compare"] if METHODS[name].scores]
    if scored and run["classifier"]["kind"] == "svm":
        raise ConfigError(
            f'config key "{path}.compare" has {scored[0]}, which scores several labels a row, but '
            f"{dataset.name} has one class a row; leave it out."
        )
    if run["classifier"]["kind"] == "logistic":
        choices = [name.removeprefix("map_") for name in dataset.metrics]
        for where in ("classifier", "baselines"):
            if run[where]["chosen_by"] not in (None, *choices):
                raise ConfigError(
                    f'config key "{path}.{where}.chosen_by" is "{run[where]["chosen_by"]}", but must be a '
                    f"metric of {dataset.name}, {listed(choices)}, or null."
                )
    known = _baselines(run, dataset)
    unknown = [name for name in run["baselines"]["inputs"] if name not in known]
    if unknown:
        raise ConfigError(
            f'config key "{path}.baselines.inputs" has {listed(unknown)}, but must name what these '
            f"features tell apart: {listed(known)}."
        )
    gallery = run["gallery"]
    if gallery["queries"] > gallery["on_page"]:
        raise ConfigError(
            f'config key "{path}.gallery.queries" is {gallery["queries"]}, but must not exceed '
            f'"{path}.gallery.on_page", which is {gallery["on_page"]}.'
        )


def _baselines(run: Settings, dataset: DataSet) -> list[str]:
    """What the run can have linear classifiers on."""
    if run["classifier"]["kind"] == "svm":
        return ["raw_own", "raw_filled"]
    forms = [
        [name, f"sqrt_{name}"] if "standardise" in modality.transforms else [name]
        for name, modality in dataset.modalities.items()
    ]
    groups = DESCRIPTORS if run["features"]["kind"] == "descriptors" else dataset.feature_groups
    return [*chain(*forms), *map("+".join, product(*forms)), *groups, *FILLED]


def _has_model(run: Settings) -> bool:
    """Whether there is a model to be exported: a network, or a joint layer with nothing below it."""
    bare = not any(pathway["layers"] for pathway in run["pathways"].values())
    return bool(run["finetune"]) or (bare and any(METHODS[name].objective for name in run["compare"]))


def _check_outputs(run: Settings, path: str, dataset: DataSet) -> None:
    """What lacks something that it needs."""
    lacking = {
        "the theory, which is a run of its own": OF_THEORY[:1],
        f"images, and {dataset.name} has features only": () if dataset.has_images else NEED_IMAGES,
        f"images, and those of {dataset.name} are deleted once they are described": NEED_IMAGES
        if dataset.in_turn
        else (),
        f'a method, and "{path}.compare" is empty': () if run["compare"] else NEED_METHODS,
        f'a joint layer, and "{path}.compare" has none': ()
        if set(LAYERED) & set(run["compare"])
        else ("ablation",),
        f'a finetuned network, and "{path}.finetune" is empty': () if run["finetune"] else NEED_FINETUNING,
        "a finetuned network or a joint layer on the inputs themselves": ()
        if _has_model(run)
        else ("model",),
        f'inputs, and "{path}.baselines.inputs" is empty': ()
        if run["baselines"]["inputs"]
        else ("reference",),
        f'a search, and "{path}.search" is not set': () if "search" in run else ("chosen",),
        f'a number of pairs, and "{path}.pairs" is not set': () if "pairs" in run else ("gain",),
    }
    for need, outputs in lacking.items():
        for name in outputs:
            if name in run["outputs"]:
                raise ConfigError(f'config key "{path}.outputs" has {name}, which needs {need}.')
