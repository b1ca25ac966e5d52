# SPDX-License-Identifier: MIT
"""From what a user wrote to a complete, checked configuration of runs.

A run is a data set, the methods that are compared on it and what is made of them; each is a file in
config/runs. Order of precedence: the schema's defaults, the run files that a run extends, its own file, what
the configuration lays over all runs (`features`, `data`, `settings`).
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from mvi.data.sets.registry import DATASETS
from mvi.errors import ConfigError
from mvi.workflow import checks, schema
from mvi.workflow.schema import merge

__all__ = ["merge", "read_settings", "resolve"]

RUNS = Path("config/runs")
# What was a key of the whole configuration before there were runs.
PART_OF_A_RUN = "is now part of each run: write "
FORMER = {
    "dataset": "is now part of each run: write runs=[...] with names of files in config/runs",
    "experiments": "gave way to runs: write runs=[...] with names of files in config/runs",
    "flickr": f"{PART_OF_A_RUN}settings={{...}}",
    "halves": f"{PART_OF_A_RUN}settings={{...}}",
    "presets": "gave way to runs: write a file config/runs/<dataset>-<preset>.yaml for each",
    "seeds": f"{PART_OF_A_RUN}settings={{seeds: [...]}}",
    "seeds_together": f"{PART_OF_A_RUN}settings={{seeds_together: ...}}",
    "theory": f"{PART_OF_A_RUN}settings={{theory: {{...}}}}",
}

Settings = dict[str, Any]


def resolve(raw: Mapping[str, Any], folder: Path = RUNS) -> Settings:
    """Complete the configuration `raw` by its run files, in `folder`, and the schema's defaults; check it.

    `runs` of the result maps the name of each run to all of its settings, in the schema's order; what was to
    be laid over them (`preset`, `run`, `settings`, `data`, `features`) is empty, so that a saved result,
    given again, resolves to itself. Raises `ConfigError`, with the full path of the key, for unknown keys,
    wrong types, values out of range and contradictions.
    """
    given = schema.plain(raw)
    for key, said in FORMER.items():
        if key in given:
            raise ConfigError(f'config key "{key}" {said} (config/README.md).')
    config: Settings = schema.completed(schema.of_config(), given)
    schema.check(schema.of_config(), config)
    runs = {name: _finished(name, run, config) for name, run in _chosen(config, folder).items()}
    checks.check_stores(runs)
    return config | {
        "runs": runs,
        "preset": None,
        "run": None,
        **{key: {} for key in ("settings", "data", "features")},
    }


# ---- which runs ---------------------------------------------------------------------------------------


def _chosen(config: Settings, folder: Path) -> dict[str, Settings]:
    """The runs asked for, by name, as their files leave them."""
    runs, preset = config["runs"], config["preset"]
    if isinstance(runs, dict):
        if preset is not None:
            raise ConfigError(
                f'config key "preset" is {schema.shown(preset)}, but "runs" holds runs themselves and not '
                "names of run files to choose among; leave one of the two out."
            )
        chosen = {name: _entry(name, run, folder) for name, run in runs.items()}
    else:
        chosen = {name: _file(name, folder, 'config key "runs"') for name in runs}
        if preset is not None:
            chosen = _by_preset(chosen, preset, folder)
    return chosen if config["run"] is None else _renamed(chosen, config["run"])


def _by_preset(chosen: Mapping[str, Settings], preset: str, folder: Path) -> dict[str, Settings]:
    """Each run with a data set in its form named `preset`."""
    found = {}
    for name, run in chosen.items():
        other = f"{run['dataset']}-{preset}" if "dataset" in run else name
        if other not in _files(folder):
            forms = presets(run["dataset"], folder)
            raise ConfigError(
                f'config key "preset" is {schema.shown(preset)}, but {folder} has no such form of '
                f"{run['dataset']}{schema.nearest(preset, forms)}"
            )
        if other in found:
            raise ConfigError(f'config key "preset" makes {other} of several of the "runs"; name it once.')
        found[other] = _file(other, folder, 'config key "preset"')
    if not any("dataset" in run for run in chosen.values()):
        shown = schema.shown(preset)
        raise ConfigError(f'config key "preset" is {shown}, but none of the "runs" has a data set.')
    return found


def _renamed(chosen: Mapping[str, Settings], name: str) -> dict[str, Settings]:
    """The same runs, the one with a data set under another name."""
    of_data = [old for old, run in chosen.items() if "dataset" in run]
    if len(of_data) != 1:
        several = f"names {schema.listed(of_data)}" if of_data else "has none with a data set"
        raise ConfigError(
            f'config key "run" is "{name}", a name for one run, but "runs" {several}; write runs=[...] with '
            "the one that is meant."
        )
    if name in chosen and name not in of_data:
        raise ConfigError(f'config key "run" is "{name}", which is the name of another run.')
    return dict((name, run | {"name": name}) if old in of_data else (old, run) for old, run in chosen.items())


def _entry(name: str, run: Any, folder: Path) -> Settings:
    """A run written in the configuration itself, laid over the run file that it extends."""
    path = ("runs", name)
    if not isinstance(run, dict):
        shown = schema.shown(run)
        raise ConfigError(f'config key "{schema.dotted(path)}" is {shown}, but must be a mapping.')
    own = dict(run)
    base = own.pop("extends", None)
    if base is None and not {"dataset", "theory"} & own.keys() and name in _files(folder):
        base = name
    below = {} if base is None else _file(base, folder, f'config key "{schema.dotted([*path, "extends"])}"')
    return _over(below, own, path, None)


def _file(name: str, folder: Path, asked_by: str, above: Sequence[str] = ()) -> Settings:
    """The settings of a run file, laid over those that it extends; `above` are the files that extend it."""
    path = _path(name, folder)
    if name not in _files(folder):
        near = schema.nearest(str(name), _files(folder))
        raise ConfigError(
            f"{asked_by} names {schema.shown(str(name))}, but {folder} has no such run file{near}"
        )
    if name in above:
        chain = " to ".join([*above[above.index(name) :], name])
        raise ConfigError(f'config key "extends" leads in a circle, from {chain}, in {folder}; end it.')
    own = read_settings(path)
    base = own.pop("extends", None)
    within = f'config key "extends" in {path}'
    return _over({} if base is None else _file(base, folder, within, [*above, name]), own, (), path)


def _over(base: Settings, own: Settings, path: Sequence[str], file: Path | None) -> Settings:
    """Check `own` settings of a run, found at `path` or in `file`, and lay them over those of `base`."""
    where = f"{file}" if file else f'config key "{schema.dotted(path)}"'
    dataset, theory = own.get("dataset", base.get("dataset")), "theory" in own or "theory" in base
    if theory and dataset is not None:
        raise ConfigError(f'{where} has both "dataset" and "theory", but must have one of them.')
    if not theory and dataset is None:
        raise ConfigError(f'{where} must have the key "dataset" or the key "extends", a run to take it from.')
    if not theory and dataset not in list(DATASETS):
        raise ConfigError(
            f"{where} has the data set {schema.shown(str(dataset))}, but must have one of "
            f"{schema.listed(DATASETS)}."
        )
    form = schema.of_theory() if theory else schema.of_run(dataset)
    own = schema.typed(form, own)
    schema.check(form, own, path, within=f" in {file}" if file else "", whole=False)
    if dataset != base.get("dataset"):
        # The settings of another data set, and of what its images are turned into, do not fit.
        base = {key: value for key, value in base.items() if key not in ("data", "features")}
    laid: Settings = merge(base, own)
    return laid


def presets(dataset: str, folder: Path = RUNS) -> list[str]:
    """The forms of the runs of a data set, as the key `preset` names them."""
    start = f"{dataset}-"
    return [file.removeprefix(start) for file in _files(folder) if file.startswith(start)]


def _path(name: str, folder: Path) -> Path:
    return folder / f"{name}.yaml"


def _files(folder: Path) -> list[str]:
    """Names of the run files."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read_settings(path: Path) -> Settings:
    """The mapping in a YAML file; raises `ConfigError` for anything else, and where a key is there twice."""
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=schema.LOADER)
        content = yaml.load(text, Loader=schema.LOADER)
        _refuse_doubled(tree, path)
    # The parser lets through what no date and no number can be (2026-13-45), and what holds itself.
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise ConfigError(f"{path} cannot be read as YAML ({said}); mend it.") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds no mapping of settings; write `key: value`, a line each.")
    settings: Settings = schema.plain(content)
    return settings


