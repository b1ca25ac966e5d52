# SPDX-License-Identifier: MIT
"""The archive of features is read exactly, in any order of its files, or refused by the check that fails."""

import gzip
import io
import tarfile
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from mvi.data.readers import toronto
from mvi.data.readers.toronto import write_archive_store, write_toronto_store
from mvi.data.readers.toronto_layout import ARCHIVE, TEXTS, Expected
from mvi.data.store import Store
from mvi.errors import DataError

WORDS = ("nikon", "sky", "2008", "台北")


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array)
    return buffer.getvalue()


def npz(matrix: sparse.csr_array, **other: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}
    np.savez(buffer, **parts | {"shape": np.array(matrix.shape)} | other)
    return buffer.getvalue()


class World:
    """A small archive: 5 blocks of 8 rows, of which 2.5 are labelled; `members` may be changed."""

    def __init__(self) -> None:
        generator = np.random.default_rng(0)
        self.image = generator.normal(size=(40, 6)).astype(np.float32)
        self.image[:, 4:] = generator.integers(0, 300, (40, 2))
        self.text = sparse.csr_array(generator.integers(0, 3, (40, 4)) * (generator.random((40, 4)) < 0.4))
        self.labels = generator.integers(0, 2, (20, 3)).astype(np.float32)
        untagged = np.flatnonzero(self.text.sum(1) == 0)
        self.expected = Expected(
            n_labelled=20,
            n_unlabelled=20,
            blocks=5,
            image_columns=6,
            count_columns=2,
            vocabulary_size=4,
            classes=("a", "b", "c"),
            splits=2,
            split_sizes=(8, 4, 8),
            text_sum=int(self.text.sum()),
            untagged=(int((untagged < 20).sum()), int((untagged >= 20).sum())),
            first_untagged=tuple(untagged[:2].tolist()),
            label_mean=round(float(self.labels.mean()), 3),
        )
        assert min(self.expected.untagged) > 1
        counts = self.text.sum(0)
        self.splits = {n: np.split(generator.permutation(20), [8, 12]) for n in (1, 2)}
        self.members = {
            "flickr.pbtxt": b"name: 'flickr'",
            "image/labelled/combined-00001-of-00005.npy": npy(self.image[:8]),
            "image/labelled/combined-00002-of-00005.npy": npy(self.image[8:16].astype(np.float64)),
            "image/labelled/combined-00003_0-of-00005.npy": npy(self.image[16:20]),
            "image/unlabelled/combined-00003_1-of-00005.npy": npy(self.image[20:24]),
            "image/unlabelled/combined-00004-of-00005.npy": npy(np.asfortranarray(self.image[24:32])),
            "image/unlabelled/combined-00005-of-00005.npy": npy(self.image[32:]),
            "labels.npy": npy(self.labels),
            "text/text_all_2000_labelled.npz": npz(self.text[:20]),
            "text/text_all_2000_unlabelled.npz": npz(self.text[20:]),
            "text/vocab.txt": "".join(f"{i} {w} {counts[i]}\n" for i, w in enumerate(WORDS)).encode(),
            "flickr_stats.npz": b"not read",
        }
        for n, parts in self.splits.items():
            for part, rows in zip(("train", "valid", "test"), parts, strict=True):
                self.members[f"splits/{part}_indices_{n}.npy"] = npy(rows)

    def write(self, path: Path, order: int = 1) -> Path:
        with tarfile.open(path, "w:gz") as archive:
            for name in list(self.members)[::order]:
                info = tarfile.TarInfo(f"flickr/{name}")
                info.size = len(self.members[name])
                archive.addfile(info, io.BytesIO(self.members[name]))
        return path


@pytest.fixture
def world() -> World:
    return World()


def sentence(error: pytest.ExceptionInfo) -> str:
    text = str(error.value)
    assert text.endswith(".") and ". " not in text and "\n" not in text, text
    return text


def refusal(world: World, folder: Path, says: str, **options) -> None:
    """The archive of `world` is refused in one sentence that says so, and no file is left behind."""
    path = world.write(folder / "flickr_data.tar.gz")
    with pytest.raises(DataError, match=says) as error:
        write_toronto_store(path, folder / "out/store.h5", **{"expected": world.expected} | options)
    sentence(error)
    assert not list((folder / "out").iterdir())


