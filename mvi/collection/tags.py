# SPDX-License-Identifier: MIT
"""Where the tags of images may stand: in a table, text files, the images' metadata, names of folders."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from mvi.collection.keywords import keywords_of
from mvi.data.readers.folder import tags_of_table
from mvi.errors import DataError
from mvi.text import one_form

Tags = dict[str, list[str]]
TABLE, BESIDE, KEYWORDS, FOLDERS = (
    "table",
    "text files beside images",
    "keywords in images",
    "names of folders",
)


def find_tags(folder: Path, names: Sequence[str], table: Path | None = None) -> tuple[Tags, str]:
    """The tags of the images `names` of `folder`, and where they are: a table, or the first place with any.

    Places are, in order, a text file beside an image (`photo.txt`; lines, `;` or commas separate tags),
    keywords in its metadata or sidecar (`mvi.collection.keywords`), and the names of the folders in which it
    lies. Raises `DataError` where there are none at all, and for a table that is wrong.
    """
    if table is not None:
        tags = tags_of_table(folder, table)
        return {name: tags.get(name, []) for name in names}, TABLE
    for place in PLACES:
        found = tags_at(place, folder, names)
        if any(found.values()):
            return found, place
    raise DataError(
        f"The images in {folder} have no tags: give a table with the columns file and tags, put text files "
        "such as photo.txt beside photo.jpg, or sort them into folders."
    )


def tags_at(place: str, folder: Path, names: Sequence[str]) -> Tags:
    """The tags that images have in a place of `PLACES`, each once."""
    return {name: list(dict.fromkeys(map(one_form, PLACES[place](folder, name)))) for name in names}


def _beside(folder: Path, name: str) -> list[str]:
    text = (folder / name).with_suffix(".txt")
    try:
        content = text.read_text(encoding="utf-8-sig") if text.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{text} cannot be read as UTF-8 ({error}); mend it or take it away.") from error
    return [tag for part in re.split(r"[;,\r\n]", content) if (tag := part.strip())]


def _folders(folder: Path, name: str) -> list[str]:
    return list(PurePosixPath(name).parts[:-1])


PLACES = {BESIDE: _beside, KEYWORDS: lambda folder, name: keywords_of(folder / name), FOLDERS: _folders}
