# SPDX-License-Identifier: MIT
"""Average precision by class, out of score files."""

import math

from mvi.report.class_tables import class_table

SCORES = {
    "mp": {
        1: {"image/test_ap/step/sea": 0.2, "image/test_ap/step/plant life": 0.5, "image/test_map/step": 0.9},
        2: {"image/test_ap/step/sea": 0.4},
    },
    "raw text": {1: {"validation_ap/interpolated/sea": 0.7}},
}


def test_each_class_has_a_line_with_its_mean_over_the_splits_that_judge_it():
    table = class_table(SCORES).set_index(["row", "class"])
    sea = table.loc[("mp", "sea")]
    assert (sea["query"], sea["part"], sea["definition"], sea["splits"]) == ("image", "test", "step", 2)
    assert math.isclose(sea["mean"], 0.3) and math.isclose(sea["sd"], math.sqrt(0.02))
    once = table.loc[("mp", "plant life")]
    assert once["splits"] == 1 and math.isnan(once["sd"])
    raw = table.loc[("raw text", "sea")]
    assert (raw["query"], raw["part"], raw["mean"]) == ("", "validation", 0.7)
    assert len(table) == 3
