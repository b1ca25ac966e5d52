# SPDX-License-Identifier: MIT
"""The store gives back what was put in, refuses what is wrong and notices what was altered."""

import errno
import fcntl
import gc
import json
import signal
import subprocess
import sys
import time
from itertools import pairwise
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from conftest import at_most
from scipy import sparse

from mvi.data import store as reading
from mvi.data import store_writer as module
from mvi.data.store import Store
from mvi.data.store_writer import Dense, Sparse, write_store, writing_store
from mvi.errors import DataError, MviError, ShapeError

N = 1000


def arguments(**changes):
    generator = np.random.default_rng(0)
    order = generator.permutation(N)
    return {
        "dataset": "toy",
        "modalities": {
            "left": generator.random((N, 12), np.float32),
            "right": generator.integers(0, 2, (N, 6)).astype(np.float64),
        },
        "labels": generator.integers(0, 3, N),
        "splits": {
            1: {"train": order[:600], "validation": order[600:800], "test": order[800:]},
            2: {"train": [5, 4], "validation": [3], "test": [9]},
        },
        "shapes": {"left": (3, 4), "right": (6,)},
        "classes": ["a", "b", "ç"],
        "citation": "A, B (2000)",
    } | changes


def sentence(error: pytest.ExceptionInfo) -> str:
    text = str(error.value)
    assert text.endswith(".") and ". " not in text and "\n" not in text, text
    return text


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    # Several chunks in small data, the last one not full.
    monkeypatch.setattr(module, "CHUNK_BYTES", 12 * 4 * 64)


@pytest.fixture
def path(tmp_path):
    write_store(tmp_path / "store.h5", **arguments())
    return tmp_path / "store.h5"


def test_everything_comes_back(path):
    given = arguments()
    with Store(path) as store:
        assert store.modalities == ["left", "right"] and store.n_rows == N
        assert store.sizes == {"left": 12, "right": 6} and store.shapes == given["shapes"]
        assert store.attrs == {
            "dataset": "toy",
            "modalities": ["left", "right"],
            "classes": ["a", "b", "ç"],
            "generated": False,
            "citation": "A, B (2000)",
            "attributes": {},
        }
        for name in store.modalities:
            found = store.read(name)
            assert found.dtype == np.float32
            np.testing.assert_array_equal(found, given["modalities"][name])
        assert store.labels().dtype == store.ids().dtype == np.int64
        np.testing.assert_array_equal(store.labels(), given["labels"])
        np.testing.assert_array_equal(store.ids(), np.arange(N))
        for number, split in given["splits"].items():
            for part, rows in store.split(number).items():
                np.testing.assert_array_equal(rows, split[part])


def test_the_order_of_modalities_is_kept(tmp_path):
    given = arguments()
    given["modalities"] = dict(reversed(given["modalities"].items()))
    write_store(tmp_path / "s.h5", **given)
    with Store(tmp_path / "s.h5") as store:
        assert store.modalities == ["right", "left"]


@pytest.mark.parametrize(
    "rows",
    [
        slice(10, 200),
        slice(None, None, 7),
        slice(-5, None),
        slice(20, 10),
        slice(30, 10, -3),
        [3],
        [],
        [999, 0, 63, 64, 65, 64, 999],
        np.arange(128, 256),
        np.arange(N, dtype=np.uint8 if N < 256 else np.uint16),
        np.random.default_rng(1).permutation(N),
        np.sort(np.random.default_rng(2).permutation(N)[:400]),
        np.random.default_rng(3).integers(0, N, 3000),
        range(5, 9),
    ],
)
def test_rows_come_in_the_order_asked_for(path, rows):
    given = arguments()
    wanted = np.arange(N)[np.asarray(rows, int) if not isinstance(rows, slice) else rows]
    with Store(path) as store:
        for name in store.modalities:
            np.testing.assert_array_equal(store.read(name, rows), given["modalities"][name][wanted])
            assert store.read(name, rows).dtype == np.float32
        np.testing.assert_array_equal(store.labels(rows), given["labels"][wanted])
        np.testing.assert_array_equal(store.ids(rows), wanted)


def test_blocks_cover_the_rows_in_order(path):
    rows = np.random.default_rng(0).permutation(N)[:250]
    with Store(path) as store:
        blocks = list(store.blocks(rows, 100))
        assert [len(block) for block in blocks] == [100, 100, 50]
        np.testing.assert_array_equal(np.concatenate(blocks), rows)
        np.testing.assert_array_equal(np.concatenate(list(store.blocks(None, 300))), np.arange(N))
        assert list(store.blocks([], 10)) == []
        with pytest.raises(ShapeError, match="at least 1 row"):
            next(store.blocks(rows, 0))


@pytest.mark.parametrize("rows", [[-1], [N], [0.5], np.ones(N, bool), [[1, 2]], 3])
def test_rows_that_are_none_are_refused(path, rows):
    with Store(path) as store, pytest.raises(ShapeError, match="Row indices") as error:
        store.read("left", rows)
    sentence(error)


def test_unknown_names_are_refused(path):
    with Store(path) as store:
        with pytest.raises(DataError, match="no modality 'up'; it has left, right"):
            store.read("up")
        with pytest.raises(DataError, match="no modality 'labels'"):
            store.read("labels")
        with pytest.raises(DataError, match="no split 3; it has 1, 2"):
            store.split(3)


