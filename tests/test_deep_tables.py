# SPDX-License-Identifier: MIT
"""The tables of the deep model from score files."""

import ast
import csv
import math
from pathlib import Path

import numpy as np
import pytest

from mvi.errors import ConfigError, DataError
from mvi.evaluation import multilabel
from mvi.report import deep_tables, deep_tables_sweep, deep_tables_tasks, table_files
from mvi.report.deep_tables_cells import (
    Origin,
    both_classifiers,
    finetuned_sentence,
    learned_sentence,
)
from mvi.report.figures.deep import sweep_readings
from mvi.workflow.config import resolve

ROOT = Path(__file__).parents[1]
PUBLISHED = table_files.read_published(ROOT / "config" / "published.csv", "flickr")
STAGES = {"top": "top layer finetuned", "whole": "whole network finetuned"}
DEFINITIONS = ("map/interpolated", "map/noninterpolated", "map/step")
MINI = Origin("mini", "mini-default", True)
TORONTO = Origin("toronto", "toronto-paper", False)
LAMBDA = {"penalty": 0.001, "penalties_tried": 1, "penalty_at_edge": False, "chosen_by": "interpolated"}
ROWS = {"rows/train": 1000, "rows/validation": 500, "rows/test": 1000}
WORDS = {"untagged": "observed", "learned_from": "the 5,000 unlabelled rows"}


def own(value, prefix="", shift=0.0):
    """Scores of one query: the test rows' value, one hundredth less on the validation rows."""
    scores = {f"{prefix}test_labels": 38, f"{prefix}validation_labels": 36}
    for k, metric in enumerate((*DEFINITIONS, "precision/50")):
        scores[f"{prefix}test_{metric}"] = value + shift + k / 100
        scores[f"{prefix}validation_{metric}"] = value + shift + k / 100 - 0.01
    return scores


def model(both, image, text, train_on="multimodal"):
    scores = LAMBDA | ROWS | {"features": 64, "train_on": train_on}
    for query, value in zip(("image+text", "image", "text"), (both, image, text), strict=True):
        scores |= own(value, f"{query}/")
    return scores


SCORES = {
    "whole": {1: model(0.60, 0.46, 0.50), 2: model(0.62, 0.44, 0.52)},
    "pcd": {1: model(0.55, 0.30, 0.40), 2: model(0.57, 0.35, 0.42)},
    "mp": {1: model(0.56, 0.40, 0.41), 2: model(0.58, 0.34, 0.45)},
    "top": {2: model(0.59, 0.43, 0.49)},
}
RAW = {
    query: {1: LAMBDA | ROWS | own(value), 2: LAMBDA | ROWS | own(value + 0.01)}
    for query, value in (("image+text", 0.52), ("image", 0.41), ("text", 0.49))
}
ROOTS = {
    "sqrt_image+text": {1: LAMBDA | ROWS | own(0.57), 2: LAMBDA | ROWS | own(0.59)},
    "sqrt_image": {1: LAMBDA | ROWS | own(0.45), 2: LAMBDA | ROWS | own(0.46)},
}


def cells2(scores=SCORES, origin=MINI, raw=RAW, **settings):
    settings = {"stages": STAGES, "published": PUBLISHED} | settings
    return deep_tables.table2(scores, raw, origin, **settings)


def blocks(markdown):
    """Lists of rows (lists of texts, the rule left out) of each table in the text."""
    found = []
    for text in markdown.split("\n\n"):
        lines = [line for line in text.splitlines() if line.startswith("|")]
        if lines:
            rows = [[part.strip() for part in line.strip("|").split(" | ")] for line in lines]
            assert len({len(line) for line in lines}) == 1 and all(len(row) == len(rows[0]) for row in rows)
            found.append([rows[0], *rows[2:]])
    return found


def test_table2_cells():
    cells = {(c.row, c.query, c.metric, c.part): c for c in cells2()}
    whole = cells["whole", "image", "map/interpolated", "test"]
    assert whole.mean == pytest.approx(0.45) and whole.sd == pytest.approx(0.01 * math.sqrt(2))
    assert (whole.splits, whole.kind, whole.positive, whole.label) == (
        2,
        "model",
        None,
        "MDRNN, whole network finetuned",
    )
    assert cells["whole", "text", "precision/50", "validation"].mean == pytest.approx(0.53)
    assert cells["top", "image", "map/step", "test"].sd is None
    raw = cells["raw", "image", "map/noninterpolated", "validation"]
    assert raw.kind == "reference" and raw.mean == pytest.approx(0.415)


