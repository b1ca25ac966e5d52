# SPDX-License-Identifier: MIT
"""The reader of MIRFLICKR's zips finds what is in them, refuses what is wrong, and counts the real set."""

import logging
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mvi.data.archives import open_zip, read_member
from mvi.data.readers.mirflickr import catalogue, read_mirflickr
from mvi.data.readers.mirflickr_annotations import CLASSES
from mvi.errors import ConfigError, DataError

TAGS = {
    1: b"sky\r\nsea\r\n",
    2: b"sky\nr\xc3\xa9d",
    3: b"",
    4: b"\xef\xbb\xbfsky\r\n\r\n  sea  \r\nsea\r\n",
    5: "sky\u2028blue\nsea".encode(),
    6: b"r\xc3\xa9d\n",
}
LISTS = {"animals": b"1\r\n3\r\n", "water": b"4", "tree_r1": b"2\n\n1\n"}


@pytest.fixture
def members() -> tuple[dict[str, bytes], dict[str, bytes]]:
    images = {f"mirflickr/im{number}.jpg": b"no image is read" for number in TAGS}
    # In the order in which other tools sort them, with things between.
    images = dict(sorted(images.items(), reverse=True))
    images |= {f"mirflickr/meta/tags/tags{number}.txt": content for number, content in TAGS.items()}
    images |= {"mirflickr/doc/README.txt": b"x", "mirflickr/im01.jpg": b"", "mirflickr/im3.jpg.txt": b""}
    annotations = {f"{name}.txt": LISTS.get(name, b"") for name in CLASSES} | {"README.txt": b"17 things"}
    return images, annotations


def read(folder: Path, members: tuple[dict[str, bytes], dict[str, bytes]], **options):
    paths = folder / "pictures.zip", folder / "annotations.zip"
    for path, content in zip(paths, members, strict=True):
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in content.items():
                archive.writestr(name, data)
    return read_mirflickr(*paths, **{"dataset": "tiny", "minimum_count": 2, "shares": (0.5, 0.2)} | options)


def sentence(error: pytest.ExceptionInfo) -> str:
    text = str(error.value)
    assert text.endswith(".") and ". " not in text and "\n" not in text, text
    return text


def test_images_tags_and_labels_belong_to_one_row(tmp_path, members):
    found = read(tmp_path, members, generated=True, citation="c")
    assert found.names == [f"mirflickr/im{number}.jpg" for number in range(1, 7)]
    np.testing.assert_array_equal(found.ids, range(1, 7))
    assert found.vocabulary == ["sea", "sky", "réd"]
    np.testing.assert_array_equal(
        found.text.toarray(), [[1, 1, 0], [0, 1, 1], [0, 0, 0], [2, 1, 0], [1, 0, 0], [0, 0, 1]]
    )
    assert found.classes == list(CLASSES) and len(set(CLASSES)) == 38
    wanted = np.zeros((6, 38), np.uint8)
    for name, rows in {"animals": [0, 2], "water": [3], "tree_r1": [1, 0]}.items():
        wanted[rows, CLASSES.index(name)] = 1
    np.testing.assert_array_equal(found.labels, wanted)
    assert (found.dataset, found.generated, found.citation) == ("tiny", True, "c")


def test_potential_topics_come_first_each_kind_in_alphabetical_order():
    potential = [name for name in CLASSES if not name.endswith("_r1")]
    regular = [name for name in CLASSES if name.endswith("_r1")]
    assert (len(potential), len(regular)) == (24, 14)
    assert list(CLASSES) == sorted(potential) + sorted(regular)
    assert {name.removesuffix("_r1") for name in regular} < set(potential)


def test_only_the_first_rows_need_have_labels(tmp_path, members):
    found = read(tmp_path, members, labelled=4)
    assert (found.n_rows, found.n_labelled) == (6, 4)
    assert set(np.concatenate(list(found.splits[1].values()))) == set(range(4))
    members[1]["sky.txt"] = b"5"
    with pytest.raises(DataError, match="sky.txt .* the number 5 in line 1, .* from 1 to 4") as error:
        read(tmp_path, members, labelled=4)
    sentence(error)
    for labelled in (0, 7):
        with pytest.raises(DataError, match=f"holds 6 images and cannot have {labelled}"):
            read(tmp_path, members, labelled=labelled)


