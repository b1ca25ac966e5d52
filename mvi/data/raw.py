# SPDX-License-Identifier: MIT
"""Raw files whose format has no checksum, such as plain tars and texts: their SHA-256 is kept beside them.

Who makes such a file notes its digest (`.<file>.sha256`, as `sha256sum` writes it), and every job that is
given the file compares. A file without a note, which somebody put there, is taken as it is.
"""

from collections.abc import Iterable
from pathlib import Path

from mvi.errors import DataError
from mvi.files import AGAIN, atomic, sha256

# What tells by itself when it is damaged.
_CHECKED = (".gz", ".npz", ".zip")


def note_digest(path: str | Path) -> None:
    """Keep the digest of the file at `path`, unless its format has checksums."""
    path = Path(path)
    if path.suffix not in _CHECKED:
        with atomic(_note_of(path)) as temporary:
            temporary.write_text(f"{sha256(path)}  {path.name}\n", encoding="utf-8")


def check_noted(paths: Iterable[str | Path]) -> None:
    """Raise `DataError` for the first of the files that is not as it was when its digest was noted."""
    for path in map(Path, paths):
        note = _note_of(path)
        if note.is_file() and note.read_bytes() != f"{sha256(path)}  {path.name}\n".encode():
            raise DataError(f"{path} is damaged (its checksum is another); {AGAIN}.")


def _note_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.sha256")
