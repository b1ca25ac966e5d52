# SPDX-License-Identifier: MIT
"""Settings of every method chosen by validation rows: what is tried, how it is chosen, what reruns."""

from pathlib import Path

import pytest

from mvi.errors import ConfigError, DataError
from mvi.evaluation.scores import Score
from mvi.report import chosen
from mvi.report.tables import About
from mvi.workflow import progress, results, search
from mvi.workflow.config import resolve
from mvi.workflow.plan import Plan
from mvi.workflow.schema import merge

FOLDER = Path(__file__).parents[1] / "config/runs"
GRIDS = {
    "mp": {"training.learning_rate": ["1e-2", 0.02]},
    "cca": {"ridge": [0.1, 1]},
    "contrastive": {"training.learning_rate": [0.001, 0.002]},
}
OWN = {"extends": "mini-default", "compare": list(GRIDS), "search": GRIDS}


def run_of(own=OWN, **over):
    return Plan(resolve({"runs": {"x": merge(own, over)}}, FOLDER)).runs["x"]


# -- what is tried -------------------------------------------------------------------------------------


def test_candidates_are_all_combinations_laid_over_the_settings_of_their_method_alone():
    grid = {"ridge": [0.1, 1], "code": [8, 16]}
    assert search.candidates(grid)[1] == {"ridge": 0.1, "code": 16} and len(search.candidates(grid)) == 4
    run = run_of()
    # The schedule of a joint layer lies over that of all, and of others among their own settings.
    assert [run.candidate_schedule("mp", n)["learning_rate"] for n in "12"] == [0.01, 0.02]
    assert run.candidate_schedule("mp", "1") == run.schedule("mp") | {"learning_rate": 0.01}
    assert run.candidate_objective("mp", "1") == run.objective("mp")
    assert run.candidate_objective("cca", "1") == run.objective("cca") | {"ridge": 0.1}
    for candidate in (run.candidate_schedule, run.candidate_objective):
        shown = candidate("contrastive", "2")
        assert shown.get("training", shown)["learning_rate"] == 0.002
    assert run.candidate("mp", "1").schedule("cca") == run.schedule("cca")


def test_what_is_chosen_is_a_file_that_trainings_of_all_parts_read():
    run = run_of()
    assert run.joint_inputs("cca", "unlabelled")["chosen"] == "results/x/chosen/cca.json"
    assert run.candidate_files("cca") == [f"results/x/candidates/cca/{n}.csv" for n in (1, 2)]
    assert len(run.every_candidate()) == 6 and "chosen" not in run.candidate_inputs("cca", "1")
    assert results.target(Plan(resolve({"runs": {"x": OWN}}, FOLDER)), "chosen")[:2] == [
        "results/x/tables/chosen.csv",
        "results/x/tables/chosen.md",
    ]
    plain = run_of({"extends": "mini-default"})
    assert "chosen" not in plain.joint_inputs("mp", "unlabelled") and "search" not in plain.settings


def test_the_time_left_counts_every_candidate():
    costs = progress.costs([run_of()])
    assert costs["try_candidate"] == costs["train_joint"] > 3
    assert "try_candidate" not in progress.costs([run_of({"extends": "mini-default"})])


def test_another_grid_changes_what_its_method_is_made_from_and_nothing_else():
    before, after = run_of(), run_of(search={"cca": {"ridge": [0.1, 2]}})
    same = {name: before.choices(name) == after.choices(name) for name in GRIDS}
    assert same == {"mp": True, "cca": False, "contrastive": True}
    assert before.candidate_objective("cca", "1") == after.candidate_objective("cca", "1")
    assert before.objective("cca") == after.objective("cca")


def test_candidates_learn_from_training_rows_alone_and_share_layers_where_these_do_too():
    few = {"labelled": 3000, "unlabelled": 0, "splits": {"train": 0.4}}
    both = run_of(data=few, rows={"parts": ["train", "validation"], "held_out": 5}, seeds=[3, 4])
    found = both.candidate_inputs("mp", "1")
    assert found["scale"] == "results/x/inputs/choice.safetensors"
    assert found["text"] == ["results/x/pretrain/text1/choice.safetensors"]
    assert both.choice_rows()["parts"] == both.learned_parts("choice") == ["train"]
    assert both.learned_parts("split1-seed3") == ["train", "validation"]
    assert (both.split("choice"), both.seed("choice")) == (1, 3)
    train = run_of(data=few, rows={"parts": ["train"], "held_out": 5})
    assert train.candidate_inputs("mp", "1")["scale"] == "results/x/inputs/split1.safetensors"
    assert run_of().candidate_inputs("mp", "1")["scale"] == "results/x/inputs/unlabelled.safetensors"


@pytest.mark.parametrize(
    ("over", "says"),
    [
        (
            {"search": {"mp": {"training.batch_size": [20, 5000]}}},
            'mp.batch_size" is 5000, but there are only',
        ),
        (
            {"search": {"mp": {"bptt_depth.start": [1, 50]}}},
            'mp.bptt_depth.start" is 50, but must not exceed',
        ),
        # Of the 3,000 labelled rows 1,200 are for training, and others for validation.
        ({"data": {"labelled": 3000, "unlabelled": 0}, "pairs": 1500}, 'pairs" is 1500, .* only 1200 rows'),
    ],
)
def test_what_a_candidate_has_too_few_rows_for_is_said_before_it_runs(over, says):
    grids = {"mp": {}, "cca": {}, "contrastive": {}} | over.pop("search", {})
    if "pairs" not in over:
        grids |= {"cca": GRIDS["cca"], "contrastive": GRIDS["contrastive"]}
    own = OWN | {"search": grids, "splits": [1], "data": {"splits": {"train": 0.4}}}
    run = run_of(merge(own, {"rows": {"parts": ["train", "validation"], "held_out": 5}}), **over)
    with pytest.raises(ConfigError, match=says):
        for number in ("1", "2")[: len(run.candidate_files("mp"))]:
            run.candidate_inputs("mp", number)


