# SPDX-License-Identifier: MIT
"""Files of joint representations: rows in any order, and no altered byte goes unnoticed."""

import gc

import h5py
import numpy as np
import pytest
from conftest import at_most

from mvi.data import hdf5
from mvi.data.representations import Representations, writing_representations
from mvi.errors import DataError

STATES = np.random.default_rng(0).random((50, 7), np.float32)


@pytest.fixture
def path(tmp_path, monkeypatch):
    # Of several chunks, and of blocks that end within one.
    monkeypatch.setattr(hdf5, "CHUNK_BYTES", 8 * 7 * 4)
    with writing_representations(tmp_path / "r.h5") as file:
        for start in range(0, 50, 20):
            file.write("seed1", "left+right", 50, start, STATES[start : start + 20])
            file.write("seed1", "left", 50, start, -STATES[start : start + 20])
    return tmp_path / "r.h5"


def test_rows_come_in_the_order_asked_for(path):
    rows = np.array([49, 0, 7, 7, 30])
    with Representations(path) as file:
        np.testing.assert_array_equal(file.read("seed1", "left+right"), STATES)
        np.testing.assert_array_equal(file.read("seed1", "left", rows), -STATES[rows])
        for part, query, asked in (
            ("seed2", "left", None),
            ("seed1", "right", None),
            ("seed1", "left", [50]),
        ):
            with pytest.raises(DataError, match=r"r\.h5 is not a sound file of representations"):
                file.read(part, query, None if asked is None else np.array(asked))


def test_an_altered_byte_never_goes_unnoticed(path):
    raw, noticed = path.read_bytes(), 0
    for place in range(0, len(raw), 37):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 0x10]) + raw[place + 1 :])
        try:
            with Representations(path) as file:
                np.testing.assert_array_equal(file.read("seed1", "left+right"), STATES)
                np.testing.assert_array_equal(file.read("seed1", "left"), -STATES)
        except DataError as error:
            assert "r.h5 is not a sound file of representations" in str(error)
            noticed += 1
    assert noticed > 20
    path.write_bytes(raw[: len(raw) * 99 // 100])
    with pytest.raises(DataError, match="delete it and run the workflow again"):
        Representations(path)
    path.unlink()
    with pytest.raises(DataError, match="There are no representations at"):
        Representations(path)


def test_a_number_that_is_not_finite_is_refused_by_its_row(path):
    with h5py.File(path, "r+") as file:
        file["seed1/left"][30, 4] = np.nan
    with Representations(path) as file, pytest.raises(DataError, match="nan in row 30, column 4 of left"):
        file.read("seed1", "left", np.array([2, 30]))


@pytest.mark.parametrize("states", [STATES[:, 0], STATES.astype("S3"), None])
def test_what_is_no_array_of_representations_is_refused(path, states):
    with h5py.File(path, "r+") as file:
        del file["seed1/left"]
        if states is None:
            file.create_group("seed1/left")
        else:
            file.create_dataset("seed1/left", data=states, chunks=True)
    with Representations(path) as file, pytest.raises(DataError, match="is not a sound file of repres"):
        file.read("seed1", "left")


@pytest.mark.parametrize("most", [50, 1000, 2500])
def test_a_disk_that_is_really_full_is_told_by_the_write(tmp_path, most, capfd):
    # An array that is closed at once loses what it could not write, and says nothing: rows of zeros.
    told = pytest.raises(DataError, match=r"r\.h5 cannot be written .*File too large")
    with at_most(most), told, writing_representations(tmp_path / "r.h5") as file:
        file.write("seed1", "left", 50, 0, STATES)
        file.write("seed1", "left+right", 50, 0, STATES)
    gc.collect()
    assert not list(tmp_path.iterdir()) and capfd.readouterr().err == ""


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    def flush(_):
        raise OSError(28, "Can't write data (file write failed: errno = 28, error message = 'No space left')")

    monkeypatch.setattr(h5py.Dataset, "flush", flush)
    with (
        pytest.raises(
            DataError, match=r"r\.h5 cannot be written \(No space left on device: it needs more than"
        ),
        writing_representations(tmp_path / "r.h5") as file,
    ):
        file.write("seed1", "left", 50, 0, STATES)
    assert not list(tmp_path.iterdir())