def test_table2_differences_are_paired_over_splits():
    found = {(c.row, c.query): c for c in cells2() if c.kind == "difference" and c.part == "test"}
    assert set(found) == {("whole - raw", "image+text"), ("whole - raw", "image"), ("mp - pcd", "image")}
    cells = [c for c in cells2() if c.kind == "difference" and c.metric == "map/interpolated"]
    found = {(c.row, c.query, c.part): c for c in cells}
    # Splits 1 and 2: 0.40 - 0.30 and 0.34 - 0.35.
    mp = found["mp - pcd", "image", "test"]
    assert mp.mean == pytest.approx(0.045) and mp.sd == pytest.approx(0.055 * math.sqrt(2))
    assert (mp.positive, mp.splits) == (1, 2)
    assert mp.label == "Joint layer by MP - Joint layer by PCD, image only"
    # 0.46 - 0.41 and 0.44 - 0.42.
    raw = found["whole - raw", "image", "validation"]
    assert raw.mean == pytest.approx(0.035) and raw.positive == 2


def test_table2_has_a_second_reference_row_of_square_roots():
    cells = cells2(raw=RAW | ROOTS)
    roots = {(c.query, c.metric, c.part): c for c in cells if c.row == "roots"}
    metrics = (*DEFINITIONS, "precision/50")
    assert set(roots) == {
        (query, metric, part)
        for query in ("image+text", "image")
        for metric in metrics
        for part in ("test", "validation")
    }
    assert {(c.kind, c.label, c.splits) for c in roots.values()} == {
        ("reference", "Raw inputs, square roots of the descriptors, likewise", 2)
    }
    image = roots["image", "map/noninterpolated", "validation"]
    assert image.mean == pytest.approx(0.455) and image.sd == pytest.approx(0.005 * math.sqrt(2))
    assert roots["image+text", "map/interpolated", "test"].mean == pytest.approx(0.58)
    # The first reference row is as it was.
    assert [c for c in cells if c.row == "raw"] == [c for c in cells2() if c.row == "raw"]
    cells = cells2(raw=RAW | {"sqrt_image": ROOTS["sqrt_image"]})
    assert {c.query for c in cells if c.row == "roots"} == {"image"}
    assert [c.query for c in cells if c.row == "whole - roots" and c.metric == "map/step"] == ["image"] * 2


def test_table2_takes_differences_with_the_square_roots():
    cells = [c for c in cells2(raw=RAW | ROOTS) if c.kind == "difference"]
    assert list(dict.fromkeys((c.row, c.query) for c in cells)) == [
        ("whole - raw", "image+text"),
        ("whole - raw", "image"),
        ("whole - roots", "image+text"),
        ("whole - roots", "image"),
        ("mp - pcd", "image"),
    ]
    found = {(c.row, c.query, c.part): c for c in cells if c.metric == "map/interpolated"}
    # 0.46 - 0.45 and 0.44 - 0.46.
    image = found["whole - roots", "image", "test"]
    assert image.mean == pytest.approx(-0.005) and image.sd == pytest.approx(0.015 * math.sqrt(2))
    assert (image.positive, image.splits) == (1, 2)
    assert image.label == "MDRNN, whole network finetuned - raw inputs with square roots, image only"
    # 0.60 - 0.57 and 0.62 - 0.59.
    both = found["whole - roots", "image+text", "validation"]
    assert both.mean == pytest.approx(0.03) and both.positive == 2
    # What has no scores is compared with nothing.
    alone = {"sqrt_image+text": ROOTS["sqrt_image+text"]}
    cells = [c for c in cells2({"whole": SCORES["whole"]}, raw=alone) if c.kind == "difference"]
    assert {(c.row, c.query) for c in cells} == {("whole - roots", "image+text")}
    assert not [c for c in cells2({"top": SCORES["top"]}) if c.kind == "difference"]


def test_table2_shows_the_square_roots_below_the_raw_inputs():
    headline, others, differences = blocks(deep_tables.markdown2(cells2(raw=RAW | ROOTS)))
    assert [row[0] for row in headline[5:]] == [
        "Raw inputs, a linear classifier for each query",
        "Raw inputs, square roots of the descriptors, likewise",
    ]
    shown = ["0.580 ± 0.014", "0.570 ± 0.014", "0.455 ± 0.007", "0.445 ± 0.007"]
    assert headline[6][1:] == [*shown, "", "", "2"]
    assert len(others) == 7 and others[6][0] == headline[6][0] and others[6][3] == ""
    assert [row[0] for row in differences[1:]] == [
        "MDRNN, whole network finetuned - raw inputs, both",
        "MDRNN, whole network finetuned - raw inputs, image only",
        "MDRNN, whole network finetuned - raw inputs with square roots, both",
        "MDRNN, whole network finetuned - raw inputs with square roots, image only",
        "Joint layer by MP - Joint layer by PCD, image only",
    ]
    # Numbers published of raw inputs are not of their square roots.
    cells = cells2(origin=TORONTO, raw=RAW | ROOTS)
    assert {c.row for c in cells if c.kind == "reference" and c.published is not None} == {"raw"}


