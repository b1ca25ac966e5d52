# SPDX-License-Identifier: MIT
"""A catalogue: what is known of a set of tagged images before any pixel is read.

Rows are images: the L with labels first, then those without. A catalogue is small (the images stay
where they are) and is kept as one HDF5 file: the root attribute `header` (JSON: format, data set, whether
generated, citation, numbers of the splits), and the datasets `names`, `ids`, `vocabulary`, `classes`,
`labels`, `known` (only where some label is unknown), `text/{data,indices,indptr}` (CSR) and
`splits/<number>/<part>`.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from mvi.data import hdf5
from mvi.data.checks import check_counts, checked_known, checked_split
from mvi.data.splits import PARTS
from mvi.errors import DataError, ShapeError
from mvi.files import AGAIN, atomic
from mvi.text import one_form

FORMAT = 1


@dataclass(frozen=True)
class Catalogue:
    """A set of n tagged images, the first L of them with labels.

    `names` are the images' file names in the order of the rows and `ids` (n,) int64 or strings that tell
    them apart; `text` is (n, v) int32 counts of the `vocabulary`'s words, canonical CSR; `labels` is
    (L, c) uint8, 1 where an image belongs to a class of `classes`; `splits` maps numbers from 1 to the
    parts train, validation and test, ascending int64 rows below L, and is empty where L is 0; `generated`
    says that a program made the images. `known` (L, c) bool is false where nobody knows whether an image
    belongs to a class (its label is then 0), None where all is known.
    """

    dataset: str
    names: list[str]
    ids: np.ndarray
    text: sparse.csr_array
    vocabulary: list[str]
    labels: np.ndarray
    classes: list[str]
    splits: dict[int, dict[str, np.ndarray]]
    generated: bool
    citation: str
    known: np.ndarray | None = None

    @property
    def n_rows(self) -> int:
        """Number of images, n."""
        return len(self.names)

    @property
    def n_labelled(self) -> int:
        """Number of images with labels, L; an image of no class counts if the classes are known for it."""
        return len(self.labels)

    def check(self) -> None:
        """Raise `DataError` where the parts do not fit together or hold what they must not."""
        n, where = self.n_rows, f"The catalogue of {self.dataset!r}"
        if not n:
            raise DataError(f"{where} has no image; name the right files.")
        for what, values in (
            ("image", self.names),
            ("id", self.ids.tolist()),
            ("word", self.vocabulary),
            ("class", self.classes),
        ):
            _check_distinct(f"{where} has the {what}", values)
        if self.ids.shape != (n,) or self.ids.dtype.kind not in "iU":
            raise DataError(
                f"{where} has ids {self.ids.dtype} {self.ids.shape} for {n} images; give one each."
            )
        if not self.vocabulary or self.text.shape != (n, len(self.vocabulary)):
            raise DataError(
                f"{where} has text of shape {self.text.shape} for {n} images and {len(self.vocabulary)} "
                "words; it needs at least one word, and one row per image."
            )
        try:
            text = self.text
            check_counts("text", text.indptr, text.indices, text.data, len(self.vocabulary))
        except DataError as error:
            raise DataError(f"{where} has text that is no matrix of counts: {error}; mend it.") from error
        if (
            self.labels.dtype != np.uint8
            or self.labels.ndim != 2
            or self.labels.shape[1] != len(self.classes)
        ):
            raise DataError(
                f"{where} has labels {self.labels.dtype} {self.labels.shape} for {len(self.classes)} "
                "classes; they must be uint8, with a column a class."
            )
        if self.n_labelled and not self.classes:
            raise DataError(f"{where} has labelled rows and no class; name the labels that they have.")
        if self.n_labelled > n or (self.labels > 1).any():
            raise DataError(f"{where} has labels for more than its {n} images, or others than 0 and 1.")
        try:
            checked_known(self.known, self.labels, self.classes)
        except ShapeError as error:
            raise DataError(f"{where} has a mask of known labels that is none: {error}") from error
        try:
            for number, split in self.splits.items():
                checked_split(number, split, self.n_labelled)
        except ShapeError as error:
            raise DataError(
                f"{where} has a split beyond its {self.n_labelled} labelled rows: {error}"
            ) from error


def count_words(
    tags: Sequence[Iterable[str]], vocabulary_size: int, minimum_count: int, *, fold_case: bool = False
) -> tuple[sparse.csr_array, list[str]]:
    """Return the counts (n, v) int32 of the most frequent tags of n images, and those v words.

    `tags` holds the tags of each image, in whatever Unicode form; with `fold_case` capital and small
    letters count as the same (`mvi.text.one_form`). The words are the tags that at least `minimum_count`
    images have, the most frequent first and those of one frequency in alphabetical (code point) order, at
    most `vocabulary_size` of them. Raises `DataError` where no tag is frequent enough.
    """
    tags = [[one_form(tag, fold_case=fold_case) for tag in own] for own in tags]
    images = Counter(tag for own in tags for tag in set(own))
    frequent = sorted((tag for tag, n in images.items() if n >= minimum_count), key=lambda t: (-images[t], t))
    vocabulary = frequent[:vocabulary_size]
    if not vocabulary:
        raise DataError(
            f"No tag is on at least {minimum_count} of the {len(tags)} images; lower the minimum count or "
            "give more tags."
        )
    return expressed(tags, vocabulary), vocabulary


def expressed(tags: Sequence[Iterable[str]], vocabulary: Sequence[str]) -> sparse.csr_array:
    """Return how often each of n images has each of the v words, (n, v) int32; other tags do not count.

    `tags` holds the tags of each image, in whatever Unicode form, and `vocabulary` words in one.
    """
    column = {word: i for i, word in enumerate(vocabulary)}
    written = ((one_form(tag) for tag in own) for own in tags)
    counts = [Counter(column[tag] for tag in own if tag in column) for own in written]
    ordered = [sorted(own.items()) for own in counts]
    pairs = np.array([pair for own in ordered for pair in own], np.int32).reshape(-1, 2)
    starts = np.concatenate([[0], np.cumsum([len(own) for own in ordered])]).astype(np.int64)
    return sparse.csr_array((pairs[:, 1], pairs[:, 0], starts), shape=(len(tags), len(vocabulary)))


def write_catalogue(path: str | Path, catalogue: Catalogue) -> None:
    """Write `catalogue` at `path`, whole or not at all; the same catalogue gives the same bytes.

    Raises `DataError` where the catalogue does not pass its `check` or `path` cannot be written.
    """
    catalogue.check()
    numbers = sorted(catalogue.splits)
    header = {
        "format": FORMAT,
        "dataset": catalogue.dataset,
        "generated": catalogue.generated,
        "citation": catalogue.citation,
        "splits": numbers,
    }
    arrays = {
        "names": _encoded(catalogue.names),
        "ids": _encoded(catalogue.ids.tolist()) if catalogue.ids.dtype.kind == "U" else catalogue.ids,
        "vocabulary": _encoded(catalogue.vocabulary),
        "classes": _encoded(catalogue.classes),
        "labels": catalogue.labels,
        "text/data": catalogue.text.data.astype(np.int32),
        "text/indices": catalogue.text.indices.astype(np.int32),
        "text/indptr": catalogue.text.indptr.astype(np.int64),
    }
    if catalogue.known is not None and not catalogue.known.all():
        arrays["known"] = catalogue.known
    for number in numbers:
        arrays |= {f"splits/{number}/{part}": catalogue.splits[number][part] for part in PARTS}
    with hdf5.in_memory() as file:
        file.attrs["header"] = np.bytes_(json.dumps(header, sort_keys=True))
        for name, values in arrays.items():
            # An empty dataset has no chunks to pack or to check.
            packed = {"compression": "gzip", "shuffle": True, "fletcher32": True} if values.size else {}
            file.create_dataset(name, data=values, **packed)
        file.flush()
        content = file.id.get_file_image()
    with atomic(path, len(content)) as temporary:
        temporary.write_bytes(content)


def read_catalogue(path: str | Path) -> Catalogue:
    """Read what `write_catalogue` wrote; raises `DataError` where it is missing, damaged or none."""
    with hdf5.reading(path, "catalogue"), hdf5.opened(path) as file:
        header = json.loads(file.attrs["header"])
        if header["format"] != FORMAT:
            raise ValueError(f"its format is {header['format']}, not {FORMAT}")
        names, vocabulary, classes = (_decoded(file[n][:]) for n in ("names", "vocabulary", "classes"))
        ids = file["ids"][:]
        parts = [file[f"text/{part}"][:] for part in ("data", "indices", "indptr")]
        catalogue = Catalogue(
            dataset=header["dataset"],
            names=names,
            ids=np.array(_decoded(ids)) if ids.dtype.kind == "S" else ids,
            text=sparse.csr_array(tuple(parts), shape=(len(names), len(vocabulary))),
            vocabulary=vocabulary,
            labels=file["labels"][:],
            classes=classes,
            splits={n: {part: file[f"splits/{n}/{part}"][:] for part in PARTS} for n in header["splits"]},
            generated=header["generated"],
            citation=header["citation"],
            known=file["known"][:] if "known" in file else None,
        )
    try:
        catalogue.check()
    except DataError as error:
        said = str(error).rpartition(";")[0] or str(error).rstrip(".")
        raise DataError(f"{path} is not a sound catalogue ({said}); {AGAIN}.") from error
    return catalogue


def _check_distinct(what: str, values: Sequence[str | int]) -> None:
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise DataError(f"{what} {repeated[0]!r} more than once; each must be there once.")
    for value in values:
        # HDF5 strings of a fixed length end at a NUL.
        if isinstance(value, str) and (not value or "\0" in value):
            raise DataError(f"{what} {value!r}, which is empty or has a NUL in it; give it another name.")


def _encoded(values: Sequence[str]) -> np.ndarray:
    # Strings of a length that may vary lie where no checksum guards them.
    encoded = [value.encode() for value in values]
    return np.array(encoded, f"S{max(map(len, encoded), default=1)}")


def _decoded(values: np.ndarray) -> list[str]:
    return [value.decode() for value in values.tolist()]
