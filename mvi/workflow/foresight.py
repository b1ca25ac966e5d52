# SPDX-License-Identifier: MIT
"""What the numbers of rows, and a user's own table, already tell of trainings and scores that are to come.

Found here, a mistake costs nothing; found by the job, it costs all that was made before.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mvi.data.sets.base import Size
from mvi.errors import ConfigError
from mvi.methods.registry import METHODS

if TYPE_CHECKING:
    from mvi.data.catalogue import Catalogue

Settings = Mapping[str, Any]


def check_training(
    run: Settings, size: Size, learns_once: bool, catalogue: "Catalogue | None" = None
) -> None:
    """Raise `ConfigError`, with the key, where some stage of a run could not fill one minibatch.

    Of a `catalogue` the tags are known as well.
    """
    path, parts = f"runs.{run['name']}", run["rows"]["parts"]
    if learns_once:
        rows = size.rows - size.labelled
    elif parts == ["train"]:
        rows = size.train * (1 + run["copies"])
    else:
        # No more than these.
        rows = size.labelled * (1 + run["copies"])
    if not rows:
        return
    if "pairs" in run:
        if run["pairs"] > rows:
            raise ConfigError(
                f'config key "{path}.pairs" is {run["pairs"]}, but there are only {rows} rows that may be '
                "learned from; lower it or leave it out."
            )
        rows = run["pairs"]
    held_out = run["rows"]["held_out"]
    if held_out >= rows:
        raise ConfigError(
            f'config key "{path}.rows.held_out" is {held_out}, but must be less than the {rows} rows '
            "that there are to learn from."
        )
    trainings = _trainings(run)
    for key, batch_size in _found(trainings, "batch_size", path):
        if batch_size > rows - held_out:
            raise ConfigError(
                f'config key "{key}" is {batch_size}, but there are only {rows - held_out} training rows; '
                "lower it or give more rows."
            )
    if catalogue is None:
        return
    tags = catalogue.text.indptr[1:] - catalogue.text.indptr[:-1]
    for key, minimum in _found(trainings, "minimum_tags", path):
        found = int((tags[catalogue.n_labelled :] >= minimum).sum()) if learns_once else None
        found = int((tags >= minimum).sum()) if found is None else found
        if not found:
            raise ConfigError(
                f'config key "{key}" is {minimum}, but no image to learn from has so many tags of the '
                "vocabulary; lower it."
            )


def check_words(phow: Settings, size: Size) -> None:
    """Raise `ConfigError` where there cannot be as many patches as visual words are asked for."""
    patches = min(size.rows, phow["images"]) * phow["per_image"]
    if phow["words"] > patches:
        raise ConfigError(
            f'config key "features.phow.words" is {phow["words"]}, but {size.rows} images give {patches} '
            "patches at most to learn words from; lower it, or give more images."
        )


def check_tags(
    run: Settings, splits: Sequence[int], size: Size, catalogue: "Catalogue | None" = None
) -> None:
    """Raise `ConfigError` where no tag, or not enough tags, could be scored on the test rows of a split.

    Without a `catalogue` a tag may be on all test images, and there may be as many tags as are asked for.
    """
    path = f"runs.{run['name']}.predicted_tags"
    ks = run["predicted_tags"]["ks"]
    words = run["data"].get("vocabulary", {}).get("size", max(ks))
    if catalogue is not None:
        words = len(catalogue.vocabulary)
    if max(ks) > words:
        raise ConfigError(
            f'config key "{path}.ks" is {ks}, but there are only {words} tags in the vocabulary; lower it.'
        )
    for number in splits:
        if catalogue is None:
            most = size.labelled - size.train
            where = f"the {most} images that split {number} does not train on"
        else:
            rows = catalogue.splits[number]["test"]
            most = int((catalogue.text[rows] > 0).sum(axis=0).max())
            where = f"the {len(rows)} test images of split {number}"
        for key, least in (
            ("predicted_tags.minimum_positives", run["predicted_tags"]["minimum_positives"]),
            ("tag_search.minimum", run["tag_search"]["minimum"]),
        ):
            if most < least:
                raise ConfigError(
                    f'config key "runs.{run["name"]}.{key}" is {least}, but no tag has more than {most} of '
                    f"{where}; lower it or give more images."
                )


def _trainings(run: Settings) -> dict[str, Any]:
    """The settings of a run that something is trained by."""
    names = [*run["compare"], *filter(None, [run["finetune_from"]])]
    records = [METHODS[name] for name in names]
    found = {"methods": {name: run["methods"][name] for name in names}, "finetune": run["finetune"]}
    if any(record.needs_layers for record in records):
        found["pathways"] = run["pathways"]
    if any(record.objective for record in records):
        found["joint"] = run["joint"]
    return found


def _found(settings: Any, key: str, path: str) -> Iterator[tuple[str, int]]:
    """Every number that stands under `key`, with its full name."""
    if isinstance(settings, Mapping):
        for name, inner in settings.items():
            if name == key and isinstance(inner, int):
                yield f"{path}.{name}", inner
            else:
                yield from _found(inner, key, f"{path}.{name}")
    elif isinstance(settings, list):
        for place, inner in enumerate(settings):
            yield from _found(inner, key, f"{path}[{place}]")
