# SPDX-License-Identifier: MIT
"""One's own images, asked from Python: `mvi.open("holiday")`, which the command line speaks to as well."""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mvi.collection.images import state_of
from mvi.collection.index import Index, mixed
from mvi.data.images import refusal
from mvi.errors import DataError
from mvi.files import sha256

if TYPE_CHECKING:
    from mvi.collection.update import Changes

MODEL, INDEX, NETWORK, WORDS = "model.safetensors", "index.npz", "network.onnx", "words.npy"
Scored = list[tuple[str, float]]
Path_ = str | os.PathLike[str]


def home_folder(home: Path_ | None = None) -> Path:
    """Where collections lie: `home`, else the variable MVI_HOME, else `collections` in the current folder."""
    return Path(home or os.environ.get("MVI_HOME") or "collections")


def names_in(home: Path_ | None = None) -> list[str]:
    """The collections that are there."""
    return sorted(path.parent.name for path in home_folder(home).glob(f"*/{INDEX}"))


def open_collection(name: str | None = None, home: Path_ | None = None) -> "Collection":
    """The collection `name` of a home folder, or at a path; None is for the only one that is there.

    Raises `DataError` where there is none of that name, or several to choose among.
    """
    known, place = names_in(home), home_folder(home)
    if name is None:
        if len(known) != 1:
            raise DataError(
                f"{place} has the collections {', '.join(known)}; say which by --name."
                if known
                else f"{place} has no collection (mvi fit IMAGES --name NAME makes one)."
            )
        name = known[0]
    folder = place / name if (place / name / INDEX).is_file() else Path(name)
    if not (folder / INDEX).is_file():
        raise DataError(
            f"{place} has no collection {name!r}, but {', '.join(known) or 'none'}; check --home."
        )
    return Collection(folder)


class Collection:
    """The images, model and index in a folder that `mvi fit` made.

    Images are named by their files in the collection's folder of images. `query`s of `search` are tags, tags
    after a `-` that must not be there, and image files. Raises `DataError` where files are absent or
    damaged, or where the index was made by another model than the one that lies beside it.
    """

    def __init__(self, folder: Path_) -> None:
        self.folder = Path(folder)
        self.name = self.folder.resolve().name

    @cached_property
    def index(self) -> Index:
        """What is known of the images."""
        index = Index.load(self.folder / INDEX)
        if index.about["model"] != self.model_hash:
            raise DataError(
                f"{self.folder / INDEX} was made by the model {index.about['model'][:8]} and not by "
                f"{self.folder / MODEL} ({self.model_hash[:8]}); run mvi fit again."
            )
        return index

    @cached_property
    def model_hash(self) -> str:
        """The sha256 of the model's file."""
        return sha256(self.folder / MODEL, "fit the collection again")

    @cached_property
    def model(self) -> Any:
        """The model (`mvi.load`)."""
        # Importing torch takes seconds, and what is known already is told without it.
        from mvi.models.public import load

        return load(self.folder / MODEL)

    @property
    def images(self) -> Path:
        """The folder of images."""
        return Path(self.index.about["pictures"])

    # -- asking ---------------------------------------------------------------------------------------

    def describe(self, paths: Sequence[Path_]) -> np.ndarray:
        """(n, d) float32: what the model sees of image files, in the collection or elsewhere."""
        files = [Path(path) for path in paths]
        for path in files:
            if (reason := refusal(path)) is not None:
                raise DataError(f"{path} {reason}; give another image.")
        found, unreadable = self._describe(files)
        if unreadable:
            raise DataError(f"{files[unreadable[0]]} is damaged; give another image.")
        return found

    def suggest(self, paths: Sequence[Path_], k: int = 5) -> list[Scored]:
        """The `k` likeliest tags of each image and their probabilities, from the image only."""
        rows = [self._row(path) for path in paths]
        found = {
            path: self.index.suggested(row, k)
            for path, row in zip(paths, rows, strict=True)
            if row is not None
        }
        new = [path for path in paths if path not in found]
        if new:
            from mvi.collection.build import tag_probabilities

            for path, probabilities in zip(
                new, tag_probabilities(self.model, self.describe(new)), strict=True
            ):
                order = np.argsort(-probabilities, kind="stable")[:k].tolist()
                found[path] = [
                    (self.index.vocabulary[column], float(probabilities[column])) for column in order
                ]
        return [found[path] for path in paths]

    def vectors(self, paths: Sequence[Path_] | None = None) -> np.ndarray:
        """(n, K) float32 codes of length 1, of image files or of all images of the collection."""
        if paths is None:
            return self.index.codes.astype(np.float32)
        rows = [self._row(path) for path in paths]
        new = [path for path, row in zip(paths, rows, strict=True) if row is None]
        codes = iter(self._codes(new) if new else ())
        return np.stack(
            [next(codes) if row is None else self.index.codes[row].astype(np.float32) for row in rows]
        )

    def search(self, query: str | Sequence[Path_], k: int = 10, weight: float = 0.5) -> Scored:
        """The `k` images nearest to a query, nearest first, with the cosine.

        weight: of the images of the query beside its tags, 0 to 1
        """
        terms = [query] if isinstance(query, str) else list(query)
        images = [term for term in terms if self._row(term) is not None or Path(term).is_file()]
        words = [str(term) for term in terms if term not in images]
        tags = [word for word in words if not word.startswith("-")]
        without = [word[1:] for word in words if word.startswith("-")]
        columns = {tag: self.index.column(tag) for tag in (*tags, *without)}
        if not images and not tags:
            raise DataError("A search needs a tag or an image besides what must not be there; add one.")
        code = mixed(
            list(self.vectors(images)) if images else [],
            [self.index.tag_codes[columns[tag]] for tag in tags],
            [self.index.tag_codes[columns[tag]] for tag in without],
            weight,
        )
        refused = [self.index.vocabulary[columns[tag]] for tag in without]
        return self.index.nearest(code, k, refused)

    def _row(self, path: Path_) -> int | None:
        """The row of a file of the collection, by its name in it or by its path, if it is as it was."""
        index, folder = self.index, self.images
        name = os.fspath(path)
        if Path(name).is_file() and Path(name).resolve().is_relative_to(folder.resolve()):
            name = Path(name).resolve().relative_to(folder.resolve()).as_posix()
        row = index.row(name)
        same = (
            row is not None
            and (folder / name).is_file()
            and state_of(folder / name) == tuple(index.states[row])
        )
        return row if same else None

    def _describe(self, files: Sequence[Path]) -> tuple[np.ndarray, list[int]]:
        from mvi.collection.describing import describer

        facts = self.model.features
        source = WORDS if facts and facts["kind"] == "descriptors" else NETWORK
        return describer(facts, self.folder / source)(files)

    def _codes(self, paths: Sequence[Path_]) -> np.ndarray:
        from mvi.collection.build import image_codes

        return image_codes(self.model, self.describe(paths))

    # -- keeping up -----------------------------------------------------------------------------------

    def update(self) -> "Changes":
        """Describe new and changed images, forget those that are gone, and read all tags again.

        A file that has been renamed keeps what is known of it. The model stays as it is: tags outside its
        vocabulary count only when it is fitted again.
        """
        from mvi.collection.update import updated

        index, changes = updated(self.index, lambda: self.model, self._describe)
        index.save(self.folder / INDEX)
        self.index = index
        return changes
