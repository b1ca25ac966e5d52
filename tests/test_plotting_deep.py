# SPDX-License-Identifier: MIT
"""Figures of the deep model: what is read from the scores and metrics, and what of it is drawn."""

import numpy as np
import pytest

from mvi.errors import DataError, ShapeError
from mvi.report.figures import deep, style

OBJECTIVES = {"pcd": "ML (PCD)", "mp": "MinVI (MP)"}
MODALITIES = {"image": "picture", "text": "tags"}
PARTS = {"validation": 0.0, "test": 0.05}
"""How much higher the scores of a part are."""
METRIC = "map/interpolated"


def make_scores(trained=(0, 2, 10), tried=(10, 0, 2), splits=(1, 2)):
    """Scores that tell by their digits which model, number and split they are of."""
    return {
        f"n{model}": {
            split: {"penalty": 1.0}
            | {
                f"image+text/{part}_{METRIC}": 0.5 + 0.01 * model + 0.001 * split + shift
                for part, shift in PARTS.items()
            }
            | {
                f"image/n{n}/{part}_{METRIC}": 0.3 + 0.001 * model + 0.01 * n + 0.0001 * split + shift
                for n in tried
                for part, shift in PARTS.items()
            }
            for split in splits
        }
        for model in trained
    }


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


def draw_sweep(part="validation", **changed):
    readings = deep.sweep_readings(make_scores(**changed), 10, part=part)
    return deep.sweep(readings, 10, ("Both", "Picture"), part)


def draw_learning(runs=None):
    return deep.learning_curves(make_runs() if runs is None else runs, OBJECTIVES, MODALITIES)


def panels_of(figure):
    return {axes.get_title("left"): axes for axes in figure.axes}


def lines_of(axes):
    return {line.get_label(): line for line in axes.lines}


def legends_of(figure):
    return [[text.get_text() for text in legend.get_texts()] for legend in figure.legends]


def test_the_first_reading_is_of_the_main_model_alone_and_sorted():
    reading = deep.sweep_readings(make_scores(), 10)["test"]
    np.testing.assert_array_equal(reading.iterations, [0, 2, 10])
    np.testing.assert_allclose(reading.multimodal, [[0.601] * 3, [0.602] * 3])
    np.testing.assert_allclose(reading.unimodal, [[0.3101, 0.3301, 0.4101], [0.3102, 0.3302, 0.4102]])


def test_the_second_reading_is_the_diagonal_over_models():
    reading = deep.sweep_readings(make_scores(trained=(10, 0, 2)), 10)["both"]
    np.testing.assert_array_equal(reading.iterations, [0, 2, 10])
    np.testing.assert_allclose(reading.multimodal[0], [0.501, 0.521, 0.601])
    np.testing.assert_allclose(reading.unimodal[1], [0.3002, 0.3222, 0.4102])


def test_readings_are_of_the_part_that_is_asked_for():
    scores = make_scores()
    of_validation, of_test = (deep.sweep_readings(scores, 10, part=part) for part in PARTS)
    for name, reading in deep.sweep_readings(scores, 10).items():
        for asked, shift in ((of_validation[name], 0.0), (of_test[name], 0.05)):
            np.testing.assert_array_equal(asked.iterations, reading.iterations)
            np.testing.assert_allclose(asked.multimodal, reading.multimodal + shift)
            np.testing.assert_allclose(asked.unimodal, reading.unimodal + shift)
    del scores["n10"][2][f"image/n2/test_{METRIC}"]
    with pytest.raises(DataError, match="image/n2/test_map/interpolated"):
        deep.sweep_readings(scores, 10, part="test")
    deep.sweep_readings(scores, 10)


def test_the_second_reading_is_of_the_splits_that_all_models_have():
    scores = make_scores()
    del scores["n2"][1]
    readings = deep.sweep_readings(scores, 10)
    assert len(readings["test"].unimodal) == 2
    np.testing.assert_allclose(readings["both"].multimodal, [[0.502, 0.522, 0.602]])


def test_one_model_gives_the_first_panel_only():
    figure = draw_sweep(trained=(10,))
    assert list(panels_of(figure)) == ["Changed at test only"]
    assert figure.get_size_inches()[0] < style.PAGE_WIDTH


