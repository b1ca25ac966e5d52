# SPDX-License-Identifier: MIT
"""Files that are either whole or not there."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mvi.errors import DataError


@contextmanager
def exclusive(path: str | Path) -> Iterator[None]:
    """Hold `path` as a lock that no second process gets; it is freed even if this process is killed.

    Raises `DataError` where another process holds it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DataError(
                f"another process still works on {path.with_suffix('')}; wait for it or end it, "
                "then run the workflow again."
            ) from error
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` on success, remove it on failure."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays, since matplotlib and numpy choose a format by it. The name is the same each time, so
    # that what a killed process left is written over by the next.
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write `content` with sorted keys; a number that is not finite is refused with `ValueError`."""
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False)
    with atomic(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | Path) -> dict[str, Any]:
    """Read what `write_json` wrote; raises `DataError` where it cannot be read."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read as JSON ({error}); delete it and run the workflow again."
        ) from error
