# SPDX-License-Identifier: MIT
"""What is said to have been found: the words follow the numbers, whichever way they point."""

from dataclasses import asdict

import pytest

from mvi.evaluation.scores import Score
from mvi.report.findings import Question, Side, findings, leading, theory_findings
from mvi.report.scores import Scores
from mvi.workflow.config import resolve
from mvi.workflow.plan import Plan
from mvi.workflow.results import labels, questions

PLAN = Plan(resolve({"runs": ["digits-default", "mini-default", "theory"]}))


def table(**methods: list[float]) -> list[Score]:
    """Test errors of methods by seed, and validation errors that are the same."""
    return [
        Score(method=method, metric="error", query="left", part=part, split=1, seed=seed, value=value)
        for method, values in methods.items()
        for seed, value in enumerate(values)
        for part in ("validation", "test")
    ]


def asked(left: str, right: str, **other: object) -> Question:
    sides = [Side("{}", [(name, "", name.upper()) for name in names.split()]) for names in (left, right)]
    return Question("Left-only", *sides, "error", "left", lowest=True, repeated="seed", **other)


@pytest.mark.parametrize(
    ("mp", "pcd", "said"),
    [
        ([6, 7, 8], [9, 11, 10], "MP better than PCD, error 7.00 % and 10.00 % (3 of 3 seeds, p = 0.035)."),
        ([9, 11, 10], [6, 7, 8], "MP worse than PCD, error 10.00 % and 7.00 % (3 of 3 seeds, p = 0.035)."),
        (
            [6, 7, 12],
            [7, 8, 11],
            "MP not clearly better than PCD, error 8.33 % and 8.67 % (2 of 3 seeds, p = 0.67).",
        ),
        ([6, 9], [7, 8], "MP level with PCD, error 7.50 % and 7.50 % (0 of 2 seeds, p = 1)."),
        ([7, 7], [7, 7], "MP level with PCD, error 7.00 % and 7.00 % (0 of 2 seeds, p = 1)."),
        ([6], [9], "MP better than PCD, error 6.00 % and 9.00 % (one seed)."),
    ],
)
def test_the_words_follow_the_paired_differences(mp, pcd, said):
    scores = Scores(table(mp=mp, pcd=pcd))
    assert findings(scores, [asked("mp", "pcd")]) == [f"Left-only: {said}"]


def test_more_is_better_of_average_precision():
    scores = [
        Score(method=name, metric="map_interpolated", query="image", part="test", split=1, value=value)
        for name, value in (("whole", 0.5), ("image", 0.6))
    ]
    sides = [Side(label, [(name, "", "")]) for label, name in (("MDRNN", "whole"), ("a baseline", "image"))]
    question = Question("Image-only", *sides, "map_interpolated", "image")
    assert findings(Scores(scores), [question]) == [
        "Image-only: MDRNN worse than a baseline, mAP 0.500 and 0.600 (one split)."
    ]


def test_splits_that_share_most_of_their_rows_prove_less_than_seeds():
    scores = [
        Score(method=name, metric="map_interpolated", query="image", part="test", split=split, value=value)
        for name, values in (("whole", [0.52, 0.54, 0.53]), ("image", [0.5, 0.5, 0.5]))
        for split, value in enumerate(values)
    ]
    rows = [
        Score(method="whole", metric="rows", part=part, split=0, value=value)
        for part, value in (("train", 100), ("validation", 200), ("test", 1200))
    ]
    sides = [Side(name, [(name, "", "")]) for name in ("whole", "image")]

    def said(repeated, scores):
        question = Question("T", *sides, "map_interpolated", "image", repeated=repeated)
        return findings(Scores(scores), [question])[0]

    assert "whole better than image" in said("seed", scores + rows)
    assert "whole not clearly better than image" in said("split", scores + rows)
    assert "whole better than image" in said("split", scores)


def test_our_side_is_chosen_by_validation_and_the_other_by_what_is_hardest_to_beat():
    scores = table(mp=[5.0], hybrid=[6.0], pcd=[9.0], raw=[8.0])
    # By test scores MP is best of the left, by validation scores the hybrid.
    scores = [
        Score(**{**asdict(one), "value": 7.0}) if (one.method, one.part) == ("mp", "validation") else one
        for one in scores
    ]
    (said,) = findings(Scores(scores), [asked("mp hybrid", "pcd raw")])
    assert said == "Left-only: HYBRID better than RAW, error 6.00 % and 8.00 % (one seed)."


def test_what_was_computed_once_is_compared_with_every_seed():
    scores = table(mp=[5, 6, 9])
    scores += [Score(method="raw", metric="error", query="left", part="test", split=1, value=8)]
    (said,) = findings(Scores(scores), [asked("mp", "raw")])
    assert (
        said == "Left-only: MP not clearly better than RAW, error 6.67 % and 8.00 % (2 of 3 seeds, p = 0.38)."
    )


def test_what_has_no_scores_is_not_spoken_of():
    assert findings(Scores(table(mp=[5])), [asked("mp", "pcd"), asked("pcd", "mp")]) == []


def test_questions_survive_as_settings_of_a_job():
    for run in PLAN.runs.values():
        settings = questions(run)
        assert len(settings) >= 5
        assert [asdict(Question.of(one)) for one in settings] == settings


def test_the_default_runs_ask_what_the_paper_claims():
    digits, mini = ([Question.of(one) for one in questions(run)] for run in PLAN.runs.values())
    assert [(one.query, one.metric, one.lowest) for one in digits[:3]] == [
        (query, "error", True) for query in ("left", "right", "left+right")
    ]
    assert [name for name, *_ in digits[0].left.methods] == ["cd_percloss", "mp", "hybrid"]
    assert [name for name, *_ in digits[0].right.methods] == ["pcd"]
    pairs = [(one.left.methods[0][0], one.metric) for one in mini]
    assert ("mp", "map_interpolated") in pairs and ("whole", "retrieval_map_interpolated") in pairs
    assert "sqrt_image" in [name for name, *_ in mini[0].right.methods]
    assert questions(PLAN.theory["theory"]) == []


@pytest.mark.parametrize(
    ("residual", "slope", "said"),
    [
        (1e-14, -0.5, ["Eq. 4 holds: its sides differ by 1.0e-14 nats at most.", "is seen"]),
        (1e-3, -0.01, ["Eq. 4 does not hold: its sides differ by 1.0e-03 nats at most.", "is not seen"]),
    ],
)
def test_the_theory_is_said_to_hold_only_if_it_does(residual, slope, said):
    consistency = {"coupled/one_sample/joint/slope": slope, "coupled/one_sample/joint/slope_error": 0.01}
    ends = {"mp/mean_field/last": 3.5, "pcd/mean_field/last": 3.75}
    found = theory_findings({"largest_residual": residual}, consistency, ends, labels(["mp", "pcd"]))
    assert found[0] == said[0] and found[1].startswith(f"Theorem 2.1 {said[1]}")
    assert found[2].endswith("MinVI (MP) 3.50 nats (ML (PCD) 3.75).")


def test_the_first_findings_are_taken_of_all_runs_in_turn():
    found = {"a": ["a1", "a2", "a3"], "b": [], "c": ["c1", "c2"]}
    assert leading(found, 3) == [("a", "a1"), ("a", "a2"), ("c", "c1")]
    assert len(leading(found, 9)) == 5 and leading({}, 5) == []
