# SPDX-License-Identifier: MIT
"""Files are whole or not there, tell when they are damaged, and are nobody else's while they are written."""

import csv
import errno
import fcntl
import json
import math
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from mvi.errors import DataError
from mvi.files import (
    atomic,
    exclusive,
    read_array,
    read_arrays,
    read_json,
    read_sealed,
    sha256,
    write_array,
    write_arrays,
    write_json,
    write_sealed,
)

CSV = b"epoch,loss\n1,0.25\n2,0.125\n"


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert names(tmp_path) == ["a.txt"]
    assert path.read_text() == "old"


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "a.txt"
    with atomic(path) as first:
        first.write_text("first")
        with atomic(path) as second:
            second.write_text("second")
        assert path.read_text() == "second"
    assert path.read_text() == "first"
    assert names(tmp_path) == ["a.txt"]


def test_what_a_killed_process_left_is_removed_and_what_others_write_is_not(tmp_path):
    path = tmp_path / "folder" / "a.txt"
    script = (
        f"import os\nfrom mvi.files import atomic\nwith atomic({str(path)!r}) as t: t.touch(); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    (left,) = path.parent.iterdir()
    old, new = (path.with_name(f".a.01234567-{number}-89abcdef.part.txt") for number in (1, 2))
    for other in (old, new, path.with_name(".ab.part.txt")):
        other.touch()
    os.utime(old, (1, 1))
    with atomic(path) as temporary:
        temporary.write_text("whole")
        assert not left.exists()
    assert names(path.parent) == [new.name, ".ab.part.txt", "a.txt"]


@pytest.mark.parametrize("known", [True, False])
def test_a_full_disk_is_one_sentence_with_path_and_bytes(tmp_path, known):
    path, limits = tmp_path / "a.bin", resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        wanted = (
            f"a.bin cannot be written .*needs {'5000' if known else 'more than 1000'} bytes, .* are free in"
        )
        with pytest.raises(DataError, match=wanted), atomic(path, 5000 if known else None) as temporary:
            temporary.write_bytes(bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(tmp_path) == []


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path):
    (tmp_path / "a").write_text("in the way")
    with pytest.raises(DataError, match="b.txt cannot be written"), atomic(tmp_path / "a" / "b.txt"):
        pass


# ---- locks --------------------------------------------------------------------------------------------


def test_a_lock_that_is_held_is_waited_for(tmp_path, caplog):
    path, order = tmp_path / "a.lock", []

    def second():
        with exclusive(path):
            order.append("second")

    with exclusive(path):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]
    assert caplog.text.count("another process works on") == 1
    assert not path.exists()


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EACCES])
def test_where_there_are_no_locks_work_goes_on_with_a_warning(tmp_path, monkeypatch, caplog, code):
    def refused(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refused)
    with exclusive(tmp_path / "a.lock"):
        pass
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "cannot be locked" in caplog.text


def test_where_no_lock_can_be_made_work_goes_on_with_a_warning(tmp_path, caplog):
    (tmp_path / "a").write_text("in the way")
    with exclusive(tmp_path / "a" / "b.lock"):
        pass
    assert "there can be no lock at" in caplog.text


# ---- seals --------------------------------------------------------------------------------------------


def sealed_files(folder):
    """A file of each kind, and what reads it."""
    write_sealed(folder / "a.csv", CSV)
    write_sealed(folder / "a.md", b"| a |\n|---|\n| 1 |\n")
    write_sealed(folder / "a.onnx", b"\x08\x08")
    write_json(folder / "a.json", {"b": 1.5, "a": 2})
    write_array(folder / "a.npy", np.arange(3.0))
    write_arrays(folder / "a.npz", {"x": np.arange(3), "y": np.array(["ä"])})
    readers = {
        ".csv": read_sealed,
        ".md": read_sealed,
        ".onnx": read_sealed,
        ".json": read_json,
        ".npy": read_array,
    }
    return {path: readers.get(path.suffix, read_arrays) for path in sorted(folder.iterdir())}


def test_any_bit_that_turns_and_any_cut_is_found(tmp_path):
    files = sealed_files(tmp_path)
    assert len(files) == 6
    for path, read in files.items():
        content = path.read_bytes()
        read(path)
        for place in range(0, len(content), 1 + len(content) // 150):
            for bit in (0, 7):
                path.write_bytes(content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :])
                with pytest.raises(DataError, match=r"a\.\w+ is .*; delete it and run the workflow again\.$"):
                    read(path)
            path.write_bytes(content[:place])
            with pytest.raises(DataError, match=r"a\.\w+ is (cut short|damaged)"):
                read(path)
        path.write_bytes(content + b"\n")
        with pytest.raises(DataError):
            read(path)
        path.unlink()
        with pytest.raises(DataError, match=r"a\.\w+ cannot be read \(No such file"):
            read(path)


def test_other_programs_read_past_a_seal(tmp_path):
    sealed_files(tmp_path)
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert [(row["epoch"], row["loss"]) for row in rows] == [("1", "0.25"), ("2", "0.125")]
    assert json.loads((tmp_path / "a.json").read_text())["b"] == 1.5
    assert np.load(tmp_path / "a.npy").tolist() == [0, 1, 2]
    with np.load(tmp_path / "a.npz") as arrays:
        assert arrays["x"].tolist() == [0, 1, 2] and arrays["y"].tolist() == ["ä"]


def test_what_is_read_is_what_was_written(tmp_path):
    for path, read in sealed_files(tmp_path).items():
        first = path.read_bytes()
        content = read(path)
        if path.suffix == ".csv":
            assert content == CSV
        elif path.suffix == ".json":
            assert content == {"a": 2, "b": 1.5}
            assert path.read_text().index('"a"') < path.read_text().index('"b"')
            with pytest.raises(ValueError, match="not JSON compliant"):
                write_json(path, {"a": math.nan})
        elif path.suffix == ".npz":
            assert sorted(content) == ["x", "y"]
        assert path.read_bytes() == first
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    sealed_files(tmp_path)
    assert before == {path: Path(path).read_bytes() for path in tmp_path.iterdir()}


def test_the_digest_of_a_file_is_sha256_and_an_unreadable_one_is_a_sentence(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc")
    # The example of FIPS 180-2, appendix B.1.
    assert sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(DataError, match=r"b\.bin cannot be read \(No such file or directory\); try again\.$"):
        sha256(tmp_path / "b.bin", "try again")