def test_table2_differences_of_splits_in_common():
    raw = RAW | {"image": {2: RAW["image"][2], 3: RAW["image"][2]}}
    scores = SCORES | {"pcd": {2: SCORES["pcd"][2], 4: SCORES["pcd"][1]}}
    found = {
        c.row: c
        for c in cells2(scores, raw=raw)
        if (c.kind, c.query, c.metric, c.part) == ("difference", "image", "map/step", "test")
    }
    # Only split 2 has both: 0.44 - 0.42 and 0.34 - 0.35.
    for row, mean, positive in (("whole - raw", 0.02, 1), ("mp - pcd", -0.01, 0)):
        assert found[row].mean == pytest.approx(mean) and found[row].sd is None
        assert (found[row].splits, found[row].positive) == (1, positive)
    with pytest.raises(DataError, match="Joint layer by PCD, image only: no split has scores of both"):
        cells2(SCORES | {"pcd": {7: SCORES["pcd"][2]}})


def test_table2_markdown():
    headline, others, differences = blocks(deep_tables.markdown2(cells2()))
    assert headline[0] == [
        "Model",
        *["both", "validation", "image only", "validation", "text only", "validation"],
        "splits",
    ]
    assert [row[0] for row in headline[1:]] == [
        "Joint layer by PCD",
        "Joint layer by MP",
        "MDRNN, top layer finetuned",
        "MDRNN, whole network finetuned",
        "Raw inputs, a linear classifier for each query",
    ]
    assert headline[4][1:5] == ["0.610 ± 0.014", "0.600 ± 0.014", "0.450 ± 0.014", "0.440 ± 0.014"]
    assert headline[3][1:3] == ["0.590", "0.580"] and headline[3][-1] == "1"
    assert others[0][1:4] == [f"mAP, non-interpolated, {q}" for q in ("both", "image only", "text only")]
    assert others[0][-4:-1] == [f"precision at 50, {q}" for q in ("both", "image only", "text only")]
    assert others[1][1] == "0.570 ± 0.014" and len(others) == 6
    assert differences[0] == ["Difference", "test", "above 0", "validation", "above 0"]
    mp = next(row for row in differences if "MP" in row[0])
    assert mp[1:] == ["+0.045 ± 0.078", "1 of 2", "+0.045 ± 0.078", "1 of 2"]


def test_a_mixed_classifier_says_so_and_short_parts_have_no_precision():
    mixed = {name: {1: model(0.6, 0.5, 0.5, "mixed")} for name in ("whole", "mp")}
    scores = both_classifiers(SCORES | {"another": SCORES["mp"]}, mixed)
    cells = cells2(scores, origin=TORONTO)
    rows = list(dict.fromkeys((c.row, c.label) for c in cells if c.kind == "model"))
    assert [row for row, _ in rows] == [*("pcd", "mp", "top", "whole", "another"), "mp/mixed", "whole/mixed"]
    assert rows[-1][1] == "MDRNN, whole network finetuned, classifier on mixed queries"
    assert all(c.published is None for c in cells if c.row == "whole/mixed")
    assert {c.splits for c in cells if c.row == "mp/mixed"} == {1}
    short = {"mp": {1: model(0.5, 0.4, 0.3) | {"rows/validation": 50}}}
    assert {c.metric for c in cells2(short)} == set(DEFINITIONS)


def test_published_numbers_stand_beside_the_toronto_archive_only():
    sweep, retrieval = make_sweep(), make_retrieval()
    for origin in (MINI, Origin("mirflickr25k", "r", False), Origin("toronto", "r", True)):
        cells = cells2(origin=origin)
        cells += deep_tables_sweep.table3(sweep, origin, main=10, published=PUBLISHED)
        cells += deep_tables_tasks.retrieval_table(retrieval, origin, stages=STAGES, published=PUBLISHED)
        assert all(c.published is None and c.published_source == "" and c.kind != "published" for c in cells)
    cells = cells2(origin=TORONTO)
    beside = {(c.row, c.query, c.metric): c.published for c in cells if c.published is not None}
    assert beside == {
        ("whole", "image+text", "map/interpolated"): 0.686,
        ("whole", "image", "map/interpolated"): 0.607,
        ("raw", "image", "map/noninterpolated"): 0.417,
        ("mdbm", "image+text", "map/noninterpolated"): 0.609,
        ("mdbm", "image", "map/noninterpolated"): 0.531,
        ("mdbn", "image+text", "map/noninterpolated"): 0.599,
    }
    headline, others, _ = blocks(deep_tables.markdown2(cells))
    assert headline[0].count("published") == 2 and headline[4][headline[0].index("published")] == "0.686"
    dbm = next(row for row in others if row[0] == "Multimodal DBM")
    assert [text for text in dbm[1:] if text] == ["0.609", "0.531"]
    caption = deep_tables.caption2(cells, SCORES, RAW, iterations=10, **WORDS)
    assert "Published 0.686: Sohn et al. 2014, Table 2 (not read there" in caption
    assert "Published 0.531, 0.599, 0.609: Srivastava" in caption
    assert "generated" not in caption


