# SPDX-License-Identifier: MIT
"""How far tables of two processors lie apart, and that the second arithmetic of the tests is another."""

import os
import runpy
from pathlib import Path

import pandas as pd
import pytest
import torch

from mvi.files import write_sealed
from mvi.report.check import read_tolerances

ARITHMETIC = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks/arithmetic.py"))
differences = ARITHMETIC["differences"]
TABLE = pd.DataFrame(
    {"row": ["a", "b"], "query": ["left", None], "mean": [1.0, 3.0], "sd": [0.1, None], "wins": [None, 2]}
)


def test_rows_are_compared_by_what_they_say_of_themselves():
    other = TABLE.assign(mean=[1.5, 2.0], sd=0.2, wins=[None, 1]).iloc[::-1]
    assert sorted(differences(TABLE, other)) == [0.5, 1.0]


def test_tables_of_other_rows_are_refused():
    with pytest.raises(ValueError, match="2 rows are in one of the tables only"):
        differences(TABLE, TABLE.assign(row=["a", "c"]))


def test_tolerances_are_written_of_any_number_of_folders(tmp_path, monkeypatch, capsys):
    text = "| Method | left | right |\n|---|--:|--:|\n| MP | {} | 3.0 |\n"
    folders = []
    for number, value in enumerate(("17.00", "19.00", "16.50", "17.20")):
        folders.append(tmp_path / f"{number}")
        more = "| PCD | 1.00 | 2.0 |\n" if number == 2 else ""
        path = folders[-1] / "own/tables/table1.md"
        path.parent.mkdir(parents=True)
        write_sealed(path, (text.format(value) + more).encode())
    written = tmp_path / "tolerances.csv"
    monkeypatch.setattr("sys.argv", ["arithmetic.py", *map(str, folders), "--tolerances", str(written)])
    ARITHMETIC["main"]()
    assert read_tolerances(written) == {("own", "table1", "left"): 2.5, ("own", "table1", "right"): 0}
    assert capsys.readouterr().out == "2 cells are in all of 4 folders, 2 only in some.\n"


@pytest.mark.skipif("ATEN_CPU_CAPABILITY" not in os.environ, reason="no arithmetic is asked for")
def test_the_arithmetic_that_is_asked_for_is_used():
    assert torch.backends.cpu.get_cpu_capability().lower() == os.environ["ATEN_CPU_CAPABILITY"]
