# SPDX-License-Identifier: MIT
"""Figures of the two-halves experiment: what is drawn, and files that repeat byte for byte."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pytest

from mvi.errors import DataError, ShapeError
from mvi.evaluation.scores import Score
from mvi.files import write_sealed
from mvi.methods.registry import METHODS
from mvi.report.figures import curves, halves, style

LOOKS = style.looks(
    {
        name: {"label": METHODS[name].label, "color": METHODS[name].color, "marker": METHODS[name].marker}
        for name in ("pcd", "mp", "hybrid")
    }
)
LABELS = {name: look.label for name, look in LOOKS.items()}


def make_halves(examples=3, height=8, width=8):
    rng = np.random.default_rng(0)
    whole = rng.random((examples, height, width)).astype(np.float32)
    truth = {"left": whole[:, :, : width // 2], "right": whole[:, :, width // 2 :]}
    other = {"left": "right", "right": "left"}
    completed = {
        given: {
            method: halves.Completion(
                np.full_like(truth[other[given]], 0.5),
                (rng.random(truth[other[given]].shape) < 0.5).astype(np.float32),
            )
            for method in ("pcd", "mp")
        }
        for given in truth
    }
    return truth, completed


def make_completions():
    return halves.completions(*make_halves(), LABELS)


def make_iterations():
    counts = np.arange(21)
    by_method = {m: (counts, i + np.exp(-counts / 3)) for i, m in enumerate(("pcd", "mp"))}
    return halves.iterations({"right": by_method, "left": by_method}, LOOKS, {"right": 2.0})


def make_training():
    epochs = np.arange(1.0, 13.0)
    runs = {
        "mp": [{"epoch": epochs, "loss": 1 / epochs + s, "rate": epochs * 0} for s in (0, 1)],
        "pcd": [{"epoch": epochs, "loss": 2 / epochs}],
    }
    return curves.training_curves(runs, LOOKS)


FIGURES = [make_completions, make_iterations, make_training]


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


@pytest.mark.parametrize("make", FIGURES)
def test_files_repeat_byte_for_byte_and_carry_no_date(make, tmp_path):
    style.save(make(), tmp_path / "a.png", tmp_path / "a.svg")
    # A user's settings must not leak in.
    with matplotlib.rc_context({"font.size": 20, "lines.linestyle": "--", "axes.grid": False}):
        style.save(make(), tmp_path / "b.png", tmp_path / "b.svg")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert "date" not in text and re.search(r"\b20\d\d-\d\d", text) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a.svg", "b.png", "b.svg"]


def test_figures_leave_no_global_state():
    with matplotlib.rc_context({"font.size": 20}):
        before = dict(matplotlib.rcParams)
        for make in FIGURES:
            make()
        assert dict(matplotlib.rcParams) == before


def test_modules_do_not_import_pyplot_or_torch():
    code = (
        "import sys, mvi.report.figures.halves, mvi.report.figures.curves, mvi.report.specs; "
        "print(sorted({'torch', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_methods_and_spare_looks_are_all_different():
    looks = style.looks({f"another{i}": f"Another {i}" for i in range(3)}) | LOOKS
    assert len({look.color for look in looks.values()}) == len({look.marker for look in looks.values()}) == 6
    assert looks["another1"].label == "Another 1"
    # Spare looks are counted among those that have none of their own.
    mixed = style.looks({"mp": LOOKS["mp"]._asdict(), "whole": "Whole"})
    assert mixed["whole"][1:] == looks["another0"][1:] and mixed["mp"] == LOOKS["mp"]


def test_completions_show_what_was_given_and_what_was_inferred():
    truth, completed = make_halves(examples=2)
    figure = halves.completions(truth, completed, LABELS)
    axes = figure.axes[0]
    assert axes.get_title() == "Left half given"
    raster = axes.images[0].get_array()
    dots = 10
    step_right = 8 * dots + halves._GAP
    step_down = 8 * dots + halves._GAP

    def pixel(row_top, column, y, x):
        return raster[row_top + y * dots + dots // 2, column * step_right + x * dots + dots // 2]

    truth_top = 0
    query_top = 8 * dots + halves._GROUP_GAP
    mean_top = query_top + 8 * dots + halves._GROUP_GAP
    sample_top = mean_top + step_down
    sample = completed["left"]["pcd"].sample
    for column, y, x in ((0, 2, 1), (1, 5, 3)):
        ink = truth["left"][column, y, x]
        for top in (truth_top, query_top, mean_top, sample_top):
            np.testing.assert_allclose(pixel(top, column, y, x), 1 - ink, atol=1e-6)
        other = truth["right"][column, y, x]
        np.testing.assert_allclose(pixel(truth_top, column, y, x + 4), 1 - other, atol=1e-6)
        np.testing.assert_allclose(pixel(query_top, column, y, x + 4), halves._MISSING[0])
        np.testing.assert_allclose(
            pixel(mean_top, column, y, x + 4), halves._INFERRED.mean(axis=0), atol=1e-6
        )
        np.testing.assert_allclose(
            pixel(sample_top, column, y, x + 4),
            halves._INFERRED[int(sample[column, y, x])],
            atol=1e-6,
        )

    # In the other panel the left half is the missing one.
    raster = figure.axes[1].images[0].get_array()
    assert figure.axes[1].get_title() == "Right half given"
    np.testing.assert_allclose(pixel(query_top, 1, 3, 0), halves._MISSING[0])
    np.testing.assert_allclose(pixel(query_top, 1, 3, 6), 1 - truth["right"][1, 3, 2], atol=1e-6)


def test_completions_label_the_methods_that_are_there():
    texts = texts_of(make_completions())
    assert "ML\n(PCD)" in texts and "MinVI\n(MP)" in texts
    assert not any("Hybrid" in text for text in texts)
    assert texts.count("mean field") == texts.count("sample") == 2


def test_row_labels_stay_inside_the_figure():
    labels = {"pcd": "MinVI (CD-PercLoss)", "mp": "Hybrid (MP + PCD)"}
    figure = halves.completions(*make_halves(), labels)
    renderer = figure.canvas.get_renderer()
    for text in figure.axes[0].texts:
        assert text.get_window_extent(renderer).x0 > 0


def test_completions_of_wrong_shape_are_refused():
    truth, completed = make_halves()
    for method in completed["left"]:
        completed["left"][method] = halves.Completion(np.zeros((3, 8, 3)), np.zeros((3, 8, 4)))
    with pytest.raises(ShapeError, match=r"\(3, 8, 3\) and should have \(3, 8, 4\)"):
        halves.completions(truth, completed, LABELS)
    with pytest.raises(ShapeError, match="two halves"):
        halves.completions({"left": truth["left"]}, {}, LABELS)
    with pytest.raises(ShapeError, match="'top' is not one"):
        halves.completions(truth, {"top": completed["right"]}, LABELS)


def test_sweep_curves_are_sorted_by_iterations_with_a_row_for_each_seed():
    def entropy(target, seed, iterations, value, method="mp"):
        what = {"metric": "cross_entropy", "label": target}
        return Score(method=method, seed=seed, iterations=iterations, value=value, **what)

    numbers = {(0, 10): 1.0, (0, 2): 3.0, (0, 0): 5.0, (1, 0): 6.0, (1, 2): 4.0, (1, 10): 2.0}
    scores = [entropy("left", seed, n, value) for (seed, n), value in numbers.items()]
    scores += [entropy("right", 0, 0, 7.0), entropy("right", 0, None, 9.0, "training_mean")]
    found, baselines = halves.sweep_curves(scores)
    counts, values = found["left"]["mp"]
    np.testing.assert_array_equal(counts, [0, 2, 10])
    np.testing.assert_array_equal(values, [[5.0, 3.0, 1.0], [6.0, 4.0, 2.0]])
    np.testing.assert_array_equal(found["right"]["mp"][1], [[7.0]])
    assert baselines == {"right": 9.0}


def test_iterations_draw_one_line_a_method_and_the_baseline():
    figure = make_iterations()
    right, left = figure.axes
    assert right.get_title("left") == "Right half, given the left"
    assert len(right.lines) == 3 and len(left.lines) == 2
    np.testing.assert_allclose(right.lines[0].get_ydata(), np.exp(-np.arange(21) / 3))
    assert right.lines[0].get_color() == LOOKS["pcd"].color
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["ML (PCD)", "MinVI (MP)", "Training mean"]


def test_training_curves_show_mean_and_band_of_the_seeds():
    figure = make_training()
    loss, rate = (axes for axes in figure.axes if axes.get_visible())
    assert (loss.get_title("left"), rate.get_title("left")) == ("Loss", "Rate")
    drawn = {line.get_label(): line.get_ydata() for line in loss.lines}
    np.testing.assert_allclose(drawn["MinVI (MP)"], 1 / np.arange(1.0, 13.0) + 0.5)
    assert len(loss.collections) == 1, "a band for the method with two seeds only"
    band = loss.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(1.5 + np.sqrt(0.5))
    assert len(rate.lines) == 1
    # A method that does not measure something is no line that was forgotten.
    assert [text.get_text() for text in rate.texts] == ["not measured by\nML (PCD)"] and not loss.texts
    assert len(figure.legends[0].get_texts()) == 2


def test_training_curves_choose_metrics_and_cut_to_the_shortest_seed():
    epochs = np.arange(1.0, 6.0)
    runs = {"mp": [{"epoch": epochs[:n], "a": epochs[:n], "b": epochs[:n]} for n in (3, 5)]}
    figure = curves.training_curves(runs, LOOKS, metrics=["b"], titles={"b": "B (nats)"})
    (axes,) = figure.axes
    assert axes.get_title("left") == "B (nats)" and len(axes.lines[0].get_ydata()) == 3
    with pytest.raises(DataError, match="no metric"):
        curves.training_curves({}, LOOKS)


def test_metrics_are_read_from_csv(tmp_path):
    path = tmp_path / "seed1.csv"
    write_sealed(path, b"epoch,loss,gap\n1,0.5,\n2,0.25,1e-3\n")
    metrics = curves.read_metrics(path)
    np.testing.assert_array_equal(metrics["epoch"], [1, 2])
    np.testing.assert_array_equal(metrics["gap"], [np.nan, 1e-3])


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("\n", "not a table"),
        ("epoch,loss\n", "not a table"),
        ("epoch,loss\n1,x\n", "not a table"),
        ("epoch,loss\n1,2,3\n", "not a table"),
        ("step,loss\n1,2\n", "no column 'epoch'"),
    ],
)
def test_a_file_that_is_not_a_table_of_metrics_is_refused(tmp_path, text, match):
    path = tmp_path / "seed1.csv"
    write_sealed(path, text.encode())
    with pytest.raises(DataError, match=match):
        curves.read_metrics(path)


def test_a_training_curve_that_is_cut_by_a_hundredth_is_refused(tmp_path):
    path = tmp_path / "seed1.csv"
    write_sealed(path, b"epoch,loss\n" + b"".join(b"%d,%d.5\n" % (n, n) for n in range(1, 12)))
    content = path.read_bytes()
    path.write_bytes(content[: -max(3, len(content) // 100)])
    with pytest.raises(DataError, match=r"seed1\.csv is damaged"):
        curves.read_metrics(path)