def test_string_ids(tmp_path):
    ids = np.array([f"im{i}é" for i in range(N)])
    write_store(tmp_path / "s.h5", **arguments(ids=ids))
    with Store(tmp_path / "s.h5") as store:
        np.testing.assert_array_equal(store.ids(), ids)
        assert store.ids([7, 3]).tolist() == ["im7é", "im3é"]


def test_the_same_arguments_give_the_same_bytes(path, tmp_path):
    time.sleep(1.1)  # HDF5 can note the time, in seconds
    write_store(tmp_path / "again.h5", **arguments())
    assert path.read_bytes() == (tmp_path / "again.h5").read_bytes()


def test_texts_may_be_empty_or_not_ascii(tmp_path):
    for number, citation in enumerate(("", "Ågren, 2000 — “x”")):
        write_store(tmp_path / f"{number}.h5", **arguments(citation=citation, generated=True))
        with Store(tmp_path / f"{number}.h5") as store:
            assert store.attrs["citation"] == citation and store.attrs["generated"] is True


def test_what_is_given_is_not_modified(tmp_path):
    given, before = arguments(), arguments()
    write_store(tmp_path / "s.h5", **given)
    for name in before["modalities"]:
        np.testing.assert_array_equal(given["modalities"][name], before["modalities"][name])
    np.testing.assert_array_equal(given["labels"], before["labels"])


def left_with(value, row=700, column=5, dtype=np.float32):
    left = arguments()["modalities"]["left"].astype(dtype)
    left[row, column] = value
    left[row + 3, 0] = value
    return {"modalities": arguments()["modalities"] | {"left": left}}


BAD = [
    (left_with(np.nan), DataError, "'left' has the value nan in row 700, column 5"),
    (left_with(np.inf), DataError, "'left' has the value inf in row 700"),
    (left_with(-np.inf, row=0), DataError, "'left' has the value -inf in row 0"),
    (left_with(1.001), DataError, r"value 1.001 in row 700, column 5; .* in \[0, 1\]"),
    (left_with(-0.01), DataError, "value -0.01 in row 700"),
    (left_with(1e300, dtype=np.float64), DataError, r"value 1e\+300 in row 700"),
    (left_with(2, dtype=np.int64), DataError, "value 2 in row 700"),
    ({"modalities": {"left": np.zeros((N, 12))}}, ShapeError, "one shape for each modality"),
    ({"modalities": {}, "shapes": {}}, ShapeError, "one shape for each modality"),
    ({"shapes": {"left": (3, 5), "right": (6,)}}, ShapeError, r"shape \(3, 5\) of modality 'left'"),
    (
        {"modalities": {"left": np.zeros((N, 12)), "right": np.zeros((N - 1, 6))}},
        ShapeError,
        "'right' has 999 rows but 'left' has 1000",
    ),
    ({"modalities": {"left": np.zeros(N)}, "shapes": {"left": (1,)}}, ShapeError, "must be an"),
    ({"modalities": {"left": np.zeros((0, 4))}, "shapes": {"left": (4,)}}, ShapeError, "must be an"),
    ({"modalities": {"left": np.zeros((N, 0))}, "shapes": {"left": (0,)}}, ShapeError, "must be an"),
    ({"modalities": {"left": np.zeros((N, 4), complex)}, "shapes": {"left": (4,)}}, ShapeError, "real"),
    ({"modalities": {"labels": np.zeros((N, 4))}, "shapes": {"labels": (4,)}}, DataError, "named 'labels'"),
    ({"modalities": {"a+b": np.zeros((N, 4))}, "shapes": {"a+b": (4,)}}, DataError, "named 'a\\+b'"),
    ({"labels": np.zeros(N - 1, int)}, ShapeError, "Labels must be"),
    ({"labels": np.zeros(N)}, ShapeError, "Labels must be"),
    ({"labels": np.where(np.arange(N) == 12, 3, 0)}, DataError, "label 3 in row 12"),
    ({"labels": np.where(np.arange(N) == 12, -1, 0)}, DataError, "label -1 in row 12"),
    ({"ids": np.arange(N - 1)}, ShapeError, "Ids must be"),
    ({"ids": np.zeros(N)}, ShapeError, "Ids must be"),
    ({"splits": {0: {"train": [1], "validation": [2], "test": [3]}}}, DataError, "numbered from 1"),
    ({"splits": {1: {"train": [1], "test": [3]}}}, DataError, "have the parts train, validation, test"),
    ({"splits": {1: {"train": [1], "validation": [], "test": [3]}}}, DataError, "validation part .* empty"),
    ({"splits": {1: {"train": [1], "validation": [2], "test": [3, 1]}}}, DataError, "row 1 more than once"),
    ({"splits": {1: {"train": [2, 2], "validation": [1], "test": [3]}}}, DataError, "row 2 more than once"),
    ({"splits": {1: {"train": [1], "validation": [2], "test": [N]}}}, ShapeError, "Row indices"),
]