def test_table2_caption():
    other = model(0.5, 0.4, 0.3, "mixed") | {"penalty": 0.1, "penalty_at_edge": True}
    mixed = both_classifiers(SCORES, {"mp": {1: other}})
    caption = deep_tables.caption2(cells2(mixed), mixed, RAW, iterations=7, note="Small pictures.", **WORDS)
    for part in (
        "procedural scenes with tags (`mini`), run `mini-default`, generated by a program",
        "Small pictures.",
        "1,000 train, 500 validation, 1,000 test; means over the 38 labels that occur in the test rows and"
        " the 36 that occur in the validation rows. The unsupervised training learned from the 5,000"
        " unlabelled rows. The MDRNN is finetuned from the joint layer by MP. A missing modality is filled in"
        " by 7 mean-field iterations. For a picture without tags the query with both modalities says that it"
        " has none (zero text observed). Queries of the tags alone include the pictures without tags, which"
        " they cannot tell apart. Classifier: ",
        "multimodal features only or trained on the features of every query",
        "lambda 0.001 to 0.1, fixed; on raw inputs one for each query, lambda 0.001, fixed.",
        "In 1 of 8 fits",
        "interpolated (precision",
        "over 2 splits; not every row has all",
    ):
        assert part in caption, part
    assert "\n" not in caption and "Published" not in caption
    others = {"untagged": "inferred", "finetuned": "cd_percloss"}
    inferred = deep_tables.caption2(cells2(), SCORES, {}, iterations=7, learned_from="", **others)
    assert "leaves its text to be inferred, so that multimodal features include those of such" in inferred
    assert "finetuned from the joint layer by CD-PercLoss." in inferred and "raw inputs one" not in inferred
    fewer = SCORES | {"top": {2: SCORES["top"][2] | {"image/validation_labels": 33}}}
    caption = deep_tables.caption2(cells2(fewer), fewer, RAW, iterations=7, **WORDS)
    assert "the 38 labels that occur in the test rows and the 33 to 36 that occur in the" in caption
    with pytest.raises(ConfigError, match="untagged is 'none'; choose one of observed, inferred"):
        deep_tables.caption2(cells2(), SCORES, RAW, iterations=7, learned_from="", untagged="none")


def test_missing_scores_are_refused():
    broken = {"mp": {1: model(0.5, 0.4, 0.3)}}
    del broken["mp"][1]["text/test_map/step"]
    with pytest.raises(DataError, match="mp hold None for 'text/test_map/step'"):
        cells2(broken)
    with pytest.raises(DataError, match="no scores"):
        cells2({})


def sweep_scores(whole, lacking):
    """As of `multilabel.sweep`: the test rows' scores are those of the validation rows squared."""
    scores = LAMBDA | ROWS | {"features": 64, "train_on": "multimodal"}
    values = {"image+text/": whole} | {f"image/n{n}/": value for n, value in lacking.items()}
    for prefix, value in values.items():
        scores |= {f"{prefix}validation_labels": 38, f"{prefix}test_labels": 37}
        for k, metric in enumerate(DEFINITIONS):
            scores[f"{prefix}validation_{metric}"] = value + k / 100
            scores[f"{prefix}test_{metric}"] = value**2 + k / 100
        # Some of what the table does not show.
        scores |= {f"{prefix}test_precision/50": 0.9, f"{prefix}validation_ap/interpolated/sky": 0.8}
    return scores


def make_sweep():
    main = {
        1: sweep_scores(0.60, {0: 0.30, 1: 0.40, 10: 0.42}),
        2: sweep_scores(0.62, {0: 0.32, 1: 0.44, 10: 0.43}),
    }
    return {
        "n10": main,
        "n0": {1: sweep_scores(0.58, {0: 0.35, 10: 0.1}), 2: sweep_scores(0.59, {0: 0.34, 10: 0.1})},
        "n1": {1: sweep_scores(0.59, {1: 0.36, 10: 0.1}), 2: sweep_scores(0.61, {1: 0.45, 10: 0.1})},
    }


