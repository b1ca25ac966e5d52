# SPDX-License-Identifier: MIT
"""Anyone's images: a folder and a CSV table that gives the tags of each and, where known, its classes.

Beside them may be pairs of another collection, without labels: a zip in the layout of MIRFLICKR.
"""

import csv
import hashlib
import io
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mvi.data.archives import open_zip
from mvi.data.catalogue import Catalogue, count_words
from mvi.data.readers.mirflickr_layout import image_names, tags_of
from mvi.data.splits import random_splits
from mvi.errors import DataError
from mvi.text import one_form

COLUMNS = ("file", "tags", "labels")
SEPARATOR = ";"
TAB = "\t"
DELIMITERS = (",", SEPARATOR, TAB)


def catalogue(
    raw: Mapping[str, str], settings: Mapping[str, Any], *, dataset: str, generated: bool, citation: str
) -> Catalogue:
    """Return the catalogue of the folder "images" and the file "table" of `raw`, and of "pairs" if there.

    `settings` are those of `mvi.data.sets.folder`; nothing here is ever `generated`. Raises as `read_folder`
    does.
    """
    vocabulary, splits = settings["vocabulary"], settings["splits"]
    return read_folder(
        raw["images"],
        raw["table"],
        dataset=dataset,
        vocabulary_size=vocabulary["size"],
        minimum_count=vocabulary["minimum_count"],
        splits=splits["count"],
        shares=(splits["train"], splits["validation"]),
        seed=splits["seed"],
        pairs_zip=raw.get("pairs"),
        fold_case=settings["fold_case"],
        citation=citation,
    )


def read_folder(
    folder: str | Path,
    table_csv: str | Path,
    *,
    dataset: str,
    vocabulary_size: int = 2000,
    minimum_count: int = 2,
    splits: int = 5,
    shares: Sequence[float] = (0.4, 0.2),
    seed: int = 0,
    pairs_zip: str | Path | None = None,
    fold_case: bool = False,
    citation: str = "",
) -> Catalogue:
    """Return the catalogue of the images in `folder` that `table_csv` lists; no image is read.

    The table is UTF-8 with the columns `file`, in the folder, `tags`, and `labels` if any, in any order and
    case, between commas, `;` or tabs; further columns do not count. Tags and labels are separated by `;`, in
    a table with `;` between columns also by commas, come in one form (`mvi.text.one_form`; with `fold_case`
    capital and small letters of tags count as the same) and stay as they are otherwise. An image with an
    empty cell of labels is unlabelled; a lone `;` says that it belongs to no class. Rows with labels come
    first, otherwise in the order of the table; ids are the files' names; classes are all labels, in
    alphabetical (code point) order. The vocabulary is made of the tags of all rows as
    `mvi.data.catalogue.count_words` says. Where there are labels, there are `splits` random splits of the
    labelled rows, of which `shares` are for train and validation, decided by `seed`. The images of
    `pairs_zip`, if given, come last, and their tags are among those that make the vocabulary.

    Raises `DataError` where the table cannot be read, lists a file twice or one that is not in the folder, or
    has no tag that is frequent enough, and where the zip is not what it should be; `ConfigError` where the
    shares leave a part without a row.
    """
    folder, table_csv = Path(folder), Path(table_csv)
    rows = _rows(table_csv, folder)
    _check_files(folder, table_csv, [row["file"] for row in rows])
    with_labels = [row for row in rows if row["labels"]]
    ordered = with_labels + [row for row in rows if not row["labels"]]
    pairs, others = _pairs(pairs_zip)
    tags = [*(_items(row["tags"]) for row in ordered), *others]
    text, vocabulary = count_words(tags, vocabulary_size, minimum_count, fold_case=fold_case)
    members = [set(_items(row["labels"])) for row in with_labels]
    classes = sorted(set().union(*members))
    labels = np.array([[name in own for name in classes] for own in members], np.uint8)
    names = [*(row["file"] for row in ordered), *pairs]
    catalogue = Catalogue(
        dataset=dataset,
        names=names,
        ids=np.array(names),
        text=text,
        vocabulary=vocabulary,
        labels=labels.reshape(len(members), len(classes)),
        classes=classes,
        splits=random_splits(len(members), shares, splits, seed) if members else {},
        generated=False,
        citation=citation,
    )
    catalogue.check()
    return catalogue


def _pairs(path: str | Path | None) -> tuple[list[str], list[list[str]]]:
    """Names and tags of the images of a zip in the layout of MIRFLICKR."""
    if path is None:
        return [], []
    with open_zip(path) as archive:
        names = image_names(archive)
        return names, tags_of(archive, len(names))


