# SPDX-License-Identifier: MIT
"""The tables from scores of known value."""

import csv
import math
from dataclasses import replace
from pathlib import Path

import pytest

from mvi.errors import DataError
from mvi.evaluation.scores import CENTRED, UNTAGGED, Score
from mvi.evaluation.significance import corrected_t_test
from mvi.files import read_sealed
from mvi.report.scores import Scores
from mvi.report.specs import MAPS, TABLES
from mvi.report.tables import (
    RULE,
    About,
    cells,
    compared,
    laid_out,
    markdown,
    read_published,
    write_csv,
    write_markdown,
)

PUBLISHED = Path(__file__).parents[1] / "config" / "published.csv"
ABOUT = {
    name: About(name, f"the title of {name}", f"{name}-run", name.startswith("mini"), "A note.")
    for name in ("mnist", "digits", "mini", "minivoc", "toronto", "mirflickr25k", "voc2007")
}
HALVES = ["left+right", "left", "right"]
QUERIES = ["image+text", "image", "text"]
METHODS = {"pcd": "ML (PCD)", "cd_percloss": "MinVI (CD-PercLoss)", "mp": "MinVI (MP)"}
RAW = {"raw_own": "Raw, per query", "raw_filled": "Raw, mean imputation"}
MODELS = {"pcd": "Joint PCD", "mp": "Joint MP", "top": "MDRNN, top", "whole": "MDRNN, whole"}
TRAINING = {"learned_from": "what it saw", "finetuned_from": "MP", "iterations": 7, "untagged": "observed"}
ROWS = {"train": 1000, "validation": 500, "test": 1000}


class Made:
    """A table of some scores, with its cells, its texts and its caption."""

    def __init__(self, name, rows, dataset, **settings):
        self.scores, self.about = Scores(rows), ABOUT[dataset]
        published = read_published(PUBLISHED, self.about)
        self.table = TABLES[name](self.scores, published, self.about, **settings)
        found = cells(self.table.wanted, self.scores, self.about, published)
        self.cells = compared(self.table, found, self.scores)
        self.markdown = markdown(self.table, self.cells)
        self.caption = "\n".join(self.table.caption)
        assert len(self.table.caption) <= 3 and "\n" not in "".join(self.table.caption)
        assert "docs/protocol.md" in self.caption

    def at(self, row, query="", metric="map_interpolated", part="test", iterations=None, variant=None):
        """The one cell of a place, of whatever variant unless it is asked for."""
        place = row, query, metric, part, iterations
        (found,) = (
            c
            for c in self.cells
            if (c.row, c.query, c.metric, c.part, c.iterations) == place and variant in (None, c.variant)
        )
        return found

    @property
    def blocks(self):
        """Rows (lists of texts, the rule left out) of each Markdown table."""
        found = []
        for text in self.markdown.split("\n\n"):
            lines = [line for line in text.splitlines() if line.startswith("|")]
            if lines:
                rows = [[part.strip() for part in line.strip("|").split(" | ")] for line in lines]
                assert len({len(line) for line in lines}) == 1 and len({len(row) for row in rows}) == 1
                found.append([rows[0], *rows[2:]])
        return found


def sizes(method, variant="", **repetition):
    return [
        Score(method=method, variant=variant, part=part, metric="rows", value=count, **repetition)
        for part, count in ROWS.items()
    ]


# -- Table 1 -------------------------------------------------------------------------------------------


def errors(method, numbers, seed=None, variant=""):
    """Test errors by query, and validation errors one half above."""
    where = {"method": method, "variant": variant, "split": 1, "seed": seed}
    return [
        *sizes(method, variant, split=1, seed=seed),
        *(
            Score(query=query, part=part, metric="error", value=number + shift, **where)
            for query, number in zip(HALVES, numbers, strict=True)
            for part, shift in (("test", 0.0), ("validation", 0.5))
        ),
    ]


BASELINES = [*errors("raw_own", (1.0, 1.0, 1.0)), *errors("raw_filled", (8.0, 30.0, 40.0))]
ERRORS = {
    "mp": [*errors("mp", (1.8, 6.5, 7.0), 1, "multimodal"), *errors("mp", (1.6, 6.7, 7.6), 2, "multimodal")],
    "pcd": errors("pcd", (1.5, 15.0, 19.0), 1, "multimodal"),
}


def table1(dataset="mnist", rows=None, methods=("pcd", "mp"), variants=("multimodal",)):
    rows = [*ERRORS["mp"], *ERRORS["pcd"], *BASELINES] if rows is None else rows
    own = {name: METHODS.get(name, name) for name in methods}
    return Made("table1", rows, dataset, methods=own, baselines=RAW, queries=HALVES, variants=variants)


def test_cells_hold_mean_and_standard_deviation_over_seeds():
    made = table1()
    assert len(made.cells) == 4 * 3 * 2
    right = made.at("mp", "right", "error")
    # n - 1 in the denominator: sqrt((0.3^2 + 0.3^2) / 1).
    assert (right.mean, right.sd) == (pytest.approx(7.3), pytest.approx(math.sqrt(0.18)))
    assert (right.repetitions, right.kind, right.label, right.run) == (2, "model", "MinVI (MP)", "mnist-run")
    assert made.at("mp", "right", "error", "validation").mean == pytest.approx(7.8)
    assert made.at("pcd", "left", "error").sd is None
    assert made.at("raw_filled", "left", "error").kind == "baseline"


