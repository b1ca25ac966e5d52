# SPDX-License-Identifier: MIT
"""Runs that learn from fewer pairs, and what mean-field iterations gain in several of them."""

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from mvi.data.sets.base import Size
from mvi.data.store import Store
from mvi.data.store_writer import Dense, Sparse, writing_store
from mvi.errors import ConfigError, DataError
from mvi.evaluation.scores import Score
from mvi.report import gain
from mvi.report.figures.gain import gain_by_cause
from mvi.training.pairs import write_pairs
from mvi.training.rows import layer_rows
from mvi.workflow import results
from mvi.workflow.config import resolve
from mvi.workflow.foresight import check_training
from mvi.workflow.plan import Plan

FOLDER = Path(__file__).parents[1] / "config/runs"
N, D, WORDS = 60, 4, 5
FEATURES = {"kind": "network", "network": "toy"}
SPLIT = {"train": np.arange(0, 20), "validation": np.arange(20, 30), "test": np.arange(30, 50)}


def make(path, labelled):
    image = np.arange(N * D, dtype=np.float32).reshape(N, D) ** 1.5
    text = np.random.default_rng(0).poisson(0.5, (N, WORDS))
    with writing_store(
        path,
        dataset="toy",
        n_rows=N,
        modalities={"image": Dense(D, "float16"), "text": Sparse(WORDS)},
        statistics=["image"],
        attributes={"features": FEATURES},
    ) as writer:
        writer.write("image", 0, image)
        writer.write("text", 0, sparse.csr_array(text))
        labels = np.zeros((labelled, 1), np.uint8)
        ids = np.array([f"im{row}" for row in range(N)])
        writer.annotate(labels=labels, classes=["a"], splits={1: SPLIT}, ids=ids, vocabulary=list("abcde"))
    return path


def drawn(tmp_path, name, labelled=N, count=12, parts=("train", "validation"), seed=3):
    """The rows of a store that a store of pairs has, with both stores open for reading."""
    source, path = tmp_path / "store.h5", tmp_path / f"{name}.h5"
    if not source.exists():
        make(source, labelled)
    write_pairs(path, source, count, 1, parts=parts, seed=seed)
    with Store(source) as every, Store(path) as some:
        rows = np.searchsorted(np.arange(N), [int(one.removeprefix("im")) for one in some.ids()])
        for modality in every.modalities:
            np.testing.assert_array_equal(some.read(modality), every.read(modality, rows))
        assert some.read_stored("image").dtype == np.float16 and some.features == FEATURES
        assert some.vocabulary == every.vocabulary and some.n_labelled == 0
        np.testing.assert_array_equal(layer_rows(some, 1), np.arange(count))
        np.testing.assert_allclose(some.moments("image", 1).mean, some.read("image").mean(0), rtol=1e-5)
    return rows.tolist()


# -- fewer pairs ----------------------------------------------------------------------------------------


def test_pairs_are_drawn_by_seed_from_what_may_be_learned_from_and_never_from_test_rows(tmp_path):
    rows = drawn(tmp_path, "a")
    assert len(set(rows)) == 12 and set(rows) <= set(range(30)) and rows == sorted(rows)
    assert rows == drawn(tmp_path, "b") != drawn(tmp_path, "c", seed=4)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    assert set(drawn(tmp_path, "d", parts=("train",))) <= set(range(20))
    assert drawn(tmp_path, "e", count=30) == list(range(30))
    with pytest.raises(ConfigError, match='"pairs" .* is 31, but there are only 30 rows that may be'):
        drawn(tmp_path, "f", count=31)


def test_of_unlabelled_rows_pairs_are_drawn_where_these_are_learned_from(tmp_path):
    rows = drawn(tmp_path, "a", labelled=50, count=8)
    # Ten unlabelled rows are fewer than the training part has, so that they are passed over as ever.
    assert set(rows) <= set(range(30))
    (tmp_path / "store.h5").unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SPLIT, "train", np.arange(0, 5))
        assert set(drawn(tmp_path, "b", labelled=50, count=8)) <= set(range(50, 60))


