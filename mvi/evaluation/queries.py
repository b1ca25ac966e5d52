# SPDX-License-Identifier: MIT
"""Names of queries: the modalities that one gives, joined by "+" in the store's order."""

from collections.abc import Sequence


def queries_of(modalities: Sequence[str]) -> list[str]:
    """All modalities together, then each alone."""
    return ["+".join(modalities), *modalities]
