# SPDX-License-Identifier: MIT
"""Tables beside those in the documents: what differs is found and named, and no more."""

import subprocess
import sys
from pathlib import Path

import pytest

from mvi.errors import DataError
from mvi.files import write_sealed
from mvi.report.check import (
    MARGIN,
    Place,
    cells,
    compare,
    documented,
    read_tolerances,
    tolerances,
    write_tolerances,
)

ROOT = Path(__file__).parents[1]
PATH = "results/own/tables/table1.md"
TABLE = """**Table 1.** Errors.

| Method        |            left | seen | published |  seen | seeds |
| ------------- | --------------: | ---: | --------: | ----: | ----: |
| MP (1 &amp; 2) | **16.88** ± 1.16 | 0.50 |           | 1,200 |     3 |
| PCD           |    24.74 ± 1.18 | 0.25 |      18.9 |    10 |     3 |

**Differences, paired over seeds** (wins: positive ones).

| Difference |           test |   wins |
| ---------- | -------------: | -----: |
| MP - PCD   | +0.020 ± 0.009 | 2 of 3 |
"""
MEASURED = {
    ("own", "table1", column): 0.4 if column == "left" else 0.0
    for column in ("left", "seen", "published", "seen (2)", "seeds", "Difference: test", "Difference: wins")
}


def against(old: str, new: str, measured=MEASURED, count: int = 1):
    assert old in TABLE
    return compare({PATH: TABLE}, {PATH: TABLE.replace(old, new, count)}, measured)


def test_equal_tables_agree_in_every_cell():
    verdict = compare({PATH: TABLE}, {PATH: TABLE}, MEASURED)
    assert (verdict.compared, verdict.tables, verdict.apart, verdict.notes) == (11, 1, [], [])


def test_the_cells_of_a_table_have_names():
    found = cells(PATH, TABLE)
    assert found[Place("own", "table1", "MP (1 & 2)", "left")].value == 16.88
    assert found[Place("own", "table1", "MP (1 & 2)", "left")].best
    assert found[Place("own", "table1", "MP (1 & 2)", "seen (2)")].value == 1200
    assert found[Place("own", "table1", "MP - PCD", "Difference: test")].value == 0.02
    assert found[Place("own", "table1", "MP - PCD", "Difference: wins")].value == 2


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("24.74", "25.60", "own, table1: PCD, left: 24.74 in the documents, 25.60 made, 0.81 allowed"),
        ("0.25", "0.27", "own, table1: PCD, seen: 0.25 in the documents, 0.27 made, 0.01 allowed"),
        ("1,200", "1,201", "own, table1: MP (1 & 2), seen (2): 1,200 in the documents, 1,201 made"),
        ("+0.020", "-0.020", "own, table1: MP - PCD, Difference: test: +0.020 in the documents, -0.020"),
        ("2 of 3", "1 of 3", "own, table1: MP - PCD, Difference: wins: 2 in the documents, 1 made"),
        ("| PCD    ", "| CD    ", "own, table1: CD: only in the table made"),
        ("      18.9", "          ", "own, table1: PCD, published: only in the documents"),
    ],
)
def test_a_cell_that_differs_is_named(old, new, named):
    verdict = against(old, new)
    assert verdict.apart[-1].startswith(named)
    assert len(verdict.apart) == (2 if "CD: only" in named else 1)


@pytest.mark.parametrize("new", ["25.55", "23.93", "24.80"])
def test_what_was_measured_twice_and_the_rounding_are_allowed(new):
    assert MARGIN == 2
    assert against("24.74", new).apart == []
    assert against("0.25", "0.26").apart == []


def test_the_time_that_a_training_took_is_no_result():
    table = "| Model | mAP | minutes |\n| --- | ---: | ---: |\n| MP | 0.500 | 1.5 |\n"
    assert [place.column for place in cells(PATH, table)] == ["mAP"]


def test_a_table_that_was_not_made_is_named():
    verdict = compare({PATH: TABLE, "results/own/tables/table2.md": TABLE}, {PATH: TABLE}, MEASURED)
    assert verdict.apart == ["results/own/tables/table2.md: in the documents, but not made"]
    assert verdict.tables == 1


