# SPDX-License-Identifier: MIT
"""Settings that are right each by itself and wrong together: what a schema cannot say."""

from collections.abc import Iterable, Mapping
from typing import Any

from mvi.data.sets.registry import dataset
from mvi.errors import ConfigError

WHOLE_INPUTS = ("image", "sqrt_image", "text", "image+text", "sqrt_image+text")


def check_ramps(value: Any, path: str = "") -> None:
    """Raise `ConfigError` for a ramp that starts above its maximum and so would never be at its start."""
    if not isinstance(value, Mapping):
        return
    if {"start", "maximum"} <= value.keys() and value["start"] > value["maximum"]:
        raise ConfigError(
            f'config key "{path}.start" is {value["start"]}, but must not exceed '
            f'"{path}.maximum", which is {value["maximum"]}.'
        )
    for key, inner in value.items():
        check_ramps(inner, f"{path}.{key}" if path else key)


def check_together(config: Mapping[str, Any]) -> None:
    """Raise `ConfigError` for values that are right each by itself and wrong together.

    Found here, they cost nothing; found in a job, they may cost the hours of training before it.
    """
    grid = config["halves"]["classifier"]["C"]
    if grid != sorted(grid):
        raise ConfigError(f'config key "halves.classifier.C" is {grid}, but must ascend.')
    flickr = config["flickr"]
    for name in (config["dataset"], flickr["dataset"]):
        dataset(name).refuse_mistakes(config["data"][name])
    if flickr["run"] == config["run"]:
        raise ConfigError(f'config keys "run" and "flickr.run" are both "{flickr["run"]}", but must differ.')
    _check_flickr(config)
    _check_deep(config)
    for method in ("mp", "hybrid"):
        if config["halves"]["methods"][method]["sparsity"]["kind"] == "approximate":
            raise ConfigError(
                f'config key "halves.methods.{method}.sparsity.kind" is "approximate", but must be one of '
                "none or exact: multi-prediction keeps no running mean."
            )


def _check_deep(config: Mapping[str, Any]) -> None:
    """The part of `check_together` on the deep model."""
    if "deep" in config["experiments"] and "flickr" not in config["experiments"]:
        raise ConfigError(
            'config key "experiments" has deep without flickr, but must have both: deep is the model of the '
            "pictures and tags of flickr."
        )
    flickr = config["flickr"]
    modalities = dataset(flickr["dataset"]).modalities
    for name, pathway in flickr["pathways"].items():
        path, kind = f"flickr.pathways.{name}", pathway["transform"]["kind"]
        kinds = modalities[name].transforms
        if kind not in kinds:
            raise ConfigError(f'config key "{path}.transform.kind" is "{kind}", but must be {listed(kinds)}.')
        if kind == "counts" and pathway["layers"][0]["method"] == "pcd":
            raise ConfigError(
                f'config key "{path}.layers" has a first layer of method pcd, but must have cd: chains of '
                "counts would need a number of words each."
            )
    names = [stage["name"] for stage in flickr["finetune"]]
    taken = sorted({name for name in names if names.count(name) > 1 or name in ("pcd", "cd_percloss", "mp")})
    if taken:
        raise ConfigError(
            f'config key "flickr.finetune" has the name {taken[0]}, but must have a name of its own for each '
            "stage, none of them that of an objective."
        )
    gallery = flickr["gallery"]
    if gallery["queries"] > gallery["on_page"]:
        raise ConfigError(
            f'config key "flickr.gallery.queries" is {gallery["queries"]}, but must not exceed '
            f'"flickr.gallery.on_page", which is {gallery["on_page"]}.'
        )
    last, depth = flickr["finetune"][-1], max(len(one["layers"]) for one in flickr["pathways"].values())
    if last["layers"] < depth:
        raise ConfigError(
            f'config key "flickr.finetune" ends with {last["layers"]} layers, but must end with the whole '
            f"network, {depth} layers."
        )
    lacking = sorted({last["iterations"], *flickr["sweep"]["trained"]} - set(flickr["sweep"]["iterations"]))
    if lacking:
        raise ConfigError(
            f'config key "flickr.sweep.iterations" lacks {lacking[0]}, but must have every number that a '
            "network is finetuned with."
        )
    if flickr["joint"]["methods"]["mp"]["sparsity"]["kind"] == "approximate":
        raise ConfigError(
            'config key "flickr.joint.methods.mp.sparsity.kind" is "approximate", but must be one of none or '
            "exact: multi-prediction keeps no running mean."
        )


def _check_flickr(config: Mapping[str, Any]) -> None:
    """The part of `check_together` on pictures and tags."""
    flickr, features = config["flickr"], config["features"]
    record = dataset(flickr["dataset"])
    splits = record.splits(config["data"][record.name])
    searched = flickr["joint"]["search"]["split"]
    for key, value, greatest in (
        ("splits", flickr["splits"], max(flickr["splits"])),
        ("joint.search.split", searched, searched),
    ):
        if greatest > splits:
            raise ConfigError(
                f'config key "flickr.{key}" is {value}, but must not exceed the number of splits of '
                f"{record.name}, which is {splits}."
            )
    inputs = flickr["reference_rows"]["inputs"]
    described = features["kind"] == "descriptors" and record.has_images
    known = (*WHOLE_INPUTS, *record.feature_groups)
    unknown = [name for name in inputs if name not in known and not described]
    if unknown:
        raise ConfigError(
            f'config key "flickr.reference_rows.inputs" has {listed(unknown)}, but must name what these '
            f"features tell apart: {listed(WHOLE_INPUTS)}."
        )
    size, scales = features["picture_size"], features["phow"]["scales"]
    # The outermost cells of a patch are centred within the picture.
    if 3 * max(scales) > size - 1:
        raise ConfigError(
            f'config key "features.phow.scales" is {scales}, but must leave room for a patch in pictures of '
            f'{size} pixels ("features.picture_size"): none greater than {(size - 1) // 3}.'
        )
    if 4 * features["gist"]["stride"] > size:
        raise ConfigError(
            f'config key "features.gist.stride" is {features["gist"]["stride"]}, but must be at most '
            f'{size // 4}, a quarter of "features.picture_size".'
        )


def listed(words: Iterable[str]) -> str:
    """Words in a row, with "or" before the last."""
    words = list(words)
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