def run_of(name, **over):
    return Plan(resolve({"runs": {"x": {"extends": name, **over}}}, FOLDER)).runs["x"]


def test_a_run_learns_from_its_pairs_and_is_scored_on_all_rows():
    run = run_of("mini-default", pairs=1000)
    pairs = "results/x/inputs/unlabelled.h5"
    assert run.training_store("unlabelled") == run.joint_inputs("mp", "unlabelled")["store"] == pairs
    assert run.finetune_inputs("whole", "unlabelled")["store"] == pairs
    assert run.encode_inputs("mp", "unlabelled")["store"] == run.labelled_store() == run.store != pairs
    both = run_of("mirflickr25k-25k", pairs=2000, splits=[1, 2], seeds=[0, 1])
    assert both.training_store("split2-seed1") == "results/x/inputs/split2.h5"


def test_without_pairs_nothing_is_another_than_before():
    run = run_of("mini-default")
    assert "pairs" not in run.settings
    assert run.training_store("unlabelled") == run.store


def test_numbers_of_pairs_that_cannot_be_are_refused():
    size = Size(rows=60, labelled=40, train=30)
    settings = {"name": "x", "copies": 0, "rows": {"parts": ["train"], "held_out": 5}, "finetune": []}
    settings |= {"compare": ["cca"], "methods": {"cca": {"batch_size": 10}}, "finetune_from": None}
    check_training(settings | {"pairs": 30}, size, False)
    for pairs, says in (
        (31, '"runs.x.pairs" is 31, but there are only 30 rows that may be learned from'),
        (5, '"runs.x.rows.held_out" is 5, but must be less than the 5 rows'),
        (14, "batch_size.* is 10, but there are only 9 training rows"),
    ):
        with pytest.raises(ConfigError, match=says):
            check_training(settings | {"pairs": pairs}, size, False)
    for name, over, says in (
        ("mini-default", {"pairs": 0}, '"runs.x.pairs" is 0, but must be a whole number, at least 1'),
        (
            "mini-default",
            {"outputs": ["gain"]},
            'has gain, which needs a number of pairs, and "runs.x.pairs"',
        ),
        ("mnist-better", {"pairs": 10, "copies": 4}, '"runs.x.pairs" is 10, but must be left out where'),
    ):
        with pytest.raises(ConfigError, match=says):
            run_of(name, **over)


# -- the gain -------------------------------------------------------------------------------------------


def test_the_figure_is_of_all_runs_with_pairs_and_has_one_linear_classifier_a_store():
    runs = {
        "a": {"extends": "mini-gain"},
        "b": {"extends": "mini-gain-doubled", "pairs": 3000},
        "c": {"extends": "mini-gain", "features": {"name": "other", "side": 32}},
        "d": {"extends": "mini-default", "data": {"unlabelled": 30000}, "outputs": ["table2"]},
    }
    plan = Plan(resolve({"runs": runs}, FOLDER))
    assert results.gain_inputs(plan) == [
        f"results/{path}.csv"
        for path in (
            *(f"a/scores/{name}" for name in ("sweep/n3/unlabelled", "tags/unlabelled", "baselines/image")),
            *(f"b/scores/{name}" for name in ("sweep/n3/unlabelled", "tags/unlabelled")),
            *(f"c/scores/{name}" for name in ("sweep/n3/unlabelled", "tags/unlabelled", "baselines/image")),
        )
    ]
    found = results.gain_settings(plan)
    assert [(one["run"], one["linear"], one["start"], one["pairs"]) for one in found] == [
        ("a", "a", "zeros", 1000),
        ("b", "a", "doubled", 3000),
        ("c", "c", "zeros", 1000),
    ]
    files = results.target(plan, "gain")
    assert files[:4] == [f"results/gain/gain.{ending}" for ending in ("png", "svg", "csv", "md")]
    assert files[4:] == [f"results/{name}/config.yaml" for name in "abc"]