def test_table1_is_laid_out_with_the_paper_s_numbers_and_the_best_in_bold():
    heading, *rows = table1().blocks[0]
    columns = [text for query in ("multimodal", "left-only", "right-only") for text in (query, "published")]
    assert heading == ["Method", *columns, "seeds"]
    assert rows == [
        ["ML (PCD)", "**1.50**", "1.57", "15.00", "14.98", "19.00", "18.88", "1"],
        ["MinVI (MP)", "1.70 ± 0.14", "1.73", "**6.60** ± 0.14", "6.58", "**7.30** ± 0.42", "7.27", "2"],
        ["Raw, per query", "1.00", "", "1.00", "", "1.00", "", "1"],
        ["Raw, mean imputation", "8.00", "", "30.00", "", "40.00", "", "1"],
    ]
    digits = table1("digits")
    assert all(cell.published is None and cell.published_source == "" for cell in digits.cells)
    assert "published" not in digits.blocks[0][0] and "Sohn" not in digits.caption
    assert "Sohn et al. 2014, Table 1" in table1().caption


def test_values_equal_as_shown_are_both_bold_and_one_model_is_no_contest():
    close = [*errors("pcd", (1.501, 1, 1), 1, "multimodal"), *errors("mp", (1.499, 2, 2), 1, "multimodal")]
    _, first, second, *_ = table1("digits", [*close, *BASELINES]).blocks[0]
    assert first[1] == second[1] == "**1.50**" and (first[2], second[2]) == ("**1.00**", "2.00")
    alone = table1("digits", [*ERRORS["mp"], *BASELINES], ["mp"])
    assert "**" not in alone.markdown and "Bold" not in alone.caption


def test_table1_caption_names_what_the_numbers_are():
    caption = table1("digits").caption
    for part in (
        "**Table 1.** Recognition error in percent (test set) on the title of digits (`digits`), run ",
        "Examples: 1,000 train, 500 validation, 1,000 test. Linear SVM trained on multimodal features only,",
        "Mean ± standard deviation over 2 seeds. Bold: lowest error of the trained models.",
    ):
        assert part in caption
    rows = [*errors("mp", (1, 2, 3), 3, "mixed"), *BASELINES]
    rows.append(
        Score(method="mp", variant="mixed", seed=3, split=1, part="copies", metric="rows", value=400_000)
    )
    caption = table1("digits", rows, ["mp"], ["mixed"]).caption
    assert "features of every query and on 400,000 translated copies, C" in caption
    assert "One seed (3), so no standard deviation" in caption


def test_table1_has_a_row_for_each_kind_of_features_that_classifiers_learned_from():
    rows = [*errors("mp", (1, 2, 3), 3, "multimodal"), *errors("mp", (4, 5, 6), 3, "mixed"), *BASELINES]
    made = table1("mnist", rows, ["mp"], ["multimodal", "mixed"])
    assert [row[0] for row in made.blocks[0][1:3]] == ["MinVI (MP)", "MinVI (MP), mixed"]
    assert made.at("mp/mixed", "left", "error").mean == 5 and made.at("mp", "left", "error").mean == 2
    # The published ones were trained on multimodal features.
    assert made.at("mp/mixed", "left", "error").published is None
    assert made.at("mp", "left", "error").published is not None
    assert "Linear SVM trained on multimodal features only or features of every query, C" in made.caption


def test_the_csv_is_tidy_and_in_full_precision(tmp_path):
    made = table1()
    write_csv(tmp_path / "table.csv", made.cells)
    with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(made.cells)
    for row, cell in zip(rows, made.cells, strict=True):
        assert float(row["mean"]) == cell.mean and row["mean"] == repr(cell.mean)
        assert row["sd"] == ("" if cell.sd is None else repr(cell.sd))
        assert row["published"] == ("" if cell.published is None else repr(cell.published))
        assert (row["query"], row["wins"], row["generated"]) == (cell.query, "", "False")
    write_markdown(tmp_path / "table.md", made.markdown, ["First line.", "", "Last line."])
    assert read_sealed(tmp_path / "table.md").decode() == "First line.\nLast line.\n\n" + made.markdown


def test_a_score_that_one_seed_lacks_is_named():
    rows = [score for score in ERRORS["mp"] if (score.seed, score.query, score.part) != (2, "left", "test")]
    with pytest.raises(DataError, match="error of mp multimodal left test of seed 2; delete"):
        table1("digits", [*rows, *BASELINES], ["mp"])
    with pytest.raises(DataError, match="no score for error of pcd multimodal left"):
        table1("digits", [*ERRORS["mp"], *BASELINES])


def test_the_published_file_holds_the_paper_s_tables():
    found = read_published(PUBLISHED, ABOUT["mnist"])
    values = {(key.method, key.query): quote.value for key, quote in found.items()}
    for method, numbers in (
        ("pcd", (1.57, 14.98, 18.88)),
        ("cd_percloss", (1.71, 9.42, 11.02)),
        ("mp", (1.73, 6.58, 7.27)),
    ):
        assert tuple(values[method, query] for query in HALVES) == numbers
    assert len(found) == 9 and {quote.source for quote in found.values()} == {"Sohn et al. 2014, Table 1"}
    for name in ("digits", "mini", "mirflickr25k"):
        assert read_published(PUBLISHED, ABOUT[name]) == {}
    assert read_published(PUBLISHED, About("toronto", "t", "r", generated=True)) == {}


# -- mean average precision ----------------------------------------------------------------------------


def classified(
    method, split, numbers, variant="", *, queries=QUERIES, penalty=0.001, rows=ROWS, metrics=MAPS
):
    """Test mAP by query, a hundredth more in each definition, and a hundredth less on validation rows."""
    where = {"method": method, "variant": variant, "split": split}
    found = [Score(part=part, metric="rows", value=count, **where) for part, count in rows.items()]
    found += [Score(metric="lambda", value=penalty, **where), Score(metric="lambdas_tried", value=6, **where)]
    found.append(Score(metric="features", value=64, **where))
    for query, number in zip(queries, numbers, strict=True):
        for part, shift, labels in (("test", 0, 38), ("validation", -0.01, 36)):
            what = where | {"query": query, "part": part}
            found.append(Score(metric="labels", value=labels, **what))
            for k, metric in enumerate((*metrics, "precision_at_50")):
                found.append(Score(metric=metric, value=number + k / 100 + shift, **what))
    return found


