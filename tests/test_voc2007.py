# SPDX-License-Identifier: MIT
"""The reader of VOC 2007's files on hand-made ones: what it finds, and what it refuses in one sentence."""

import io
import logging
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mvi.data.catalogue import expressed
from mvi.data.readers import voc2007
from mvi.data.readers.voc2007 import catalogue, read_hvecs, read_tag_lines
from mvi.data.sets.registry import DATASETS
from mvi.errors import DataError

SETS = {"train": ["000002", "000005"], "val": ["000003"], "test": ["000001", "000004"]}
# What each image shows: classes, and whether the object is difficult.
OBJECTS = {
    "000001": [("dog", 0), ("dog", 1)],
    "000002": [("dog", 1), ("cat", 0)],
    "000003": [],
    "000004": [("cat", 1), ("cat", 1), ("dog", 0)],
    "000005": [("dog", 0)],
}
VALUES = {
    "dog": {"000001": 1, "000002": 0, "000003": -1, "000004": 1, "000005": 1},
    "cat": {"000001": -1, "000002": 1, "000003": -1, "000004": 0, "000005": -1},
}
WORDS = ["sky", "dog", "réd"]
TAGS = {
    "000001": ["dog", "sky"],
    "000002": [],
    "000003": ["réd", "unheard"],
    "000004": ["sky"],
    "000005": ["dog"],
}
PAIRS = {1: b"sky\r\nparis\r\n", 2: b"dog\nparis\nsky\n", 3: b""}
LEAR = {"tags": "lear", "vocabulary": {"size": 9, "minimum_count": 1}}
TEXT = {"tags": "text", "vocabulary": {"size": 9, "minimum_count": 1}}


def annotation(objects):
    inner = "".join(
        f"<object><name>{name}</name><difficult>{hard}</difficult></object>" for name, hard in objects
    )
    return f"<annotation>{inner}</annotation>"


def files_of_tar(names):
    """What a tar of the sets `names` holds."""
    found = {}
    for name in names:
        own = SETS[name]
        found |= {f"ImageSets/Main/{name}.txt": "\n".join(own) + "\r\n"}
        for label, values in VALUES.items():
            # As many blanks as it takes.
            lines = [f"{one} {values[one]:3d} " for one in own]
            found[f"ImageSets/Main/{label}_{name}.txt"] = "\n".join(lines)
        for one in own:
            found |= {
                f"JPEGImages/{one}.jpg": "no image is read",
                f"Annotations/{one}.xml": annotation(OBJECTS[one]),
            }
    return found


def hvecs(rows, columns=3, head="<H", value="<H"):
    return b"".join(struct.pack(head, columns) + b"".join(struct.pack(value, n) for n in row) for row in rows)


def counts(ids):
    return [[TAGS[one].count(word) for word in WORDS] for one in ids]


