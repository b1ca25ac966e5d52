# SPDX-License-Identifier: MIT
"""What tables and figures call a query."""


def query_title(query: str) -> str:
    """Multimodal, or the only modality that is given."""
    return "multimodal" if "+" in query else f"{query}-only"