@pytest.mark.parametrize(
    ("scores", "match"),
    [
        ({}, "no scores of the model trained with 10"),
        (make_scores(trained=(0, 2)), "no scores of the model trained with 10"),
        (make_scores(tried=()), "no number of iterations"),
        (make_scores(trained=(0, 3, 10)), "sweep of n3 has no 'image/n3/"),
        (make_scores() | {"n2": make_scores(splits=(7,))["n2"]}, "no split in common"),
    ],
)
def test_scores_that_are_missing_are_named(scores, match):
    with pytest.raises(DataError, match=match):
        deep.sweep_readings(scores, 10)


def test_sweep_draws_means_at_equal_distances_with_a_level_line():
    figure = draw_sweep()
    first, second = figure.axes
    assert first.get_ylabel() == "Validation mAP" and first.get_ylim() == second.get_ylim()
    assert [text.get_text() for text in first.get_xticklabels()] == ["0", "2", "10"]
    assert first.get_xlabel() == "Iterations at test (10 in training)"
    lines = lines_of(first)
    np.testing.assert_array_equal(lines["Picture"].get_xdata(), [0, 1, 2])
    np.testing.assert_allclose(lines["Picture"].get_ydata(), [0.31015, 0.33015, 0.41015])
    np.testing.assert_allclose(lines["Both"].get_ydata(), 0.6015)
    assert lines["Both"].get_marker() == "" and lines_of(second)["Both"].get_marker() != ""
    assert len(first.collections) == len(second.collections) == 2, "a band a line"
    np.testing.assert_allclose(lines_of(second)["Both"].get_ydata(), [0.5015, 0.5215, 0.6015])
    assert legends_of(figure) == [["Both", "Picture"]]


def test_sweep_says_which_part_it_is_of():
    first, _ = draw_sweep("test").axes
    assert first.get_ylabel() == "Test mAP"
    np.testing.assert_allclose(lines_of(first)["Picture"].get_ydata(), [0.36015, 0.38015, 0.46015])


def test_sweep_refuses_arrays_that_do_not_fit():
    wrong = deep.Reading(np.arange(3), np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(ShapeError, match=r"\(2, 4\) do not fit 3 numbers"):
        deep.sweep({"test": wrong}, 10, ("Both", "Picture"))


def test_learning_curves_have_a_panel_for_all_that_was_measured():
    figure = draw_learning()
    units = {title: axes.get_ylabel() for title, axes in panels_of(figure).items()}
    assert units == {
        "Picture, layer 1": "Share explained",
        "Tags, layer 1": "",
        "Tags, layer 2": "",
        "Picture given tags": "Cross-entropy (nats)",
        "Tags given picture": "",
        "Two layers: picture": "Half squared error",
        "Two layers: tags": "Cross-entropy (nats)",
        "Whole: tags": "",
    }
    assert legends_of(figure) == [
        ["entries seen", "entries not seen"],
        list(OBJECTIVES.values()),
        ["training rows", "held-out rows"],
    ]
    panels = panels_of(figure)
    assert list(lines_of(panels["Tags, layer 2"])) == ["entries seen"]
    assert list(lines_of(panels["Whole: tags"])) == ["training rows"]
    assert (
        lines_of(panels["Tags given picture"])["MinVI (MP)"].get_color() == style.method_style("mp")["color"]
    )


def test_learning_curves_draw_each_metric_as_the_mean_of_its_parts():
    panels = panels_of(draw_learning())
    e = np.arange(1.0, 13.0)
    seen = panels["Picture, layer 1"]
    np.testing.assert_allclose(lines_of(seen)["entries seen"].get_ydata(), 2.5 + 1 / e)
    np.testing.assert_allclose(lines_of(seen)["entries not seen"].get_ydata(), 3.5 + 1 / e)
    assert len(seen.collections) == 2 and not panels["Tags, layer 2"].collections, "no band for one part"
    np.testing.assert_allclose(lines_of(panels["Tags given picture"])["ML (PCD)"].get_ydata(), 1 + 1 / e)
    tuned = lines_of(panels["Two layers: tags"])
    np.testing.assert_allclose(tuned["training rows"].get_ydata(), 1 + 1 / e[:3], err_msg="the shorter part")
    np.testing.assert_allclose(tuned["held-out rows"].get_ydata(), 3 + 1 / e[:3])


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