@pytest.mark.parametrize("base", ["mini-gain", "mirflickr25k-gain"])
def test_runs_of_the_study_differ_in_what_it_is_about_and_train_by_as_many_updates(base):
    zeros, doubled = (run_of(f"{base}{more}").settings for more in ("", "-doubled"))
    first = [
        (
            run["methods"]["mp"]["start_state"],
            run["finetune"][0]["start_state"],
            run["inference"]["start_state"],
        )
        for run in (zeros, doubled)
    ]
    assert first == [("zeros",) * 3, ("doubled",) * 3]
    for run in (zeros, doubled):
        for part in (run["methods"]["mp"], run["finetune"][0], run["inference"], run):
            for key in ("start_state", "name"):
                part.pop(key, None)
    assert zeros == doubled
    fewest = 2000 if base.startswith("mirflickr") else 1000
    layers = [one["layers"][0]["training"] for one in zeros["pathways"].values()]
    for training in (*layers, zeros["joint"]["training"], zeros["finetune"][0]["training"]):
        assert training["batches_per_epoch"] * training["batch_size"] <= fewest


ABOUT = {"dataset": "toys", "features": "toy", "start": "zeros", "pairs": 10, "iterations": 2}
ABOUT |= {"method": "whole", "metric": "map_step", "linear": "a"}


def scores(run, zero, every, linear=None):
    def one(metric, value, **where):
        return Score(run=run, query="image", part="test", metric=metric, value=value, **where)

    found = []
    for split, values in enumerate(zip(zero, every, strict=True), 1):
        for trained in ("trained=2", "trained=9"):
            for n, value in zip((0, 2), values, strict=True):
                shifted = value + (trained == "trained=9")
                swept = {"method": "whole", "variant": trained, "iterations": n, "split": split}
                found.append(one("map_step", shifted, **swept))
        for metric, value in (("precision_at_1", 0.25), ("log_loss", 20.0 + split)):
            found.append(one(f"tags_{metric}", value, method="whole", split=split))
        if linear is not None:
            found.append(one("map_step", linear, method="image", split=split))
    return found


def points():
    runs = [ABOUT | {"run": "a"}, ABOUT | {"run": "b", "start": "doubled", "pairs": 20}]
    return gain.gains(runs, [*scores("a", [0.5, 0.25], [0.5, 0.5], 0.375), *scores("b", [0.5], [0.25])])


def test_the_gain_is_paired_and_of_the_networks_own_number_of_iterations():
    first, second = points()
    assert (first.at_zero, first.at_all, first.gain, first.repetitions) == (0.375, 0.5, 0.125, 2)
    assert first.sd == pytest.approx(0.125 * 2**0.5)
    assert (first.precision, first.log_loss, first.linear) == (0.25, 21.5, 0.375)
    assert (second.gain, second.sd, second.linear, second.pairs) == (-0.25, None, 0.375, 20)
    with pytest.raises(DataError, match="There is no score for map_step of whole trained=3 image 0 iter"):
        gain.gains([ABOUT | {"run": "a", "iterations": 3}], scores("a", [0.5], [0.25], 0.5))


def test_the_table_has_a_row_a_run():
    lines = gain.table(points()).splitlines()
    assert [cell.strip() for cell in lines[2].split("|")[1:-1]] == [
        *(
            "toys",
            "toy",
            "zeros",
            "10",
            "2",
            "0.375",
            "0.500",
            "+0.125 ± 0.177",
            "2",
            "0.250",
            "21.50",
            "0.375",
        )
    ]
    assert len(lines) == 4 and "-0.250 " in lines[3]


def test_the_figure_has_a_panel_a_cause():
    panels = gain_by_cause(points()).axes
    assert [axes.get_xlabel() for axes in panels] == [
        "Pairs learned from",
        "Precision@1 of tags predicted",
        "mAP of the linear baseline",
    ]
    for axes, at in zip(panels, ([10, 20], [0.25, 0.25], [0.375, 0.375]), strict=True):
        lines = [bars.lines[0] for bars in axes.containers]
        assert [line.get_xdata().item() for line in lines] == at
        assert [line.get_ydata().item() for line in lines] == [0.125, -0.25]