def test_what_need_not_hold_is_a_setting_of_the_data_set(tmp_path, world, monkeypatch):
    monkeypatch.setattr(toronto, "ARCHIVE", replace(world.expected, text_sum=1))
    raw = {"archive": world.write(tmp_path / "flickr_data.tar.gz")}
    about = {"dataset": "toronto", "citation": "c", "precision": "float32"}
    with pytest.raises(DataError, match="check 2"):
        write_archive_store(tmp_path / "store.h5", raw, {"unchecked": []}, **about)
    write_archive_store(tmp_path / "store.h5", raw, {"unchecked": ["text_sum"]}, **about)
    with Store(tmp_path / "store.h5") as store:
        assert (store.attrs["dataset"], store.attrs["citation"]) == ("toronto", "c")
        assert store.read_stored("image").dtype == np.float32


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_every_row_ends_up_in_its_place_whatever_the_order(tmp_path, world, order, dtype):
    path = world.write(tmp_path / "flickr_data.tar.gz", order)
    write_toronto_store(path, tmp_path / "store.h5", expected=world.expected, dtype=dtype)
    with Store(tmp_path / "store.h5") as store:
        assert store.attrs["dataset"] == "toronto" and not store.attrs["generated"]
        assert store.modalities == ["image", "text"]
        np.testing.assert_array_equal(store.read("image"), world.image.astype(dtype))
        np.testing.assert_array_equal(store.read("text"), world.text.toarray())
        np.testing.assert_array_equal(store.labels(), world.labels)
        np.testing.assert_array_equal(store.ids(), np.arange(40))
        assert store.attrs["classes"] == ["a", "b", "c"] and list(store.vocabulary) == list(WORDS)
        for n, parts in world.splits.items():
            found = store.split(n)
            for part, rows in zip(("train", "validation", "test"), parts, strict=True):
                np.testing.assert_array_equal(found[part], np.sort(rows))
        moments = store.moments("image", 1)
        assert moments.rows == 20
        np.testing.assert_allclose(moments.mean, world.image[20:].astype(dtype).mean(0, np.float64))


def test_the_original_is_laid_out_as_documented():
    rows = ARCHIVE.block_rows()
    labelled = [name for name in rows if "/labelled/" in name]
    assert labelled == [
        "image/labelled/combined-00001-of-00100.npy",
        "image/labelled/combined-00002-of-00100.npy",
        "image/labelled/combined-00003_0-of-00100.npy",
    ]
    assert [len(rows[name]) for name in labelled] == [10_000, 10_000, 5000]
    assert (len(rows), ARCHIVE.n_rows, ARCHIVE.n_labelled) == (101, 1_000_000, 25_000)
    assert rows["image/unlabelled/combined-00003_1-of-00100.npy"] == range(25_000, 30_000)
    assert rows["image/unlabelled/combined-00100-of-00100.npy"] == range(990_000, 1_000_000)
    assert sorted(row for block in rows.values() for row in (block[0], block[-1]))[:3] == [0, 9999, 10_000]
    assert sum(map(len, rows.values())) == 1_000_000
    assert ARCHIVE.split_names()["splits/valid_indices_5.npy"] == (5, "validation")
    assert len(ARCHIVE.split_names()) == 15 and len(ARCHIVE.classes) == 38