@pytest.mark.parametrize(("changes", "kind", "says"), BAD)
def test_wrong_content_is_refused_and_the_next_write_succeeds(tmp_path, changes, kind, says):
    with pytest.raises(kind, match=says) as error:
        write_store(tmp_path / "s.h5", **arguments(**changes))
    sentence(error)
    assert not list(tmp_path.iterdir())
    write_store(tmp_path / "s.h5", **arguments())
    assert [file.name for file in tmp_path.iterdir()] == ["s.h5"]


def test_a_failed_write_leaves_the_earlier_store(path):
    before = path.read_bytes()
    with pytest.raises(DataError):
        write_store(path, **arguments(**left_with(np.nan)))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="file/s.h5 cannot be written") as error:
        write_store(tmp_path / "file/s.h5", **arguments())
    sentence(error)


def test_a_missing_or_foreign_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="no store at .*absent.h5"):
        Store(tmp_path / "absent.h5")
    (tmp_path / "text.h5").write_text("not HDF5 at all")
    (tmp_path / "empty.h5").write_bytes(b"")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = [1]
    for name in ("text", "empty", "other"):
        with pytest.raises(DataError, match=f"{name}.h5 is not a sound store") as error:
            Store(tmp_path / f"{name}.h5")
        sentence(error)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_store_is_refused(path, kept):
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(DataError, match="is not a sound store .*; delete it"):
        Store(path)


def test_a_store_of_another_format_is_refused(path):
    with h5py.File(path, "r+") as file:
        file.attrs["format"] = reading.FORMAT + 1
    with pytest.raises(DataError, match=f"its format is {reading.FORMAT + 1}, not {reading.FORMAT}"):
        Store(path)


@pytest.mark.parametrize("classes", [["a", "b", "a"], [1, 2, 3], {"a": 0, "b": 1, "c": 2}])
def test_a_store_whose_classes_have_no_names_of_their_own_is_refused(path, classes):
    with h5py.File(path, "r+") as file:
        file.attrs["classes"] = json.dumps(classes)
    with pytest.raises(DataError, match="is not a sound store .the names of its classes are not texts"):
        Store(path)


def test_all_is_in_chunks_of_rows_with_checksums(path):
    def check(_, item):
        if isinstance(item, h5py.Dataset):
            assert item.fletcher32 and item.chunks[1:] == item.shape[1:]

    with h5py.File(path) as file:
        file.visititems(check)
        assert file["left"].chunks[0] == 64


def everything(path) -> bytes:
    with Store(path) as store:
        parts = [store.read(name) for name in store.modalities] + [store.labels(), store.ids()]
        parts += [rows for number in (1, 2) for rows in store.split(number).values()]
        header = json.dumps([store.attrs, store.sizes, store.shapes])
    return header.encode() + b"".join(part.tobytes() for part in parts)


def structure(path) -> np.ndarray:
    """Positions in the file of what is not the content of a chunk."""
    outside = np.ones(path.stat().st_size, bool)

    def strike(_, item):
        if isinstance(item, h5py.Dataset):
            for number in range(item.id.get_num_chunks()):
                chunk = item.id.get_chunk_info(number)
                outside[chunk.byte_offset : chunk.byte_offset + chunk.size] = False

    with h5py.File(path) as file:
        file.visititems(strike)
    return np.flatnonzero(outside)


def test_an_altered_byte_never_goes_unnoticed(path):
    good, raw = everything(path), path.read_bytes()
    generator = np.random.default_rng(0)
    positions = [*generator.choice(len(raw), 150), *generator.choice(structure(path), 250)]
    noticed = 0
    for position in positions:
        altered = bytearray(raw)
        altered[position] ^= 0x55
        path.write_bytes(altered)
        try:
            # What lies between the parts of the file may change: nobody reads it.
            assert everything(path) == good
        except MviError as error:
            noticed += "is not a sound store" in str(error)
    assert noticed > 0.6 * len(positions)


