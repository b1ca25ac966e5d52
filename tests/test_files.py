# SPDX-License-Identifier: MIT
"""Files are whole or not there."""

import math

import pytest

from mvi.errors import DataError
from mvi.files import atomic, read_json, write_json


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"


def test_what_a_killed_process_left_is_written_over(tmp_path):
    path = tmp_path / "folder" / "a.txt"
    with atomic(path) as temporary:
        leftover = temporary
        temporary.write_text("first")
    leftover.write_text("left behind")
    with atomic(path) as temporary:
        assert temporary == leftover
        temporary.write_text("second")
    assert [file.name for file in path.parent.iterdir()] == ["a.txt"]
    assert path.read_text() == "second"


def test_json_round_trip_and_refusals(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"b": 1.5, "a": 2})
    assert path.read_text().index('"a"') < path.read_text().index('"b"')
    assert read_json(path) == {"a": 2, "b": 1.5}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": math.nan})
    assert read_json(path) == {"a": 2, "b": 1.5}
    path.write_text("{")
    with pytest.raises(DataError, match="cannot be read as JSON"):
        read_json(path)
    with pytest.raises(DataError, match="cannot be read as JSON"):
        read_json(tmp_path / "absent.json")
