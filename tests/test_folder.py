# SPDX-License-Identifier: MIT
"""A folder and its table become a catalogue, or one sentence says what is wrong with them."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from mvi.data.readers.folder import catalogue, read_folder, survey_folder
from mvi.errors import ConfigError, DataError

TABLE = """file,tags,labels
d/a.jpg,sky;sea ; sky,water;air
b.jpg,"sea;Tower, old",
ü.png,,;
c.jpg,sky;sea,air
e.jpg,Sky;räd,
"f,1.jpg",räd;sky,water
"""
FILES = ("d/a.jpg", "b.jpg", "ü.png", "c.jpg", "e.jpg", "f,1.jpg")


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "p/d").mkdir(parents=True)
    for name in FILES:
        (tmp_path / "p" / name).write_bytes(b"no image is read")
    (tmp_path / "outside.jpg").write_bytes(b"")
    return tmp_path


def read(folder: Path, table: str | bytes = TABLE, **options):
    path = folder / "table.csv"
    path.write_bytes(table if isinstance(table, bytes) else table.encode())
    return read_folder(folder / "p", path, **{"dataset": "mine", "shares": (0.5, 0.25)} | options)


def test_labelled_rows_come_first_and_everything_stays_with_its_row(folder):
    found = read(folder)
    assert found.names == ["d/a.jpg", "ü.png", "c.jpg", "f,1.jpg", "b.jpg", "e.jpg"]
    assert found.ids.tolist() == found.names
    assert (found.n_rows, found.n_labelled) == (6, 4)
    assert found.vocabulary == ["sea", "sky", "räd"]
    np.testing.assert_array_equal(
        found.text.toarray(), [[1, 2, 0], [0, 0, 0], [1, 1, 0], [0, 1, 1], [1, 0, 0], [0, 0, 1]]
    )
    assert found.classes == ["air", "water"]
    np.testing.assert_array_equal(found.labels, [[1, 1], [0, 0], [1, 0], [0, 1]])
    assert not found.generated and len(found.splits) == 5
    for split in found.splits.values():
        assert [len(rows) for rows in split.values()] == [2, 1, 1]


def test_tags_that_look_alike_are_one_and_case_counts_unless_it_is_folded(folder):
    table = 'file,tags\nb.jpg,caf\u00e9;two  lines\nc.jpg,cafe\u0301;Caf\u00e9\n"f,1.jpg","two\nlines"\n'
    assert read(folder, table, minimum_count=1).vocabulary == ["caf\u00e9", "two lines", "Caf\u00e9"]
    assert read(folder, table, minimum_count=1, fold_case=True).vocabulary == ["caf\u00e9", "two lines"]


def test_settings_of_the_data_set_reach_the_reader(folder):
    read(folder)
    raw = {"images": folder / "p", "table": folder / "table.csv"}
    settings = {
        "vocabulary": {"size": 2, "minimum_count": 1},
        "splits": {"seed": 3, "count": 2, "train": 0.25, "validation": 0.25},
        "fold_case": False,
    }
    found = catalogue(raw, settings, dataset="mine", generated=False, citation="c")
    wanted = read(
        folder, vocabulary_size=2, minimum_count=1, splits=2, shares=(0.25, 0.25), seed=3, citation="c"
    )
    assert (found.dataset, found.citation, found.vocabulary) == ("mine", "c", ["sea", "sky"])
    assert found.vocabulary == wanted.vocabulary and list(found.splits) == [1, 2]
    for number, split in wanted.splits.items():
        for part, rows in split.items():
            np.testing.assert_array_equal(found.splits[number][part], rows)


def test_pairs_of_another_collection_come_last_and_make_words(folder):
    with zipfile.ZipFile(folder / "pairs.zip", "w") as archive:
        for number, tags in enumerate((b"sky\r\nparis", b"paris"), 1):
            archive.writestr(f"mirflickr/im{number}.jpg", b"no image is read")
            archive.writestr(f"mirflickr/meta/tags/tags{number}.txt", tags)
    own, found = read(folder), read(folder, pairs_zip=folder / "pairs.zip")
    assert found.names == [*own.names, "mirflickr/im1.jpg", "mirflickr/im2.jpg"]
    assert found.ids.tolist() == found.names and found.n_labelled == own.n_labelled
    # "sky" is now on four images and "sea" on three.
    assert found.vocabulary == ["sky", "sea", "paris", "räd"]
    assert found.text.toarray()[6:].tolist() == [[1, 0, 1, 0], [0, 0, 1, 0]]
    for part, rows in own.splits[1].items():
        np.testing.assert_array_equal(found.splits[1][part], rows)
    # Images without any tag are described by the words of the pairs.
    bare = "file,tags,labels\nd/a.jpg,,air\nb.jpg,,air\nc.jpg,,;\ne.jpg,,water\n"
    found = read(folder, bare, pairs_zip=folder / "pairs.zip")
    assert found.vocabulary == ["paris"] and not found.text.toarray()[:4].any()


def test_tags_alone_are_enough(folder):
    for table in (
        "file,tags\nb.jpg,sky\nc.jpg,sky;sea\n",
        b"\xef\xbb\xbftags,file,labels\r\nsky,b.jpg,\r\nsky;sea,c.jpg,\r\n",
    ):
        found = read(folder, table)
        assert (found.names, found.vocabulary) == (["b.jpg", "c.jpg"], ["sky"])
        assert found.n_labelled == 0 and found.classes == [] and found.splits == {}


def test_splits_follow_the_seed(folder):
    table = "file,tags,labels\n" + "".join(f"{i}.jpg,sky,a\n" for i in range(40))
    for i in range(40):
        (folder / f"p/{i}.jpg").touch()
    first, again, other = (read(folder, table, seed=seed).splits[2]["train"] for seed in (0, 0, 1))
    assert first.tolist() == again.tolist() != other.tolist()
    with pytest.raises(ConfigError, match="A split of 40 rows"):
        read(folder, table, shares=(0.5, 0.5))


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("", "must name the columns file, tags and, if any, labels, not none"),
        ("file,tag\nb.jpg,sky\n", "must name the columns"),
        ("file,tags,labels,labels\nb.jpg,sky,a,a\n", "must name the columns"),
        ("file,tags\n", "lists no image"),
        ("file,tags\nb.jpg\n", "line 2: a row must have 2 cells"),
        ("file,tags\nb.jpg,sky,sea\n", "line 2: a row must have 2 cells"),
        ('file,tags\nb.jpg,"sky\n', "cannot be read"),
        ("file,tags\nb.jpg,sky\nb.jpg,sea\n", "lists 'b.jpg' 2 times"),
        ("file,tags\nb.jpg,sky\nx.jpg,sky\ny.jpg,sky\n", "2 of the 3 files .* the first of them 'x.jpg'"),
        ("file,tags\nd,sky\n", "1 of the 1 files"),
        ("file,tags\n,sky\n", "1 of the 1 files"),
        ("file,tags\n../outside.jpg,sky\n", "leads out of the folder"),
        ("file,tags\n/etc/hostname,sky\n", "leads out of the folder"),
        ("file,tags\nd\\a.jpg,sky\n", "leads out of the folder"),
        (f"file,tags\n{'x' * 300},sky\n", "1 of the 1 files .* are not in"),
        ("file,tags\nb.jpg,sky\n", "No tag is on at least 2 of the 1 images"),
        ("file,tags\nb.jpg,räd\n".encode("latin-1"), "is not UTF-8"),
    ],
)
def test_what_is_wrong_is_named_in_one_sentence(folder, table, says):
    with pytest.raises(DataError, match=says) as error:
        read(folder, table)
    text = str(error.value)
    assert text.endswith(".") and ". " not in text and "\n" not in text, text


def test_a_missing_table_is_named(folder):
    with pytest.raises(DataError, match="absent.csv cannot be read"):
        read_folder(folder / "p", folder / "absent.csv", dataset="mine")


def test_too_few_labels_for_the_splits_are_refused(folder):
    with pytest.raises(ConfigError, match="A split of 1 rows"):
        read(folder, "file,tags,labels\nb.jpg,sky,a\nc.jpg,sky,\n")


@pytest.mark.parametrize("name", ["./b.jpg", ".//b.jpg", "{folder}/p/b.jpg", "{folder}/p/./b.jpg"])
def test_other_spellings_of_a_file_in_the_folder_are_understood(folder, name):
    name = name.format(folder=folder)
    assert read(folder, f"file,tags\n{name},sky\nc.jpg,sky\n").names == ["b.jpg", "c.jpg"]
    with pytest.raises(DataError, match="lists 'b.jpg' 2 times"):
        read(folder, f"file,tags\n{name},sky\nb.jpg,sky\n")


def test_the_home_folder_may_be_written_short(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    assert read(folder, "file,tags\n~/p/b.jpg,sky\nc.jpg,sky\n").names == ["b.jpg", "c.jpg"]
    with pytest.raises(DataError, match="outside.jpg', which leads out"):
        read(folder, "file,tags\n~/outside.jpg,sky\n")


@pytest.mark.parametrize(
    "table",
    [
        " File , TAGS,taken\nb.jpg,sky;sea,2026\nc.jpg,sky,2025\n",
        "file;tags\nb.jpg;sky,sea\nc.jpg;sky\n",
        'taken;file;tags\n;b.jpg;"sky;sea"\n\n;c.jpg;sky\n',
        "file\ttags\nb.jpg\tsky;sea\nc.jpg\tsky\n",
    ],
)
def test_tables_as_other_programs_write_them(folder, table):
    found = read(folder, table, minimum_count=1)
    assert (found.names, found.vocabulary, found.classes) == (["b.jpg", "c.jpg"], ["sky", "sea"], [])


def test_a_survey_counts_and_notices_any_change_of_a_file(folder):
    read(folder)
    found = survey_folder(folder / "p", folder / "table.csv")
    assert (found.images, found.labelled) == (6, 4)
    assert survey_folder(folder / "p", folder / "table.csv") == found
    (folder / "p/b.jpg").write_bytes(b"other bytes")
    assert survey_folder(folder / "p", folder / "table.csv").fingerprint != found.fingerprint
    (folder / "p/b.jpg").unlink()
    with pytest.raises(DataError, match="b.jpg"):
        survey_folder(folder / "p", folder / "table.csv")
