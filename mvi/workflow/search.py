# SPDX-License-Identifier: MIT
"""What is tried with each method of a run, the key `search`, and what each try changes in its settings.

A grid names settings of one method: those of its record, dotted where they lie deeper, and
`training.<key>` of its schedule, wherever that is kept. Its candidates are all combinations of the values.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from mvi.data.sets.base import DataSet
from mvi.errors import ConfigError
from mvi.methods.registry import LAYERED, METHODS
from mvi.workflow.schema import check, listed, of_run, shown, typed

Settings = dict[str, Any]
Grid = Mapping[str, Sequence[Any]]


def candidates(grid: Grid) -> list[Settings]:
    """Every combination of the values of a grid, that of the last setting changing first.

    Examples:
        >>> candidates({"ridge": [0.1, 1], "code": [64]})
        [{'ridge': 0.1, 'code': 64}, {'ridge': 1, 'code': 64}]
    """
    return [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]


def overlay(dataset: str, method: str, candidate: Mapping[str, Any]) -> Settings:
    """A candidate of a method as what is laid over the settings of a run with this data set."""
    found: Settings = {}
    for key, value in candidate.items():
        *above, last = key.split(".")
        common = method in LAYERED and above[:1] == ["training"]
        node = found
        for name in ["joint", "training_of", method, *above[1:]] if common else ["methods", method, *above]:
            node = node.setdefault(name, {})
        node[last] = value
    laid: Settings = typed(of_run(dataset), found)
    return laid


def tried_methods(compare: Sequence[str]) -> list[str]:
    """Those of a run's methods that are trained, and so have settings to be chosen by a search."""
    return [name for name in compare if METHODS[name].fit]


def check_search(run: Mapping[str, Any], path: str, dataset: DataSet) -> None:
    """Raise `ConfigError` where a run cannot choose settings as it says: `path` leads to it in the config.

    Every method that is trained must have a grid, and all of them as many candidates; each candidate must
    be one that the schema allows.
    """
    if "search" not in run:
        return
    where, grids = f'config key "{path}.search"', run["search"]
    if dataset.labels != "multi":
        raise ConfigError(
            f"{where} must be left out: settings are chosen by mean average precision, and {dataset.name} "
            "has one label a row."
        )
    wanted = tried_methods(run["compare"])
    for name in grids:
        if name not in wanted:
            why = "is not trained" if name in run["compare"] else f'is not in "{path}.compare"'
            raise ConfigError(f"{where} has {name}, which {why}; leave it out.")
    lacking = [name for name in wanted if name not in grids]
    if lacking:
        raise ConfigError(
            f"{where} has no grid for {listed(lacking)}, but must have one for every method that is trained; "
            'add them, or leave them out of "compare".'
        )
    for name, grid in grids.items():
        if name in LAYERED and "iterations" in grid:
            raise ConfigError(
                f'config key "{path}.search.{name}.iterations" is {shown(grid["iterations"])}, but must be '
                "left out: scores are named by it; make a run for each number."
            )
        twice = [key for key in grid for other in grid if key.startswith(f"{other}.")]
        if twice:
            raise ConfigError(
                f'config key "{path}.search.{name}.{twice[0]}" lies in another setting of the grid; name '
                "one of them."
            )
        tried = [overlay(dataset.name, name, candidate) for candidate in candidates(grid)]
        for number, changed in enumerate(tried):
            check(of_run(dataset.name), changed, path.split("."), within=' (of "search")', whole=False)
            # Such as 0.001 and "1e-3", which are not yet equal in the grid.
            if changed in tried[:number]:
                said = ", ".join(f"{key} {shown(value)}" for key, value in candidates(grid)[number].items())
                raise ConfigError(
                    f'config key "{path}.search.{name}" has a candidate twice ({said}); leave one out.'
                )
    counts = {name: len(candidates(grid)) for name, grid in grids.items()}
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{count} of {name}" for name, count in counts.items())
        raise ConfigError(
            f"{where} has {said} as candidates, but must have as many of every method; change its grids."
        )