def test_another_best_is_noted():
    text = TABLE.replace("**16.88**", "16.88").replace("24.74", "**24.74**")
    (note,) = compare({PATH: TABLE}, {PATH: text}, MEASURED).notes
    assert note == "own, table1, left: the best is MP (1 & 2) in the documents, PCD made"


def test_what_was_never_measured_may_differ_by_rounding_alone():
    assert against("24.74", "24.75", {}).apart == []
    (line,) = against("24.74", "30.00", {}).apart
    said = "24.74 in the documents, 30.00 made, 0.01 allowed, no tolerance measured"
    assert line == f"own, table1: PCD, left: {said}"


def test_tolerances_are_the_largest_difference_of_any_two(tmp_path):
    texts = [TABLE, TABLE.replace("24.74", "24.00"), TABLE.replace("16.88", "17.38")]
    measured = tolerances([cells(PATH, text) for text in texts])
    assert measured["own", "table1", "left"] == pytest.approx(0.74)
    # In the same unit as the errors, and so far apart; the differences below have one decimal more.
    assert measured["own", "table1", "seen"] == pytest.approx(0.74)
    assert measured["own", "table1", "Difference: test"] == measured["own", "table1", "seeds"] == 0
    assert set(measured) == set(MEASURED)
    write_tolerances(tmp_path / "t.csv", measured)
    assert read_tolerances(tmp_path / "t.csv") == pytest.approx(measured)
    (tmp_path / "t.csv").write_text("a,b\n")
    with pytest.raises(DataError, match="its columns are a, b"):
        read_tolerances(tmp_path / "t.csv")


def test_blocks_of_documents_are_found(tmp_path):
    (tmp_path / "a.md").write_text(f"Text.\n\n<!-- begin: {PATH} -->\n{TABLE}<!-- end -->\nmore\n")
    assert documented([tmp_path / "a.md"]) == {PATH: TABLE}


def test_the_tables_of_the_default_run_have_tolerances_of_all_their_columns():
    measured = read_tolerances(ROOT / "docs/tolerances.csv")
    tables = {column[:2] for column in measured}
    assert {("digits-default", "table1"), ("mini-default", "table2"), ("theory", "theory")} <= tables
    for path, text in documented([ROOT / "docs/results.md", ROOT / "docs/smoke-results.md"]).items():
        columns = {(place.run, place.table, place.column) for place in cells(path, text)}
        assert not columns - set(measured) or not {column[:2] for column in columns} & tables
    # Errors in points, shares: a tolerance that lets anything pass would be none.
    digits, mini = (
        [value for (run, _, column), value in measured.items() if run == name and "wins" not in column]
        for name in ("digits-default", "mini-default")
    )
    assert max(digits) < 5 and max(mini) < 0.5


def test_make_check_says_which_cells_differ(tmp_path):
    text = "| Method | left |\n| ------ | ---: |\n| MP | 17.00 |\n"
    write_sealed(tmp_path / "results/digits-default/tables/table1.md", text.replace("17", "19").encode())
    (tmp_path / "docs").mkdir()
    begin = "<!-- begin: results/digits-default/tables/table1.md -->"
    (tmp_path / "README.md").write_text(f"{begin}\n{text}<!-- end -->\n")
    (tmp_path / "config").symlink_to(ROOT / "config")

    def check(largest: float) -> subprocess.CompletedProcess:
        write_tolerances(tmp_path / "docs/tolerances.csv", {("digits-default", "table1", "left"): largest})
        return subprocess.run(
            [sys.executable, str(ROOT / "workflow_scripts/check.py"), "config/config.yaml"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={"PYTHONPATH": str(ROOT)},
        )

    done = check(0.5)
    assert done.returncode == 1, done.stderr
    assert "DIFFERS: digits-default, table1: MP, left: 17.00 in the documents, 19.00 made" in done.stdout
    done = check(1.0)
    assert done.returncode == 0 and "1 cells of 1 tables compared" in done.stdout, done.stdout