@pytest.mark.parametrize("rows", [None, slice(600, 800), [700, 3]])
def test_altered_rows_are_noticed_and_others_still_read(path, rows):
    with h5py.File(path) as file:
        chunk = file["left"].id.get_chunk_info_by_coord((640, 0))
    altered = bytearray(path.read_bytes())
    altered[chunk.byte_offset + chunk.size // 2] ^= 1
    path.write_bytes(altered)
    with Store(path) as store:
        with pytest.raises(DataError, match="is not a sound store") as error:
            store.read("left", rows)
        sentence(error)
        assert len(store.read("left", slice(0, 600))) == 600


def test_a_kill_in_the_middle_of_writing_leaves_no_store(tmp_path):
    code = """
import numpy as np, sys
from mvi.data import store_writer as store
def wait(name, block, start, *_):
    if start:
        print("halfway", flush=True); sys.stdin.read()
store.checks.check_values = wait
x = np.zeros((200_000, 4), np.float32)
store.write_store(sys.argv[1], dataset="t", modalities={"a": x}, labels=np.zeros(len(x), int), classes=["c"],
    splits={1: {"train": [0], "validation": [1], "test": [2]}}, shapes={"a": (4,)})
"""
    target = tmp_path / "s.h5"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "halfway\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not target.exists()
    write_store(target, **arguments())
    with Store(target) as store:
        assert store.n_rows == N


# A store written by blocks: features, counts of tags, several labels a row, unlabelled rows.

L, D, WORDS = 60, 12, 9


def features() -> np.ndarray:
    return np.random.default_rng(5).normal(100, 3, (200, D)).astype(np.float32)


def tags() -> sparse.csr_array:
    generator = np.random.default_rng(6)
    counts = generator.poisson(0.4, (200, WORDS))
    counts[::7] = 0
    return sparse.csr_array(counts.astype(np.int64))


def annotations(**changes):
    order = np.random.default_rng(7).permutation(L)
    return {
        "labels": np.random.default_rng(8).integers(0, 2, (L, 3)),
        "classes": ["sky", "sea", "tree"],
        "splits": {
            1: {"train": order[:30], "validation": order[30:40], "test": order[40:]},
            2: {"train": order[30:], "validation": order[:10], "test": order[10:30]},
        },
        "ids": np.array([f"im{i}.jpg" for i in range(200)]),
        "vocabulary": [f"wörd{i}" for i in range(WORDS)],
    } | changes


def layout(**changes):
    return {
        "dataset": "images",
        "n_rows": 200,
        "modalities": {"image": Dense(D), "text": Sparse(WORDS)},
        "attributes": {"seed": 3, "blocks": [1, 2]},
        "statistics": ["image", "text"],
    } | changes


def fill(writer, edges=(0, 50, 50, 143, 200), values=None):
    values = {"image": features(), "text": tags()} if values is None else values
    for name, rows in values.items():
        for start, stop in pairwise(edges):
            writer.write(name, start, rows[start:stop])


def write_blocks(path, edges=(0, 50, 50, 143, 200), values=None, annotated=None, **changes):
    with writing_store(path, **layout(**changes)) as writer:
        writer.annotate(**(annotations() if annotated is None else annotated))
        fill(writer, edges, values)
    return path


@pytest.fixture
def images(tmp_path):
    return write_blocks(tmp_path / "images.h5")


def test_blocks_come_back_whole(images):
    with Store(images) as store:
        assert (store.n_rows, store.n_labelled, store.sizes) == (200, L, {"image": D, "text": WORDS})
        assert store.attrs["attributes"] == {"seed": 3, "blocks": [1, 2]}
        assert store.classes == ["sky", "sea", "tree"] and store.vocabulary == annotations()["vocabulary"]
        np.testing.assert_array_equal(store.read("image"), features())
        np.testing.assert_array_equal(store.read("text"), tags().toarray())
        np.testing.assert_array_equal(store.labels(), annotations()["labels"])
        assert store.labels().dtype == np.uint8 and store.labels([5, 5]).shape == (2, 3)
        np.testing.assert_array_equal(store.unlabelled, np.arange(L, 200))
        assert store.ids([199]).tolist() == ["im199.jpg"]


@pytest.mark.parametrize("rows", [slice(30, 180), [], [199, 0, 7, 7, 150], np.arange(199, -1, -1)])
def test_counts_come_as_numbers_in_the_order_asked_for(images, rows):
    wanted = tags().toarray()[np.asarray(rows, int) if not isinstance(rows, slice) else rows]
    with Store(images) as store:
        found = store.read("text", rows)
    assert found.dtype == np.float32 and found.shape[1] == WORDS
    np.testing.assert_array_equal(found, wanted)


def test_the_order_of_blocks_does_not_matter(images, tmp_path):
    with writing_store(tmp_path / "other.h5", **layout()) as writer:
        for start, stop in ((143, 200), (0, 50), (50, 143)):
            writer.write("text", start, tags()[start:stop].tocoo())
            writer.write("image", start, features()[start:stop].astype(np.float64))
        writer.annotate(**annotations())
    with Store(images) as one, Store(tmp_path / "other.h5") as other:
        for name in one.modalities:
            np.testing.assert_array_equal(one.read(name), other.read(name))
            np.testing.assert_array_equal(one.moments(name, 1).variance, other.moments(name, 1).variance)


def test_the_same_blocks_give_the_same_bytes(images, tmp_path):
    assert write_blocks(tmp_path / "again.h5").read_bytes() == images.read_bytes()


@pytest.mark.parametrize("dtype", [np.float64, np.int32])
def test_counts_are_added_up_and_zeros_dropped(tmp_path, dtype):
    starts = np.r_[0, np.full(199, 3), 4]
    text = sparse.csr_array((np.array([2, 1, 0, 3], dtype), [4, 4, 2, 0], starts), shape=(200, WORDS))
    with writing_store(tmp_path / "s.h5", **layout()) as writer:
        writer.write("image", 0, features())
        writer.write("text", 0, text)
    assert text.nnz == 4
    with Store(tmp_path / "s.h5") as store:
        assert store.read("text")[0, 4] == 3 and store.read("text").sum() == 6
        np.testing.assert_array_equal(np.flatnonzero(store.tag_counts()), [0, 199])


def test_minimum_tags_are_masks(images):
    different = (tags().toarray() > 0).sum(1)
    with Store(images) as store:
        np.testing.assert_array_equal(store.tag_counts(), different)
        for minimum in (0, 2, 5):
            np.testing.assert_array_equal(store.with_tags(minimum), different >= minimum)
    assert 0 < np.sum(different >= 5) < np.sum(different >= 2) < 200


def test_a_store_without_any_tag(tmp_path):
    none = sparse.csr_array((200, WORDS), dtype=np.int64)
    write_blocks(tmp_path / "s.h5", values={"image": features(), "text": none})
    with Store(tmp_path / "s.h5") as store:
        assert not store.read("text").any() and not store.with_tags(1).any() and store.with_tags(0).all()


def test_a_store_without_tags_says_so(path):
    with Store(path) as store:
        assert store.with_tags(0).all()
        with pytest.raises(DataError, match="no tags; its modalities are left, right"):
            store.with_tags(2)
        assert store.vocabulary == []


def test_words_that_are_not_named_are_missed(tmp_path):
    write_blocks(tmp_path / "s.h5", annotated=annotations(vocabulary=None))
    with Store(tmp_path / "s.h5") as store, pytest.raises(DataError, match="names no words"):
        _ = store.vocabulary


def test_a_store_without_labels(tmp_path):
    write_blocks(tmp_path / "s.h5", annotated={"classes": ["sky"]})
    with Store(tmp_path / "s.h5") as store:
        assert store.n_labelled == 0 and store.labels().shape == (0, 1) and len(store.unlabelled) == 200
        assert store.ids([3]).tolist() == [3] and store.moments("image", 1).rows == 200
        with pytest.raises(ShapeError, match="Row indices"):
            store.labels([0])
        with pytest.raises(DataError, match="no split 1; it has none"):
            store.split(1)


def test_labels_of_unlabelled_rows_are_refused(images):
    with Store(images) as store:
        assert len(store.labels(slice(50, 100))) == L - 50
        with pytest.raises(ShapeError, match=f"rows from 0 to {L - 1}"):
            store.labels([L])


def test_indices_may_label_some_rows_only(tmp_path):
    write_blocks(tmp_path / "s.h5", annotated=annotations(labels=np.arange(L) % 3))
    with Store(tmp_path / "s.h5") as store:
        np.testing.assert_array_equal(store.labels(), np.arange(L) % 3)


def some_known() -> tuple[np.ndarray, np.ndarray]:
    """Labels and which of them are known; those that are not are 0."""
    known = np.random.default_rng(9).random((L, 3)) < 0.9
    assert (~known).sum() > 0 and known.any(0).all()
    return annotations()["labels"] * known, known


@pytest.mark.parametrize("rows", [None, slice(50, 60), [7, 3, 3, L - 1], []])
def test_labels_may_be_unknown_for_a_class(tmp_path, rows):
    labels, known = some_known()
    write_blocks(tmp_path / "s.h5", annotated=annotations(labels=labels, known=known))
    with Store(tmp_path / "s.h5") as store:
        wanted = known if rows is None else known[:L][rows]
        np.testing.assert_array_equal(store.known(rows), wanted)
        assert store.known(rows).dtype == bool and store.labels().dtype == np.uint8
        np.testing.assert_array_equal(store.labels(), labels)
        with pytest.raises(ShapeError, match=f"rows from 0 to {L - 1}"):
            store.known([L])


@pytest.mark.parametrize("rows", [None, slice(50, 100), [7, 3, 3], []])
def test_labels_are_known_where_nothing_else_is_said(images, path, rows):
    for where in (images, path):
        with Store(where) as store:
            wanted = np.ones((len(store.labels(rows)), 3), bool)
            np.testing.assert_array_equal(store.known(rows), wanted)
            with pytest.raises(ShapeError, match="Row indices"):
                store.known([store.n_labelled])


def test_a_mask_that_hides_nothing_is_not_kept(images, tmp_path):
    write_blocks(tmp_path / "s.h5", annotated=annotations(known=np.ones((L, 3), bool)))
    assert (tmp_path / "s.h5").read_bytes() == images.read_bytes()


def test_a_mask_of_another_shape_is_damage(images):
    with h5py.File(images, "r+") as file:
        file["known"] = np.ones((L, 2), bool)
    with pytest.raises(DataError, match=r"not a sound store \(known is of shape"):
        Store(images)


def test_moments_are_of_the_unlabelled_rows_for_every_split(images):
    for name, values in (("image", features().astype(np.float64)), ("text", tags().toarray())):
        with Store(images) as store:
            for split in (1, 2):
                got = store.moments(name, split)
                assert got.rows == 200 - L
                np.testing.assert_allclose(got.mean, values[L:].mean(0), rtol=1e-12)
                np.testing.assert_allclose(got.variance, values[L:].var(0, ddof=1), rtol=1e-10)


def test_moments_are_of_the_training_rows_where_all_are_labelled(tmp_path):
    labels = np.random.default_rng(8).integers(0, 2, (200, 3))
    write_blocks(tmp_path / "s.h5", annotated=annotations(labels=labels), statistics=["image"])
    with Store(tmp_path / "s.h5") as store:
        for split in (1, 2):
            train = features()[annotations()["splits"][split]["train"]].astype(np.float64)
            got = store.moments("image", split)
            assert got.rows == len(train) == 30
            np.testing.assert_allclose(got.variance, train.var(0, ddof=1), rtol=1e-10)
        for name, split in (("image", 3), ("text", 1)):
            with pytest.raises(DataError, match=f"no moments of {name} for split {split}"):
                store.moments(name, split)


def test_float16_keeps_what_it_can(tmp_path):
    values = {"image": features(), "text": tags()}
    write_blocks(
        tmp_path / "s.h5", values=values, modalities={"image": Dense(D, "float16"), "text": Sparse(WORDS)}
    )
    with Store(tmp_path / "s.h5") as store:
        assert store.read("image").dtype == np.float32 and store.read_stored("image").dtype == np.float16
        np.testing.assert_array_equal(store.read("image"), features().astype(np.float16))
        # A sum in float16 would be off in the third digit, and of many rows infinite.
        kept = features().astype(np.float16).astype(np.float64)[L:]
        np.testing.assert_allclose(store.moments("image", 1).mean, kept.mean(0), rtol=1e-12)


def spoiled(name, row, column, value, dtype=np.float64):
    values = {"image": features().astype(dtype), "text": tags().toarray().astype(dtype)}
    values[name][row, column] = value
    return {"values": values | {"text": sparse.csr_array(values["text"])}}


HALF = {"modalities": {"image": Dense(D, "float16"), "text": Sparse(WORDS)}}
BAD_BLOCKS = [
    (
        spoiled("image", 150, 3, np.nan),
        DataError,
        "'image' has the value nan in row 150, column 3; .* finite",
    ),
    (spoiled("image", 199, 0, -np.inf), DataError, "'image' has the value -inf in row 199"),
    (spoiled("image", 60, 1, 1e39), DataError, r"value 1e\+39 in row 60, column 1; float32 holds at most"),
    (
        spoiled("image", 60, 1, -65520) | HALF,
        DataError,
        "value -65520 in row 60, .* float16 holds at most 65504",
    ),
    (spoiled("text", 150, 3, -1), DataError, "'text' has the count -1 in row 150, column 3"),
    (spoiled("text", 150, 3, 0.5), DataError, "count 0.5 in row 150, column 3"),
    (spoiled("text", 150, 3, np.nan), DataError, "count nan in row 150, column 3"),
    ({"values": {"image": features(), "text": tags().toarray()}}, ShapeError, "takes SciPy's sparse arrays"),
    ({"values": {"image": features()[:, 1:]}}, ShapeError, "'image' takes blocks of real numbers, 12 a row"),
    ({"values": {"image": features().astype(str)}}, ShapeError, "'image' takes blocks of real numbers"),
    ({"values": {"sound": features()}}, DataError, "no modality 'sound' to write; it has image, text"),
    ({"edges": (0, 50, 143)}, DataError, "Row 143 of modality 'image' was never written, nor were 56 others"),
    ({"edges": (60, 200)}, DataError, "Row 0 of modality 'image' was never written"),
    ({"values": {"image": features()}}, DataError, "Row 0 of modality 'text' was never written"),
    ({"n_rows": 150}, ShapeError, "Ids must be"),
    ({"n_rows": 199, "annotated": {}}, ShapeError, "rows 143 to 199 of modality 'image' does not fit"),
    ({"annotated": annotations(labels=np.full((L, 3), 2))}, DataError, "class sky in row 0 is 2"),
    (
        {"annotated": annotations(labels=np.zeros((L, 2), int))},
        ShapeError,
        "2 columns but there are 3 classes",
    ),
    ({"annotated": annotations(labels=np.zeros((201, 3), int))}, ShapeError, "at most 200 rows"),
    ({"annotated": annotations(labels=np.zeros((L, 3)))}, ShapeError, "Labels must be integers"),
    ({"annotated": annotations(labels=np.zeros((20, 3), int))}, ShapeError, "rows from 0 to 19"),
    ({"annotated": annotations(known=np.ones((L, 2), bool))}, ShapeError, r"shape \(60, 3\) of the labels"),
    ({"annotated": annotations(known=np.ones((L, 3), int))}, ShapeError, "must be truth values"),
    (
        {"annotated": annotations(labels=np.zeros(L, int), known=np.ones(L, bool))},
        ShapeError,
        "one a row and class",
    ),
    (
        {"annotated": annotations(labels=np.ones((L, 3), int), known=np.arange(3 * L).reshape(L, 3) != 7)},
        DataError,
        "label of class sea in row 2 is 1 and is said to be unknown",
    ),
    (
        {"annotated": annotations(vocabulary=["a"] * WORDS)},
        DataError,
        "'a' is in the vocabulary twice",
    ),
    (
        {"annotated": annotations(vocabulary=["a", "b"])},
        ShapeError,
        "2 words needs .* the sparse modalities have 9",
    ),
    (
        {"annotated": annotations(labels=np.zeros((200, 3), int), splits=None)},
        DataError,
        "neither unlabelled",
    ),
    ({"modalities": {"image": Dense(D, "float64")}}, DataError, "cannot be kept as float64"),
    ({"modalities": {"image": Dense(D, shape=(3, 5))}, "statistics": []}, ShapeError, r"shape \(3, 5\)"),
    ({"modalities": {"a": Sparse(3), "b": Sparse(3)}}, DataError, "one sparse modality at most"),
    ({"modalities": {"vocabulary": Dense(3)}}, DataError, "named 'vocabulary'"),
    ({"modalities": {}}, ShapeError, "at least one modality"),
    ({"modalities": {"image": Dense(0)}}, ShapeError, "at least one row and one column"),
    ({"statistics": ["sound"]}, DataError, "Statistics are wanted of sound"),
]


@pytest.mark.parametrize(("changes", "kind", "says"), BAD_BLOCKS)
def test_wrong_blocks_are_refused_and_leave_nothing(tmp_path, changes, kind, says):
    with pytest.raises(kind, match=says) as error:
        write_blocks(tmp_path / "s.h5", **changes)
    sentence(error)
    assert not list(tmp_path.iterdir())


def test_a_row_is_written_once(tmp_path):
    twice = pytest.raises(DataError, match="Row 143 of modality 'text' is written a second time")
    with twice as error, writing_store(tmp_path / "s.h5", **layout()) as writer:
        fill(writer)
        writer.write("text", 143, tags()[143:])
    sentence(error)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("column", [-1, WORDS])
def test_an_unsound_sparse_matrix_is_refused(tmp_path, column):
    text = tags()
    text.indices[5] = column
    unsound = pytest.raises(ShapeError, match="'text' from row 0 on is no sound sparse matrix")
    with unsound as error, writing_store(tmp_path / "s.h5", **layout()) as writer:
        writer.write("text", 0, text)
    sentence(error)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, FileNotFoundError, ValueError])
