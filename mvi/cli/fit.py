# SPDX-License-Identifier: MIT
"""`mvi fit`: from a folder of images to a collection; the workflow does the work, this writes its config."""

import csv
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from mvi.cli.running import run, workflow
from mvi.cli.verdict import verdict
from mvi.collection.collection import INDEX, MODEL, NETWORK, WORDS, Collection, home_folder
from mvi.collection.images import readable
from mvi.collection.index import Index
from mvi.collection.tags import TABLE, find_tags
from mvi.data.facts import named
from mvi.data.readers.folder import SEPARATOR
from mvi.errors import ConfigError, DataError
from mvi.files import atomic, exclusive, sha256
from mvi.workflow.config import RUNS, resolve
from mvi.workflow.plan import Run

BASE = "folder-collection"
ALL, EVALUATION = "collection", "evaluation"
LEAST = 20
"""Images with tags: fewer are not worth a model."""
SHARE = 5
"""Of so many images one is not learned from, to evaluate."""


def fit(
    images: Path,
    table: Path | None,
    name: str,
    *,
    home: str | None = None,
    evaluate: bool = False,
    effort: float = 1.0,
    cores: str = "all",
    over: Mapping[str, Any] | None = None,
    known: Index | None = None,
) -> tuple[Collection, list[str]]:
    """Make the collection `name` of the images in `images`, or make it anew, and say what came of it.

    table: of their tags; None for those of `mvi.collection.tags.find_tags`
    evaluate: train a second model without a fifth of the images, to evaluate the suggestions on these
    effort: times as many updates in training
    over: laid over the settings of the run (config/runs/folder-collection.yaml)
    known: has the tags of all images, so that the table is not read: it may list images that are gone

    Raises `DataError` and `ConfigError` before any work where the images, tags or settings cannot do.
    """
    folder = _folder(name, home)
    images = images.expanduser().absolute()
    if table is not None:
        table = table.expanduser().absolute()
    _refuse_other(folder, images)
    names, refused = readable(images)
    if known is None:
        tags, place = find_tags(images, names, table)
    else:
        tags, place = dict(zip(known.names, known.tags, strict=True)), known.about["place"]
    tagged = sum(map(bool, tags.values()))
    if tagged < LEAST:
        raise DataError(
            f"{tagged} of the {len(names)} images have tags, and a model needs {LEAST} of them; tag more."
        )
    for file, reason in refused.items():
        print(f"left out: {file} {reason}", file=sys.stderr)
    with exclusive(folder / "fit.lock"):
        write_table(folder / "table.csv", tags)
        settings = configured(images, folder / "table.csv", tagged, evaluate, effort, over or {})
        with atomic(folder / "config.yaml") as temporary:
            text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
            temporary.write_text(text, encoding="utf-8")
        runs = {key: Run(key, one) for key, one in settings["runs"].items()}
        run(folder, (folder / "config.yaml").absolute(), "model", cores=cores, shown=sys.stderr)
        finished = runs[ALL]
        part = finished.parts[0].name
        shutil.copyfile(folder / finished.file(f"finetune/{part}.safetensors"), folder / MODEL)
        inputs = finished.source.description_inputs()
        source = inputs.get("network") or inputs["words"]
        shutil.copyfile(folder / source, folder / (NETWORK if "network" in inputs else WORDS))
        evaluated = folder / runs[EVALUATION].file(f"finetune/{part}.safetensors") if evaluate else None
        held_out = settings["runs"][EVALUATION]["rows"] if evaluate else None
        about = {"pictures": str(images), "place": place, "table": table and str(table)}
        found = _index(folder, folder / finished.store, tags, about, evaluated, held_out)
    return found, _said(found, refused)


def write_table(path: Path, tags: Mapping[str, Sequence[str]]) -> None:
    """The table that the workflow reads, of all images."""
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("file", "tags"))
        rows.writerows((name, SEPARATOR.join(own)) for name, own in tags.items())


