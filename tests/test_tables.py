# SPDX-License-Identifier: MIT
"""Table 1 from score files."""

import csv
import math
from pathlib import Path

import pytest

from mvi.errors import DataError
from mvi.files import write_json
from mvi.report import table_files, tables

QUERIES = ["left+right", "left", "right"]
PUBLISHED = Path(__file__).parents[1] / "config" / "published.csv"


def make_scores(both, left, right, train_on="multimodal"):
    scores = {"C": 0.01, "train_on": train_on}
    scores |= {"rows/train": 50_000, "rows/validation": 10_000, "rows/test": 10_000}
    for query, value in zip(QUERIES, (both, left, right), strict=True):
        scores[f"test_error/{query}"] = value
        scores[f"validation_error/{query}"] = value + 0.5
    return scores


SCORES = {
    "mp": {1: make_scores(1.8, 6.5, 7.0), 2: make_scores(1.6, 6.7, 7.6)},
    "pcd": {1: make_scores(1.5, 15.0, 19.0)},
}
REFERENCES = {"own": make_scores(1.0, 1.0, 1.0), "filled": make_scores(8.0, 30.0, 40.0)}


def make_cells(dataset="mnist", scores=SCORES):
    return tables.table1(
        scores,
        REFERENCES,
        dataset=dataset,
        run=f"{dataset}-fast",
        queries=QUERIES,
        published=table_files.read_published(PUBLISHED, "halves"),
    )


def rows_of(cells):
    lines = tables.markdown(cells).splitlines()
    return [[text.strip() for text in line.strip("|").split("|")] for line in lines]


def test_cells_hold_mean_and_standard_deviation_over_seeds():
    cells = {(c.method, c.query, c.metric): c for c in make_cells()}
    right = cells["mp", "right", "test_error"]
    assert right.mean == pytest.approx(7.3)
    # n - 1 in the denominator: sqrt((0.3^2 + 0.3^2) / 1).
    assert right.sd == pytest.approx(math.sqrt(0.18))
    assert right.seeds == 2 and right.kind == "method"
    assert cells["mp", "right", "validation_error"].mean == pytest.approx(7.8)
    assert cells["pcd", "left", "test_error"].sd is None
    assert cells["filled", "left", "test_error"].kind == "reference"


def test_published_numbers_stand_beside_mnist_only():
    published = {(c.method, c.query): c.published for c in make_cells() if c.metric == "test_error"}
    assert published["mp", "left"] == 6.58 and published["pcd", "left+right"] == 1.57
    assert published["own", "left"] is None
    digits = make_cells("digits")
    assert all(c.published is None and c.published_source == "" for c in digits)
    assert "paper" in rows_of(make_cells())[0]
    assert "paper" not in rows_of(digits)[0]
    assert "Sohn" in tables.caption1(make_cells(), SCORES)
    assert "Sohn" not in tables.caption1(digits, SCORES)


def test_markdown_layout():
    heading, rule, *rows = rows_of(make_cells())
    assert heading == [
        "Method",
        *["Left + right", "validation", "paper"],
        *["Left", "validation", "paper"],
        *["Right", "validation", "paper"],
        "seeds",
    ]
    assert len(rule) == len(heading) and all(len(row) == len(heading) for row in rows)
    assert [row[0] for row in rows] == [
        "ML (PCD)",
        "MinVI (MP)",
        "Raw pixels, a classifier for each query",
        "Raw pixels, missing modality at its mean",
    ]
    assert rows[0][1:4] == ["**1.50**", "**2.00**", "**1.57**"]
    assert rows[1][4:7] == ["**6.60** ± 0.14", "**7.10** ± 0.14", "**6.58**"]
    # The reference rows do not compete.
    assert rows[2][1:4] == ["1.00", "1.50", ""]
    assert [row[-1] for row in rows] == ["1", "2", "", ""]


def test_values_equal_as_shown_are_both_bold():
    scores = {"pcd": {1: make_scores(1.501, 1, 1)}, "mp": {1: make_scores(1.499, 2, 2)}}
    _, _, first, second, *_ = rows_of(make_cells("digits", scores))
    assert first[1] == second[1] == "**1.50**"
    assert first[3] == "**1.00**" and second[3] == "2.00"