@dataclass(frozen=True)
class Survey:
    """What a look at a table and at its files, without opening any of them, tells.

    `images` are listed, `labelled` of them with a cell of labels; `fingerprint` changes with the name, size
    or time of any.
    """

    images: int
    labelled: int
    fingerprint: str


def survey_folder(folder: str | Path, table_csv: str | Path) -> Survey:
    """Look at what `read_folder` would read; raises `DataError` for a bad table and missing files."""
    folder, table_csv = Path(folder), Path(table_csv)
    rows = _rows(table_csv, folder)
    _check_files(folder, table_csv, [row["file"] for row in rows])
    digest = hashlib.sha256()
    for row in rows:
        state = (folder / row["file"]).stat()
        digest.update(f"{row['file']}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return Survey(len(rows), sum(bool(row["labels"]) for row in rows), digest.hexdigest()[:16])


def _rows(path: Path, folder: Path) -> list[dict[str, str]]:
    """The cells of `COLUMNS` in each line; lines without any cell do not count."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        delimiter = max(DELIMITERS, key=text.partition("\n")[0].count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        head = next(reader, [])
        names = [name.strip().casefold() for name in head]
        if any(names.count(column) != 1 for column in COLUMNS[:2]) or names.count(COLUMNS[2]) > 1:
            raise DataError(
                f"The first line of {path} must name the columns {', '.join(COLUMNS[:2])} and, if any, "
                f"{COLUMNS[2]}, not {', '.join(head) or 'none'}."
            )
        place = {column: names.index(column) for column in COLUMNS if column in names}
        rows = []
        for cells in filter(None, reader):
            if len(cells) != len(head):
                raise DataError(
                    f"{path}, line {reader.line_num}: a row must have {len(head)} cells; quote cells with "
                    f"{'tabs' if delimiter == TAB else delimiter!r}."
                )
            row = {column: cells[at].strip() for column, at in place.items()}
            if delimiter == SEPARATOR:
                row |= {column: row[column].replace(",", SEPARATOR) for column in place if column != "file"}
            rows.append({"labels": "", **row, "file": _plain(row["file"], folder)})
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 ({error.reason}); save it in that encoding.") from error
    except (OSError, csv.Error) as error:
        raise DataError(
            f"The table {path} cannot be read ({error}); mend it or name the right one."
        ) from error
    if not rows:
        raise DataError(f"{path} lists no image; add a line for each.")
    return rows


def _plain(name: str, folder: Path) -> str:
    """A file as the catalogue names it: relative to the folder, without what says nothing (`./`, `//`)."""
    if not name:
        return name
    path = Path(name).expanduser() if name.startswith("~/") else Path(name)
    for base in (folder.absolute(), folder.resolve()):
        if path.is_absolute() and path.is_relative_to(base):
            path = path.relative_to(base)
    return path.as_posix()


def _check_files(folder: Path, table: Path, files: list[str], *, lacking: bool = False) -> None:
    for name, count in Counter(files).items():
        if count > 1:
            raise DataError(f"{table} lists {name!r} {count} times; give all its tags in one line.")
        if re.match(r"/|[A-Za-z]:", name) or re.search(r"[\\\0]", name) or ".." in name.split("/"):
            raise DataError(
                f"{table} lists {name!r}, which leads out of the folder; name files relative to it, with /."
            )
    # Not by `Path.is_file`, which raises where a name is longer than names can be.
    missing = [name for name in files if not (name and os.path.isfile(folder / name))]  # noqa: PTH113
    if missing and not lacking:
        raise DataError(
            f"{len(missing)} of the {len(files)} files that {table} lists are not in {folder}, the first of "
            f"them {missing[0][:100]!r}; add them or take their lines out."
        )


def tags_of_table(
    folder: str | Path, table_csv: str | Path, *, lacking: bool = False
) -> dict[str, list[str]]:
    """The tags of each listed image of `folder`; raises `DataError` as `read_folder`.

    lacking: whether files may be listed that are not there
    """
    folder, table_csv = Path(folder), Path(table_csv)
    rows = _rows(table_csv, folder)
    _check_files(folder, table_csv, [row["file"] for row in rows], lacking=lacking)
    return {row["file"]: _items(row["tags"]) for row in rows}


def _items(cell: str) -> list[str]:
    return [one_form(item) for item in cell.split(SEPARATOR) if item.strip()]