def test_an_error_of_the_caller_stays_as_it_is_and_leaves_nothing(tmp_path, kind):
    with pytest.raises(kind, match="mine"), writing_store(tmp_path / "s.h5", **layout()) as writer:
        writer.write("image", 0, features()[:50])
        raise kind("mine")
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_too_small_is_named_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=200 * D * 4 - 1))
    with pytest.raises(
        DataError, match=rf"s.h5 cannot be written: it needs {200 * D * 4} bytes, {200 * D * 4 - 1} are free"
    ) as error:
        write_blocks(tmp_path / "s.h5")
    sentence(error)
    assert not list(tmp_path.iterdir())


def test_a_failure_is_told_by_the_write_that_fails(tmp_path, monkeypatch):
    def flush(_):
        raise RuntimeError("Unable to flush")

    monkeypatch.setattr(h5py.Dataset, "flush", flush)
    written = []
    refused = pytest.raises(DataError, match="s.h5 cannot be written .*Unable to flush")
    with refused, writing_store(tmp_path / "s.h5", **layout()) as writer:
        writer.write("image", 0, features()[:50])
        written.append("image")
    assert not written and not list(tmp_path.iterdir())


@pytest.mark.parametrize("most", [50, 3000, 7000, 12_000])
def test_a_disk_that_fills_up_is_named_and_given_back(tmp_path, most, capfd):
    # Closing arrays and the file, HDF5 tries again; h5py swallows or prints what comes of it, or crashes.
    with at_most(most), pytest.raises(DataError, match=r"s\.h5 cannot be written .*File too large") as error:
        write_blocks(tmp_path / "s.h5")
    sentence(error)
    gc.collect()
    assert not list(tmp_path.iterdir()) and capfd.readouterr().err == ""
    assert write_blocks(tmp_path / "s.h5").stat().st_size > 12_000