@pytest.mark.parametrize(
    ("over", "says"),
    [
        ({"search": {"cca": {"ridge": [1]}}}, "has 2 of mp, 1 of cca, 2 of contrastive as candidates"),
        ({"search": {"cca": {"rige": [1, 2]}}}, r'cca.rige" \(of "search"\) is unknown; did you mean'),
        (
            {"search": {"cca": {"ridge": [-1, 2]}}},
            r'cca.ridge" \(of "search"\) is -1.0, but must be a number',
        ),
        ({"search": {"cca": {"ridge.x": [1]}}}, '"runs.x.search.cca.ridge.x" lies in another setting'),
        ({"search": {"mp": {"iterations": [1, 2]}}}, 'mp.iterations" is .1, 2., but must be left out'),
        ({"search": {"pcd": {"chains": [1, 2]}}}, 'has pcd, which is not in "runs.x.compare"; leave it out'),
        (
            {"compare": [*GRIDS, "tagprop"], "search": {"tagprop": {"neighbours": [[1], [2]]}}},
            "has tagprop, which is not trained",
        ),
        ({"compare": [*GRIDS, "pcd"]}, "has no grid for pcd, but must have one for every method"),
        ({"search": {"cca": {"ridge": [0.1, "1e-1"]}}}, 'search.cca" has a candidate twice .ridge'),
        ({"extends": "digits-default"}, "must be left out: .* digits has one label a row"),
    ],
)
def test_grids_that_are_wrong_or_unequal_are_refused_in_a_sentence(over, says):
    with pytest.raises(ConfigError, match=says) as error:
        run_of(**over)
    assert "\n" not in str(error.value)


def test_methods_that_score_labels_themselves_need_no_grid_and_the_table_needs_a_search():
    assert run_of(compare=[*GRIDS, "tagprop"]).scored == ["tagprop"]
    with pytest.raises(ConfigError, match="has chosen, which needs a search"):
        run_of({"extends": "mini-default", "outputs": ["chosen"]})


@pytest.mark.parametrize("name", ["mini-rivals-search", "mirflickr25k-network-search"])
def test_shipped_searches_try_every_method_that_is_trained(name):
    run = run_of({"extends": name})
    assert list(run.searched) == search.tried_methods(run.settings["compare"])
    base = run_of({"extends": name.removesuffix("-search")})
    assert all(run.schedule(method) == base.schedule(method) for method in run.compared)
    assert all(run.objective(method) == base.objective(method) for method in run.compared)


# -- how it is chosen ----------------------------------------------------------------------------------


def scores(both, image, method="cca", number=1):
    where = {"method": method, "variant": f"candidate={number}", "part": "validation", "metric": "map"}
    given = {"image+text": both, "image": image, "text": 0.9}
    return [Score(query=query, value=value, split=1, **where) for query, value in given.items()]


def test_the_highest_mean_of_multimodal_and_image_only_queries_is_chosen_and_of_equals_the_first():
    values = [
        chosen.reached(scores(*one), "map") for one in ((0.5, 0.5), (0.25, 1.0), (1.0, 0.25), (0.8, 0.2))
    ]
    assert values[1] == (0.25, 1.0)
    assert chosen.best(values) == 2 and chosen.best(values[::-1]) == 2
    with pytest.raises(DataError, match="no score for map of cca candidate=1 image validation"):
        chosen.reached([one for one in scores(1, 1) if one.query != "image"], "map")


def test_the_table_has_every_candidate_and_what_was_chosen_in_bold():
    tried = {"mp": [{"training.epochs": 2}, {"training.epochs": 5}], "cca": [{"ridge": 0.1}, {"ridge": 1}]}
    found = chosen.candidates(
        tried,
        {
            "mp": [scores(0.5, 0.25, "mp"), scores(0.75, 0.5, "mp", 2)],
            "cca": [scores(0.5, 0.5), scores(0.25, 0.25, number=2)],
        },
        {"mp": 2, "cca": 1},
        "map",
    )
    assert [one.chosen for one in found] == [False, True, True, False] and found[1].mean == 0.625
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in chosen.table(found, {"mp": "Joint layer by MP", "cca": "CCA"}).splitlines()
    ]
    assert lines[0] == ["Model", "settings", "multimodal", "image-only", "mean", "chosen"]
    assert lines[2] == ["Joint layer by MP", "training.epochs 2", "0.500", "0.250", "0.375", ""]
    assert lines[3] == [
        "Joint layer by MP",
        "training.epochs 5",
        "**0.750**",
        "**0.500**",
        "**0.625**",
        "yes",
    ]
    caption = chosen.caption(found, About("mini", "scenes", "x", generated=True, note="A note."))
    assert len(caption) == 3 and "A note." in caption[1] and "2 candidates of every method" in caption[2]