def cells3(scores=None, origin=MINI):
    return deep_tables_sweep.table3(scores or make_sweep(), origin, main=10, published=PUBLISHED)


def headline3(cells, kind, part):
    """The cells of one kind and part, in the authors' average precision."""
    wanted = (kind, part, "map/interpolated")
    return [c for c in cells if (c.kind, c.part, c.metric) == wanted]


def test_table3_has_both_readings():
    cells = cells3()
    found = {(c.row, c.iterations): c for c in headline3(cells, "model", "validation")}
    assert len(found) == 16
    # Every other model by all its numbers.
    assert [found["trained0/image", n].mean for n in (0, 10)] == pytest.approx([0.345, 0.1])
    assert [found["trained1/image", n].mean for n in (1, 10)] == pytest.approx([0.405, 0.1])
    assert found["trained0/image", 10].label == "Unimodal, trained with 0, changed at test only"
    assert [found["test/image", n].mean for n in (0, 1, 10)] == pytest.approx([0.31, 0.42, 0.425])
    assert [found["both/image", n].mean for n in (0, 1, 10)] == pytest.approx([0.345, 0.405, 0.425])
    assert [found["test/image+text", n].mean for n in (0, 1, 10)] == pytest.approx([0.61] * 3)
    assert [found["both/image+text", n].mean for n in (0, 1, 10)] == pytest.approx([0.585, 0.6, 0.61])
    assert found["test/image", 1].sd == pytest.approx(0.02 * math.sqrt(2))
    # Each of the 16 in three definitions and two parts.
    models = [c for c in cells if c.kind == "model"]
    places = {(c.row, c.iterations, c.metric, c.part) for c in models}
    assert len(places) == len(models) == 16 * 3 * 2
    assert {c.part for c in cells} == {"validation", "test"} and {c.metric for c in cells} == set(DEFINITIONS)
    alone = cells3({"n10": make_sweep()["n10"]})
    assert {c.row.split("/")[0] for c in alone} == {"test"}


def test_table3_has_test_rows_beside_validation_rows():
    found = {(c.row, c.iterations): c for c in headline3(cells3(), "model", "test")}
    assert len(found) == 16
    # Means over splits 1 and 2 of the squares.
    changed = [(0.09 + 0.1024) / 2, (0.16 + 0.1936) / 2, (0.1764 + 0.1849) / 2]
    assert [found["test/image", n].mean for n in (0, 1, 10)] == pytest.approx(changed)
    alike = [(0.1225 + 0.1156) / 2, (0.1296 + 0.2025) / 2, changed[2]]
    assert [found["both/image", n].mean for n in (0, 1, 10)] == pytest.approx(alike)
    whole = [(0.3364 + 0.3481) / 2, (0.3481 + 0.3721) / 2, (0.36 + 0.3844) / 2]
    assert [found["test/image+text", n].mean for n in (0, 1, 10)] == pytest.approx([whole[2]] * 3)
    assert [found["both/image+text", n].mean for n in (0, 1, 10)] == pytest.approx(whole)
    assert found["test/image", 1].sd == pytest.approx((0.1936 - 0.16) / math.sqrt(2))
    steps = {(c.row, c.metric): c for c in cells3() if c.kind == "model" and c.part == "test"}
    assert steps["test/image", "map/step"].mean == pytest.approx(changed[2] + 0.02)


def test_table3_differences():
    found = {c.row: c for c in headline3(cells3(), "difference", "validation")}
    assert set(found) == {
        f"{reading}/{step}"
        for reading in ("test/image", "both/image", "both/image+text")
        for step in ("1-0", "10-1", "10-0")
    } | {"trained0/image/10-0", "trained1/image/10-1"}
    assert found["trained0/image/10-0"].mean == pytest.approx(-0.245)
    last = found["test/image/10-1"]
    assert last.mean == pytest.approx(0.005) and (last.positive, last.splits) == (1, 2)
    assert found["test/image/1-0"].mean == pytest.approx(0.11)
    assert found["both/image/10-1"].mean == pytest.approx(0.02)
    assert found["both/image/10-1"].sd == pytest.approx(0.04 * math.sqrt(2))
    assert last.label == "Unimodal, changed at test only: 10 - 1"
    test = {c.row: c for c in headline3(cells3(), "difference", "test")}
    assert {row: c.label for row, c in test.items()} == {row: c.label for row, c in found.items()}
    # 0.42^2 - 0.40^2 and 0.43^2 - 0.44^2.
    last = test["test/image/10-1"]
    assert last.mean == pytest.approx((0.0164 - 0.0087) / 2) and (last.positive, last.splits) == (1, 2)
    assert last.sd == pytest.approx((0.0164 + 0.0087) / math.sqrt(2))


