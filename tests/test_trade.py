# SPDX-License-Identifier: MIT
"""The figure of retrieval against classification, from scores of known value."""

import numpy as np
import pytest

from mvi.errors import DataError
from mvi.evaluation.scores import CENTRED, Score
from mvi.report.figures import style
from mvi.report.figures.trade import trade
from mvi.report.scores import Scores

QUERIES = ["image+text", "image", "text"]
LOOKS = style.looks({"mp": "MP", "cca": {"label": "CCA", "color": "#999999", "marker": "x"}, "raw": "Input"})
INPUTS = {"raw": {"image+text": "image+text", "image": "image"}}


def scored(method, query, label, found, *, variant="multimodal"):
    """A split a value: of the classification, and of the retrieval, which is another where not centred."""
    rows = []
    for split, (first, second) in enumerate(zip(label, found, strict=True), 1):
        where = {"method": method, "query": query, "split": split, "part": "test"}
        rows.append(Score(**where, variant=variant, metric="map_interpolated", value=first))
        for name, value in ((CENTRED, second), ("", 0.1)):
            rows.append(Score(**where, variant=name, metric="retrieval_map_interpolated", value=value))
        if not variant:
            rows[-1] = Score(**where, metric="map_interpolated", value=first)
    return rows


def drawn(rows):
    names = {"metric": "map_interpolated", "variant": "multimodal", "inputs": INPUTS}
    return trade(Scores(rows), LOOKS, QUERIES, **names)


MODELS = [
    score
    for query in QUERIES
    for method, label, found in (("mp", (0.5, 0.6), (0.7, 0.8)), ("cca", (0.4, 0.4), (0.6, 0.6)))
    for score in scored(method, query, label, found)
]


def test_every_query_has_a_panel_and_every_method_a_marker():
    figure = drawn([*MODELS, *(s for q in QUERIES[:2] for s in scored(q, q, (0.3,), (0.65,), variant=""))])
    assert [axes.get_title("left") for axes in figure.axes] == ["Multimodal", "Image-only", "Text-only"]
    for axes, count in zip(figure.axes, (3, 3, 2), strict=True):
        points = [tuple(line.get_xydata()[0]) for bars in axes.containers for line in bars.lines[:1]]
        np.testing.assert_allclose(points, [(0.55, 0.75), (0.4, 0.6), (0.3, 0.65)][:count])
    # One standard deviation each way, of two splits a tenth apart; of one split there is none.
    _, _, (across, up) = figure.axes[0].containers[0].lines
    np.testing.assert_allclose(across.get_segments()[0][:, 0], 0.55 + np.array([-1, 1]) * np.sqrt(0.005))
    np.testing.assert_allclose(up.get_segments()[0][:, 1], 0.75 + np.array([-1, 1]) * np.sqrt(0.005))
    assert figure.axes[0].containers[2].lines[2] == ()
    # A cross without an edge would not be seen.
    markers = [bars.lines[0].get_markeredgewidth() for bars in figure.axes[0].containers]
    assert markers[1] > 0 == markers[0]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["MP", "CCA", "Input"]


def test_a_model_without_a_score_is_named():
    with pytest.raises(DataError, match="retrieval_map_interpolated of cca centred text"):
        drawn([s for s in MODELS if (s.method, s.query, s.variant) != ("cca", "text", CENTRED)])