def trained(**changes):
    numbers = {
        "whole": {1: (0.60, 0.46, 0.50), 2: (0.62, 0.44, 0.52)},
        "pcd": {1: (0.55, 0.30, 0.40), 2: (0.57, 0.35, 0.42)},
        "mp": {1: (0.56, 0.40, 0.41), 2: (0.58, 0.34, 0.45)},
        "top": {2: (0.59, 0.43, 0.49)},
    } | changes
    return [
        score
        for method, splits in numbers.items()
        for split, own in splits.items()
        for score in classified(method, split, own, "multimodal")
    ]


def linear(**numbers):
    """Scores of inputs on splits 1 and 2."""
    return [
        score
        for name, (query, *values) in numbers.items()
        for split, value in enumerate(values, 1)
        for score in classified(name, split, [value], queries=[query], penalty=0.1)
    ]


INPUTS = linear(
    **{"image+text": ("image+text", 0.52, 0.53), "image": ("image", 0.41, 0.42), "text": ("text", 0.49, 0.5)}
)
SQUARE_ROOTS = linear(**{"sqrt_image+text": ("image+text", 0.57, 0.59), "sqrt_image": ("image", 0.45, 0.46)})


def table2(
    rows, dataset="mini", models=MODELS, variants=("multimodal",), compared=(("mp", "pcd"),), scored=()
):
    settings = {"variants": variants, "queries": QUERIES, "main": "whole", "compared": compared}
    shared = {"k": 50, "training": TRAINING, "scored": dict(scored)}
    return Made("table2", rows, dataset, models=models, **shared, **settings)


def test_methods_without_representation_stand_with_the_baselines():
    """Not in bold though they are the best, and above the linear classifiers."""
    best = [
        score
        for split, numbers in ((1, (0.9, 0.8, 0.7)), (2, (0.92, 0.8, 0.7)))
        for score in classified("tagger", split, numbers)
    ]
    made = table2([*trained(), *INPUTS, *best], scored={"tagger": "TagProp"})
    table = made.blocks[0]
    assert [line[0] for line in table[-3:]] == [RULE, "TagProp", "Linear baseline"]
    assert table[-2][1:] == ["0.910 ± 0.014", "0.800 ± 0.000", "0.700 ± 0.000", "2"]
    assert made.at("tagger", "image").kind == "baseline"


def test_table2_cells_and_layout():
    made = table2([*trained(), *INPUTS])
    whole = made.at("whole", "image")
    assert whole.mean == pytest.approx(0.45) and whole.sd == pytest.approx(0.01 * math.sqrt(2))
    assert (whole.repetitions, whole.kind, whole.wins, whole.generated) == (2, "model", None, True)
    assert made.at("whole", "text", "precision_at_50", "validation").mean == pytest.approx(0.53)
    assert made.at("top", "image", "map_step").sd is None
    raw = made.at("raw", "image", "map_noninterpolated", "validation")
    assert raw.kind == "baseline" and raw.mean == pytest.approx(0.415)
    table, more, differences = made.blocks
    # The differences of PCD by the image alone are 0.16 and 0.09: so large, and so unlike, that two splits
    # do not tell them from none.
    assert table == [
        ["Model", "multimodal", "image-only", "text-only", "splits"],
        ["Joint PCD", "0.560 ± 0.014", "**0.325** ± 0.035", "0.410 ± 0.014", "2"],
        ["Joint MP", "0.570 ± 0.014", "**0.370** ± 0.042", "**0.430** ± 0.028", "2"],
        ["MDRNN, top", "0.590", "0.430", "0.490", "1"],
        ["MDRNN, whole", "**0.610** ± 0.014", "**0.450** ± 0.014", "**0.510** ± 0.014", "2"],
        [RULE] * 5,
        ["Linear baseline", "0.525 ± 0.007", "0.415 ± 0.007", "0.495 ± 0.007", "2"],
    ]
    assert more[0] == ["Model", "P both", "P image", "P text", "splits"]
    assert more[-1][1:] == ["0.555", "0.445", "0.525", "2"] and more[1][1] == "0.590"
    assert differences[0] == ["Difference", "test", "wins"]
    assert differences[-1] == ["Joint MP - Joint PCD, image-only", "+0.045 ± 0.078", "1 of 2"]


def test_baselines_that_answer_every_query_stand_below_those_of_a_classifier_each():
    numbers = {1: (0.52, 0.30, 0.35), 2: (0.53, 0.32, 0.37)}
    filled = [
        score
        for split, own in numbers.items()
        for score in classified("regression_filled", split, own, penalty=0.1)
    ]
    last = table2([*trained(), *INPUTS, *filled]).blocks[0][-1]
    label = "One linear classifier, regression imputation"
    assert last == [label, "0.525 ± 0.007", "0.310 ± 0.014", "0.360 ± 0.014", "2"]