def test_table3_markdown_and_published():
    markdown = deep_tables_sweep.markdown3(cells3())
    table, test, differences = blocks(markdown)
    assert table[0] == ["Iterations", "0", "1", "10", "splits"] and len(table) == 7
    assert table[5] == [
        "Unimodal, trained with 0, changed at test only",
        *("0.345 ± 0.007", "", "0.100 ± 0.000", "2"),
    ]
    assert table[2][:3] == ["Unimodal, changed at test only", "0.310 ± 0.014", "0.420 ± 0.028"]
    assert markdown.count("**The same on the test rows.**") == 1
    assert test[0] == table[0] and [row[0] for row in test] == [row[0] for row in table]
    shown = ["0.096 ± 0.009", "0.177 ± 0.024", "0.181 ± 0.006", "2"]
    assert test[2] == ["Unimodal, changed at test only", *shown]
    assert differences[0] == ["Difference", "validation", "above 0", "test", "above 0"]
    assert len(differences) == 12
    last = next(row for row in differences if row[0] == "Unimodal, changed at test only: 10 - 1")
    assert last[1:] == ["+0.005 ± 0.021", "1 of 2", "+0.004 ± 0.018", "1 of 2"]
    cells = cells3(origin=TORONTO)
    quoted = {(c.query, c.iterations): c.published for c in cells if c.kind == "published"}
    assert [quoted["image", n] for n in (0, 1, 2, 3, 5, 10)] == [0.557, 0.591, 0.599, 0.602, 0.605, 0.607]
    assert [quoted["image+text", n] for n in (0, 1, 2, 3, 5, 10)] == [0.677, 0.678, 0.679, 0.68, 0.682, 0.685]
    assert {c.part for c in cells if c.kind == "published"} == {"validation"}
    table, test, _ = blocks(deep_tables_sweep.markdown3(cells))
    assert test[0] == table[0] and len(test) == 7 and not any("published" in row[0] for row in test)
    unimodal = next(row for row in table if row[0] == "Unimodal, published")
    assert unimodal[1:] == ["0.557", "0.591", "0.599", "0.602", "0.605", "0.607", ""]
    assert "published" not in table[0] and table[1][3] == ""


def test_table3_caption_and_refusals():
    caption = deep_tables_sweep.caption3(cells3(), make_sweep(), main=10, **WORDS)
    for part in (
        "**Table 3.** mAP (interpolated) of the validation rows, and below of the test rows, by the number of"
        " mean-field iterations on procedural scenes",
        "generated by a program",
        "Rows: 1,000 train, 500 validation, 1,000 test; means over the 38 labels that occur in the validation"
        " rows and the 37 that occur in the test rows. The unsupervised training learned from the 5,000"
        " unlabelled rows. The MDRNN is finetuned from the joint layer by MP. Changed at test only: one"
        " model, trained with 10 iterations; multimodal queries need none and have one number. In training"
        " and test alike: the last stage of finetuning once for each number, from the same network; below,"
        " each of these changed at test only. For a"
        " picture without tags the query with both modalities says",
        "trained on multimodal features only, lambda 0.001, fixed. Each test score is that of the classifier"
        " trained again on training and validation rows; the validation score, of the one trained on the"
        " training rows. Mean ± standard deviation",
    ):
        assert part in caption, part
    others = {"untagged": "inferred", "finetuned": "pcd", "learned_from": "what was seen"}
    caption = deep_tables_sweep.caption3(cells3(), make_sweep(), main=10, **others)
    assert "finetuned from the joint layer by PCD." in caption
    # A picture without tags is filled in by iterations whatever is asked.
    assert "multimodal queries are encoded with as many and have one number." in caption
    one = {"n10": {3: sweep_scores(0.6, {0: 0.3})}}
    caption = deep_tables_sweep.caption3(cells3(one), one, main=10, **WORDS)
    assert "One split (3)" in caption and "alike" not in caption
    assert not [c for c in cells3(one) if c.kind == "difference"]
    with pytest.raises(DataError, match="trained with 10 iterations"):
        cells3({"n5": one["n10"]})
    with pytest.raises(DataError, match="'mp' are not in a folder"):
        cells3(one | {"mp": {}})
    with pytest.raises(DataError, match="n3 hold None for 'image/n3/validation_map/interpolated'"):
        cells3({"n10": make_sweep()["n10"], "n3": {1: sweep_scores(0.5, {0: 0.1})}})
    untested = make_sweep()
    del untested["n1"][2]["image/n1/test_map/step"]
    with pytest.raises(DataError, match="n1 hold None for 'image/n1/test_map/step'"):
        cells3(untested)


