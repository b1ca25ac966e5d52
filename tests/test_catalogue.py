# SPDX-License-Identifier: MIT
"""A catalogue comes back as it was, in the same bytes each time, and is refused where its parts disagree."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from mvi.data.catalogue import Catalogue, count_words, read_catalogue, write_catalogue
from mvi.errors import DataError


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(
        dataset="tiny",
        names=["d/å.jpg", "d/b.jpg", "d/c.jpg", "d/d.jpg"],
        ids=np.array([3, 1, 2, 9]),
        text=sparse.csr_array(np.array([[0, 2, 1], [0, 0, 0], [1, 0, 0], [0, 0, 5]], np.int32)),
        vocabulary=["sky", "台北", "sea"],
        labels=np.array([[0, 1], [0, 0], [1, 1]], np.uint8),
        classes=["a", "b"],
        splits={1: {"train": np.array([2]), "validation": np.array([0]), "test": np.array([1])}},
        generated=True,
        citation="Näme (2000)",
    )


def assert_equal(found: Catalogue, wanted: Catalogue) -> None:
    for name in ("dataset", "names", "vocabulary", "classes", "generated", "citation"):
        assert getattr(found, name) == getattr(wanted, name)
    assert (found.known is None) == (wanted.known is None)
    if wanted.known is not None:
        np.testing.assert_array_equal(found.known, wanted.known)
    for name in ("ids", "labels"):
        assert getattr(found, name).dtype == getattr(wanted, name).dtype
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
    assert found.text.shape == wanted.text.shape and found.text.dtype == np.int32
    np.testing.assert_array_equal(found.text.toarray(), wanted.text.toarray())
    assert list(found.splits) == list(wanted.splits)
    for number, split in wanted.splits.items():
        for part, rows in split.items():
            np.testing.assert_array_equal(found.splits[number][part], rows)


def test_what_is_written_is_read(tmp_path, catalogue):
    write_catalogue(tmp_path / "c.h5", catalogue)
    found = read_catalogue(tmp_path / "c.h5")
    assert_equal(found, catalogue)
    assert (found.n_rows, found.n_labelled) == (4, 3)


def test_strings_as_ids_and_no_labels_survive(tmp_path, catalogue):
    bare = replace(
        catalogue, ids=np.array(catalogue.names), labels=np.zeros((0, 0), np.uint8), classes=[], splits={}
    )
    write_catalogue(tmp_path / "c.h5", bare)
    assert_equal(read_catalogue(tmp_path / "c.h5"), bare)
    assert read_catalogue(tmp_path / "c.h5").n_labelled == 0
    no_tag = replace(catalogue, text=sparse.csr_array((4, 3), dtype=np.int32))
    write_catalogue(tmp_path / "c.h5", no_tag)
    assert_equal(read_catalogue(tmp_path / "c.h5"), no_tag)


KNOWN = np.array([[False, True], [True, False], [True, True]])


def test_unknown_labels_survive(tmp_path, catalogue):
    partly = replace(catalogue, known=KNOWN)
    write_catalogue(tmp_path / "c.h5", partly)
    assert_equal(read_catalogue(tmp_path / "c.h5"), partly)
    # A mask that hides nothing is none.
    for name, known in (("all.h5", np.ones((3, 2), bool)), ("none.h5", None)):
        write_catalogue(tmp_path / name, replace(catalogue, known=known))
    assert (tmp_path / "all.h5").read_bytes() == (tmp_path / "none.h5").read_bytes()


def test_the_same_catalogue_gives_the_same_bytes(tmp_path, catalogue):
    for name in ("a.h5", "b.h5"):
        write_catalogue(tmp_path / name, catalogue)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def zero_kept() -> sparse.csr_array:
    return sparse.csr_array((np.array([0, 1], np.int32), np.array([0, 1]), np.array([0, 2, 2, 2, 2])), (4, 3))


def twice() -> sparse.csr_array:
    return sparse.csr_array((np.array([1, 1], np.int32), np.array([1, 1]), np.array([0, 2, 2, 2, 2])), (4, 3))


PART = {"train": np.array([2]), "validation": np.array([0])}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"names": ["a", "b", "c", "a"]}, "the image 'a' more than once"),
        ({"names": [], "ids": np.array([], int)}, "has no image"),
        ({"ids": np.array([1, 1, 2, 3])}, "the id 1 more than once"),
        ({"ids": np.array([1, 2, 3])}, "has ids"),
        ({"ids": np.array([1.0, 2, 3, 4])}, "has ids"),
        ({"vocabulary": ["sky", "sky", "sea"]}, "the word 'sky' more than once"),
        ({"vocabulary": ["sky", "", "sea"]}, "the word '', which is empty"),
        ({"vocabulary": ["sky", "a\0", "sea"]}, "has a NUL"),
        ({"vocabulary": ["sky", "sea"]}, r"text of shape \(4, 3\)"),
        ({"text": zero_kept()}, "no matrix of counts"),
        ({"text": twice()}, "no matrix of counts: row 0 of text has a column twice"),
        ({"classes": ["a", "a"]}, "the class 'a' more than once"),
        ({"classes": ["a", "b", "c"]}, "for 3 classes"),
        ({"labels": np.zeros((3, 2))}, "labels float64"),
        ({"labels": np.full((3, 2), 2, np.uint8)}, "others than 0 and 1"),
        ({"labels": np.zeros((5, 2), np.uint8)}, "more than its 4 images"),
        ({"known": np.ones((3, 3), bool)}, "mask of known labels that is none"),
        ({"known": np.ones((3, 2), np.uint8)}, "mask of known labels that is none"),
        (
            {"known": np.array([[True, False], *KNOWN[1:]])},
            "of class b in row 0 is 1 and is said to be unknown",
        ),
        ({"splits": {1: PART | {"test": np.array([3])}}}, "a split beyond its 3 labelled rows"),
        ({"splits": {1: PART | {"test": np.array([0])}}}, "row 0 more than once"),
        ({"splits": {1: PART}}, "has the parts"),
    ],
)
def test_parts_that_disagree_are_refused_and_nothing_is_left(tmp_path, catalogue, change, says):
    with pytest.raises(DataError, match=says):
        write_catalogue(tmp_path / "c.h5", replace(catalogue, **change))
    assert not list(tmp_path.iterdir())


def test_a_damaged_catalogue_is_refused(tmp_path, catalogue):
    path = tmp_path / "c.h5"
    with pytest.raises(DataError, match="not a sound catalogue"):
        read_catalogue(path)
    write_catalogue(path, catalogue)
    whole = path.read_bytes()
    for damaged in (whole[:-1000], whole[:100], b"", b"none"):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="not a sound catalogue"):
            read_catalogue(path)


def test_words_are_ordered_by_images_then_alphabet_and_cut():
    tags = [["b", "a", "b"], ["c", "a"], [], ["d", "c", "b"], ["rare"]]
    text, words = count_words(tags, 10, 2)
    # b is there three times but on two images, as a and c are.
    assert words == ["a", "b", "c"]
    np.testing.assert_array_equal(text.toarray(), [[1, 2, 0], [1, 0, 1], [0, 0, 0], [0, 1, 1], [0, 0, 0]])
    assert text.dtype == np.int32 and text.has_canonical_format
    text, words = count_words(tags, 2, 1)
    assert words == ["a", "b"] and text.shape == (5, 2)
    assert count_words(tags, 10, 1)[1] == ["a", "b", "c", "d", "rare"]
    with pytest.raises(DataError, match="No tag is on at least 3 of the 5 images"):
        count_words(tags, 10, 3)
