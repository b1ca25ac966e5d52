# SPDX-License-Identifier: MIT
"""What a collection knows of its images, in a file that NumPy reads: asking it needs neither torch nor model.

Shapes: n images, V tags of the vocabulary, K units of the joint representation. Codes are states less the
mean state of their kind of query (an image, an image with its tags, a tag), divided by their length, so that
a product of two is a cosine (`mvi.collection.build`).
"""

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mvi.data import search
from mvi.data.archives import DAMAGE
from mvi.errors import DataError
from mvi.files import atomic
from mvi.text import one_form

FORMAT = 1
_ARRAYS = ("hashes", "states", "codes", "top", "probabilities", "tag_codes", "features")
# Their names in the file, where they differ.
_STORED = {"probabilities": "chances"}


@dataclass(frozen=True, eq=False)
class Index:
    """The images of a collection, in the order of their `names`.

    about: "model" (its hash), "vocabulary", "pictures" (the folder), "place" of the tags, "table" and more
    names, tags: of each image, its file in the folder, and all the tags that its owner gave it
    hashes, states: (n,) content hashes; (n, 2) size and time of each file
    codes: (n, K) float16, of an image with its tags, or alone where it has none of the vocabulary
    top, probabilities: (n, t) the likeliest tags (columns of the vocabulary) and theirs, image given
    tag_codes: (V, K) float16
    features: (n, d) float16, what the model sees of each image
    """

    about: dict[str, Any]
    names: list[str]
    tags: list[list[str]]
    hashes: np.ndarray
    states: np.ndarray
    codes: np.ndarray
    top: np.ndarray
    probabilities: np.ndarray
    tag_codes: np.ndarray
    features: np.ndarray

    @property
    def vocabulary(self) -> list[str]:
        """The tags that the model knows."""
        return list(self.about["vocabulary"])

    def save(self, path: str | Path) -> None:
        """Write the index, whole or not at all."""
        said = json.dumps({"format": FORMAT, "about": self.about, "names": self.names, "tags": self.tags})
        arrays = {_STORED.get(name, name): getattr(self, name) for name in _ARRAYS}
        with atomic(path) as temporary, temporary.open("wb") as file:
            np.savez(file, said=np.frombuffer(said.encode(), np.uint8), **arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Index":
        """Read the file that `save` wrote; raises `DataError` where it is absent or something else."""
        try:
            with np.load(path, allow_pickle=False) as file:
                said = json.loads(file["said"].tobytes())
                arrays = {name: file[_STORED.get(name, name)] for name in _ARRAYS}
            if said["format"] != FORMAT:
                raise DataError(f"{path} was written by another version of mvi; fit the collection again.")
            return cls(said["about"], said["names"], said["tags"], **arrays)
        except FileNotFoundError as error:
            raise DataError(f"{path} does not exist; fit the collection first (mvi fit).") from error
        except (*DAMAGE, KeyError, TypeError) as error:
            said = " ".join(str(error).split())
            raise DataError(f"{path} is no whole index ({said}); fit the collection again.") from error

    # -- asking ---------------------------------------------------------------------------------------

    def column(self, tag: str) -> int:
        """The column of a tag, whatever its case; raises `DataError`, with the nearest, for another."""
        known: dict[str, int] = {}
        for column, word in enumerate(self.vocabulary):
            known.setdefault(_folded(word), column)
        if _folded(tag) in known:
            return known[_folded(tag)]
        near = difflib.get_close_matches(_folded(tag), known, 3)
        words = ", ".join(self.vocabulary[known[one]] for one in near)
        raise DataError(
            f"{tag!r} is neither an image file nor a tag that the model knows; "
            + (f"did you mean {words}?" if near else "mvi info lists the commonest tags.")
        )

    def row(self, name: str) -> int | None:
        """The row of an image by its file in the folder."""
        return self.names.index(name) if name in self.names else None

    def suggested(self, row: int, k: int) -> list[tuple[str, float]]:
        """The `k` likeliest tags of a row and their probabilities."""
        columns, probabilities = self.top[row, :k].tolist(), self.probabilities[row, :k].tolist()
        return [
            (self.about["vocabulary"][column], probability)
            for column, probability in zip(columns, probabilities, strict=True)
        ]

    def nearest(self, code: np.ndarray, k: int, without: Sequence[str] = ()) -> list[tuple[str, float]]:
        """The `k` images nearest to a code (K,), with the cosine; none that has a tag of `without`."""
        kept, codes = np.arange(len(self.codes)), self.codes
        # Tags are folded one by one, which of many images takes longer than the search.
        if refused := {_folded(tag) for tag in without}:
            kept = np.flatnonzero([not refused & set(map(_folded, tags)) for tags in self.tags])
            codes = self.codes[kept]
        if not len(kept) or k < 1:
            return []
        rows, cosines = search.nearest(search.blocks_of(codes), unit(code)[None], min(k, len(kept)))
        return [
            (self.names[row], cosine)
            for row, cosine in zip(kept[rows[0]].tolist(), cosines[0].tolist(), strict=True)
        ]


def mixed(
    images: Sequence[np.ndarray],
    tags: Sequence[np.ndarray],
    without: Sequence[np.ndarray] = (),
    weight: float = 0.5,
) -> np.ndarray:
    """The code (K,) of a query: `weight` of its images, the rest of its tags, less those it is `without`."""
    parts = [(images, weight if tags else 1.0), (tags, 1 - weight if images else 1.0), (without, -0.5)]
    found = [share * unit(np.mean([unit(one) for one in codes], 0)) for codes, share in parts if len(codes)]
    return unit(np.sum(found, 0))


def unit(code: Any) -> np.ndarray:
    """float32 of length 1 along the last axis; zeros stay."""
    code = np.asarray(code, np.float32)
    return code / np.maximum(np.linalg.norm(code, axis=-1, keepdims=True), 1e-12)


def _folded(tag: str) -> str:
    return one_form(tag).casefold()