def write_tar(path: Path, content: dict[str, str]) -> None:
    with tarfile.open(path, "w") as archive:
        folder = tarfile.TarInfo("VOCdevkit")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, text in content.items():
            member = tarfile.TarInfo(f"VOCdevkit/VOC2007/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))


class Files:
    """All raw files in a folder, with what may be changed before they are written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trainval, self.test = files_of_tar(["train", "val"]), files_of_tar(["test"])
        listed = {"train": ["000005", "000003", "000002"], "test": ["000001", "000004"]}
        place = "VOC2007/JPEGImages/{}.jpg\n".format
        self.lists = {kind: "".join(map(place, own)) for kind, own in listed.items()}
        self.annotations = {kind: hvecs(counts(own)) for kind, own in listed.items()}
        self.dictionary = "\n".join(WORDS)
        self.lines = "".join(f"{one} {' '.join(TAGS[one])}\n" for one in reversed(TAGS))
        self.pairs = dict(PAIRS)

    def read(self, settings=LEAR, *, generated=True, **more):
        raw = {kind: str(self.folder / kind) for kind in DATASETS["voc2007"].downloads}
        write_tar(Path(raw["images"]), self.trainval)
        write_tar(Path(raw["test_images"]), self.test)
        for kind in ("train", "test"):
            Path(raw[f"{kind}_tags"]).write_bytes(self.annotations[kind])
            Path(raw[f"{kind}_list"]).write_text(self.lists[kind])
        Path(raw["dictionary"]).write_text(self.dictionary, encoding="utf-8")
        Path(raw["tag_lines"]).write_text(self.lines, encoding="utf-8")
        with zipfile.ZipFile(raw["unlabelled_images"], "w") as archive:
            for number, tags in self.pairs.items():
                archive.writestr(f"mirflickr/im{number}.jpg", b"no image is read")
                archive.writestr(f"mirflickr/meta/tags/tags{number}.txt", tags)
        return catalogue(raw, settings, dataset="tiny", generated=generated, citation="c", **more)


@pytest.fixture
def files(tmp_path) -> Files:
    return Files(tmp_path)


def refused(files, match, settings=LEAR, **options):
    with pytest.raises(DataError, match=match) as error:
        files.read(settings, **options)
    text = str(error.value)
    assert text.endswith(".") and ". " not in text and "\n" not in text, text


def test_rows_are_the_images_by_id_and_then_the_pairs(files):
    found = files.read()
    assert found.names[:2] == [f"VOCdevkit/VOC2007/JPEGImages/00000{i}.jpg" for i in (1, 2)]
    assert found.names[5:] == [f"mirflickr/im{i}.jpg" for i in (1, 2, 3)]
    assert found.ids.tolist() == [*(f"00000{i}" for i in range(1, 6)), "im1", "im2", "im3"]
    split = {part: rows.tolist() for part, rows in found.splits[1].items()}
    assert split == {"train": [1, 4], "validation": [2], "test": [0, 3]}
    assert found.n_labelled == 5 and found.generated


def test_a_class_that_is_only_difficult_is_unknown(files):
    found = files.read()
    # In the order of all classes of VOC.
    assert found.classes == ["cat", "dog"]
    assert found.labels.tolist() == [[0, 1], [1, 0], [0, 0], [0, 1], [0, 1]]
    assert (~found.known).tolist() == [[0, 0], [0, 1], [0, 0], [1, 0], [0, 0]]


def by_the_words(objects, label):
    """The protocol's words: an image that shows the class in some object that is not difficult is positive;
    one that shows it in difficult objects only is neither; one that does not show it is negative.
    """
    of_class = [hard for name, hard in objects if name == label]
    for hard in of_class:
        if not hard:
            return "positive"
    return "neither" if of_class else "negative"


def test_labels_are_what_the_protocol_says_in_words(files, caplog):
    with caplog.at_level(logging.WARNING):
        found = files.read()
    assert not caplog.records
    for row, objects in enumerate(OBJECTS.values()):
        for column, label in enumerate(found.classes):
            said = "neither" if not found.known[row, column] else "negative"
            said = "positive" if found.labels[row, column] else said
            assert said == by_the_words(objects, label), (row, label)


def test_both_forms_of_tags_say_the_same(files):
    lear, text = files.read(LEAR), files.read(TEXT)
    assert lear.vocabulary == WORDS
    assert text.vocabulary == ["dog", "sky", "réd", "unheard"]
    columns = [text.vocabulary.index(word) for word in WORDS]
    np.testing.assert_array_equal(lear.text.toarray(), text.text.toarray()[:, columns])
    assert lear.text.toarray().tolist()[:5] == [[1, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]]


def test_pairs_are_expressed_in_the_words_of_the_labelled_images(files):
    # "paris" is no word of theirs, however many pairs have it, and no pair makes a word.
    assert files.read().text.toarray()[5:].tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]
    rare = TEXT | {"vocabulary": {"size": 9, "minimum_count": 2}}
    found = files.read(rare)
    assert found.vocabulary == ["dog", "sky"]
    assert found.text.toarray()[5:].tolist() == [[0, 1], [1, 1], [0, 0]]


def test_expressed_counts_repeated_tags_and_drops_others():
    found = expressed([["b", "x", "b"], [], ["a"]], ["a", "b"])
    assert found.toarray().tolist() == [[0, 2], [0, 0], [1, 0]]
    assert found.dtype == np.int32 and found.has_canonical_format


# -- what is wrong with the sets and labels ---------------------------------------------------------------

MAIN = "ImageSets/Main"


def test_an_image_in_no_set_is_left_out_and_told(files, caplog):
    files.test["JPEGImages/000009.jpg"] = "x"
    with caplog.at_level(logging.WARNING):
        assert files.read().n_labelled == 5
    assert "1 images" in caplog.text and "in no set" in caplog.text


def test_labels_against_the_objects_are_told(files, caplog):
    files.test[f"{MAIN}/cat_test.txt"] = "000001 -1\n000004 1\n"
    with caplog.at_level(logging.WARNING):
        found = files.read()
    assert found.labels[3, 0] == 1
    assert "1 images have labels other than their objects" in caplog.text


@pytest.mark.parametrize(
    ("tar", "name", "text", "says"),
    [
        ("trainval", f"{MAIN}/train.txt", "000002\n000002\n000005\n", "hold 5 images"),
        ("trainval", f"{MAIN}/val.txt", "000002\n", "hold 4 images"),
        ("trainval", f"{MAIN}/val.txt", "", "2 train, 0 val, 2 test"),
        ("trainval", f"{MAIN}/val.txt", "000003 1\n", "the line '000003 1', which is no id"),
        ("trainval", f"{MAIN}/val.txt", "000007\n", "lacks the images of 1 ids of its sets, such as 000007"),
        ("test", f"{MAIN}/dog_test.txt", "000001 1\n", "lacks 000004, which is in test.txt"),
        ("test", f"{MAIN}/dog_test.txt", "000001 1\n000004 1\n000008 1\n", "has 000008, which is not in"),
        ("test", f"{MAIN}/dog_test.txt", "000001 1\n000001 1\n000004 1\n", "has 000001 twice"),
        ("test", f"{MAIN}/dog_test.txt", "000001 2\n000004 1\n", "the line '000001 2'"),
        ("test", f"{MAIN}/dog_test.txt", "000001\n000004 1\n", "the line '000001'"),
        ("trainval", f"{MAIN}/unicorn_train.txt", "000002 1\n", "labels of the unknown class 'unicorn'"),
        ("test", "Annotations/000004.xml", annotation([("unicorn", 0)]), "the unknown class 'unicorn'"),
        ("test", "Annotations/000004.xml", "<annotation>", "000004.xml in .* is no XML"),
    ],
)
def test_wrong_sets_and_labels_are_refused(files, tar, name, text, says):
    getattr(files, tar)[name] = text
    refused(files, says)


@pytest.mark.parametrize(
    ("tar", "name", "says"),
    [
        ("trainval", f"{MAIN}/val.txt", "lacks .*val.txt"),
        ("test", f"{MAIN}/cat_test.txt", "lacks .*cat_test.txt"),
        ("test", "Annotations/000001.xml", "lack .*000001.xml"),
        ("test", "JPEGImages/000001.jpg", "such as 000001"),
    ],
)
def test_what_is_missing_is_named(files, tar, name, says):
    del getattr(files, tar)[name]
    refused(files, says)


# -- what is wrong with tags ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "change", "says"),
    [
        (LEAR, lambda f: f.annotations.update(test=f.annotations["test"][:-2]), "has 14 bytes, .* need 16"),
        (LEAR, lambda f: f.annotations.update(test=f.annotations["test"][:-1]), "has 15 bytes, .* need 16"),
        (LEAR, lambda f: f.annotations.update(test=b""), "has 0 bytes"),
        (
            LEAR,
            lambda f: f.annotations.update(test=hvecs([[1, 0, 0]]) + hvecs([[1, 0]], 2)),
            "Row 2 of .* is said to have 2 numbers, and the dictionary has 3 words",
        ),
        (
            LEAR,
            lambda f: f.annotations.update(test=hvecs(counts(["000001", "000004"]), head="<I", value="<I")),
            "of 16 bits, not 32",
        ),
        (LEAR, lambda f: setattr(f, "dictionary", "sky\ndog"), "Row 1 .* 3 numbers, .* has 2 words"),
        (LEAR, lambda f: f.lists.update(test="000001\n"), "has 1 lines for the 2 images .* 000004 is in one"),
        (LEAR, lambda f: f.lists.update(test="000001\n000003\n"), "has 2 lines .* and 000003 is in one"),
        (LEAR, lambda f: f.lists.update(test="000001\n000004\n000004\n"), "has 3 lines for the 2 images of"),
        (
            TEXT,
            lambda f: setattr(f, "lines", f.lines.replace("000002 \n", "")),
            "has no line of the image 0+2",
        ),
        (TEXT, lambda f: setattr(f, "lines", f.lines + "000009 sky\n"), "has 000009, which is in no set"),
        (TEXT, lambda f: setattr(f, "lines", f.lines + "000001 sky\n"), "has 000001 again in line 6"),
    ],
)
def test_wrong_tags_are_refused(files, settings, change, says):
    change(files)
    refused(files, says, settings)


def test_only_the_form_of_tags_that_is_asked_for_is_read(files):
    files.annotations, files.dictionary = {"train": b"x", "test": b"x"}, ""
    assert files.read(TEXT).n_rows == 8
    record = DATASETS["voc2007"]
    default = {"tags": "lear", "unlabelled": 3}
    assert "tag_lines" not in record.raw_files(default, "raw")
    text = record.raw_files(default | {"tags": "text"}, "raw")
    assert text["tag_lines"] == "raw/voc2007_tags.txt" and "dictionary" not in text


def test_absent_files_are_named(tmp_path):
    for read in (lambda p: read_hvecs(p, 1, 1), lambda p: read_tag_lines(p, ["1"])):
        with pytest.raises(DataError, match="nowhere cannot be read"):
            read(tmp_path / "nowhere")


# -- the official numbers ---------------------------------------------------------------------------------


def test_real_data_must_have_the_official_numbers(files, monkeypatch):
    refused(files, "no labels of aeroplane", generated=False)
    monkeypatch.setattr(voc2007, "CLASSES", ("cat", "dog"))
    refused(files, "The set train has 2 images, and that of VOC 2007 has 2501", generated=False)
    monkeypatch.setattr(voc2007, "OFFICIAL", {"train": 2, "val": 1, "test": 2})
    # An image that is only difficult is not counted.
    monkeypatch.setattr(voc2007, "POSITIVES", {"dog": (2, 0)})
    refused(files, "The set train has 1 images of the class dog, and that of VOC 2007 has 2", generated=False)
    monkeypatch.setattr(voc2007, "POSITIVES", {"dog": (1, 0), "cat": (1, 0)})
    refused(files, "has 3 words, and that of VOC 2007 has 804", generated=False)
    monkeypatch.setattr(voc2007, "WORDS", 3)
    found = files.read(generated=False)
    assert not found.generated


def test_the_record_has_the_official_numbers_too():
    assert len(voc2007.CLASSES) == len(set(voc2007.CLASSES)) == 20
    assert list(voc2007.CLASSES) == sorted(voc2007.CLASSES)
    record = DATASETS["voc2007"]
    size = record.size({"unlabelled": 25_000})
    official = voc2007.OFFICIAL
    assert (
        (size.rows, size.labelled, size.train)
        == (34_963, 9_963, 2_501)
        == (
            sum(official.values()) + 25_000,
            sum(official.values()),
            official["train"],
        )
    )
    assert official["train"] + official["val"] == 5_011
    assert next(iter(record.metrics)) == "map_11_points"