def test_an_altered_byte_of_blocks_never_goes_unnoticed(images):
    def everything():
        with Store(images) as store:
            parts = [store.read(name) for name in store.modalities] + [store.labels(), store.ids()]
            moments = [store.moments(name, 1) for name in store.modalities]
            parts += [value for each in moments for value in (each.mean, each.variance)]
            header = json.dumps([store.attrs, store.vocabulary, [each.rows for each in moments]])
        return header.encode() + b"".join(part.tobytes() for part in parts)

    good, raw = everything(), images.read_bytes()
    noticed = 0
    positions = np.random.default_rng(0).choice(len(raw), 200)
    for position in positions:
        altered = bytearray(raw)
        altered[position] ^= 0x55
        images.write_bytes(altered)
        try:
            assert everything() == good
        except MviError as error:
            noticed += "is not a sound store" in str(error)
    assert noticed > 0.4 * len(positions)


def test_blocks_are_in_chunks_of_rows_with_checksums(images):
    kept = []

    def check(name, item):
        if isinstance(item, h5py.Dataset):
            assert item.fletcher32 and item.chunks[1:] == item.shape[1:], name
            kept.append(name)

    with h5py.File(images) as file:
        file.visititems(check)
    assert {"text/indptr", "vocabulary", "labels", "statistics/image/all/mean"} <= set(kept)


