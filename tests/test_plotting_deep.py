# SPDX-License-Identifier: MIT
"""Figures of the deep model: what is read from the scores and metrics, and what of it is drawn."""

from dataclasses import replace

import numpy as np
import pytest

from mvi.errors import DataError
from mvi.evaluation.scores import Score
from mvi.report.figures import deep, retrieval, style
from mvi.report.scores import Scores
from mvi.report.sweep import sweep_lines

METHODS = style.looks({"pcd": "ML (PCD)", "mp": "MinVI (MP)"})
QUERIES = ("image+text", "image")
SWEEP = style.looks(dict(zip(QUERIES, ("Both", "Image"), strict=True)))
MODALITIES = {"image": "image", "text": "tags"}
PARTS = {"validation": 0.0, "test": 0.05}
"""How much higher the scores of a part are."""


def make_scores(trained=(0, 2, 10), tried=(10, 0, 2), splits=(1, 2)):
    """Scores that tell by their digits which model, number and split they are of."""
    return [
        Score(
            method="whole",
            variant=f"trained={model}",
            query=query,
            iterations=n,
            split=split,
            part=part,
            metric="map_interpolated",
            value=value + shift,
        )
        for model in trained
        for split in splits
        for part, shift in PARTS.items()
        for query, n, value in [
            ("image+text", None, 0.5 + 0.01 * model + 0.001 * split),
            *(("image", n, 0.3 + 0.001 * model + 0.01 * n + 0.0001 * split) for n in tried),
        ]
    ]


def make_run(metrics, epochs=12, shift=0.0):
    e = np.arange(1.0, epochs + 1)
    return {"epoch": e} | {name: shift + i + 1 / e for i, name in enumerate(metrics)}


def make_runs():
    explained = ["loss", "validation/loss", "validation/explained", "validation/predicted"]
    runs = {("pretrain", f"{name}1"): [make_run(explained, shift=s) for s in (0, 1)] for name in MODALITIES}
    runs[("pretrain", "text2")] = [make_run(explained[:3])]
    for name in ("mp", "pcd"):
        runs[("joint", name)] = [make_run(["validation/image", "validation/text"])]
    both = ["half_squared_error/image", "cross_entropy/text", "validation/image", "validation/text"]
    runs[("finetune", "two_layers", "n10")] = [make_run(both, n) for n in (5, 3)]
    runs[("finetune", "whole", "n10")] = [make_run(["cross_entropy/text"])]
    return runs


def draw_sweep(part="validation", scores=None, trained=(0, 2, 10)):
    lines = sweep_lines("whole", 10, trained, (0, 2, 10), QUERIES)
    return deep.sweep(Scores(make_scores() if scores is None else scores), lines, SWEEP, 10, part)


def draw_learning(runs=None):
    return deep.learning_curves(make_runs() if runs is None else runs, METHODS, MODALITIES)


def panels_of(figure):
    return {axes.get_title("left"): axes for axes in figure.axes}


def lines_of(axes):
    return {line.get_label(): line for line in axes.lines}


def legends_of(figure):
    return [[text.get_text() for text in legend.get_texts()] for legend in figure.legends]


def drawn(axes):
    return {name: line.get_ydata() for name, line in lines_of(axes).items()}


def test_the_sweep_has_a_panel_for_each_reading_at_equal_distances():
    figure = draw_sweep()
    fixed, matched = figure.axes
    assert list(panels_of(figure)) == ["Fixed training iterations", "Matched training iterations"]
    assert fixed.get_ylabel() == "mAP (validation set)" and fixed.get_ylim() == matched.get_ylim()
    assert [text.get_text() for text in fixed.get_xticklabels()] == ["0", "2", "10"]
    assert fixed.get_xlabel() == "Iterations at test (10 in training)"
    np.testing.assert_array_equal(lines_of(fixed)["Image"].get_xdata(), [0, 1, 2])
    # The model trained with 10 alone, means over splits 1 and 2.
    np.testing.assert_allclose(drawn(fixed)["Image"], [0.31015, 0.33015, 0.41015])
    np.testing.assert_allclose(drawn(fixed)["Both"], 0.6015)
    # The diagonal over models.
    np.testing.assert_allclose(drawn(matched)["Image"], [0.30015, 0.32215, 0.41015])
    np.testing.assert_allclose(drawn(matched)["Both"], [0.5015, 0.5215, 0.6015])
    assert lines_of(fixed)["Both"].get_marker() == "" and lines_of(matched)["Both"].get_marker() != ""
    assert len(fixed.collections) == len(matched.collections) == 2, "a band a line"
    assert legends_of(figure) == [["Both", "Image"]]


def test_the_sweep_is_of_the_part_asked_for_and_of_one_panel_for_one_model():
    fixed, _ = draw_sweep("test").axes
    assert fixed.get_ylabel() == "mAP (test set)"
    np.testing.assert_allclose(drawn(fixed)["Image"], [0.36015, 0.38015, 0.46015])
    figure = draw_sweep(trained=[10])
    assert list(panels_of(figure)) == ["Fixed training iterations"]
    assert figure.get_size_inches()[0] < style.PAGE_WIDTH


def test_a_line_is_of_the_splits_that_all_its_models_have():
    scores = [one for one in make_scores() if (one.variant, one.split) != ("trained=2", 1)]
    fixed, matched = draw_sweep(scores=scores).axes
    np.testing.assert_allclose(drawn(matched)["Both"], [0.502, 0.522, 0.602])
    np.testing.assert_allclose(drawn(fixed)["Both"], 0.6015)
    other = [one for one in make_scores() if one.variant != "trained=2"]
    other += make_scores(trained=[2], splits=(7,))
    with pytest.raises(DataError, match="no split in common"):
        draw_sweep(scores=other)


