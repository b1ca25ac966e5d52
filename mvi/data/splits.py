# SPDX-License-Identifier: MIT
"""Train, validation and test rows.

The generator decides which rows a part holds. Inside a part the rows ascend, so that a block of them lies
together in the store and is read from few chunks; who needs a random order shuffles the part.
"""

from collections.abc import Mapping, Sequence, Sized

import numpy as np

from mvi.errors import ConfigError, DataError

PARTS = ("train", "validation", "test")


def stratified(
    labels: np.ndarray, fractions: Mapping[str, float], generator: np.random.Generator
) -> dict[str, np.ndarray]:
    """Split all rows at random so that each part holds every class in the same proportion.

    `labels` is (n,) of class indices; `fractions` gives train, validation and test, positive and adding up
    to 1. Validation and test have round(fraction * n) rows each and train the rest; the rows of a class in
    a part differ from their share by less than two. Returns ascending int64 row indices by part. Raises
    `ConfigError` for wrong fractions and `DataError` where a part gets no row of some class.
    """
    if set(fractions) != set(PARTS):
        raise ConfigError(
            f"A split needs the fractions {', '.join(PARTS)}, not {', '.join(fractions) or 'none'}."
        )
    if min(fractions.values()) <= 0 or abs(sum(fractions.values()) - 1) > 1e-9:
        shown = ", ".join(f"{part} {fractions[part]:g}" for part in PARTS)
        raise ConfigError(f"The fractions of a split must be positive and add up to 1, not {shown}.")
    labels = np.asarray(labels)
    by_class = {
        int(label): generator.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)
    }
    wanted = {part: round(fractions[part] * len(labels)) for part in ("test", "validation")}
    taken: dict[str, list[np.ndarray]] = {part: [] for part in PARTS}
    for part, count in wanted.items():
        left = sum(map(len, by_class.values()))
        # Rounding the running total, not each class, makes the part's size exact.
        before = 0
        for label, members in by_class.items():
            after = before + len(members)
            own = round(count * after / left) - round(count * before / left)
            taken[part].append(members[:own])
            by_class[label] = members[own:]
            before = after
    taken["train"] = list(by_class.values())
    for part, pieces in taken.items():
        for label, piece in zip(by_class, pieces, strict=True):
            if not len(piece):
                raise DataError(
                    f"Class {label} has too few rows ({np.sum(labels == label)}) to be in the {part} part "
                    f"at a fraction of {fractions[part]:g}; raise that fraction or leave the class out."
                )
    return {part: np.sort(np.concatenate(taken[part])) for part in PARTS}


def held_out(
    training_rows: int, test_rows: int, validation_rows: int, generator: np.random.Generator
) -> dict[str, np.ndarray]:
    """Split a data set that has a test part of its own: its rows follow the training rows.

    The training rows are shuffled once; the last `validation_rows` of the shuffle are the validation part and
    the others the training part (reference code, MNIST: 60,000 into 50,000 and 10,000, and 10,000 for
    test). Returns ascending int64 row indices by part. Raises `ConfigError` where a part would be empty.
    """
    if not 0 < validation_rows < training_rows:
        raise ConfigError(
            f"The validation part must have between 1 and {training_rows - 1} of the {training_rows} "
            f"training rows, not {validation_rows}."
        )
    if test_rows < 1:
        raise ConfigError("The test part must have at least 1 row.")
    shuffled = generator.permutation(training_rows)
    return {
        "train": np.sort(shuffled[:-validation_rows]),
        "validation": np.sort(shuffled[-validation_rows:]),
        "test": np.arange(training_rows, training_rows + test_rows),
    }


def random_parts(n: int, counts: Sequence[int], generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Split `n` rows at random into train, validation and test parts of the sizes `counts`, in this order.

    Each row is in one part (MIRFLICKR in the paper: 10,000, 5,000 and 10,000 of 25,000). Returns ascending
    int64 row indices by part. Raises `ConfigError` where a size is not positive or they do not add up to `n`.
    """
    if len(counts) != len(PARTS) or min(counts) < 1 or sum(counts) != n:
        raise ConfigError(
            f"A split of {n} rows needs a size of at least 1 for each of {', '.join(PARTS)}, adding up to "
            f"{n}, not {', '.join(map(str, counts)) or 'none'}; label more rows or change the shares."
        )
    shuffled = generator.permutation(n)
    pieces = np.split(shuffled, np.cumsum(counts)[:-1])
    return {part: np.sort(piece) for part, piece in zip(PARTS, pieces, strict=True)}


def random_splits(n: int, shares: Sequence[float], count: int, seed: int) -> dict[int, dict[str, np.ndarray]]:
    """Return `count` splits of `n` rows by number from 1, made by `random_parts`.

    `shares` are those of train and validation, rounded to whole rows; test has the rest (MIRFLICKR in the
    paper: 0.4 and 0.2). `seed` decides, and a split does not depend on how many there are. Raises
    `ConfigError` where a part would have no row.
    """
    train, validation = (round(share * n) for share in shares)
    counts = (train, validation, n - train - validation)
    return {
        number: random_parts(n, counts, np.random.default_rng([seed, number]))
        for number in range(1, count + 1)
    }


def learn_from_unlabelled(n_rows: int, n_labelled: int, splits: Mapping[int, Mapping[str, Sized]]) -> bool:
    """Whether means, deviations and visual words are learned from the unlabelled rows.

    They are where these are at least as many as the training rows of a split, or where there are no splits; a
    few rows that somebody forgot to label are not enough to stand for all.
    """
    fewest = min((len(split["train"]) for split in splits.values()), default=1)
    return n_rows - n_labelled >= fewest