def test_differences_are_paired_over_the_splits_that_both_sides_have():
    made = table2([*trained(), *INPUTS, *SQUARE_ROOTS])
    rows = list(dict.fromkeys((c.row, c.query) for c in made.cells if c.kind == "difference"))
    assert rows == [
        *(("whole - raw", query) for query in QUERIES[:2]),
        *(("whole - roots", query) for query in QUERIES[:2]),
        ("mp - pcd", "image"),
    ]
    # Splits 1 and 2: 0.40 - 0.30 and 0.34 - 0.35.
    mp = made.at("mp - pcd", "image")
    assert mp.mean == pytest.approx(0.045) and mp.sd == pytest.approx(0.055 * math.sqrt(2))
    assert (mp.wins, mp.repetitions, mp.published) == (1, 2, None)
    # 0.46 - 0.45 and 0.44 - 0.46.
    roots = made.at("whole - roots", "image")
    assert roots.mean == pytest.approx(-0.005) and roots.wins == 1
    assert made.at("whole - roots", "image+text", part="validation").mean == pytest.approx(0.03)
    # A tie is no win.
    tied = trained(mp={1: (0.56, 0.40, 0.41), 2: (0.58, 0.35, 0.45)})
    assert table2([*tied, *INPUTS]).at("mp - pcd", "image").wins == 1
    # Only split 2 has both: 0.34 - 0.35.
    fewer = trained(pcd={2: (0.57, 0.35, 0.42), 4: (0.5, 0.3, 0.4)})
    mp = table2([*fewer, *INPUTS]).at("mp - pcd", "image")
    assert (mp.mean, mp.sd, mp.wins, mp.repetitions) == (pytest.approx(-0.01), None, 0, 1)
    with pytest.raises(DataError, match="Joint MP - Joint PCD, image-only: no split has scores of both"):
        table2([*trained(pcd={7: (0.57, 0.35, 0.42)}), *INPUTS])
    # What has no scores is compared with nothing.
    alone = linear(sqrt_image=("image", 0.45, 0.46))
    made = table2([*trained(), *alone], compared=())
    assert {(c.row, c.query) for c in made.cells if c.kind == "difference"} == {("whole - roots", "image")}
    assert {c.query for c in made.cells if c.row == "roots"} == {"image"}


def test_a_mixed_classifier_has_rows_of_its_own_and_small_parts_no_precision():
    mixed = [score for name in MODELS for score in classified(name, 1, (0.7, 0.5, 0.5), "mixed")]
    made = table2([*trained(), *mixed, *INPUTS], "toronto", variants=["multimodal", "mixed"])
    rows = list(dict.fromkeys((c.row, c.label) for c in made.cells if c.kind == "model"))
    assert [row for row, _ in rows] == [*MODELS, *(f"{name}/mixed" for name in MODELS)]
    assert rows[-1][1] == "MDRNN, whole, mixed"
    assert "validation mAP. Mixed: of the features of every query. Mean" in made.caption
    assert all(c.published is None for c in made.cells if c.row == "whole/mixed")
    short = classified("mp", 1, (0.5, 0.4, 0.3), "multimodal", rows=ROWS | {"validation": 50})
    assert {c.metric for c in table2(short, models={"mp": "MP"}, compared=()).cells} == set(MAPS)


def test_published_numbers_stand_beside_the_toronto_archive_only():
    rows = [*trained(), *INPUTS, *SQUARE_ROOTS]
    for dataset in ("mini", "mirflickr25k"):
        made = table2(rows, dataset)
        assert all(
            c.published is None and c.published_source == "" and c.kind != "published" for c in made.cells
        )
    made = table2(rows, "toronto")
    assert {(c.row, c.query, c.metric): c.published for c in made.cells if c.published is not None} == {
        ("whole", "image+text", "map_interpolated"): 0.686,
        ("whole", "image", "map_interpolated"): 0.607,
        ("raw", "image", "map_noninterpolated"): 0.417,
        ("mdbm", "image+text", "map_noninterpolated"): 0.609,
        ("mdbm", "image", "map_noninterpolated"): 0.531,
        ("mdbn", "image+text", "map_noninterpolated"): 0.599,
    }
    table = made.blocks[0]
    assert table[0] == ["Model", "multimodal", "published", "image-only", "published", "text-only", "splits"]
    assert table[4][2] == "0.686"
    above = table.index([RULE] * 7)
    assert table[above - 2] == [
        "Multimodal DBM, published, non-interpolated AP",
        "0.609",
        "",
        "0.531",
        "",
        "",
        "",
    ]
    assert [line[0] for line in table[above + 1 :]] == [
        "Linear baseline",
        "Linear baseline, signed square roots",
    ]
    lines = [line for line in made.markdown.splitlines() if line.startswith("- ")]
    assert len(lines) == 6
    assert lines[0].startswith(
        "- 0.686, MDRNN, whole, image+text: Sohn et al. 2014, Table 2 (not read there: "
    )
    assert made.at("mdbm", "image", "map_noninterpolated").published_source.startswith("Srivastava")
    assert "Sohn et al. 2014, Table 2; Srivastava and Salakhutdinov 2012; a student" in made.caption
    assert "generated" not in made.caption


@pytest.mark.parametrize("dataset", ["voc2007", "minivoc"])
def test_table4_has_the_data_set_s_metric_first_and_published_numbers_of_the_real_one(dataset):
    metrics = ("map_11_points", "map_voc_2010", *MAPS)
    rows = classified("whole", 1, (0.8, 0.7, 0.5), "multimodal", metrics=metrics)
    for query, value in (("image+text", 0.75), ("image", 0.72), ("text", 0.4)):
        rows += classified(query, 1, (value,), queries=[query], metrics=metrics)
    made = Made(
        "table4",
        rows,
        dataset,
        **{"models": {"whole": "W"}, "scored": {}, "variants": ["multimodal"], "queries": QUERIES},
        **{"main": "whole", "compared": (), "k": 50, "training": TRAINING, "metrics": metrics},
    )
    assert made.caption.startswith("**Table 4.** Mean average precision (11 points, test set) on")
    found = {(c.row, c.query): c.published for c in made.cells if c.published is not None}
    table, more, differences = made.blocks
    columns = [f"{name} {query}" for name in ("voc 2010", "interpolated") for query in ("both", "image")]
    assert more[0][-4:] == columns and more[1][-4:] == ["0.810", "0.710", "0.820", "0.720"]
    assert (
        "P: precision@50" in made.markdown and " voc 2010, interpolated: mAP by that AP.\n" in made.markdown
    )
    assert differences[1][:2] == ["W - Linear baseline, multimodal", "+0.050"]
    if dataset == "minivoc":
        assert not found and table[1][1:4] == ["0.800", "0.700", "0.500"]
        return
    assert found == {
        ("whole", "image+text"): 0.815,
        ("whole", "image"): 0.762,
        ("raw", "image+text"): 0.745,
        ("raw", "image"): 0.743,
    }
    assert table[1][:5] == ["W", "0.800", "0.815", "0.700", "0.762"]
    assert table[3][:5] == ["Linear baseline", "0.750", "0.745", "0.720", "0.743"]


