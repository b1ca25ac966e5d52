# SPDX-License-Identifier: MIT
"""What the table and the settings tell of a run is refused before its first job, with the key."""

import re

import numpy as np
import pytest
from scipy import sparse

from mvi.data.catalogue import Catalogue
from mvi.data.sets.base import Size
from mvi.errors import ConfigError
from mvi.workflow.foresight import check_tags, check_training, check_words

SIZE = Size(rows=60, labelled=40, train=30)


def run(**changes):
    settings = {
        "name": "mine",
        "copies": 0,
        "rows": {"parts": ["train"], "held_out": 5},
        "pathways": {"text": {"layers": [{"minimum_tags": 1, "training": {"batch_size": 10}}]}},
        "joint": {"minimum_tags": 1, "training": {"batch_size": 15}},
        "data": {"vocabulary": {"size": 5}},
        "compare": ["mp"],
        "methods": {"mp": {}, "dcca": {"training": {"batch_size": 10**6}}},
        "finetune_from": None,
        "finetune": [],
        "predicted_tags": {"minimum_positives": 3, "ks": [1, 2]},
        "tag_search": {"minimum": 3},
    }
    return settings | changes


def catalogue():
    text = np.zeros((60, 2), int)
    text[::2, 0] = 1
    return Catalogue(
        dataset="mine",
        names=[f"{row}.jpg" for row in range(60)],
        ids=np.arange(60),
        text=sparse.csr_array(text),
        vocabulary=["sky", "sea"],
        labels=np.zeros((40, 1), np.uint8),
        classes=["x"],
        splits={1: {"train": np.arange(30), "validation": np.arange(30, 34), "test": np.arange(34, 40)}},
        generated=False,
        citation="",
    )


@pytest.mark.parametrize(
    ("changes", "once", "says"),
    [
        (
            {"rows": {"parts": ["train"], "held_out": 30}},
            False,
            '"runs.mine.rows.held_out" is 30, .* 30 rows',
        ),
        ({}, True, None),
        (
            {"joint": {"minimum_tags": 1, "training": {"batch_size": 16}}},
            True,
            "joint.training.batch_size.* 15 ",
        ),
        ({"joint": {"minimum_tags": 1, "training": {"batch_size": 16}}}, False, None),
        (
            {"joint": {"minimum_tags": 2, "training": {"batch_size": 1}}},
            False,
            "joint.minimum_tags.* is 2, but no",
        ),
        (
            {"pathways": {"text": {"layers": [{"training": {"batch_size": 26}}]}}},
            False,
            re.escape('"runs.mine.pathways.text.layers[0].training.batch_size" is 26'),
        ),
    ],
)
def test_a_stage_that_could_not_fill_a_minibatch_is_refused(changes, once, says):
    if says is None:
        check_training(run(**changes), SIZE, once, catalogue())
        return
    with pytest.raises(ConfigError, match=says):
        check_training(run(**changes), SIZE, once, catalogue())


def test_more_words_than_there_can_be_patches_are_refused():
    phow = {"words": 600, "images": 100, "per_image": 10}
    check_words(phow, SIZE)
    for less in ({"words": 601}, {"images": 59}):
        with pytest.raises(
            ConfigError, match=r'"features.phow.words" is 60[01], but 60 images give (600|590)'
        ):
            check_words(phow | less, SIZE)


def test_tags_that_could_not_be_scored_are_refused():
    check_tags(run(), [1], SIZE, catalogue())
    for settings, says in (
        (
            {"minimum_positives": 4, "ks": [1]},
            r"minimum_positives\" is 4, .* more than 3 of the 6 test images",
        ),
        ({"minimum_positives": 1, "ks": [3]}, r"ks\" is \[3\], but there are only 2 tags"),
    ):
        with pytest.raises(ConfigError, match=says):
            check_tags(run(predicted_tags=settings), [1], SIZE, catalogue())
    with pytest.raises(ConfigError, match=r"tag_search\.minimum\" is 9, but no tag has more than 3"):
        check_tags(run(tag_search={"minimum": 9}), [1], SIZE, catalogue())


def test_tags_that_could_not_be_scored_are_refused_by_the_numbers_of_rows_alone():
    check_tags(run(tag_search={"minimum": 10}), [1], SIZE)
    with pytest.raises(ConfigError, match=r"tag_search\.minimum\" is 11, but no tag has more than 10 of"):
        check_tags(run(tag_search={"minimum": 11}), [1], SIZE)
    with pytest.raises(ConfigError, match=r"ks\" is \[6\], but there are only 5 tags"):
        check_tags(run(predicted_tags={"minimum_positives": 1, "ks": [6]}), [1], SIZE)