BLOCK = "image/unlabelled/combined-00004-of-00005.npy"
HALF = "image/labelled/combined-00003_0-of-00005.npy"
TRAIN, VALID = "splits/train_indices_1.npy", "splits/valid_indices_2.npy"


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        (BLOCK, None, "check 1: 1 image blocks are missing, the first of them image/unl.*00004"),
        (BLOCK, lambda w: npy(w.image[24:32, :5]), r"check 1: .*00004.* shape \(8, 5\) instead .*\(8, 6\)"),
        (BLOCK, lambda w: npy(w.image[24:31]), r"check 1: .*00004.* shape \(7, 6\) instead .*\(8, 6\)"),
        (HALF, lambda w: npy(w.image[16:24]), r"check 1: .*00003_0.* shape \(8, 6\) instead .*\(4, 6\)"),
        (BLOCK, lambda w: npy(w.image[24:32].astype("S4")), r"check 1: .*00004.* is \|S4"),
        ("image/labelled/combined-00004-of-00005.npy", lambda w: b"", "check 1: it holds image/lab.*00004"),
        ("text/text_all_2000_labelled.npz", None, "check 2: text/text_all_2000_labelled.npz is missing"),
        (
            "text/text_all_2000_labelled.npz",
            lambda w: npz(w.text[:19]),
            r"check 2: .* shape \(19, 4\) instead",
        ),
        ("text/vocab.txt", None, "check 2: text/vocab.txt is missing"),
        ("text/vocab.txt", lambda w: b"0 sky 3\n", "check 2: text/vocab.txt has 1 words instead of 4"),
        (
            "text/vocab.txt",
            lambda w: b"0 sky 3\n2 sea 4\n",
            "check 2: line 2 .* '2 sea 4' instead of 1, a word",
        ),
        ("text/vocab.txt", lambda w: b"0 sky\n", "check 2: line 1 .* '0 sky' instead of 0, a word"),
        (
            "text/vocab.txt",
            lambda w: w.members["text/vocab.txt"].replace(b"0 nikon ", b"0 nikon 1"),
            "check 2: 1 words have another count .* 'nikon' with",
        ),
        ("labels.npy", None, "check 5: labels.npy is missing"),
        ("labels.npy", lambda w: npy(w.labels.T), r"check 5: labels.npy has the shape \(3, 20\) instead"),
        ("labels.npy", lambda w: npy(w.labels * 2), "check 5: labels.npy holds 2.0 beside 0 and 1"),
        ("labels.npy", lambda w: npy(w.labels * np.nan), "check 5: labels.npy holds nan beside"),
        ("labels.npy", lambda w: npy(1 - w.labels), "check 5: the mean of labels.npy is"),
        (VALID, None, "check 6: splits/valid_indices_2.npy is missing"),
        (VALID, lambda w: npy(np.arange(5)), r"check 6: .*valid_indices_2.npy is int64 of shape \(5,\)"),
        (VALID, lambda w: npy(np.arange(4.0)), r"check 6: .*valid_indices_2.npy is float64"),
        (VALID, lambda w: npy(w.splits[2][0][:4]), "check 6: split 2 leaves out 4 of the labelled rows"),
        (TRAIN, lambda w: npy(w.splits[1][0] + 1000), "check 6: split 1 leaves out 8 of the labelled rows"),
    ],
)
def test_a_failing_check_is_named_with_what_was_found(tmp_path, world, name, change, says):
    if change is None:
        del world.members[name]
    else:
        world.members[name] = change(world)
    refusal(world, tmp_path, says)


def test_all_that_fails_is_told_at_once(tmp_path, world):
    del world.members["splits/test_indices_2.npy"]
    world.members["labels.npy"] = npy(world.labels[:, :2])
    refusal(
        world, tmp_path, r"check 5: labels.npy has the shape .*; check 6: splits/test_indices_2.npy is mis"
    )


def changed_text(world: World, row: int, column: int, by: int) -> None:
    text = world.text.tolil()
    text[row, column] += by
    world.text = text.tocsr()
    world.members["text/text_all_2000_labelled.npz"] = npz(world.text[:20])


def test_a_wrong_sum_of_tags_is_found(tmp_path, world):
    total = world.text.sum()
    changed_text(world, int(np.flatnonzero(world.text.sum(1))[0]), 2, 1)
    refusal(
        world, tmp_path, f"check 2: the counts of tags sum to {total + 1} instead of {total}, 1 words have"
    )


def test_rows_without_tags_are_counted_and_placed(tmp_path, world):
    labelled, unlabelled = world.expected.untagged
    first, second = world.expected.first_untagged
    changed_text(world, first, 2, 1)
    refusal(
        world,
        tmp_path,
        f"check 3: {labelled - 1} labelled and {unlabelled} unlabelled rows have no tag instead of "
        f"{labelled} and {unlabelled}, the first rows without a tag are {second}, .* instead of {first}, ",
    )


@pytest.mark.parametrize(("column", "value"), [(4, -1), (5, 0.5)])
def test_counts_of_visual_words_must_be_counts(tmp_path, world, column, value):
    world.image[26, column] = value
    world.members[BLOCK] = npy(world.image[24:32])
    refusal(world, tmp_path, f"check 4: .*00004.* has {value:g} in row 2, column {column}, where counts")


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e5])
def test_what_the_store_cannot_keep_is_refused(tmp_path, world, value):
    world.image[26, 1] = value
    world.members[BLOCK] = npy(world.image[24:32])
    refusal(world, tmp_path, f"the value {re_escape(value)} in row 26, column 1")


def re_escape(value: float) -> str:
    return f"{value:g}".replace("+", r"\+")


