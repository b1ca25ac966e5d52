# SPDX-License-Identifier: MIT
"""The idx reader refuses each thing that can be wrong with its files, and reads the right ones exactly."""

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from mvi.data.readers import mnist
from mvi.data.registry import retrieve, rows
from mvi.data.sets.mnist import DATASET
from mvi.data.store import Store
from mvi.errors import DataError

REGISTRY = Path(__file__).parents[1] / "config/data_registry.csv"
NAMES = (mnist.TRAIN_IMAGES, mnist.TRAIN_LABELS, mnist.TEST_IMAGES, mnist.TEST_LABELS)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    return {
        name: generator.integers(0, 256 if "images" in name else 10, shape, dtype=np.uint8)
        for name, shape in zip(NAMES, ((7, 3, 4), (7,), (5, 3, 4), (5,)), strict=True)
    }


@pytest.fixture
def folder(tmp_path, arrays) -> Path:
    for name, array in arrays.items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
    return tmp_path


def sentence(error: pytest.ExceptionInfo) -> str:
    text = str(error.value)
    assert text.endswith(".") and ". " not in text and "\n" not in text, text
    return text


def test_images_and_labels_are_read_in_order_and_scaled(folder, arrays):
    loaded = mnist.load(folder)
    for name, found in zip(NAMES, loaded, strict=True):
        if "images" in name:
            assert found.dtype == np.float32
            np.testing.assert_array_equal(found, arrays[name].astype(np.float32) / np.float32(255))
        else:
            assert found.dtype == np.int64
            np.testing.assert_array_equal(found, arrays[name])


def test_unpacked_files_do_as_well(folder, arrays):
    before = mnist.load(folder)
    for name in NAMES:
        packed = folder / f"{name}.gz"
        (folder / name).write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
    for old, new in zip(before, mnist.load(folder), strict=True):
        np.testing.assert_array_equal(old, new)


GOOD = idx(np.zeros((2, 3, 4), np.uint8))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "ends after 0 of the 4 bytes"),
        (GOOD[:3], "ends after 3 of the 4 bytes"),
        (b"\x01" + GOOD[1:], "is no idx file .*01 00"),
        (b"PK\x03\x04" + GOOD[4:], "is no idx file .*50 4b"),
        (b"\0\0\x0d\x03" + GOOD[4:], "type 0x0d"),
        (b"\0\0\x08\x01" + GOOD[4:], "has 1 dimensions where 3"),
        (GOOD[:10], "ends after 10 of the 16 bytes"),
        (GOOD[:-1], "has 23 bytes of data where its header says 2 x 3 x 4"),
        (GOOD + b"\0", "has 25 bytes of data where its header says 2 x 3 x 4"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "has 0 bytes of data"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_malformed_file_is_refused(tmp_path, content, says, packed):
    path = tmp_path / ("a.gz" if packed else "a")
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(DataError, match=says) as error:
        mnist.read_idx(path, 3)
    assert str(path) in sentence(error)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.compress(GOOD, mtime=0)[:-5], "truncated gzip"),
        (GOOD, "not a sound gzip"),
        (gzip.compress(GOOD, mtime=0)[:-8] + b"\0" * 8, "not a sound gzip"),
    ],
)
def test_a_broken_gzip_is_refused(tmp_path, content, says):
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(DataError, match=says) as error:
        mnist.read_idx(tmp_path / "a.gz", 3)
    sentence(error)
    with pytest.raises(DataError, match="absent cannot be read"):
        mnist.read_idx(tmp_path / "absent", 3)


@pytest.mark.parametrize(
    ("name", "array", "says"),
    [
        (mnist.TRAIN_LABELS, np.zeros(6, np.uint8), "holds 7 images but .* 6 labels"),
        (mnist.TEST_LABELS, np.array([0, 9, 10, 0, 11], np.uint8), "label 10 in row 2"),
        (mnist.TEST_IMAGES, np.zeros((5, 4, 3), np.uint8), "training images .* 3 x 4 .* test images 4 x 3"),
        (mnist.TEST_IMAGES, np.zeros(5, np.uint8), "has 1 dimensions where 3"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(folder, name, array, says):
    (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
    with pytest.raises(DataError, match=says) as error:
        mnist.load(folder)
    sentence(error)


def test_a_missing_file_is_named(folder):
    (folder / f"{mnist.TEST_LABELS}.gz").unlink()
    with pytest.raises(DataError, match=f"neither {mnist.TEST_LABELS}.gz nor") as error:
        mnist.load(folder)
    sentence(error)


def test_training_rows_come_first_and_some_of_them_validate(folder, arrays):
    # Of 7 rows.
    settings = {"seed": 0, "validation": 0.3}
    raw = DATASET.raw_files(settings, str(folder))
    mnist.write_mnist_store(folder / "store.h5", raw, settings, dataset="few", citation="c")
    train, test = (arrays[name] for name in (mnist.TRAIN_LABELS, mnist.TEST_LABELS))
    with Store(folder / "store.h5") as store:
        assert (store.attrs["dataset"], store.attrs["citation"]) == ("few", "c")
        np.testing.assert_array_equal(store.labels(), np.concatenate([train, test]))
        assert [len(rows) for rows in store.split(1).values()] == [5, 2, 5]
        np.testing.assert_array_equal(store.split(1)["test"], np.arange(7, 12))
        left = arrays[mnist.TRAIN_IMAGES][:, :, :2].reshape(7, -1) / np.float32(255)
        np.testing.assert_array_equal(store.read("left", slice(0, 7)), left)


@pytest.mark.real
@pytest.mark.skipif("MVI_MIRROR" not in os.environ, reason="needs MVI_MIRROR")
def test_the_real_set_ends_up_whole_in_its_store(tmp_path):
    for name, entry in rows(REGISTRY, "mnist").items():
        retrieve(entry, tmp_path / name, os.environ["MVI_MIRROR"])
    train_images, train_labels, test_images, test_labels = mnist.load(tmp_path)
    assert train_images.shape == (60_000, 28, 28) and test_images.shape == (10_000, 28, 28)
    assert np.bincount(train_labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert train_images.min() == 0 and train_images.max() == 1
    images = np.concatenate([train_images, test_images])
    settings = {"seed": 0, "validation": DATASET.settings["validation"]["default"]}
    raw = DATASET.raw_files(settings, str(tmp_path))
    mnist.write_mnist_store(tmp_path / "store.h5", raw, settings, dataset="mnist", citation="c")
    with Store(tmp_path / "store.h5") as store:
        assert store.sizes == {"left": 392, "right": 392} and store.shapes == dict.fromkeys(
            store.sizes, (28, 14)
        )
        split, size = store.split(1), DATASET.size(settings)
        assert (store.n_rows, store.n_labelled, len(split["train"])) == (size.rows, size.labelled, size.train)
        assert [len(rows) for rows in split.values()] == [50_000, 10_000, 10_000]
        test = split["test"]
        whole = np.concatenate([store.read(name, test).reshape(-1, 28, 14) for name in ("left", "right")], 2)
        np.testing.assert_array_equal(whole, test_images)
        np.testing.assert_array_equal(store.labels(test), test_labels)
        shuffled = np.random.default_rng(1).permutation(split["train"])
        np.testing.assert_array_equal(
            store.read("right", shuffled), images[shuffled, :, 14:].reshape(-1, 392)
        )