def configured(
    images: Path, table: Path, tagged: int, evaluate: bool, effort: float, over: Mapping[str, Any]
) -> dict[str, Any]:
    """The complete configuration for so many images with tags.

    Layers are the larger the more images there are, up to those of the runs on MIRFLICKR; the number of
    updates is about that of 4,000 images in the base's epochs, and at least as many epochs as it has.
    """
    own = {"extends": BASE, "data": {"images": str(images), "table": str(table.absolute())}, **over}
    settings = resolve({"runs": {ALL: own}}, workflow() / RUNS)
    chosen = settings["runs"][ALL]
    learned = tagged - tagged // SHARE if evaluate else tagged
    larger = 1 if tagged < 10_000 else 2
    image, text = (chosen["pathways"][key]["layers"][0] for key in ("image", "text"))
    for layer in (image, text, chosen["joint"]):
        layer["hidden"] *= larger
    for stage in (image, text, chosen["joint"], *chosen["finetune"]):
        training = stage["training"]
        training["batch_size"] = max(2, min(training["batch_size"], learned // 8))
        training["epochs"] = max(1, round(effort * training["epochs"] * max(1.0, min(4.0, 4000 / tagged))))
    runs = {ALL: chosen}
    if evaluate:
        rows = {**chosen["rows"], "held_out": tagged // SHARE}
        runs[EVALUATION] = {**chosen, "name": EVALUATION, "rows": rows}
    return resolve({**settings, "runs": runs}, workflow() / RUNS)


def _folder(name: str, home: str | None) -> Path:
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise ConfigError(
            f"A collection cannot be called {name!r}; give a --name without / and dots before it."
        )
    return home_folder(home) / name


def _refuse_other(folder: Path, images: Path) -> None:
    if (folder / INDEX).is_file():
        other = Index.load(folder / INDEX).about["pictures"]
        if Path(other) != images:
            raise ConfigError(f"{folder} is a collection of {other}; give this one another --name.")


def _index(
    folder: Path,
    store: Path,
    tags: Mapping[str, list[str]],
    about: Mapping[str, Any],
    evaluated: Path | None,
    held_out: Mapping[str, Any] | None,
) -> Collection:
    """Keep what the model says of the images, from their features in the workflow's store."""
    import numpy as np

    from mvi.collection.build import built, counts_of, learned
    from mvi.data.store import Store
    from mvi.models.public import load
    from mvi.training.rows import training_and_monitoring_rows

    model = load(folder / MODEL)
    with Store(store) as file:
        # Those whose header could be read, but no more.
        rows = np.setdiff1d(np.arange(file.n_rows), file.attrs["attributes"]["unreadable"])
        features, facts, names = file.read("image", rows), file.features, file.ids(rows).tolist()
        own = [tags[name] for name in names]
        text, new = counts_of(own, model.vocabulary), np.ones(len(rows), bool)
        common = text.sum(0)
        if evaluated is not None and held_out is not None:
            options = {key: held_out[key] for key in ("held_out", "seed", "parts")}
            new = np.isin(rows, training_and_monitoring_rows(file, 1, **options)[1])
            common = text[~new].sum(0)
    found = learned(load(evaluated) if evaluated else model, features[new], text[new], common)
    about = {
        **about,
        "model": sha256(folder / MODEL),
        "network": named(facts) if facts else "",
        "learned": {"new": evaluated is not None, **found},
    }
    built(model, about, names, own, features).save(folder / INDEX)
    return Collection(folder)


def _said(collection: Collection, refused: Mapping[str, str]) -> list[str]:
    index = collection.index
    found, tagged = index.about["learned"], sum(map(bool, index.tags))
    left_out = f", {len(refused)} left out" if refused else ""
    return [
        f"{len(index.names)} images, {tagged} with tags{left_out}; {len(index.vocabulary)} tags are known "
        f"(on two images or more), from {index.about['place']}"
        + (f" {index.about['table']}" if index.about["place"] == TABLE else ""),
        f"The collection is {collection.folder}: model {MODEL}, {INDEX}, log fit.log.",
        verdict(found),
    ]
