# SPDX-License-Identifier: MIT
"""PASCAL VOC 2007 from its two tars, tags of its images, and pairs of another collection without labels.

The tars hold `VOCdevkit/VOC2007/` with `JPEGImages/<id>.jpg`, `Annotations/<id>.xml` and, in
`ImageSets/Main`, the ids of each set (train.txt, val.txt, test.txt) and for each class the same with 1, -1 or
0 behind each: 0 where all objects of the class are marked as difficult, so that the image counts neither for
nor against it. What a set does not name is left alone.

Tags come in one of two forms. LEAR's (Guillaumin, Verbeek, Schmid 2010): a dictionary, a word a line; for
train + val and for test a list of images, one a line, and a row of numbers for each: a count, which is that
of the dictionary's words, then how often the image has each, all of 16 bits, the lower byte first. Or one
text for all images, UTF-8, a line each: the id and then its tags, separated by blanks; the vocabulary is then
made of them.

The pairs are a zip in MIRFLICKR's layout; their tags are expressed in the vocabulary of the labelled images,
and what it lacks is dropped.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

import numpy as np
from scipy import sparse

from mvi.data.archives import PlainTar, open_zip
from mvi.data.catalogue import Catalogue, count_words, expressed
from mvi.data.readers.mirflickr_layout import image_names, tags_of
from mvi.errors import DataError
from mvi.text import one_form

CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable"),
    *("dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
ROOT = "VOCdevkit/VOC2007"
# The sets, which are parts of the split.
SETS = {"train": "train", "val": "validation", "test": "test"}
OFFICIAL = {"train": 2501, "val": 2510, "test": 4952}
# Images of train and val in which a class is not only difficult (documentation of the development kit).
POSITIVES = {
    "aeroplane": (112, 126),
    "bicycle": (116, 127),
    "bird": (180, 150),
    "boat": (81, 100),
    "bottle": (139, 105),
    "bus": (97, 89),
}
WORDS = 804
XML_BYTES = 2**20

log = logging.getLogger(__name__)


def catalogue(
    raw: Mapping[str, str], settings: Mapping[str, Any], *, dataset: str, generated: bool, citation: str
) -> Catalogue:
    """Return the catalogue of files in the layout of VOC 2007 and of pairs; no image is read.

    `settings` are those of `mvi.data.sets.voc2007` or `mvi.data.sets.minivoc`. Rows are the images of the
    sets by ascending id, then the pairs; ids are those of VOC, and im1, im2, ... of the pairs. Unless the
    data are `generated`, sizes of sets, classes, counts of `POSITIVES` and of words are checked to be the
    official ones. Raises `DataError` where a file is damaged or not what the module's text says.
    """
    with ExitStack() as stack:
        tars = [stack.enter_context(PlainTar(raw[kind])) for kind in ("images", "test_images")]
        sets = {name: _ids(tars[name == "test"], name) for name in SETS}
        ids = sorted(set().union(*sets.values()))
        _check_sets(sets, len(ids), tars)
        row = {one: i for i, one in enumerate(ids)}
        classes = _classes(tars[0], complete=not generated)
        values = np.zeros((len(ids), len(classes)), np.int8)
        for name, members in sets.items():
            rows = [row[one] for one in members]
            for column, label in enumerate(classes):
                values[rows, column] = _labels(tars[name == "test"], label, name, members)
        _compare_with_objects(tars, ids, classes, values)
    if not generated:
        _check_official(sets, {name: values[[row[one] for one in sets[name]]] for name in sets}, classes)
    text, vocabulary = _tags(raw, settings, ids, [*sets["train"], *sets["val"]], sets["test"], not generated)
    with open_zip(raw["unlabelled_images"]) as archive:
        pairs = image_names(archive)
        others = expressed(tags_of(archive, len(pairs)), vocabulary)
    found = Catalogue(
        dataset=dataset,
        names=[*(f"{ROOT}/JPEGImages/{one}.jpg" for one in ids), *pairs],
        ids=np.array([*ids, *(PurePosixPath(name).stem for name in pairs)]),
        text=sparse.csr_array(sparse.vstack([text, others])),
        vocabulary=vocabulary,
        labels=(values == 1).astype(np.uint8),
        classes=list(classes),
        splits={1: {part: np.array(sorted(row[one] for one in sets[name])) for name, part in SETS.items()}},
        generated=generated,
        citation=citation,
        known=values != 0,
    )
    found.check()
    return found


# -- the development kit's files --------------------------------------------------------------------------


def _lines(tar: PlainTar, name: str) -> list[list[str]]:
    """The blank-separated cells of each line that is not empty."""
    content = tar.read(f"{ROOT}/ImageSets/Main/{name}.txt").decode("latin-1")
    return [cells for line in content.replace("\r", "\n").split("\n") if (cells := line.split())]


def _ids(tar: PlainTar, name: str) -> list[str]:
    lines = _lines(tar, name)
    for cells in lines:
        if len(cells) != 1 or not re.fullmatch(r"[0-9]+", cells[0]):
            raise DataError(
                f"{name}.txt in {tar.path} has the line {' '.join(cells)[:40]!r}, which is no id of an "
                "image; retrieve the right archive."
            )
    return [cells[0] for cells in lines]


def _check_sets(sets: Mapping[str, Sequence[str]], distinct: int, tars: Sequence[PlainTar]) -> None:
    if sum(map(len, sets.values())) != distinct or not all(sets.values()):
        counts = ", ".join(f"{len(members)} {name}" for name, members in sets.items())
        raise DataError(
            f"The sets of {tars[0].path} and {tars[1].path} ({counts}) hold {distinct} images, but each set "
            "must hold some, and each image must be in one of them; retrieve both archives of one data set."
        )
    for number, tar in enumerate(tars):
        held = set(tar.namelist())
        wanted = [one for name in SETS if (name == "test") == number for one in sets[name]]
        lacking = [one for one in wanted if f"{ROOT}/JPEGImages/{one}.jpg" not in held]
        if lacking:
            raise DataError(
                f"{tar.path} lacks the images of {len(lacking)} ids of its sets, such as {lacking[0]}; "
                "retrieve the whole archive."
            )
        spare = sum(name.startswith(f"{ROOT}/JPEGImages/") for name in held) - len(wanted)
        if spare:
            log.warning("%d images of %s are in no set and are left out", spare, tar.path)


def _classes(tar: PlainTar, *, complete: bool) -> tuple[str, ...]:
    pattern = re.compile(rf"{ROOT}/ImageSets/Main/(.+)_train\.txt")
    found = {match[1] for name in tar.namelist() if (match := pattern.fullmatch(name))}
    unknown, lacking = sorted(found - {*CLASSES}), [name for name in CLASSES if name not in found]
    if unknown or not found or (complete and lacking):
        what = f"labels of the unknown class {unknown[0]!r}" if unknown else f"no labels of {lacking[0]}"
        raise DataError(f"{tar.path} has {what}; retrieve the archive of VOC 2007.")
    return tuple(name for name in CLASSES if name in found)


def _labels(tar: PlainTar, label: str, name: str, members: Sequence[str]) -> list[int]:
    """1, 0 or -1 for each of `members`, in their order."""
    file, value = f"{label}_{name}.txt in {tar.path}", dict[str, int]()
    for cells in _lines(tar, f"{label}_{name}"):
        if len(cells) != 2 or cells[1] not in ("1", "0", "-1"):
            raise DataError(
                f"{file} has the line {' '.join(cells)[:40]!r}, but a line is an id and 1, 0 or -1; retrieve "
                "the right archive."
            )
        if cells[0] in value:
            raise DataError(f"{file} has {cells[0]} twice; retrieve the right archive.")
        value[cells[0]] = int(cells[1])
    if value.keys() != set(members):
        odd = min(value.keys() ^ set(members))
        raise DataError(
            f"{file} {'has' if odd in value else 'lacks'} {odd}, which is "
            f"{'not ' if odd in value else ''}in {name}.txt; retrieve the right archive."
        )
    return [value[one] for one in members]


def _compare_with_objects(
    tars: Sequence[PlainTar], ids: Sequence[str], classes: Sequence[str], values: np.ndarray
) -> None:
    """Warn where labels are not those of the objects, and raise where an object is of an unknown class."""
    place = {name: tar for tar in tars for name in tar.namelist()}
    other = 0
    for one, given in zip(ids, values, strict=True):
        name = f"{ROOT}/Annotations/{one}.xml"
        if name not in place:
            raise DataError(f"{tars[0].path} and {tars[1].path} lack {name}; retrieve the whole archives.")
        try:
            objects = ElementTree.fromstring(place[name].read(name, XML_BYTES)).findall("object")
        except ElementTree.ParseError as error:
            raise DataError(
                f"{name} in {place[name].path} is no XML ({error}); retrieve the archive again."
            ) from error
        shown = dict[str, int]()
        for found in objects:
            label, sure = found.findtext("name", "").strip(), found.findtext("difficult", "0").strip() != "1"
            if label not in CLASSES:
                raise DataError(
                    f"{name} in {place[name].path} has an object of the unknown class {label!r}; retrieve "
                    "the archive of VOC 2007."
                )
            shown[label] = max(shown.get(label, 0), int(sure))
        other += any(shown.get(label, -1) != value for label, value in zip(classes, given, strict=True))
    if other:
        log.warning("%d images have labels other than their objects say; the labels are taken", other)


def _check_official(
    sets: Mapping[str, Sequence[str]], values: Mapping[str, np.ndarray], classes: Sequence[str]
) -> None:
    for name, count in OFFICIAL.items():
        if len(sets[name]) != count:
            raise DataError(
                f"The set {name} has {len(sets[name])} images, and that of VOC 2007 has {count}; retrieve "
                "the original archives."
            )
    for label, counts in POSITIVES.items():
        for name, count in zip(("train", "val"), counts, strict=True):
            found = int((values[name][:, classes.index(label)] == 1).sum())
            if found != count:
                raise DataError(
                    f"The set {name} has {found} images of the class {label}, and that of VOC 2007 has "
                    f"{count}; retrieve the original archives."
                )


# -- tags -------------------------------------------------------------------------------------------------


def _tags(
    raw: Mapping[str, str],
    settings: Mapping[str, Any],
    ids: Sequence[str],
    trainval: Sequence[str],
    test: Sequence[str],
    official: bool,
) -> tuple[sparse.csr_array, list[str]]:
    """Counts (L, v) of the tags of `ids` and the vocabulary."""
    if settings["tags"] == "text":
        written = read_tag_lines(raw["tag_lines"], ids)
        words = settings["vocabulary"]
        return count_words(written, words["size"], words["minimum_count"])
    vocabulary = [one_form(word) for word in _text(raw["dictionary"]).split()]
    if official and len(vocabulary) != WORDS:
        raise DataError(
            f"{raw['dictionary']} has {len(vocabulary)} words, and that of VOC 2007 has {WORDS}; retrieve "
            "the original file."
        )
    counts = np.zeros((len(ids), len(vocabulary)), np.int32)
    row = {one: i for i, one in enumerate(ids)}
    for kind, members in (("train", trainval), ("test", test)):
        listed = [PurePosixPath(line).stem for line in _text(raw[f"{kind}_list"]).split()]
        if sorted(listed) != sorted(members):
            odd = sorted({*listed} ^ {*members})
            raise DataError(
                f"{raw[f'{kind}_list']} has {len(listed)} lines for the {len(members)} images of its sets"
                f"{f', and {odd[0]} is in one of both only' if odd else ''}; retrieve the original file."
            )
        counts[[row[one] for one in listed]] = read_hvecs(raw[f"{kind}_tags"], len(listed), len(vocabulary))
    return sparse.csr_array(counts), vocabulary


def read_hvecs(path: str | Path, rows: int, columns: int) -> np.ndarray:
    """The numbers (rows, columns) uint16 of a file of LEAR with a count of 16 bits before each row.

    Raises `DataError` where the file cannot be read, a count is not `columns`, or its length is another.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); retrieve it.") from error
    expected = 2 * rows * (1 + columns)
    heads = np.frombuffer(content, "<u2", len(content) // 2)[:: 1 + columns]
    wrong = np.flatnonzero(heads != columns)
    if len(wrong):
        wide = wrong[0] == 1 and columns > 1 and content[2:4] == b"\0\0"
        raise DataError(
            f"Row {wrong[0] + 1} of {path} is said to have {heads[wrong[0]]} numbers, and the dictionary has "
            f"{columns} words; retrieve both files of one data set"
            f"{', with counts and numbers of 16 bits, not 32' if wide else ''}."
        )
    if len(content) != expected:
        raise DataError(
            f"{path} has {len(content)} bytes, and {rows} rows of {columns} numbers of 16 bits need "
            f"{expected}; retrieve it again."
        )
    return np.frombuffer(content, "<u2").reshape(rows, 1 + columns)[:, 1:]


def read_tag_lines(path: str | Path, ids: Sequence[str]) -> list[list[str]]:
    """The tags of each of `ids` from a text with a line for each: the id, then the tags, between blanks.

    Raises `DataError` where the text cannot be read, or lacks an id, has one twice or another.
    """
    written = dict[str, list[str]]()
    # Not splitlines, which also cuts at characters that a tag may hold.
    for number, line in enumerate(_text(path).replace("\r\n", "\n").split("\n"), 1):
        cells = line.split()
        if not cells:
            continue
        if cells[0] in written:
            raise DataError(f"{path} has {cells[0]} again in line {number}; give all its tags in one line.")
        written[cells[0]] = cells[1:]
    if written.keys() != {*ids}:
        odd = min(written.keys() ^ {*ids})
        what = f"has {odd}, which is in no set" if odd in written else f"has no line of the image {odd}"
        raise DataError(f"{path} {what}; give a line for each image of the sets, with its id first.")
    return [written[one] for one in ids]


def _text(path: str | Path) -> str:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); retrieve it.") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
