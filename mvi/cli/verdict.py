# SPDX-License-Identifier: MIT
"""What is said of what a model learned (`mvi.collection.build.learned`)."""

from collections.abc import Mapping
from typing import Any

NO_BETTER = 1.05
"""Suggestions whose average precision is not so many times that of tag frequencies are called no better."""


def verdict(found: Mapping[str, Any]) -> str:
    """One sentence on what was learned, favourable or not."""
    images = f"{found['images']} images"
    on = f"{images} that a second model had not seen" if found["new"] else f"the {images} it learned from"
    numbers = f"{found['suggested']:.2f}, and {found['frequencies']:.2f} by frequency alone, on {on}"
    said = f"than tag frequencies (average precision {numbers})"
    if not found["suggested"] > NO_BETTER * found["frequencies"]:
        return f"The suggested tags are no better {said}: more images with tags are needed."
    hint = "" if found["new"] else "; --evaluate tells how they do on new images"
    return f"The suggested tags are better {said}{hint}."