def searched(method, split, numbers):
    """Retrieval scores by query, a tenth less where they are not centred."""
    where = {"method": method, "split": split, "part": "test", "metric": "retrieval_map_interpolated"}
    return [
        Score(**where, query=query, variant=variant, value=number - shift)
        for query, number in numbers.items()
        for variant, shift in ((CENTRED, 0.0), ("", 0.1))
    ]


def test_table2_has_retrieval_costs_and_inferred_tags_where_they_are_known():
    rows = [*trained(top={1: (0.5, 0.4, 0.3), 2: (0.52, 0.4, 0.3)}), *INPUTS]
    for method, best in (("whole", 0.8), ("pcd", 0.7), ("mp", 0.72), ("top", 0.5)):
        for split, gain in ((1, 0.0), (2, 0.02)):
            numbers = dict.fromkeys(QUERIES, best + gain)
            rows += searched(method, split, numbers)
    for split in (1, 2):
        for query in QUERIES:
            rows += searched(query, split, {query: 0.6})
        rows += classified("whole", split, (0.66,), UNTAGGED, queries=QUERIES[:1])
    rows += [
        Score(method="whole", variant=metric, metric=metric, value=value)
        for metric, value in (("parameters", 1234567), ("minutes", 2.25))
    ]
    made = table2(rows)
    table, more, _ = made.blocks
    # All rows are over as many splits, which the caption says.
    assert table[0] == ["Model", "multimodal", "image-only", "text-only", "parameters", "minutes"]
    assert table[4][4:] == ["1,234,567", "2.2"] and table[1][4:] == ["", ""]
    assert "Minutes: of one core, all trainings for a split." in made.caption
    assert more[0] == ["Model", "R both", "R image", "R text", "P both", "P image", "P text", "inferred"]
    assert more[4][1] == "**0.810**" and more[4][7] == "0.660" and more[1][7] == ""
    # By how much it is better is the same on both splits.
    assert more[1][1] == "0.710" and more[-1][1:4] == ["0.600"] * 3
    assert "R: retrieval mAP (interpolated, centred). P: precision@50. inferred: mAP of" in made.markdown
    assert made.at("whole", "text", "retrieval_map_interpolated").variant == CENTRED
    assert made.at("whole", "image+text", variant=UNTAGGED).mean == pytest.approx(0.66)
    assert max(len(line) for line in made.markdown.splitlines() if line.startswith("|")) <= 120


def test_what_a_test_cannot_tell_from_the_best_is_in_bold_too():
    numbers = {
        "whole": [0.600, 0.620, 0.610, 0.640, 0.605],
        "mp": [0.598, 0.621, 0.600, 0.641, 0.600],
        "pcd": [0.570, 0.590, 0.585, 0.612, 0.573],
    }
    rows = [
        score
        for method, values in numbers.items()
        for split, value in enumerate(values, 1)
        for score in classified(method, split, (value, value, value), "multimodal")
    ]
    models = {name: MODELS[name] for name in ("pcd", "mp", "whole")}
    made = table2(rows, models=models, compared=())
    differences = [a - b for a, b in zip(numbers["pcd"], numbers["whole"], strict=True)]
    # 1,000 test rows, and classifiers of 1,000 training and 500 validation rows.
    assert made.at("pcd", "image").p_best == pytest.approx(corrected_t_test(differences, 1000 / 1500))
    assert made.at("whole", "image").p_best is None
    assert made.at("pcd", "image").p_best < 0.05 < made.at("mp", "image").p_best
    bold = {row[0]: row[2].startswith("**") for row in made.blocks[0][1:]}
    assert bold == {"Joint PCD": False, "Joint MP": True, "MDRNN, whole": True}
    assert "Bold: best model, and those that a test cannot tell from it." in made.caption
    # One split has no spread to tell anything from.
    one = table2([score for score in rows if score.split == 1], models=models, compared=())
    assert [row[2] for row in one.blocks[0][1:]] == ["0.570", "0.598", "**0.600**"]
    assert "Bold: best model." in one.caption


def test_seeds_of_a_split_are_one_repetition():
    rows = [
        replace(score, seed=seed)
        for seed in (1, 2)
        for method, value in (("whole", 0.6), ("mp", 0.5))
        for split in (1, 2)
        for score in classified(
            method, split, [value + seed * split * (method == "mp") / 100] * 3, "multimodal"
        )
    ]
    made = table2(rows, models={"mp": "MP", "whole": "W"}, compared=())
    # Seeds averaged: 0.5 + 0.015 and 0.5 + 0.03.
    assert made.at("mp", "image").p_best == pytest.approx(corrected_t_test([-0.085, -0.07], 1000 / 1500))


def test_table2_caption():
    rows = [*trained(), *classified("mp", 1, (0.7, 0.5, 0.5), "mixed", penalty=0.1)]
    caption = table2(rows, models={"mp": "MP", "whole": "W"}, compared=()).caption
    for part in (
        "**Table 2.** Mean average precision (interpolated, test set) on the title of mini (`mini`), run "
        "`mini-run`, generated by a program: not comparable",
        "A note. Unsupervised training on what it saw; MDRNN finetuned from MP; missing modalities inferred "
        "by 7 mean-field iterations; text of untagged images observed.",
        "Examples: 1,000 train, 500 validation, 1,000 test; 38 labels. Logistic regression per label, lambda "
        "0.001 to 0.1, chosen among 6 by validation mAP. Mean ± standard deviation over 2 splits. Bold: best",
    ):
        assert part in caption


