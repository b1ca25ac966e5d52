# SPDX-License-Identifier: MIT
"""The store gives back what was put in, refuses what is wrong and notices what was altered."""

import json
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from mvi.data import store as module
from mvi.data.store import Store, write_store
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
        file.attrs["format"] = module.FORMAT + 1
    with pytest.raises(DataError, match=f"its format is {module.FORMAT + 1}, not {module.FORMAT}"):
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
from mvi.data import checks, store
def wait(name, block, start):
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