def test_splits_follow_the_seed_and_not_their_number(tmp_path, members):
    def rows(**options):
        return {
            n: np.concatenate([*split.values()]).tolist()
            for n, split in read(tmp_path, members, **options).splits.items()
        }

    first = rows(splits=5)
    assert list(first) == [1, 2, 3, 4, 5] and len({tuple(split) for split in first.values()}) > 1
    assert rows(splits=2) == {n: first[n] for n in (1, 2)}
    assert rows(splits=5, seed=1) != first
    with pytest.raises(ConfigError, match="A split of 6 rows"):
        read(tmp_path, members, shares=(0.5, 0.05))


@pytest.mark.parametrize("labelled", [None, 4])
def test_settings_of_the_data_set_reach_the_reader(tmp_path, members, labelled):
    wanted = read(
        tmp_path,
        members,
        **{"labelled": labelled, "vocabulary_size": 2, "minimum_count": 1, "splits": 2},
        **{"shares": (0.25, 0.25), "seed": 3, "generated": True, "citation": "c"},
    )
    settings = {
        "vocabulary": {"size": 2, "minimum_count": 1},
        "splits": {"seed": 3, "count": 2, "train": 0.25, "validation": 0.25},
        **({} if labelled is None else {"labelled": labelled}),
    }
    raw = {"images": tmp_path / "pictures.zip", "annotations": tmp_path / "annotations.zip"}
    found = catalogue(raw, settings, dataset="tiny", generated=True, citation="c")
    for name in ("dataset", "generated", "citation", "n_labelled", "vocabulary", "names"):
        assert getattr(found, name) == getattr(wanted, name)
    assert list(found.splits) == [1, 2]
    for number, split in wanted.splits.items():
        for part, rows in split.items():
            np.testing.assert_array_equal(found.splits[number][part], rows)


def test_vocabulary_by_size_and_minimum(tmp_path, members):
    assert read(tmp_path, members, vocabulary_size=1).vocabulary == ["sea"]
    assert read(tmp_path, members, minimum_count=3).vocabulary == ["sea", "sky"]
    assert read(tmp_path, members, minimum_count=1).vocabulary[3:] == ["sky blue"]


def test_latin_1_is_read_and_told(tmp_path, members, caplog):
    with caplog.at_level(logging.WARNING):
        read(tmp_path, members)
    assert not caplog.records
    for number in (2, 6):
        members[0][f"mirflickr/meta/tags/tags{number}.txt"] = b"r\xe9d\r\n\x85"
    with caplog.at_level(logging.WARNING):
        found = read(tmp_path, members)
    assert "réd" in found.vocabulary
    np.testing.assert_array_equal(found.text.toarray()[:, found.vocabulary.index("réd")], [0, 1, 0, 0, 0, 1])
    (record,) = caplog.records
    assert "2 of the 6 tag files" in record.getMessage() and "tags2.txt" in record.getMessage()


@pytest.mark.parametrize(
    ("archive", "name", "content", "says"),
    [
        (0, "mirflickr/im4.jpg", None, "lacks mirflickr/im4.jpg although it has im5.jpg"),
        (0, "mirflickr/im1.jpg", None, "lacks mirflickr/im1.jpg although it has im2.jpg"),
        (0, "mirflickr/im99999999999999.jpg", b"", "lacks mirflickr/im7.jpg"),
        (0, "mirflickr/meta/tags/tags6.txt", None, "lacks mirflickr/meta/tags/tags6.txt"),
        (0, "mirflickr/meta/tags/tags6.txt", b"x" * (2**20 + 1), "tags6.txt .* has 1048577 bytes"),
        (0, "mirflickr/../../im7.jpg", b"", "leads out of its folder"),
        (1, "baby_r1.txt", None, "lacks baby_r1.txt"),
        (1, "dog.txt", b"1\n0\n", "dog.txt .* the number 0 in line 2, .* from 1 to 6"),
        (1, "dog.txt", b"7\n", "the number 7 in line 1"),
        (1, "dog.txt", b"1\n-2\n", "'-2' in line 2, which is no image number"),
        (1, "dog.txt", b"1\n2.5\n", "'2.5' in line 2, which is no image number"),
        (1, "dog.txt", b"dog 3\n", "'dog 3' in line 1, which is no image number"),
        (1, "dog.txt", b"9" * 50, "which is no image number"),
        (1, "dog.txt", "\u0663".encode(), "which is no image number"),
    ],
)
def test_what_is_wrong_is_named_in_one_sentence(tmp_path, members, archive, name, content, says):
    if content is None:
        del members[archive][name]
    else:
        members[archive][name] = content
    with pytest.raises(DataError, match=says) as error:
        read(tmp_path, members)
    assert ("pictures.zip", "annotations.zip")[archive] in sentence(error)