def test_table3_and_its_figure_take_the_scores_as_the_sweep_gives_them():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 4))
    labels = (X[:, :2] + rng.normal(size=(90, 2)) > 0).astype(np.uint8)
    split = {"train": np.arange(30), "validation": np.arange(30, 60), "test": np.arange(60, 90)}
    scores = {
        f"n{trained}": {
            1: multilabel.sweep(
                X + trained / 5, {n: X * [1, n, 1, 1] for n in (0, 3)}, labels, split, [0.01], classes="ab"
            )
        }
        for trained in (0, 3)
    }
    cells = deep_tables_sweep.table3(scores, MINI, main=3)
    given = {(c.row, c.iterations, c.metric, c.part): c.mean for c in cells if c.kind == "model"}
    assert len(given) == (8 + 2) * 3 * 2
    for (row, n, metric, part), value in given.items():
        reading, _, query = row.partition("/")
        model = scores[{"test": "n3", "trained0": "n0"}.get(reading, f"n{n}")][1]
        assert (
            value == model[f"image/n{n}/{part}_{metric}" if query == "image" else f"{query}/{part}_{metric}"]
        )
    caption = deep_tables_sweep.caption3(cells, scores, main=3, **WORDS)
    assert "Rows: 30 train, 30 validation, 30 test; means over the 2 labels" in caption
    for part in ("validation", "test"):
        readings = sweep_readings(scores, 3, part=part)
        assert list(readings) == ["test", "both"]
        for name, reading in readings.items():
            assert reading.iterations.tolist() == [0, 3]
            for query, values in (("image+text", reading.multimodal), ("image", reading.unimodal)):
                key = [(f"{name}/{query}", n, "map/interpolated", part) for n in (0, 3)]
                assert values.tolist() == [[given[place] for place in key]]


@pytest.mark.parametrize(
    ("once", "parts", "expected"),
    [
        (
            True,
            ["train", "validation"],
            "the unlabelled rows, and so once for all splits; what differs from split to split is the"
            " labelled rows, not this training.",
        ),
        (
            False,
            ["train"],
            "the train rows of each split without their labels, as there are no unlabelled rows or too few.",
        ),
        (
            False,
            ["train", "validation"],
            "the train and validation rows of each split without their labels, as there are no unlabelled"
            " rows or too few; it has thus seen the validation rows, whose scores are too good to be compared"
            " with those of other methods.",
        ),
    ],
)
def test_tables_say_what_the_unsupervised_training_learned_from(once, parts, expected):
    tree = ast.parse((ROOT / "rules" / "common_results.smk").read_text(encoding="utf-8"))
    wanted = ("validation_seen", "learned_from")
    tree.body = [node for node in tree.body if getattr(node, "name", "") in wanted]
    known = {"learned_once": lambda: once, "config": {"flickr": {"rows": {"parts": parts}}}}
    exec(compile(tree, "common_results.smk", "exec"), known)
    found = learned_sentence(known["learned_from"]())
    assert found == f"The unsupervised training learned from {expected}"
    assert known["validation_seen"]() == ("too good" in expected)


def test_every_objective_may_be_what_is_finetuned():
    for objective in resolve({})["flickr"]["joint"]["compare"]:
        assert finetuned_sentence(objective).startswith("The MDRNN is finetuned from the joint layer by ")


def retrieval_scores(values, chance=0.4):
    scores = {}
    for query, value in zip(("image+text", "image", "text"), values, strict=True):
        scores |= {f"{query}/{metric}": value + k / 100 for k, metric in enumerate(DEFINITIONS)}
        scores |= {f"{query}/chance_map": chance, f"{query}/queries": 100, f"{query}/database": 1500}
        scores[f"{query}/queries_judged"] = 97 if query == "text" else 98
    return scores


def make_retrieval():
    return {
        "whole": {1: retrieval_scores((0.6, 0.5, 0.55)), 2: retrieval_scores((0.62, 0.5, 0.56), 0.44)},
        "mp": {2: retrieval_scores((0.58, 0.5, 0.5), 0.44)},
    }


