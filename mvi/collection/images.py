# SPDX-License-Identifier: MIT
"""The image files of a folder: which there are, and what tells them apart whatever they are called."""

import os
from pathlib import Path

from mvi.data.images import refusal
from mvi.errors import DataError
from mvi.files import sha256

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pnm")
)
# Size in bytes and time in nanoseconds.
State = tuple[int, int]


def image_files(folder: str | Path) -> list[str]:
    """Names of the image files in `folder` and below, relative to it, sorted; hidden ones do not count."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        at = Path(place).relative_to(folder)
        found += [
            (at / name).as_posix()
            for name in files
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
        ]
    return sorted(found)


def readable(folder: Path) -> tuple[list[str], dict[str, str]]:
    """The images in a folder whose headers can be read, and why the others cannot.

    Raises `DataError` where there is no image.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; give the folder of your images.")
    names = image_files(folder)
    refused = {name: reason for name in names if (reason := refused_image(folder, name)) is not None}
    if len(refused) == len(names):
        why = f" that can be read (the first, {names[0]}, {refused[names[0]]})" if names else ""
        raise DataError(f"{folder} holds no image{why}; give the folder of your images.")
    return [name for name in names if name not in refused], refused


def refused_image(folder: Path, name: str) -> str | None:
    """Why an image cannot be in a collection, as far as its name and header tell, or None."""
    if any(0xD800 <= ord(letter) < 0xE000 for letter in name):
        return "has a name that is not UTF-8"
    return refusal(folder / name)


def state_of(path: str | Path) -> State:
    """The state of a file; if it is as before, the file counts as unchanged."""
    stat = Path(path).stat()
    return stat.st_size, stat.st_mtime_ns


def content_hash(path: str | Path) -> str:
    """32 hexadecimal digits that two files share if their bytes are the same."""
    return sha256(path)[:32]