# ---- values that no writer wrote ----------------------------------------------------------------------


def edited(path, name, place, value):
    """Change one value, checksums and all."""
    with h5py.File(path, "r+") as file:
        file[name][place] = value


OPENING = {
    "a label of no class": ("labels", (7, 1), 99, "label of class sea in row 7 is 99"),
    "a test row that is learned from": ("splits/1/test", 0, None, "uses row .* more than once"),
    "a row beyond the labelled": ("splits/2/test", 0, L, f"rows from 0 to {L - 1}"),
    "a word below the first": ("text/indices", 0, -1, "row 1 of text has the index -1"),
    "a word beyond the last": ("text/indices", 0, WORDS, f"row 1 of text has the index {WORDS}"),
    "a count below one": ("text/data", 0, -3, "row 1 of text has the count -3"),
    "rows that run backwards": ("text/indptr", 5, 0, "row 4 of text are not where"),
    "a word twice": ("vocabulary", 0, "wörd1".encode(), "The word 'wörd1' is in the vocabulary twice"),
    "a word that is no text": ("vocabulary", 0, b"\xff", "codec can't decode"),
}


@pytest.mark.parametrize("what", OPENING)
def test_a_sound_store_with_impossible_values_is_refused_when_it_is_opened(images, what):
    name, place, value, says = OPENING[what]
    edited(images, name, place, annotations()["splits"][1]["train"][0] if value is None else value)
    with pytest.raises(DataError, match=rf"images\.h5 is not a sound store \(.*{says}") as error:
        Store(images)
    sentence(error)


