# SPDX-License-Identifier: MIT
"""What tables and figures call a query, and which baselines answer it."""

FILLED = {
    "mean_filled": "One linear classifier, mean imputation",
    "regression_filled": "One linear classifier, regression imputation",
    "sqrt_mean_filled": "One linear classifier, signed roots, mean imputation",
    "sqrt_regression_filled": "One linear classifier, signed roots, regression imputation",
}
"""Baselines with one linear classifier for all queries, in the order of the rows."""

LINEAR = {
    "raw": {"image+text": "image+text", "image": "image", "text": "text"},
    "roots": {"image+text": "sqrt_image+text", "image": "sqrt_image"},
}
"""Baselines with a linear classifier per query -> the input features that each query gives."""


def query_title(query: str) -> str:
    """Multimodal, or the only modality that is given."""
    return "multimodal" if "+" in query else f"{query}-only"


def linear_baselines(query: str) -> list[str]:
    """The methods whose scores linear baselines have for a query."""
    return [method for inputs in LINEAR.values() if (method := inputs.get(query))] + list(FILLED)