def test_order_of_rows_and_an_unknown_method():
    scores = dict.fromkeys(("zeta", "hybrid", "mp", "cd_percloss", "pcd"), SCORES["pcd"])
    labels = [row[0] for row in rows_of(make_cells("digits", scores))[2:7]]
    assert labels == [*tables.METHOD_LABELS.values(), "zeta"]


def test_caption_names_what_the_numbers_are():
    caption = tables.caption1(make_cells("digits"), SCORES)
    for part in (
        "scikit-learn",
        "`digits-fast`",
        "50,000 train, 10,000 validation, 10,000 test",
        "linear SVM",
        "multimodal features only",
        "seeds 1, 2",
    ):
        assert part in caption
    assert "\n" not in caption
    mixed = {"mp": {3: make_scores(1, 2, 3, train_on="mixed")}}
    caption = tables.caption1(make_cells("digits", mixed), mixed)
    assert "every kind of query" in caption and "One seed (3)" in caption


def test_csv_is_tidy_and_in_full_precision(tmp_path):
    cells = make_cells()
    table_files.write_csv(tmp_path / "table1.csv", cells)
    with (tmp_path / "table1.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(cells) == 4 * 3 * 2
    for row, cell in zip(rows, cells, strict=True):
        assert float(row["mean"]) == cell.mean
        assert row["sd"] == ("" if cell.sd is None else repr(cell.sd))
        assert row["published"] == ("" if cell.published is None else repr(cell.published))
        assert row["query"] == cell.query and row["label"] == cell.label


def test_markdown_file_is_caption_and_table(tmp_path):
    cells = make_cells()
    table_files.write_markdown(tmp_path / "table1.md", tables.markdown(cells), "A caption.")
    text = (tmp_path / "table1.md").read_text(encoding="utf-8")
    assert text == "A caption.\n\n" + tables.markdown(cells)


def test_scores_are_read_by_method_and_seed(tmp_path):
    for method, seeds in SCORES.items():
        for seed, scores in seeds.items():
            write_json(tmp_path / method / f"seed{seed}.json", scores)
    assert table_files.read_scores(sorted(tmp_path.glob("*/*.json")), "seed") == SCORES
    with pytest.raises(DataError, match=r"seed<number>\.json"):
        table_files.read_scores([tmp_path / "raw" / "own.json"], "seed")


def test_missing_and_wrong_scores_are_refused():
    broken = {"mp": {1: make_scores(1, 2, 3)}}
    del broken["mp"][1]["test_error/left"]
    with pytest.raises(DataError, match="mp hold None for 'test_error/left'"):
        make_cells("digits", broken)
    broken["mp"][1]["test_error/left"] = math.nan
    with pytest.raises(DataError, match="mp hold nan"):
        make_cells("digits", broken)


def test_published_file_is_table_1_of_the_paper():
    rows = table_files.read_published(PUBLISHED, "halves")
    values = {(row["method"], row["query"]): float(row["value"]) for row in rows}
    expected = {
        "pcd": (1.57, 14.98, 18.88),
        "cd_percloss": (1.71, 9.42, 11.02),
        "mp": (1.73, 6.58, 7.27),
    }
    for method, numbers in expected.items():
        assert tuple(values[method, query] for query in QUERIES) == numbers
    assert len(rows) == 9 and {row["source"] for row in rows} == {"Sohn et al. 2014, Table 1"}
    assert table_files.read_published(PUBLISHED, "another") == []


def test_a_model_without_a_rival_is_not_bold():
    alone = {"mp": SCORES["mp"]}
    cells = make_cells("digits", alone)
    assert "**" not in tables.markdown(cells) and "Bold" not in tables.caption1(cells, alone)


def test_caption_counts_moved_copies():
    scores = {"mp": {1: make_scores(1.8, 6.5, 7.0) | {"rows/copies": 400_000}}}
    assert "on 400,000 moved copies" in tables.caption1(make_cells("digits", scores), scores)
    assert "copies" not in tables.caption1(make_cells("digits"), SCORES)