@pytest.mark.parametrize(
    ("scores", "match"),
    [
        ([], "map_interpolated of whole trained=10 image.text validation"),
        (make_scores(trained=(0, 2)), "of whole trained=10"),
        (make_scores(tried=(0, 10)), "trained=10 image 2 iterations validation"),
    ],
)
def test_scores_that_are_missing_are_named(scores, match):
    with pytest.raises(DataError, match=match):
        draw_sweep(scores=scores)


def test_precision_recall_curves_are_of_each_split_by_query():
    def precision(split, recall, value, method="mp"):
        what = {"query": "image", "part": "test", "metric": "retrieval_precision"}
        return Score(method=method, split=split, label=recall, value=value, **what)

    scores = [precision(k, recall, k + float(recall)) for k in (1, 2) for recall in ("1.00", "0.00", "0.50")]
    scores += [precision(k, "", 0.1 * k, "chance") for k in (1, 2)]
    # Another query with other precisions.
    scores += [replace(one, query="text", value=9.0) for one in scores]
    panels, recalls, chance = retrieval.curves(scores, ["image"])
    np.testing.assert_array_equal(recalls, [0, 0.5, 1])
    np.testing.assert_array_equal(panels["Image-only"]["mp"], [[1, 1.5, 2], [2, 2.5, 3]])
    assert chance == {"Image-only": pytest.approx(0.15)}
    with pytest.raises(DataError, match="no precision-recall curve of sound"):
        retrieval.curves(scores, ["sound"])


def test_learning_curves_have_a_panel_for_all_that_was_measured():
    figure = draw_learning()
    units = {title: axes.get_ylabel() for title, axes in panels_of(figure).items()}
    assert units == {
        "Image, layer 1": "Deviance explained",
        "Tags, layer 1": "",
        "Tags, layer 2": "",
        "Image given tags": "Cross-entropy (nats)",
        "Tags given image": "",
        "Two layers: image": "Half squared error",
        "Two layers: tags": "Cross-entropy (nats)",
        "Whole: tags": "",
    }
    assert legends_of(figure) == [
        ["seen entries", "masked entries"],
        [look.label for look in METHODS.values()],
        ["training examples", "held-out examples"],
    ]
    panels = panels_of(figure)
    assert list(lines_of(panels["Tags, layer 2"])) == ["seen entries"]
    assert list(lines_of(panels["Whole: tags"])) == ["training examples"]
    assert lines_of(panels["Tags given image"])["MinVI (MP)"].get_color() == METHODS["mp"].color


def test_learning_curves_draw_each_metric_as_the_mean_of_its_parts():
    panels = panels_of(draw_learning())
    e = np.arange(1.0, 13.0)
    seen = panels["Image, layer 1"]
    np.testing.assert_allclose(lines_of(seen)["seen entries"].get_ydata(), 2.5 + 1 / e)
    np.testing.assert_allclose(lines_of(seen)["masked entries"].get_ydata(), 3.5 + 1 / e)
    assert len(seen.collections) == 2 and not panels["Tags, layer 2"].collections, "no band for one part"
    np.testing.assert_allclose(lines_of(panels["Tags given image"])["ML (PCD)"].get_ydata(), 1 + 1 / e)
    tuned = lines_of(panels["Two layers: tags"])
    np.testing.assert_allclose(
        tuned["training examples"].get_ydata(), 1 + 1 / e[:3], err_msg="the shorter part"
    )
    np.testing.assert_allclose(tuned["held-out examples"].get_ydata(), 3 + 1 / e[:3])


def test_a_stage_is_called_by_its_name_whatever_its_number_of_iterations():
    runs = {("finetune", stage, "n0"): [make_run(["cross_entropy/text"])] for stage in ("top_two", "whole")}
    assert list(panels_of(draw_learning(runs))) == ["Top two: tags", "Whole: tags"]


@pytest.mark.parametrize("runs", [{}, {("pretrain", "image1"): [make_run(["loss"])]}])
def test_nothing_measured_is_nothing_to_draw(runs):
    with pytest.raises(DataError, match="No stage has a metric"):
        draw_learning(runs)


def test_nothing_on_the_page_of_learning_curves_is_cut_or_overlaps():
    runs = {key: value for key, value in make_runs().items() if key[0] != "pretrain"}
    wide = ["half_squared_error/image", "validation/image"]
    # Five panels, the last in a row of its own, and numbers of four digits and a decimal.
    runs |= {("finetune", f"stage{i}", "n10"): [make_run(wide, shift=1900.0)] for i in range(2)}
    figure = draw_learning(runs)
    with style.applied():
        renderer = figure.canvas.get_renderer()
        figure.draw(renderer)
    page = figure.bbox
    for artist in (*figure.axes, *figure.legends, *figure.texts):
        box = artist.get_tightbbox(renderer)
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
    boxes = [axes.get_tightbbox(renderer) for axes in figure.axes]
    boxes += [artist.get_window_extent(renderer) for artist in (*figure.legends, *figure.texts)]
    assert len(boxes) == 7 + 2 + 2
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
    for axes in figure.axes:
        unit = axes.yaxis.label.get_window_extent(renderer)
        numbers = [text.get_window_extent(renderer) for text in axes.get_yticklabels()]
        assert not axes.get_ylabel() or not any(unit.overlaps(box) for box in numbers)
