# SPDX-License-Identifier: MIT
"""The generated world as an archive in the layout of the Toronto features, at reduced dimensions.

Names and proportions are those of `mvi.data.readers.toronto_layout`. As in the original the last columns of
the image part are counts of visual words, the others differ widely in range, text is CSR without the entry
`format`, and the vocabulary's counts are those of all rows. There are no images: image columns are a random
map of what the scenes show, with noise.
"""

import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.sparse

from mvi.data.readers.mirflickr_annotations import CLASSES
from mvi.data.readers.toronto_layout import (
    ARCHIVE,
    COUNT_COLUMNS,
    FOLDER,
    LABELS,
    TEXTS,
    VOCABULARY,
    Expected,
)
from mvi.data.splits import PARTS
from mvi.errors import ConfigError, DataError
from mvi.files import atomic
from mvi.synthetic.concepts import CONCEPTS
from mvi.synthetic.world import FEATURES, World, make_world, stream

# In how many half blocks the original's rows come.
LABELLED_HALVES = 2 * ARCHIVE.cut_block - 1
UNLABELLED_HALVES = 2 * ARCHIVE.blocks - LABELLED_HALVES
SHARE_OF_COUNTS = COUNT_COLUMNS / ARCHIVE.image_columns
WORDS_AN_IMAGE = 400
SIGNAL = 0.5  # a scene shows some ten concepts of strengths up to 1: its part then has about the variance 1
NOISE = 1.0  # the standard deviation of the noise of columns that are no counts


def write_toronto(
    path: str | Path,
    *,
    labelled: int,
    unlabelled: int,
    image_size: int,
    vocabulary_size: int,
    seed: int,
) -> Expected:
    """Write an archive (.tar.gz) at `path`, whole or not at all; return what its reader should expect.

    So that blocks are in the original's proportions, `labelled` is a multiple of 5 and `unlabelled` of 195:
    25 and 975 rows make blocks of 10. `image_size` is the number of image columns and `vocabulary_size` that
    of the most frequent tags. The same arguments give the same bytes with the same libraries.
    Raises `ConfigError` for numbers that do not fit and `DataError` where the file cannot be written.
    """
    too_few = min(labelled, unlabelled) < 1 or image_size < 2
    if too_few or labelled % LABELLED_HALVES or unlabelled % UNLABELLED_HALVES:
        raise ConfigError(
            f"A generated archive needs a multiple of {LABELLED_HALVES} labelled rows, one of "
            f"{UNLABELLED_HALVES} unlabelled rows and at least 2 image columns, not {labelled}, {unlabelled} "
            f"and {image_size}."
        )
    world = make_world(labelled, unlabelled, seed)
    words = world.counted_tags()
    if not 1 <= vocabulary_size <= len(words):
        raise ConfigError(
            f"The {labelled + unlabelled} generated rows have {len(words)} tags, so there is no vocabulary "
            f"of {vocabulary_size}; ask for 1 to {len(words)} or for more rows."
        )
    words = words[:vocabulary_size]
    text = _text(world, [tag for tag, _ in words])
    expected = _expected(world, labelled, image_size, text)
    try:
        with (
            atomic(path) as temporary,
            temporary.open("wb") as file,
            # Without a name and a date in its header the wrapper is the same each time.
            gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as wrapper,
            tarfile.open(fileobj=wrapper, mode="w") as archive,
        ):
            for name, content in _members(world, expected, text, words, seed):
                member = tarfile.TarInfo(FOLDER + name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    except OSError as error:
        raise DataError(
            f"{path} cannot be written ({error}); free space or mend the permissions, and run again."
        ) from error
    return expected


def _expected(world: World, labelled: int, image_size: int, text: scipy.sparse.csr_array) -> Expected:
    without = np.diff(text.indptr) == 0
    fifth = labelled // 5
    return Expected(
        n_labelled=labelled,
        n_unlabelled=len(world.scenes) - labelled,
        image_columns=image_size,
        count_columns=max(1, round(SHARE_OF_COUNTS * image_size)),
        vocabulary_size=text.shape[1],
        classes=CLASSES,
        split_sizes=(2 * fifth, fifth, 2 * fifth),
        text_sum=int(text.sum()),
        untagged=(int(without[:labelled].sum()), int(without[labelled:].sum())),
        first_untagged=tuple(np.flatnonzero(without[:labelled])[:5].tolist()),
        label_mean=float(world.labels[:labelled].mean()),
    )


def _members(
    world: World, expected: Expected, text: scipy.sparse.csr_array, words: list[tuple[str, int]], seed: int
) -> Iterator[tuple[str, bytes]]:
    features = _features(world.summaries, expected, seed)
    for name, rows in expected.block_rows().items():
        yield name, _npy(features[rows.start : rows.stop])
    labelled = expected.n_labelled
    yield LABELS, _npy(world.labels[:labelled].astype(np.int32))
    yield from _splits(expected, seed)
    for name, matrix in zip(TEXTS, (text[:labelled], text[labelled:]), strict=True):
        buffer = io.BytesIO()
        np.savez(
            buffer,
            data=matrix.data,
            indices=matrix.indices,
            indptr=matrix.indptr,
            shape=np.array(matrix.shape),
        )
        yield name, buffer.getvalue()
    lines = "".join(f"{number} {tag} {count}\n" for number, (tag, count) in enumerate(words))
    yield VOCABULARY, lines.encode()


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _features(summaries: np.ndarray, expected: Expected, seed: int) -> np.ndarray:
    """Return image columns (n, image columns) float32: random projections, then Poisson counts of words."""
    counts = expected.count_columns
    assert counts is not None  # `_expected` says how many
    plain = expected.image_columns - counts
    # The map belongs to no row, whose keys are longer.
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(FEATURES,)))
    projection = generator.standard_normal((len(CONCEPTS), plain))
    scale, offset = 10 ** generator.uniform(-2, 2, plain), generator.standard_normal(plain)
    preference, rarity = generator.standard_normal((len(CONCEPTS), counts)), generator.standard_normal(counts)
    features = np.empty((len(summaries), expected.image_columns), np.float32)
    for row, summary in enumerate(summaries):
        own = stream(seed, row, FEATURES)
        signal = SIGNAL * (summary @ projection) + NOISE * own.standard_normal(plain)
        features[row, :plain] = scale * (signal + offset)
        rate = np.exp(SIGNAL * (summary @ preference) + rarity)
        features[row, plain:] = own.poisson(WORDS_AN_IMAGE * rate / rate.sum())
    return features


def _splits(expected: Expected, seed: int) -> Iterator[tuple[str, bytes]]:
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(FEATURES, 0, 0)))
    ends = np.cumsum(expected.split_sizes)[:-1]
    order: dict[int, list[np.ndarray]] = {
        number: np.split(generator.permutation(expected.n_labelled), ends)
        for number in range(1, expected.splits + 1)
    }
    for name, (number, part) in expected.split_names().items():
        yield name, _npy(order[number][PARTS.index(part)])


def _text(world: World, vocabulary: list[str]) -> scipy.sparse.csr_array:
    column = {tag: number for number, tag in enumerate(vocabulary)}
    rows = [sorted(column[tag] for tag in tags if tag in column) for tags in world.tags]
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    indices = np.array([index for row in rows for index in row], np.int32)
    return scipy.sparse.csr_array(
        (np.ones(len(indices), np.float32), indices, indptr), (len(rows), len(vocabulary))
    )