def test_an_archive_without_images_or_cut_short_is_refused(tmp_path, members):
    read(tmp_path, members)
    with pytest.raises(DataError, match="holds no mirflickr/im1.jpg") as error:
        read_mirflickr(tmp_path / "annotations.zip", tmp_path / "pictures.zip", dataset="swapped")
    sentence(error)
    for name in ("pictures.zip", "annotations.zip"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(DataError, match="truncated") as error:
            read_mirflickr(tmp_path / "pictures.zip", tmp_path / "annotations.zip", dataset="d")
        assert name in sentence(error)
        (tmp_path / name).write_bytes(whole)


LABEL_COUNTS = {
    "animals": 3216, "baby": 259, "bird": 742, "car": 1177, "clouds": 3700, "dog": 684, "female": 6184,
    "flower": 1823, "food": 990, "indoor": 8313, "lake": 791, "male": 6081, "night": 2711, "people": 10373,
    "plant_life": 8763, "portrait": 3931, "river": 894, "sea": 1322, "sky": 7912, "structures": 9992,
    "sunset": 2135, "transport": 2895, "tree": 4683, "water": 3331, "baby_r1": 116, "bird_r1": 484,
    "car_r1": 380, "clouds_r1": 1350, "dog_r1": 590, "female_r1": 3982, "flower_r1": 1077, "male_r1": 3647,
    "night_r1": 669, "people_r1": 7849, "portrait_r1": 3829, "river_r1": 149, "sea_r1": 214, "tree_r1": 668,
}  # fmt: skip


@pytest.mark.real
@pytest.mark.skipif("MVI_MIRROR" not in os.environ, reason="needs MVI_MIRROR")
def test_the_real_set_is_counted_as_it_should_be():
    # The mirror's copy: small images, and of the tags those on at least 20 images of the original.
    folder = Path(os.environ["MVI_MIRROR"]) / "mirflickr25k"
    archives = folder / "mirflickr25k.zip", folder / "mirflickr25k_annotations_v080.zip"
    found = read_mirflickr(*archives, dataset="mirflickr25k")
    assert (found.n_rows, found.n_labelled) == (25_000, 25_000)
    assert dict(zip(found.classes, found.labels.sum(0).tolist(), strict=True)) == LABEL_COUNTS
    assert round(found.labels.sum() / 25_000, 3) == 4.716
    assert (found.labels.sum(1) == 0).sum() == 419
    # A regular topic is part of its potential one, but for four images.
    topics = dict(zip(found.classes, found.labels.T, strict=True))
    beyond = {name: topics[name] > topics[name.removesuffix("_r1")] for name in topics}
    assert {name: found.ids[rows].tolist() for name, rows in beyond.items() if rows.any()} == {
        "people_r1": [4252, 4262, 20_392, 24_768]
    }
    with open_zip(archives[0]) as archive:
        lines = read_member(archive, "mirflickr/doc/common_tags.txt").decode().splitlines()
    common = {word: int(count) for word, count in (line.rsplit(" ", 1) for line in lines)}
    assert len(common) == 1364
    images = (found.text > 0).sum(0).tolist()
    assert dict(zip(found.vocabulary, images, strict=True)) == common
    assert images == sorted(images, reverse=True)
    for split in found.splits.values():
        assert [len(rows) for rows in split.values()] == [10_000, 5000, 10_000]

    everything = read_mirflickr(*archives, dataset="mirflickr25k", minimum_count=1)
    tags = (everything.text > 0).sum(1)
    assert len(everything.vocabulary) == 1386
    assert (tags > 0).sum() == 20_015
    assert round(tags[tags > 0].mean(), 2) == 4.64
