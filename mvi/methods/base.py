# SPDX-License-Identifier: MIT
"""What the workflow, the tables and the figures know of a method of training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mvi.objectives.base import Objective


@dataclass(frozen=True)
class Method:
    """One way of training the joint layer; `mvi/methods/<name>.py` holds it under the name `METHOD`.

    The record is read wherever methods are listed, so its module imports nothing that computes at its top.
    """

    name: str
    """In configs and names of files."""
    label: str
    """In tables and legends."""
    short: str
    """In the names of rows that say more, such as "Joint layer by PCD"."""
    order: int
    """Place among all methods; the smallest comes first."""
    color: str
    marker: str
    """Of curves in figures (matplotlib)."""
    citation: str
    settings: Mapping[str, Any]
    """JSON schema of each of its settings; "$ref" may point to the words of `mvi/workflow/schema.yaml`."""
    objective: Callable[[Mapping[str, Any]], Objective]
    """From resolved `settings` to the training objective; raises as the objective's class does."""