def test_what_is_not_expected_is_not_checked(tmp_path, world):
    world.image[:, 5] = 0.5
    for name in list(world.members):
        if name.startswith("image/"):
            rows = world.expected.block_rows()[name]
            world.members[name] = npy(world.image[rows.start : rows.stop])
    changed_text(world, 0, 2, 7)
    world.members["labels.npy"] = npy(1 - world.labels)
    refusal(world, tmp_path, "check 2: .*; check 4: .*; check 5: ")
    lenient = replace(
        world.expected,
        count_columns=None,
        text_sum=None,
        vocabulary_counts=False,
        untagged=None,
        first_untagged=None,
        label_mean=None,
    )
    path = world.write(tmp_path / "flickr_data.tar.gz")
    write_toronto_store(path, tmp_path / "store.h5", expected=lenient, dataset="mine", generated=True)
    with Store(tmp_path / "store.h5") as store:
        np.testing.assert_array_equal(store.read("text"), world.text.toarray())
        assert store.attrs["dataset"] == "mine" and store.attrs["generated"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("labels.npy", npy(np.zeros((1, 2)).astype("f8")).replace(b"'<f8'", b"'|O' "), "Python objects"),
        ("text/text_all_2000_labelled.npz", b"PK", "no sparse matrix of numbers"),
        (
            "text/text_all_2000_labelled.npz",
            npz(sparse.csr_array((20, 4)), data=np.array([{}], object)),
            "no sparse matrix of numbers .*pickle",
        ),
        (
            "text/text_all_2000_labelled.npz",
            npz(
                sparse.csr_array((20, 4)),
                indices=np.array([0, 9]),
                data=np.ones(2),
                indptr=np.r_[[0] * 20, 2],
            ),
            "no sparse matrix of numbers",
        ),
        ("../labels.npy", b"", "leads out of its folder"),
    ],
)
def test_what_is_unsafe_or_damaged_is_refused(tmp_path, world, name, content, says):
    world.members[name] = content
    refusal(world, tmp_path, says)


def test_tags_that_unpack_to_more_than_tags_can_be_are_refused(tmp_path, world, monkeypatch):
    monkeypatch.setattr("mvi.data.readers.toronto.TEXT_BYTES", 2000)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, data=np.zeros(10_000))
    assert len(buffer.getvalue()) < 2000
    world.members[TEXTS[1]] = buffer.getvalue()
    refusal(world, tmp_path, "it unpacks to 80[0-9]{3} bytes")


def test_half_a_matrix_is_refused(tmp_path, world):
    buffer = io.BytesIO()
    np.savez(buffer, data=np.ones(1), indices=np.zeros(1, int), indptr=np.array([0, 1]))
    world.members["text/text_all_2000_unlabelled.npz"] = buffer.getvalue()
    refusal(world, tmp_path, "no sparse matrix of numbers .*shape")


def test_a_truncated_archive_leaves_nothing(tmp_path, world):
    path = world.write(tmp_path / "flickr_data.tar.gz")
    whole = path.read_bytes()
    for kept in (len(whole) // 3, len(whole) - 4):
        path.write_bytes(whole[:kept])
        with pytest.raises(DataError, match="truncated") as error:
            write_toronto_store(path, tmp_path / "out/store.h5", expected=world.expected)
        sentence(error)
        assert not list((tmp_path / "out").iterdir())
    path.write_bytes(gzip.compress(b""))
    with pytest.raises(DataError):
        write_toronto_store(path, tmp_path / "out/store.h5", expected=world.expected)


def test_one_block_at_a_time_is_in_memory(tmp_path, monkeypatch):
    # What the statistics hold at a time is another matter, and more than all of this archive.
    monkeypatch.setattr("mvi.data.statistics.BLOCK_BYTES", 2**20)
    rows, columns = 1000, 500
    expected = Expected(
        n_labelled=2500,
        n_unlabelled=17_500,
        blocks=20,
        image_columns=columns,
        count_columns=None,
        vocabulary_size=1,
        classes=("a",),
        splits=1,
        split_sizes=(1000, 500, 1000),
        text_sum=None,
        untagged=None,
        first_untagged=None,
        label_mean=None,
    )
    world = World()
    world.members = {
        name: npy(np.full((len(block), columns), number, np.float32))
        for number, (name, block) in enumerate(expected.block_rows().items())
    }
    for name, n in zip(TEXTS, (2500, 17_500), strict=True):
        world.members[name] = npz(sparse.csr_array((n, 1), dtype=np.int32))
    world.members |= {"text/vocab.txt": b"0 sky 0\n", "labels.npy": npy(np.zeros((2500, 1), np.uint8))}
    for name, part in zip(expected.split_names(), np.split(np.arange(2500), [1000, 1500]), strict=True):
        world.members[name] = npy(part)
    path = world.write(tmp_path / "flickr_data.tar.gz")
    tracemalloc.start()
    write_toronto_store(path, tmp_path / "store.h5", expected=expected)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    block_bytes = rows * columns * 4
    assert peak < 2 * block_bytes  # of 20
    with Store(tmp_path / "store.h5") as store:
        np.testing.assert_array_equal(store.read("image", [0, 2499, 2500, 19_999])[:, 0], [0, 2, 3, 20])
