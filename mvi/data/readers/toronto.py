# SPDX-License-Identifier: MIT
"""From the archive `flickr_data.tar.gz`, whose features are the paper's, to a store.

The archive (Srivastava and Salakhutdinov 2012) passes by once, in whatever order it holds its files, with one
block of images in memory at a time; `mvi.data.readers.toronto_layout` says what is in it.
"""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from tqdm import tqdm

from mvi.data.archives import DAMAGE, TarMember, tar_members
from mvi.data.readers.toronto_layout import ARCHIVE, FOLDER, LABELS, TEXTS, VOCABULARY, Expected
from mvi.data.splits import PARTS
from mvi.data.store_writer import Dense, Sparse, StoreWriter, writing_store
from mvi.errors import DataError

# More than the labels, and more than the tags, can have: a guard of the memory.
SMALL_BYTES, TEXT_BYTES = 2**27, 2**31


def write_archive_store(
    path: str | Path,
    raw: Mapping[str, str],
    settings: Mapping[str, Any],
    *,
    dataset: str,
    citation: str,
    precision: str,
) -> None:
    """Write the store of the original, the file "archive" of `raw`; raises as `write_toronto_store` does.

    `settings` are those of `mvi.data.sets.toronto`; features are kept in `precision`, float32 or float16.
    """
    write_toronto_store(
        raw["archive"],
        path,
        expected=ARCHIVE.without(settings["unchecked"]),
        dtype=precision,
        dataset=dataset,
        citation=citation,
    )


def write_toronto_store(
    archive_path: str | Path,
    store_path: str | Path,
    *,
    expected: Expected = ARCHIVE,
    dtype: str = "float16",
    dataset: str = "toronto",
    generated: bool = False,
    citation: str = "",
) -> None:
    """Write the store of the archive at `archive_path`: modalities image (`dtype`) and text (counts).

    Features are kept as they are, not standardised; ids are the numbers of the images in MIRFLICKR-1M. The
    statistics are those of the unlabelled images. What the archive holds beside the files named above is
    passed over. Nothing is written unless these checks hold, which the error names by number with what
    was found:

    1. the image blocks are those expected, with their rows and columns;
    2. the counts of tags have the expected sum, and each word the count that the vocabulary's file gives;
    3. so many rows have no tag, and the first of them are where they should be;
    4. the last columns of the images are counts: whole and not negative;
    5. the labels are 0 and 1, a column a class, with the expected mean;
    6. each split cuts the labelled rows into three parts of the expected sizes; none is ever made up.

    Raises `DataError` for these, for a damaged or unsafe archive, and for a value that is not finite or too
    large for `dtype`.
    """
    archive_path = Path(archive_path)
    check = _Checks(expected)
    blocks = expected.block_rows()
    found: dict[str, Any] = {}
    with writing_store(
        store_path,
        dataset=dataset,
        n_rows=expected.n_rows,
        modalities={
            "image": Dense(expected.image_columns, dtype),
            "text": Sparse(expected.vocabulary_size),
        },
        generated=generated,
        citation=citation,
        attributes=_attributes(expected),
        statistics=("image",),
    ) as writer:
        with tqdm(desc="image blocks", total=len(blocks), leave=False, disable=None) as bar:
            for member in tar_members(archive_path):
                name = member.name.removeprefix(FOLDER)
                if name == member.name:
                    continue
                if name in blocks:
                    _write_block(writer, check, member, name, blocks.pop(name))
                    bar.update()
                elif name.startswith(("image/labelled/combined-", "image/unlabelled/combined-")):
                    check.fail(1, f"it holds {name}, which is none of the blocks")
                elif name in TEXTS:
                    found[name] = _counts(member)
                elif name == VOCABULARY:
                    found[name] = member.read(SMALL_BYTES)
                elif name == LABELS or name in expected.split_names():
                    found[name] = member.array(SMALL_BYTES)
        if blocks:
            check.fail(1, f"{len(blocks)} image blocks are missing, the first of them {next(iter(blocks))}")
        labels, splits, vocabulary = check.labels(found), check.splits(found), check.vocabulary(found)
        text = check.text(found, vocabulary)
        check.conclude(archive_path)
        assert vocabulary is not None  # or that would have failed
        writer.write("text", 0, text)
        writer.annotate(labels=labels, classes=expected.classes, splits=splits, vocabulary=vocabulary[0])


