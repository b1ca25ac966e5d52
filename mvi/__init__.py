# SPDX-License-Identifier: MIT
"""Multimodal representation learning by minimum variation of information (Sohn, Shang, Lee 2014)."""

from typing import TYPE_CHECKING, Any

from mvi.version import __version__

if TYPE_CHECKING:
    from mvi.collection.collection import open_collection as open
    from mvi.models.public import load

__all__ = ["__version__", "load", "open"]


def __getattr__(name: str) -> Any:
    # Importing torch takes seconds, and most rules of the workflow do not need it.
    if name == "load":
        from mvi.models.public import load

        return load
    if name == "open":
        from mvi.collection.collection import open_collection

        return open_collection
    raise AttributeError(f"module 'mvi' has no attribute {name!r}")