def test_retrieval_table():
    scores = make_retrieval()
    cells = deep_tables_tasks.retrieval_table(scores, MINI, stages=STAGES)
    (table,) = blocks(deep_tables_tasks.retrieval_markdown(cells))
    names = ["both", "image only", "text only"]
    assert table[0] == ["Model", *names, *(f"{name}, non-interpolated" for name in names), "splits"]
    assert table[1] == ["Joint layer by MP", "0.580", "0.500", "0.500", "0.590", "0.510", "0.510", "1"]
    assert table[2][:2] == ["MDRNN, whole network finetuned", "0.610 ± 0.014"]
    assert table[3] == ["A random ranking", "", "", "", *["0.420 ± 0.028"] * 3, "2"]
    caption = deep_tables_tasks.retrieval_caption(cells, scores, iterations=10, **WORDS)
    for part in (
        "generated",
        "100 queries and a database of 1,500",
        "97 to 98 queries",
        "by 10 mean-field",
        "(zero text observed). Queries of the tags alone include the pictures without tags, which they",
    ):
        assert part in caption
    # No classifier is trained for a ranking.
    inferred = deep_tables_tasks.retrieval_caption(
        cells, scores, iterations=10, learned_from="", untagged="inferred"
    )
    assert "text to be inferred" in inferred and "classifier" not in inferred
    cells = deep_tables_tasks.retrieval_table(scores, TORONTO, stages=STAGES, published=PUBLISHED)
    (table,) = blocks(deep_tables_tasks.retrieval_markdown(cells))
    assert [text for text in table[-2] if text] == ["MDRNN, published", "0.633", "0.638"]
    assert [text for text in table[-1] if text] == ["Multimodal DBM, published", "0.622", "0.614"]
    scores["mp"][2]["text/chance_map"] = 0.3
    with pytest.raises(DataError, match="differ in 'text/chance_map' of split 2"):
        deep_tables_tasks.retrieval_table(scores, MINI, stages=STAGES)


def tag_scores(value, optimal=True):
    scores = {"pictures": 900, "pictures_without_tag": 30, "vocabulary": 200, "tags_judged": 150}
    scores |= {"minimum_positives": 10, "tags_a_picture": 5.1}
    shifts = {"model": 0.0, "marginal": -0.2} | ({"optimal": 0.2} if optimal else {})
    for predictor, shift in shifts.items():
        # Only the model's own scores differ among models.
        base = value if predictor == "model" else 0.4
        scores |= {f"{predictor}/precision/{k}": base + shift for k in (1, 10)}
        scores |= {f"{predictor}/{metric}": base + shift for metric in DEFINITIONS}
        scores[f"{predictor}/log_loss"] = 20.0 + shift
    return scores | {f"possible/precision/{k}": 1 - k / 20 for k in (1, 10)}


def test_tags_table():
    scores = {"whole": {1: tag_scores(0.5), 2: tag_scores(0.54)}, "mp": {1: tag_scores(0.45)}}
    cells = deep_tables_tasks.tags_table(scores, MINI, stages=STAGES)
    (table,) = blocks(deep_tables_tasks.tags_markdown(cells))
    assert table[0] == [
        *["Predictor", "precision at 1", "precision at 10", "mAP of the tags", "log loss, nats", "splits"]
    ]
    assert [row[0].split(" ")[0] for row in table[1:]] == [
        "Joint",
        "MDRNN,",
        "Frequencies",
        "Bayes-optimal",
        "Best",
    ]
    assert table[3][0] == "Frequencies of the tags in the rows learned from"
    assert table[2][1:] == [*["0.520 ± 0.028"] * 3, "20.00 ± 0.00", "2"]
    assert table[3][3] == "0.200 ± 0.000" and table[4][4] == "20.20 ± 0.00"
    assert table[5][1:] == ["0.950 ± 0.000", "0.500 ± 0.000", "", "", "2"]
    assert {c.metric for c in cells} >= set(DEFINITIONS)
    caption = deep_tables_tasks.tags_caption(cells, scores, iterations=10, learned_from="what was seen")
    for part in (
        "generated by a program",
        "900, of which 30 have no tag",
        "the 150 tags",
        "least 10",
        "what was seen.",
    ):
        assert part in caption
    real = {"whole": {1: tag_scores(0.5, optimal=False)}}
    cells = deep_tables_tasks.tags_table(real, Origin("mirflickr25k", "r", False), stages=STAGES)
    assert "optimal" not in {c.row for c in cells}


def test_csv_holds_every_cell(tmp_path):
    cells = cells2(origin=TORONTO)
    table_files.write_csv(tmp_path / "table2.csv", cells)
    with (tmp_path / "table2.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(cells) and {row["kind"] for row in rows} == {
        *("model", "reference", "difference", "published")
    }
    for row, cell in zip(rows, cells, strict=True):
        assert row["mean"] == ("" if cell.mean is None else repr(cell.mean))
        assert row["positive"] == ("" if cell.positive is None else str(cell.positive))