def _attributes(expected: Expected) -> dict[str, Any]:
    """Which columns are known to be what, and that they were given."""
    features = {"features": {"kind": "given", "dataset": "toronto"}}
    if expected.count_columns is None:
        return features
    first = expected.image_columns - expected.count_columns
    return {**features, "descriptors": {"phow": [first, expected.image_columns]}}


def _write_block(writer: StoreWriter, check: "_Checks", member: TarMember, name: str, rows: range) -> None:
    columns = check.expected.image_columns
    values = member.array(limit=len(rows) * columns * 8 + 2**16)
    if values.shape != (len(rows), columns) or values.dtype.kind not in "fui":
        raise DataError(
            f"{member.path} fails check 1: {name} is {values.dtype} of shape {values.shape} instead of "
            f"numbers of shape {(len(rows), columns)}; use the original archive."
        )
    writer.write("image", rows.start, values)
    check.counts(values, name)


class _Checks:
    """The checks of the small parts, which return what they read, and the list of what failed."""

    def __init__(self, expected: Expected) -> None:
        self.expected = expected
        self._failed: dict[int, list[str]] = {}

    def fail(self, number: int, what: str) -> None:
        """Note that check `number` failed and by `what`."""
        self._failed.setdefault(number, []).append(what)

    def conclude(self, path: Path) -> None:
        """Raise `DataError` with all that failed, if anything did."""
        if self._failed:
            told = "; ".join(f"check {n}: {', '.join(self._failed[n])}" for n in sorted(self._failed))
            raise DataError(
                f"{path} is not the archive expected ({told}); use the original one, or, if it is, name "
                "what need not hold in data.toronto.unchecked."
            )

    def counts(self, values: np.ndarray, name: str) -> None:
        """Check 4 of a block of images; only the first failure is told."""
        n = self.expected.count_columns
        if n is None or 4 in self._failed:
            return
        last = values[:, values.shape[1] - n :]
        wrong = (last < 0) | (last != np.floor(last))
        if wrong.any():
            row, column = (int(i) for i in np.argwhere(wrong)[0])
            self.fail(
                4,
                f"{name} has {last[row, column]:g} in row {row}, column {values.shape[1] - n + column}, "
                "where counts of visual words should be",
            )

    def labels(self, found: dict[str, Any]) -> np.ndarray | None:
        """Check 5; returns (L, classes)."""
        shape = (self.expected.n_labelled, len(self.expected.classes))
        labels = found.get(LABELS)
        if labels is None:
            self.fail(5, f"{LABELS} is missing")
        elif labels.shape != shape:
            self.fail(5, f"{LABELS} has the shape {labels.shape} instead of {shape}")
        elif not np.isin(labels, (0, 1)).all():
            self.fail(5, f"{LABELS} holds {labels[~np.isin(labels, (0, 1))][0]} beside 0 and 1")
        else:
            mean, wanted = float(labels.mean()), self.expected.label_mean
            if wanted is not None and abs(mean - wanted) > self.expected.label_mean_tolerance:
                self.fail(5, f"the mean of {LABELS} is {mean:.4f} instead of {wanted:g}")
            return labels.astype(np.uint8)
        return None

    def splits(self, found: dict[str, Any]) -> dict[int, dict[str, np.ndarray]]:
        """Check 6; returns the parts of each split by its number."""
        sizes = dict(zip(PARTS, self.expected.split_sizes, strict=True))
        splits: dict[int, dict[str, np.ndarray]] = {}
        for name, (number, part) in self.expected.split_names().items():
            rows = found.get(name)
            if rows is None:
                self.fail(6, f"{name} is missing")
            elif rows.shape != (sizes[part],) or rows.dtype.kind not in "ui":
                self.fail(
                    6, f"{name} is {rows.dtype} of shape {rows.shape} instead of {sizes[part]} row numbers"
                )
            else:
                splits.setdefault(number, {})[part] = np.sort(rows.astype(np.int64))
        for number, parts in splits.items():
            rows = np.sort(np.concatenate(list(parts.values())))
            whole = np.arange(self.expected.n_labelled)
            if len(parts) == len(PARTS) and not np.array_equal(rows, whole):
                absent = np.setdiff1d(whole, rows)
                what = f"leaves out {len(absent)} of the labelled rows" if len(absent) else "has other rows"
                self.fail(6, f"split {number} {what} instead of using each of 0 to {whole[-1]} once")
        return splits

    def vocabulary(self, found: dict[str, Any]) -> tuple[list[str], np.ndarray] | None:
        """Check 2, the words; returns them and their counts."""
        if VOCABULARY not in found:
            self.fail(2, f"{VOCABULARY} is missing")
            return None
        lines = found[VOCABULARY].decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n").split("\n")
        cells = [line.rstrip(" ").split(" ") for line in lines]
        for number, line in enumerate(cells):
            if len(line) != 3 or line[0] != str(number) or not line[2].isdecimal():
                shown = " ".join(line)[:60]
                self.fail(
                    2,
                    f"line {number + 1} of {VOCABULARY} is {shown!r} instead of {number}, a word and a count",
                )
                return None
        if len(cells) != self.expected.vocabulary_size:
            self.fail(2, f"{VOCABULARY} has {len(cells)} words instead of {self.expected.vocabulary_size}")
            return None
        return [line[1] for line in cells], np.array([int(line[2]) for line in cells])

    def text(self, found: dict[str, Any], vocabulary: tuple[list[str], np.ndarray] | None) -> Any:
        """Checks 2 and 3; returns the counts (n_rows, v) of all rows as CSR."""
        expected = self.expected
        sizes = (expected.n_labelled, expected.n_unlabelled)
        parts = []
        for name, rows in zip(TEXTS, sizes, strict=True):
            part = found.get(name)
            if part is None:
                self.fail(2, f"{name} is missing")
            elif part.shape != (rows, expected.vocabulary_size):
                self.fail(
                    2, f"{name} has the shape {part.shape} instead of {(rows, expected.vocabulary_size)}"
                )
            else:
                parts.append(part)
        if len(parts) < 2:
            return None
        totals = sum(part.sum(0) for part in parts)
        if expected.text_sum is not None and totals.sum() != expected.text_sum:
            self.fail(2, f"the counts of tags sum to {totals.sum():g} instead of {expected.text_sum}")
        if expected.vocabulary_counts and vocabulary is not None and (totals != vocabulary[1]).any():
            words, wanted = vocabulary
            column = int(np.argmax(totals != wanted))
            self.fail(
                2,
                f"{(totals != wanted).sum()} words have another count than in {VOCABULARY}, the first of "
                f"them {words[column]!r} with {totals[column]:g} instead of {wanted[column]}",
            )
        untagged = [np.flatnonzero(np.asarray(part.sum(1)) == 0) for part in parts]
        number = tuple(len(rows) for rows in untagged)
        if expected.untagged is not None and number != expected.untagged:
            self.fail(
                3,
                f"{number[0]} labelled and {number[1]} unlabelled rows have no tag instead of "
                f"{expected.untagged[0]} and {expected.untagged[1]}",
            )
        if expected.first_untagged is not None:
            first = tuple(untagged[0][: len(expected.first_untagged)].tolist())
            if first != expected.first_untagged:
                self.fail(
                    3,
                    f"the first rows without a tag are {', '.join(map(str, first)) or 'none'} instead of "
                    f"{', '.join(map(str, expected.first_untagged))}",
                )
        return sparse.vstack(parts, format="csr")


def _counts(member: TarMember) -> sparse.csr_array:
    """Return the matrix whose CSR parts a member holds as numpy savez wrote them."""
    where = f"{member.name} in {member.path}"
    content = io.BytesIO(member.read(TEXT_BYTES))
    try:
        with zipfile.ZipFile(content) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
        if unpacked > TEXT_BYTES:
            raise ValueError(f"it unpacks to {unpacked} bytes")
        with np.load(content, allow_pickle=False) as parts:
            shape = tuple(int(n) for n in parts["shape"])
            matrix = sparse.csr_array(tuple(parts[key] for key in ("data", "indices", "indptr")), shape=shape)
        matrix.check_format(full_check=True)
    except (*DAMAGE, KeyError, TypeError) as error:
        raise DataError(
            f"{where} holds no sparse matrix of numbers ({' '.join(str(error).split())}); use the original "
            "archive."
        ) from error
    return matrix
