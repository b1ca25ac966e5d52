# SPDX-License-Identifier: MIT
"""Names of queries, the modalities that one gives joined by "+" in the store's order; what answers all."""

from collections.abc import Sequence


def queries_of(modalities: Sequence[str]) -> list[str]:
    """All modalities together, then each alone.

    Examples:
        >>> queries_of(["image", "text"])
        ['image+text', 'image', 'text']
    """
    return ["+".join(modalities), *modalities]


FILLED = {
    "mean_filled": ("image", False),
    "regression_filled": ("image", True),
    "sqrt_mean_filled": ("sqrt_image", False),
    "sqrt_regression_filled": ("sqrt_image", True),
}
"""Linear baselines that answer every query: the input beside the tags, and whether regression
imputes what is missing, and not the mean."""
