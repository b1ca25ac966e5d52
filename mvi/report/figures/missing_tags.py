# SPDX-License-Identifier: MIT
"""mAP of both modalities by the share of test images that have lost their tags."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from mvi.evaluation.scores import share_variant
from mvi.report.figures import style
from mvi.report.scores import Key, Scores


def missing_tags(
    scores: Scores, looks: Mapping[str, style.Look], query: str, shares: Sequence[int]
) -> Figure:
    """Means over splits with a band of one standard deviation, a line for each method of `looks`.

    query: that of both modalities
    shares: percent of the test images, ascending

    Raises `DataError` where a score is missing.
    """
    with style.applied():
        # As high as the names beside it.
        figure = style.new_figure(style.PAGE_WIDTH, max(3.2, 0.3 + 0.17 * len(looks)))
        axes = figure.subplots()
        for method, look in looks.items():
            found = [
                scores.of(Key(method, "map_interpolated", query, variant=share_variant(share)))
                for share in shares
            ]
            values = np.array([list(one.values()) for one in found]).T
            style.draw_mean(axes, np.array(shares), values, look)
        axes.set_xticks(shares)
        axes.set_xlabel("Test images without their tags (%)")
        axes.set_ylabel("mAP (test set)")
        handles, names = axes.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside right center")
    return figure
