# SPDX-License-Identifier: MIT
"""Files of scores: written, read, joined and filtered."""

import math

import pytest

from mvi.errors import DataError
from mvi.evaluation.scores import COLUMNS, Score, placed, write_scores
from mvi.files import read_sealed, write_sealed
from mvi.report.classes import class_table
from mvi.report.scores import Key, Scores, read_scores

ROWS = [
    Score(metric="lambda", value=1e-06),
    Score(query="image", iterations=0, part="test", metric="map_step", value=0.1 + 0.2),
    Score(query="image", part="test", metric="ap_step", label='a, "b"', value=1),
    Score(method="chance", query="image", part="test", metric="map_step", value=0.5),
]


def write(path, rows=ROWS, **where):
    write_scores(path, placed(rows, **{"run": "r", "method": "mp", "split": 1} | where))
    return path


def test_a_file_is_tidy_and_in_full_precision(tmp_path):
    text = read_sealed(write(tmp_path / "one.csv")).decode()
    assert text.splitlines() == [
        "run,method,variant,query,iterations,split,seed,part,metric,label,value",
        "r,mp,,,,1,,,lambda,,1e-06",
        "r,mp,,image,0,1,,test,map_step,,0.30000000000000004",
        'r,mp,,image,,1,,test,ap_step,"a, ""b""",1.0',
        "r,chance,,image,,1,,test,map_step,,0.5",
    ]
    assert tuple(text.splitlines()[0].split(",")) == COLUMNS
    first, second, third, fourth = read_scores([tmp_path / "one.csv"])
    assert second == Score(
        run="r",
        method="mp",
        query="image",
        iterations=0,
        split=1,
        part="test",
        metric="map_step",
        value=0.1 + 0.2,
    )
    assert (first.iterations, first.seed, third.label, fourth.method) == (None, None, 'a, "b"', "chance")
    with pytest.raises(DataError, match="lambda of mp .* is nan, which .*two.csv cannot hold"):
        write(tmp_path / "two.csv", [Score(metric="lambda", value=math.nan)])
    assert not (tmp_path / "two.csv").exists()


def test_files_are_joined_and_contradictions_named(tmp_path):
    one, two = write(tmp_path / "one.csv"), write(tmp_path / "two.csv", method="pcd")
    joined = read_scores([one, two])
    # Chance, which does not depend on the model, is in both.
    assert [score.method for score in joined].count("chance") == 1 and len(joined) == 7
    write_scores(tmp_path / "all.csv", joined)
    assert read_scores([tmp_path / "all.csv"]) == joined
    other = write(
        tmp_path / "three.csv",
        [Score(method="chance", query="image", part="test", metric="map_step", value=0.4)],
    )
    with pytest.raises(DataError, match="three.csv and another file differ in the map_step of chance image"):
        read_scores([one, other])


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("\n", "its columns are"),
        ("run,method\n", "its columns are run, method"),
        (",".join(COLUMNS) + "\nr,mp,,,,one,,,C,,1.0\n", "one"),
        (",".join(COLUMNS) + "\nr,mp,,,,1,,,C,,nan\n", "the C of mp is nan"),
        (",".join(COLUMNS) + "\nr,mp,1.0\n", "cannot be read as scores"),
    ],
)
def test_what_is_no_file_of_scores_is_refused_by_name(tmp_path, text, match):
    write_sealed(tmp_path / "broken.csv", text.encode())
    with pytest.raises(DataError, match=match) as caught:
        read_scores([tmp_path / "broken.csv"])
    assert "broken.csv" in str(caught.value)
    with pytest.raises(DataError, match=r"absent\.csv"):
        read_scores([tmp_path / "absent.csv"])


def test_a_score_that_was_altered_is_refused_by_name(tmp_path):
    path = write(tmp_path / "one.csv")
    path.write_text(path.read_text().replace("0.5\n", "0.7\n"))
    with pytest.raises(DataError, match=r"one\.csv is damaged \(its checksum is another\); delete it"):
        read_scores([path])


def test_keys_filter_and_what_is_missing_is_named():
    rows = [
        Score(method="mp", query=query, split=split, part="test", metric="map_step", value=split / 10)
        for query in ("image", "text")
        for split in (2, 1)
    ]
    scores = Scores(
        [*rows, *(Score(method="mp", split=k, part="test", metric="rows", value=9) for k in (1, 2))]
    )
    assert scores.of(Key("mp", "map_step", "image")) == {(1, None): 0.1, (2, None): 0.2}
    assert scores.repetitions() == [(1, None), (2, None)]
    assert scores.values("rows", "test", ["mp"]) == [9] and scores.values("rows", "test", ["pcd"]) == []
    assert scores.queries("mp", "map_step") == ["image", "text"]
    assert scores.has("mp") and not scores.has("mp", "mixed")
    with pytest.raises(DataError, match="no score for map_step of pcd image test; delete"):
        scores.of(Key("pcd", "map_step", "image"))
    with pytest.raises(DataError, match="no score for map_step of mp image test of split 2; delete"):
        Scores([*rows[1:], *rows[2:]]).of(Key("mp", "map_step", "image"))
    with pytest.raises(DataError, match="no score for error of mp mixed left 3 iterations test"):
        scores.of(Key("mp", "error", "left", variant="mixed", iterations=3))


def test_each_class_has_a_line_with_its_mean_over_the_splits_that_score_it():
    def ap(split, label, value, method="mp", part="test"):
        what = {"query": "image", "part": part, "metric": "ap_step"}
        return Score(method=method, variant="mixed", split=split, label=label, value=value, **what)

    rows = [
        ap(1, "sea", 0.2),
        ap(1, "plant life", 0.5),
        ap(2, "sea", 0.4),
        ap(1, "sea", 0.7, "text", "validation"),
    ]
    rows.append(Score(method="mp", split=1, metric="map_step", value=0.9))
    table = class_table(rows).set_index(["method", "label"])
    sea = table.loc[("mp", "sea")]
    assert tuple(sea[["variant", "query", "part", "metric", "splits"]]) == (
        "mixed",
        "image",
        "test",
        "ap_step",
        2,
    )
    assert math.isclose(sea["mean"], 0.3) and math.isclose(sea["sd"], math.sqrt(0.02))
    once = table.loc[("mp", "plant life")]
    assert once["splits"] == 1 and math.isnan(once["sd"])
    assert table.loc[("text", "sea")]["part"] == "validation" and len(table) == 3