def test_the_linear_baselines():
    rows = [*INPUTS, *SQUARE_ROOTS, *linear(another=("image", 0.3))]
    names = ["text", "another", "image", "image+text"]
    made = Made("reference", rows, "mirflickr25k", inputs=names, k=50)
    assert made.blocks == [
        [
            ["Input", "dimensions", "mAP", "splits"],
            ["Image, all features", "64", "0.415 ± 0.007", "2"],
            ["Tags", "64", "0.495 ± 0.007", "2"],
            ["Image and tags", "64", "0.525 ± 0.007", "2"],
            ["another", "64", "0.300", "1"],
        ]
    ]
    assert made.at("text", "text", "map_step", "validation").mean == pytest.approx(0.505)
    assert made.at("text", "text", "precision_at_50").mean == pytest.approx(0.525)
    assert "A note. Examples: 1,000 train" in made.caption and "lambda 0.1, chosen among 6" in made.caption
    quoted = Made("reference", rows, "toronto", inputs=names, k=50)
    assert {(c.row, c.metric): c.published for c in quoted.cells if c.published} == {
        ("image", "map_noninterpolated"): 0.417
    }


# -- Table 3 -------------------------------------------------------------------------------------------


def sweep_scores(model, split, whole, lacking):
    """The test rows' scores are those of the validation rows squared."""
    where = {"method": "whole", "variant": f"trained={model}", "split": split}
    found = [Score(metric="lambda", value=0.001, **where), Score(metric="lambdas_tried", value=1, **where)]
    for query, iterations, value in [
        ("image+text", None, whole),
        *(("image", n, v) for n, v in lacking.items()),
    ]:
        for k, metric in enumerate(MAPS):
            for part, power in (("validation", 1), ("test", 2)):
                what = {"query": query, "iterations": iterations, "part": part, "metric": metric}
                found.append(Score(value=value**power + k / 100, **where, **what))
    return found


SWEEP = [
    *sweep_scores(10, 1, 0.60, {0: 0.30, 1: 0.40, 10: 0.42}),
    *sweep_scores(10, 2, 0.62, {0: 0.32, 1: 0.44, 10: 0.43}),
    *sweep_scores(0, 1, 0.58, {0: 0.35, 1: 0.2, 10: 0.1}),
    *sweep_scores(0, 2, 0.59, {0: 0.34, 1: 0.2, 10: 0.1}),
    *sweep_scores(1, 1, 0.59, {0: 0.2, 1: 0.36, 10: 0.1}),
    *sweep_scores(1, 2, 0.61, {0: 0.2, 1: 0.45, 10: 0.1}),
]


def table3(rows=SWEEP, dataset="mini", trained=(0, 1, 10)):
    sweep = {"method": "whole", "main": 10, "trained": trained, "tested": (0, 1, 10), "queries": QUERIES[:2]}
    training = {key: value for key, value in TRAINING.items() if key != "iterations"}
    return Made("table3", rows, dataset, sweep=sweep, training=training)


def test_table3_has_both_readings_and_the_other_models():
    made = table3()
    models = [c for c in made.cells if c.kind == "model"]
    assert len({(c.row, c.iterations, c.metric, c.part) for c in models}) == len(models) == 18 * 3 * 2

    def means(row, part="validation", metric="map_interpolated"):
        return [made.at(row, row.split("/")[1], metric, part, n).mean for n in (0, 1, 10)]

    assert means("fixed/image") == pytest.approx([0.31, 0.42, 0.425])
    assert means("matched/image") == pytest.approx([0.345, 0.405, 0.425])
    assert means("fixed/image+text") == pytest.approx([0.61] * 3)
    assert means("matched/image+text") == pytest.approx([0.585, 0.6, 0.61])
    assert means("trained with 0/image") == pytest.approx([0.345, 0.2, 0.1])
    assert means("trained with 1/image") == pytest.approx([0.2, 0.405, 0.1])
    # Means over splits 1 and 2 of the squares.
    changed = [(0.09 + 0.1024) / 2, (0.16 + 0.1936) / 2, (0.1764 + 0.1849) / 2]
    assert means("fixed/image", "test") == pytest.approx(changed)
    assert means("fixed/image", "test", "map_step")[2] == pytest.approx(changed[2] + 0.02)
    assert made.at("fixed/image", "image", part="test", iterations=1).sd == pytest.approx(
        0.0336 / math.sqrt(2)
    )
    alone = table3([score for score in SWEEP if score.variant == "trained=10"], trained=[10])
    assert {c.row.split("/")[0] for c in alone.cells} == {"fixed"}


def test_table3_differences_and_layout():
    made = table3()
    found = {c.row: c for c in made.cells if (c.kind, c.part, c.metric) == ("difference", "test", MAPS[0])}
    steps = [
        f"{row}/{step}"
        for row in ("fixed/image", "matched/image+text", "matched/image")
        for step in ("1-0", "10-1", "10-0")
    ]
    assert list(found) == [*steps, "trained with 0/image/10-0", "trained with 1/image/10-0"]
    # 0.42^2 - 0.40^2 and 0.43^2 - 0.44^2.
    last = found["fixed/image/10-1"]
    assert last.mean == pytest.approx((0.0164 - 0.0087) / 2) and (last.wins, last.repetitions) == (1, 2)
    assert last.sd == pytest.approx((0.0164 + 0.0087) / math.sqrt(2))
    table, differences = made.blocks
    assert table[0] == ["Iterations", "0", "1", "10", "splits"] and len(table) == 7
    assert table[2] == ["Image-only, fixed", "0.096 ± 0.009", "0.177 ± 0.024", "0.181 ± 0.006", "2"]
    assert (
        differences[2] == ["Image-only, fixed: 10 - 1", "+0.004 ± 0.018", "1 of 2"] and len(differences) == 12
    )
    assert "Fixed: 10 iterations in training; matched: as many as at test. Logistic" in made.caption
    assert "finetuned from MP; text of untagged images observed" in made.caption
    assert "lambda 0.001, fixed." in made.caption and "Bold" not in made.caption