def _refuse_doubled(node: yaml.Node | None, path: Path) -> None:
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                line = node.start_mark.line + 1
                raise ConfigError(f'{path} has the key "{key}" twice in the mapping from line {line} on.')
        for _, inner in node.value:
            _refuse_doubled(inner, path)
    elif isinstance(node, yaml.SequenceNode):
        for inner in node.value:
            _refuse_doubled(inner, path)


# ---- one run ------------------------------------------------------------------------------------------


def _finished(name: str, run: Settings, config: Settings) -> Settings:
    """Lay over a run what is laid over all, complete and check it."""
    if run.setdefault("name", name) != name:
        raise ConfigError(
            f'config key "runs.{name}.name" is "{run["name"]}", but must be "{name}" or left out.'
        )
    theory = "theory" in run
    form = schema.of_theory() if theory else schema.of_run(run["dataset"])
    over = {key: value for key, value in config["settings"].items() if theory == (key == "theory")}
    # Such as a modality that only other runs have.
    schema.check(form, over, ("settings",), within=f" for the run {name}", whole=False)
    if not theory:
        over["data"] = config["data"].get(run["dataset"], {})
        over["features"] = _for_features(form["properties"]["features"], config["features"])
    run = schema.completed(form, merge(run, over))
    schema.check(form, run, ("runs", name))
    if theory:
        checks.check_theory(run)
        return run
    run["features"]["name"] = run["features"]["name"] or _features_name(run["features"])
    if "search" in run:
        # In an order of their own, so that a saved result has the same candidates.
        run["search"] = {name: dict(sorted(grid.items())) for name, grid in run["search"].items()}
    checks.check_run(run, DATASETS[run["dataset"]])
    # A file may be called what no folder of features may be.
    schema.check(form, {"features": run["features"]}, ("runs", name), whole=False)
    return run


def _features_name(features: Settings) -> str:
    """The name of features that are given none: their kind, or which network or file they are of."""
    if features["kind"] not in ("network", "file"):
        return str(features["kind"])
    name = re.sub(r"\.(onnx|npy|h5|hdf5)\Z", "", Path(features[features["kind"]] or "file").name)
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name)


def _for_features(node: schema.Schema, over: Settings) -> Settings:
    """Of what is laid over all features, what means something for those with this schema."""
    known = node["properties"]
    choice = len(known["kind"]["enum"]) > 1
    return {
        key: value for key, value in over.items() if key in known and (choice or key not in ("name", "kind"))
    }
