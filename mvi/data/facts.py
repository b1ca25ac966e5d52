# SPDX-License-Identifier: MIT
"""What the image features of a store were made by: plain facts, kept in stores and in files of models.

They are a mapping with the key "kind": of a "network" its name, the "sha256" of its weights and what it saw
("side", "mean", "deviation", "output"); of "descriptors" their settings and the "sha256" of the visual words;
of a "file" of features its name, its "sha256" and the number of its "columns"; of "given" features the data
set that they came with. Stores and models without image features have none.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mvi.errors import DataError

Facts = Mapping[str, Any]


def fingerprint(facts: Facts) -> str:
    """16 hexadecimal digits that rows share if, and only if, they were described alike.

    The name of a network or of a file of features does not count, since the hash of its content does.
    """
    counted = {key: value for key, value in facts.items() if key not in ("network", "file")}
    return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()[:16]


def named(facts: Facts) -> str:
    """A few words on who described the rows, with what tells them from others."""
    if facts["kind"] == "network":
        return f"{facts['network']} at {facts['side']} px ({fingerprint(facts)})"
    return f"{facts.get('file', facts['kind'])} ({fingerprint(facts)})"


def refuse_other(wanted: Facts | None, found: Facts | None, place: str | Path) -> None:
    """Raise `DataError` where what `place` holds is about images described otherwise than `wanted`.

    Where either has no facts, nothing is known to be wrong.
    """
    if wanted and found and fingerprint(wanted) != fingerprint(found):
        raise DataError(
            f"{place} is about images described by {named(found)}, and not by {named(wanted)} as the "
            "model's; give files that were made with one kind of features."
        )