def test_table3_has_the_paper_s_validation_scores_in_rows_of_their_own():
    made = table3(dataset="toronto")
    quoted = {(c.query, c.iterations): c.published for c in made.cells if c.kind == "published"}
    assert [quoted["image", n] for n in (0, 1, 2, 3, 5, 10)] == [0.557, 0.591, 0.599, 0.602, 0.605, 0.607]
    assert [quoted["image+text", n] for n in (0, 1, 2, 3, 5, 10)] == [0.677, 0.678, 0.679, 0.68, 0.682, 0.685]
    table = made.blocks[0]
    assert table[0] == ["Iterations", "0", "1", "2", "3", "5", "10", "splits"]
    assert table[-1][0] == "Image-only, published (validation set)" and table[-1][1:3] == ["0.557", "0.591"]
    assert table[1][3] == "" and table[-1][-1] == ""


def test_the_ablation_has_a_row_for_each_combination_that_was_run():
    models = [
        {"method": "pcd", "objective": "PCD", "trained": 0, "tested": 10, "swept": [0]},
        {"method": "mp", "objective": "MP", "trained": 3, "tested": 10, "swept": [0]},
        {
            **{"method": "whole", "objective": "MP", "stage": "whole network", "directions": ["text"]},
            **{"trained": 10, "tested": 10, "swept": [0]},
        },
        {
            **{
                "method": "whole",
                "objective": "MP",
                "stage": "whole network",
                "directions": ["image", "text"],
            },
            **{"trained": 1, "tested": None, "swept": [0, 1]},
        },
    ]
    without = [
        replace(score, method=method, variant=f"trained={count}", iterations=0 if query == "image" else None)
        for method, count, numbers in (("pcd", 0, (0.56, 0.2)), ("mp", 3, (0.57, 0.3)))
        for query, number in zip(QUERIES[:2], numbers, strict=True)
        for split in (1, 2)
        for score in classified(method, split, (number,), queries=[query])
        if score.query
    ]
    rows = [*trained(), *without, *SWEEP]
    shared = {"queries": QUERIES, "variant": "multimodal", "training": TRAINING}
    made = Made("ablation", rows, "mini", models=models, **shared)
    (table,) = made.blocks
    whole = "whole network"
    assert [row[:5] for row in table] == [
        ["Joint layer", "finetuned", "predicting", "in training", "at test"],
        ["PCD", "-", "-", "0", "0"],
        ["PCD", "-", "-", "0", "10"],
        ["MP", "-", "-", "3", "0"],
        ["MP", "-", "-", "3", "10"],
        ["MP", whole, "text", "10", "0"],
        ["MP", whole, "text", "10", "10"],
        ["MP", whole, "image and text", "1", "0"],
        ["MP", whole, "image and text", "1", "1"],
    ]
    # Without iterations of the sweep, which asks nothing by tags alone; else those of Table 2.
    assert table[1][5:] == ["**0.560** ± 0.000", "0.200 ± 0.000", ""]
    assert table[2][5:] == ["0.560 ± 0.014", "**0.325** ± 0.035", "0.410 ± 0.014"]
    assert made.at("whole/trained=1/tested=1", "image").mean == pytest.approx((0.36**2 + 0.45**2) / 2)
    assert made.at("whole/trained=10/tested=10", "image").mean == pytest.approx(0.45)
    assert "Mean-field iterations in the last training and at test." in made.caption


def test_a_number_of_iterations_that_the_sweep_lacks_is_named():
    with pytest.raises(DataError, match="map_interpolated of whole trained=10 image"):
        table3([score for score in SWEEP if score.variant != "trained=10"])
    rows = [
        s for s in SWEEP if (s.variant, s.split, s.iterations, s.metric) != ("trained=1", 2, 1, "map_step")
    ]
    with pytest.raises(DataError, match="map_step of whole trained=1 image 1 iterations .* of split 2"):
        table3(rows)


# -- retrieval and tags --------------------------------------------------------------------------------


def retrieved(method, split, numbers, chance=0.4):
    found = []
    for query, number in zip(QUERIES, numbers, strict=True):
        where = {"split": split, "query": query, "part": "test"}
        found += [
            Score(method=method, metric=f"retrieval_{name}", value=number + k / 100, **where)
            for k, name in enumerate(MAPS)
        ]
        found.append(Score(method="chance", metric="retrieval_map_noninterpolated", value=chance, **where))
        counts = {"queries": 100, "queries_judged": 97 if query == "text" else 98, "database": 1500}
        found += [Score(method=method, metric=f"retrieval_{k}", value=v, **where) for k, v in counts.items()]
    return found


def test_retrieval_table():
    rows = [*retrieved("whole", 1, (0.6, 0.5, 0.55)), *retrieved("whole", 2, (0.62, 0.5, 0.56), 0.44)]
    rows += retrieved("mp", 2, (0.58, 0.5, 0.5), 0.44)
    settings = {
        "models": {name: MODELS[name] for name in ("mp", "whole")},
        "queries": QUERIES,
        "training": TRAINING,
    }
    made = Made("retrieval", rows, "mini", **settings)
    assert made.blocks == [
        [
            ["Model", "multimodal", "image-only", "text-only", "splits"],
            ["Joint MP", "0.580", "**0.500**", "0.500", "1"],
            ["MDRNN, whole", "**0.610** ± 0.014", "**0.500** ± 0.000", "**0.555** ± 0.007", "2"],
            ["Random ranking, non-interpolated AP", *["0.420 ± 0.028"] * 3, "2"],
        ]
    ]
    assert made.at("mp", "text", "retrieval_map_step").mean == pytest.approx(0.52)
    assert "100 queries (97 to 98 with a relevant image), database of 1,500." in made.caption
    table = Made("retrieval", rows, "toronto", **settings).blocks[0]
    assert table[-2:] == [
        ["MDRNN, published", "0.633", "0.638", "", ""],
        ["Multimodal DBM, published", "0.622", "0.614", "", ""],
    ]


