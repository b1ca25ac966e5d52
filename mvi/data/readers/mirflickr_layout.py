# SPDX-License-Identifier: MIT
"""The zip of MIRFLICKR's images and tags (Huiskes and Lew 2008, MIR), for whoever reads it.

`mirflickr/im<i>.jpg` are the images, numbered from 1 without a hole, and `mirflickr/meta/tags/tags<i>.txt`
their tags, one a line.
"""

import logging
import re
import zipfile
from collections.abc import Sequence

from mvi.data.archives import read_member
from mvi.errors import DataError

IMAGE = re.compile(r"mirflickr/im([1-9][0-9]*)\.jpg")
# Flickr allows 75 tags per image, so a file of more than this is none of tags.
TAG_FILE_BYTES = 2**20

log = logging.getLogger(__name__)


def image_names(archive: zipfile.ZipFile) -> list[str]:
    """The members that are images, by number; raises `DataError` where there is none or a hole."""
    numbers = [int(found[1]) for name in archive.namelist() if (found := IMAGE.fullmatch(name))]
    if not numbers:
        raise DataError(f"{archive.filename} holds no mirflickr/im1.jpg; retrieve the right archive.")
    for wanted, number in enumerate(sorted(numbers), 1):
        if number != wanted:
            raise DataError(
                f"{archive.filename} lacks mirflickr/im{wanted}.jpg although it has im{number}.jpg; "
                "retrieve the whole archive."
            )
    return [f"mirflickr/im{number}.jpg" for number in range(1, len(numbers) + 1)]


def tags_of(archive: zipfile.ZipFile, n: int) -> list[list[str]]:
    """The tags of each of `n` images, as `read_tags` reads them."""
    return read_tags(archive, [f"mirflickr/meta/tags/tags{number}.txt" for number in range(1, n + 1)])


def read_tags(archive: zipfile.ZipFile, names: Sequence[str]) -> list[list[str]]:
    """The tags in each of these files; raises `DataError` where one is missing or too large.

    Files are UTF-8 with lines that end as on any system; one that is not UTF-8 is read as Latin-1, and their
    number is logged as one warning.
    """
    tags, other = [], []
    for name in names:
        content = read_member(archive, name, TAG_FILE_BYTES)
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
            other.append(name)
        # Not splitlines, which also cuts at characters that a tag may hold.
        lines = (line.strip() for line in text.replace("\r", "\n").split("\n"))
        tags.append([line for line in lines if line])
    if other:
        log.warning(
            "%d of the %d tag files of %s are not UTF-8 and were read as Latin-1, the first of them %s",
            len(other),
            len(names),
            archive.filename,
            other[0],
        )
    return tags
