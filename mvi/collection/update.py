# SPDX-License-Identifier: MIT
"""Keep an index up with its folder: only images of new content are described."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mvi.collection.build import answers, counts_of
from mvi.collection.images import State, content_hash, image_files, refused_image, state_of
from mvi.collection.index import Index
from mvi.collection.tags import KEYWORDS, TABLE, tags_at
from mvi.data.readers.folder import tags_of_table
from mvi.errors import DataError
from mvi.models.base import MultimodalModel

Describe = Callable[[Sequence[Path]], tuple[np.ndarray, list[int]]]


class Changes(NamedTuple):
    """What an update found.

    retagged: images of known content whose tags are others now
    refused: files that cannot be read -> the reason
    """

    new: int
    changed: int
    renamed: int
    gone: int
    retagged: int
    refused: Mapping[str, str]


class _File(NamedTuple):
    # `row` is where the index knows the same content.
    name: str
    state: State
    hash: str
    row: int | None


def updated(index: Index, model: Callable[[], MultimodalModel], describe: Describe) -> tuple[Index, Changes]:
    """The index of what lies in its folder now, and what is new in it.

    model: gives the model, asked only if it is needed
    describe: maps files to features and the numbers of the unreadable ones (`mvi.collection.describing`)

    Raises `DataError` where no image is left.
    """
    folder = Path(index.about["pictures"])
    files, refused = _files(index, folder)
    unknown = [file for file in files if file.row is None]
    described = np.empty((0, index.features.shape[1]), np.float16)
    if unknown:
        found, unreadable = describe([folder / file.name for file in unknown])
        refused |= {unknown[at].name: "is damaged" for at in unreadable}
        described = np.delete(found.astype(np.float16), unreadable, axis=0)
        files = [file for file in files if file.name not in refused]
    if not files:
        raise DataError(f"{folder} holds no image any more; check the folder, or delete the collection.")
    is_new = np.array([file.row is None for file in files])
    rows = np.array([file.row or 0 for file in files])
    tags = _tags(index, folder, files)
    fields = {name: getattr(index, name)[rows] for name in ("codes", "top", "probabilities", "features")}
    fields["features"][is_new] = described
    before = [set(index.tags[row]) for row in rows.tolist()]
    retagged = ~is_new & np.array([old != set(own) for old, own in zip(before, tags, strict=True)])
    asked = is_new | retagged
    if asked.any():
        text = counts_of([own for own, one in zip(tags, asked, strict=True) if one], index.vocabulary)
        told = answers(model(), fields["features"][asked].astype(np.float32), text)
        for name in ("codes", "top", "probabilities"):
            fields[name][asked] = getattr(told, name)
    result = replace(
        index,
        names=[file.name for file in files],
        tags=tags,
        hashes=np.array([file.hash for file in files]),
        states=np.array([file.state for file in files], np.int64),
        **fields,
    )
    return result, _changes(index, files, int(retagged.sum()), refused)


def _files(index: Index, folder: Path) -> tuple[list[_File], dict[str, str]]:
    by_name = {name: row for row, name in enumerate(index.names)}
    by_hash = {one: row for row, one in enumerate(index.hashes.tolist())}
    states = list(map(tuple, index.states.tolist()))
    files, refused = [], {}
    for name in image_files(folder):
        path = folder / name
        state, row = state_of(path), by_name.get(name)
        if row is not None and state == states[row]:
            files.append(_File(name, state, str(index.hashes[row]), row))
        elif (reason := refused_image(folder, name)) is not None:
            refused[name] = reason
        else:
            digest = content_hash(path)
            files.append(_File(name, state, digest, by_hash.get(digest)))
    return files, refused


def _tags(index: Index, folder: Path, files: Sequence[_File]) -> list[list[str]]:
    """The tags of each file, from the place in which they were.

    A file that the table does not list keeps what its content had, as do keywords in images of known content.
    """
    place, table = index.about["place"], index.about["table"]
    kept = {file.name: index.tags[file.row] for file in files if file.row is not None}
    if place == TABLE:
        found = tags_of_table(folder, table, lacking=True)
    elif place == KEYWORDS:
        found = tags_at(place, folder, [file.name for file in files if file.row is None])
    else:
        found = tags_at(place, folder, [file.name for file in files])
    return [found.get(file.name, kept.get(file.name, [])) for file in files]


def _changes(index: Index, files: Sequence[_File], retagged: int, refused: Mapping[str, str]) -> Changes:
    before, now = set(index.names), {file.name for file in files}
    new = [file.name in before for file in files if file.row is None]
    gone = {row for row, name in enumerate(index.names) if name not in now}
    moved = gone & {file.row for file in files if file.name not in before}
    counts = new.count(False), new.count(True), len(moved), len(gone) - len(moved), retagged
    return Changes(*counts, dict(refused))