def replaced(path, name, values):
    """Put another array in the place of one, its attributes kept."""
    with h5py.File(path, "r+") as file:
        about = dict(file[name].attrs)
        del file[name]
        file.create_dataset(name, data=values, chunks=True).attrs.update(about)


KINDS = {
    "columns out of order": ("text/indices", lambda v: v[::-1], "columns out of order|column twice"),
    "half a word": ("text/data", lambda v: v + 0.5, "no lists of whole numbers"),
    "fewer words than columns": ("vocabulary", lambda v: v[:-1], r"A vocabulary of \d+ words needs"),
    "numbers of another kind": ("image", lambda v: v.astype(np.int32), "image is int32 of shape"),
    "images as squares": ("image", lambda v: v.reshape(len(v), -1, 1), "image is float32 of shape"),
    "fewer columns": ("image", lambda v: v[:, :-1], "columns of image are no"),
    "two ids a row": ("ids", lambda v: np.stack([v, v], 1), "ids is of shape"),
}


@pytest.mark.parametrize("what", KINDS)
def test_a_part_of_another_kind_is_refused_when_the_store_is_opened(images, what):
    name, change, says = KINDS[what]
    with h5py.File(images) as file:
        values = change(file[name][:])
    replaced(images, name, values)
    with pytest.raises(DataError, match=rf"images\.h5 is not a sound store \(.*({says})") as error:
        Store(images)
    sentence(error)


@pytest.mark.parametrize(
    ("name", "value"),
    [("dataset", 3), ("modalities", np.bytes_("[]")), ("attributes", np.bytes_('{"features": 1}'))],
)
def test_a_header_of_another_kind_is_refused(images, name, value):
    with h5py.File(images, "r+") as file:
        file.attrs[name] = value
    with pytest.raises(DataError, match=r"images\.h5 is not a sound store \(") as error:
        Store(images)
    sentence(error)


@pytest.mark.parametrize("value", [255, -0.5, np.nan])
def test_a_pixel_that_is_none_is_refused_by_file_and_row_as_it_is_read(path, value):
    edited(path, "left", (700, 3), value)
    with Store(path) as store:
        store.read("left", slice(0, 700))
        for rows in (None, [3, 700]):
            with pytest.raises(DataError, match=rf"the value {value:g} in row 700, column 3 of left"):
                store.read("left", rows)


@pytest.mark.parametrize(("label", "classes"), [(99, 10), (-1, 10)])
def test_a_label_that_is_no_class_is_refused_when_the_store_is_opened(tmp_path, label, classes):
    rows = np.arange(30)
    write_store(
        tmp_path / "s.h5",
        dataset="d",
        modalities={"left": np.zeros((30, 4), np.float32)},
        labels=rows % classes,
        splits={1: {"train": rows[:10], "validation": rows[10:20], "test": rows[20:]}},
        shapes={"left": (2, 2)},
        classes=list("abcdefghij"),
    )
    edited(tmp_path / "s.h5", "labels", 25, label)
    with pytest.raises(DataError, match=rf"s\.h5 is not a sound store \(The label {label} in row 25 "):
        Store(tmp_path / "s.h5")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_number_that_is_not_finite_is_refused_by_file_and_row_as_it_is_read(tmp_path, dtype, value):
    path = write_blocks(tmp_path / "p.h5", modalities={"image": Dense(D, dtype), "text": Sparse(WORDS)})
    edited(path, "image", (150, 2), value)
    with Store(path) as store:
        store.read("image", slice(0, 150))
        for rows in (None, slice(140, 160), [3, 150, 199]):
            with pytest.raises(
                DataError, match=r"p\.h5 has the value .* in row 150, column 2 of image"
            ) as error:
                store.read("image", rows)
            sentence(error)


def test_moments_that_are_none_are_refused(images):
    edited(images, "statistics/image/all/variance", 0, -1.0)
    with (
        Store(images) as store,
        pytest.raises(DataError, match=r"variance of image is not finite, or"),
    ):
        store.moments("image", 1)
    replaced(images, "statistics/image/all/mean", np.zeros(3))
    with Store(images) as store, pytest.raises(DataError, match="moments of image are not of rows of it"):
        store.moments("image", 1)


def test_a_store_is_read_whoever_holds_a_lock_on_it_and_where_there_are_none(images):
    with images.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with Store(images) as store:
            assert store.n_rows == 200


def test_a_store_that_may_not_be_read_is_not_called_unsound(images, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(errno.EACCES, "Unable to synchronously open file")

    monkeypatch.setattr(h5py, "File", refused)
    with pytest.raises(DataError, match=r"images\.h5 cannot be read \(Permission denied\); mend that"):
        Store(images)