def test_centred_codes_and_input_features_are_rows_beside():
    rows = retrieved("whole", 1, (0.6, 0.5, 0.55))
    rows += [
        replace(one, variant="centred", value=one.value + 0.1)
        for one in retrieved("whole", 1, (0.6, 0.5, 0.55))
        if one.method == "whole"
    ]
    for method, query, value in (
        ("image+text", "image+text", 0.4),
        ("image", "image", 0.3),
        ("text", "text", 0.2),
    ):
        where = {"method": method, "split": 1, "query": query, "part": "test"}
        rows += [Score(metric=f"retrieval_{name}", value=value, **where) for name in MAPS]
    settings = {"models": {"whole": MODELS["whole"]}, "queries": QUERIES, "training": TRAINING}
    made = Made("retrieval", rows, "mini", **settings)
    assert made.blocks[0][1:] == [
        ["MDRNN, whole", "0.600", "0.500", "0.550", "1"],
        ["MDRNN, whole, centred", "**0.700**", "**0.600**", "**0.650**", "1"],
        ["Cosine of input features", "0.400", "0.300", "0.200", "1"],
        ["Random ranking, non-interpolated AP", *["0.400"] * 3, "1"],
    ]


def test_tag_search_table():
    where = {"split": 1, "query": "text", "part": "test"}
    tagged, untagged = (f"tag_search_{known}_precision_at_10" for known in ("tagged", "untagged"))
    rows = [
        *(
            Score(method="whole", metric=f"tag_search_{k}", value=v, **where)
            for k, v in (("tags", 40), ("images", 900))
        ),
        Score(method="whole", variant="probability", metric=untagged, value=0.3, **where),
        *(Score(method="chance", metric=metric, value=0.04, **where) for metric in (tagged, untagged)),
    ]
    for variant, value in (("", 0.1), ("centred", 0.6)):
        for metric, less in ((tagged, 0), (untagged, 0.05), ("tag_search_tagged_different", 0.08)):
            rows.append(Score(method="whole", variant=variant, metric=metric, value=value - less, **where))
    settings = {"models": {"whole": MODELS["whole"]}, "main": "whole", "k": 10, "training": TRAINING}
    made = Made("tag_search", rows, "mini", **settings)
    assert made.blocks[0] == [
        ["Model", "images with their tags", "images without", "different images", "splits"],
        ["MDRNN, whole", "0.100", "0.050", "0.020", "1"],
        ["MDRNN, whole, centred", "**0.600**", "**0.550**", "0.520", "1"],
        ["MDRNN, whole, by P(tag given image)", "", "0.300", "", "1"],
        ["Random ranking", "0.040", "0.040", "", "1"],
    ]
    assert "40 commonest tags, 900 test images." in made.caption


def predicted(split, value, optimal=True):
    where = {"split": split, "query": "image", "part": "test"}
    metrics = ["tags_precision_at_1", "tags_precision_at_10", *(f"tags_{name}" for name in MAPS)]
    found = []
    for method, number in {"whole": value, "marginal": 0.2, **({"optimal": 0.6} if optimal else {})}.items():
        found += [Score(method=method, metric=metric, value=number, **where) for metric in metrics]
        found.append(Score(method=method, metric="tags_log_loss", value=20 + number, **where))
    found += [
        Score(method="oracle", metric=f"tags_precision_at_{k}", value=1 - k / 20, **where) for k in (1, 10)
    ]
    counts = {
        "pictures": 900,
        "pictures_without_tag": 30,
        "vocabulary": 200,
        "judged": 150,
        "minimum_positives": 10,
    }
    return found + [Score(method="whole", metric=f"tags_{k}", value=v, **where) for k, v in counts.items()]


def test_tags_table():
    settings = {"models": {"whole": MODELS["whole"]}, "query": "image", "ks": [10, 1], "training": TRAINING}
    made = Made("tags", [*predicted(1, 0.5), *predicted(2, 0.54)], "mini", **settings)
    assert made.blocks == [
        [
            ["Predictor", "precision@1", "precision@10", "mAP (step)", "log loss (nats)", "splits"],
            ["MDRNN, whole", *["0.520 ± 0.028"] * 3, "20.52 ± 0.03", "2"],
            ["Tag frequencies of the training set", *["0.200 ± 0.000"] * 3, "20.20 ± 0.00", "2"],
            ["Bayes-optimal (the generator's probabilities)", *["0.600 ± 0.000"] * 3, "20.60 ± 0.00", "2"],
            ["Oracle ranking (upper bound)", "0.950 ± 0.000", "0.500 ± 0.000", "", "", "2"],
        ]
    ]
    assert "900 images, 30 without tags; 200 tags, mAP of 150 with 10 images." in made.caption
    real = Made("tags", predicted(1, 0.5, optimal=False), "mirflickr25k", **settings)
    assert {c.row for c in real.cells} == {"whole", "marginal", "oracle"}


def test_rules_of_narrow_columns_are_those_of_a_table():
    # GitHub takes no ":" alone for a rule.
    assert laid_out([("x", ["a"]), ("n", ["3"])]) == "| x  |  n |\n| -- | -: |\n| a  |  3 |\n"
