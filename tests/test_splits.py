# SPDX-License-Identifier: MIT
"""Splits are disjoint, complete, stratified where they say so, and decided by the generator alone."""

from fractions import Fraction

import numpy as np
import pytest

from mvi.data.splits import PARTS, held_out, learn_from_unlabelled, random_parts, random_splits, stratified
from mvi.errors import ConfigError, DataError

FRACTIONS = {"train": 0.6, "validation": 0.15, "test": 0.25}


def assert_partition(split: dict[str, np.ndarray], n: int) -> None:
    assert tuple(split) == PARTS
    np.testing.assert_array_equal(np.sort(np.concatenate(list(split.values()))), np.arange(n))
    for rows in split.values():
        assert rows.dtype == np.int64
        assert (np.diff(rows) > 0).all()


@pytest.mark.parametrize("fractions", [FRACTIONS, {"train": 0.02, "validation": 0.49, "test": 0.49}])
@pytest.mark.parametrize("seed", range(5))
def test_stratified_parts_have_their_size_and_every_class_its_share(fractions, seed):
    generator = np.random.default_rng(seed)
    labels = generator.choice(7, 1797, p=np.arange(1, 8) / 28)
    split = stratified(labels, fractions, generator)
    assert_partition(split, 1797)
    for part in ("validation", "test"):
        assert len(split[part]) == round(fractions[part] * 1797)
    counts = np.bincount(labels)
    for part, rows in split.items():
        assert np.abs(np.bincount(labels[rows], minlength=7) - fractions[part] * counts).max() < 2


def test_exact_counts_by_exact_fractions():
    sizes = {"train": 1000, "validation": 297, "test": 500}
    labels = np.arange(1797) % 10
    fractions = {part: float(Fraction(size, 1797)) for part, size in sizes.items()}
    split = stratified(labels, fractions, np.random.default_rng(0))
    assert {part: len(rows) for part, rows in split.items()} == sizes


def test_the_generator_alone_decides():
    labels = np.arange(300) % 10
    first, again, other = (stratified(labels, FRACTIONS, np.random.default_rng(seed)) for seed in (1, 1, 2))
    for part in PARTS:
        np.testing.assert_array_equal(first[part], again[part])
        assert not np.array_equal(first[part], other[part])


def test_no_row_of_a_class_is_favoured():
    labels = np.arange(60) % 3
    in_test = np.zeros(60)
    for seed in range(400):
        in_test[stratified(labels, FRACTIONS, np.random.default_rng(seed))["test"]] += 1
    # 5 standard deviations of a binomial
    assert np.abs(in_test / 400 - 0.25).max() < 5 * np.sqrt(0.25 * 0.75 / 400)


@pytest.mark.parametrize(
    ("fractions", "says"),
    [
        ({"train": 0.6, "validation": 0.15}, "needs the fractions"),
        ({"train": 0.6, "validation": 0.15, "tests": 0.25}, "needs the fractions"),
        ({"train": 0.6, "validation": 0.15, "test": 0.3}, "add up to 1"),
        ({"train": 0.75, "validation": 0.0, "test": 0.25}, "must be positive"),
        ({"train": 1.2, "validation": -0.4, "test": 0.2}, "must be positive"),
    ],
)
def test_wrong_fractions_are_refused(fractions, says):
    with pytest.raises(ConfigError, match=says):
        stratified(np.arange(100) % 2, fractions, np.random.default_rng(0))


@pytest.mark.parametrize("rare", [1, 2])
def test_a_class_too_small_to_be_everywhere_is_named(rare):
    labels = np.concatenate([np.zeros(100, int), np.full(rare, 5), np.ones(100, int)])
    with pytest.raises(DataError, match=rf"Class 5 has too few rows \({rare}\)"):
        stratified(labels, FRACTIONS, np.random.default_rng(0))


def test_held_out_follows_the_reference():
    split = held_out(60_000, 10_000, 10_000, np.random.default_rng(7))
    assert_partition(split, 70_000)
    assert [len(rows) for rows in split.values()] == [50_000, 10_000, 10_000]
    np.testing.assert_array_equal(split["test"], np.arange(60_000, 70_000))
    shuffled = np.random.default_rng(7).permutation(60_000)
    assert set(shuffled[:50_000]) == set(split["train"])
    assert not np.array_equal(split["train"], np.arange(50_000))


@pytest.mark.parametrize("arguments", [(10, 5, 0), (10, 5, 10), (10, 5, -1), (10, 0, 3)])
def test_an_empty_part_is_refused(arguments):
    with pytest.raises(ConfigError, match="must have"):
        held_out(*arguments, np.random.default_rng(0))


def test_random_parts_use_every_row_once_and_follow_the_generator():
    first, again, other = (
        random_parts(25_000, (10_000, 5000, 10_000), np.random.default_rng(s)) for s in (1, 1, 2)
    )
    assert_partition(first, 25_000)
    assert [len(rows) for rows in first.values()] == [10_000, 5000, 10_000]
    for part in PARTS:
        np.testing.assert_array_equal(first[part], again[part])
        # Independent splits share what chance gives them: a hypergeometric number of rows.
        share = len(np.intersect1d(first[part], other[part])) / len(first[part])
        assert abs(share - len(first[part]) / 25_000) < 0.03


@pytest.mark.parametrize("counts", [(5, 3, 3), (5, 2), (5, 5, 0), (11, -4, 3), ()])
def test_random_parts_of_wrong_sizes_are_refused(counts):
    with pytest.raises(ConfigError, match="adding up to 10"):
        random_parts(10, counts, np.random.default_rng(0))


def test_random_splits_have_their_shares_and_do_not_depend_on_their_number():
    splits = random_splits(25_000, (0.4, 0.2), 5, 3)
    assert list(splits) == [1, 2, 3, 4, 5]
    for split in splits.values():
        assert_partition(split, 25_000)
        assert [len(rows) for rows in split.values()] == [10_000, 5000, 10_000]
    assert len({tuple(split["test"]) for split in splits.values()}) == 5
    fewer, other = random_splits(25_000, (0.4, 0.2), 2, 3), random_splits(25_000, (0.4, 0.2), 2, 4)
    for number in (1, 2):
        np.testing.assert_array_equal(fewer[number]["train"], splits[number]["train"])
        assert not np.array_equal(other[number]["train"], splits[number]["train"])
    assert [len(rows) for rows in random_splits(7, (0.5, 0.2), 1, 0)[1].values()] == [4, 1, 2]


@pytest.mark.parametrize("shares", [(0.4, 0.6), (0.4, 0.01), (0.0, 0.2), (0.9, 0.2), (-0.1, 0.2)])
def test_shares_that_leave_a_part_empty_are_refused(shares):
    with pytest.raises(ConfigError, match="A split of 10 rows needs"):
        random_splits(10, shares, 1, 0)


@pytest.mark.parametrize(
    ("n_rows", "n_labelled", "trains", "expected"),
    [
        (10, 6, [4, 4], True),
        (9, 6, [4, 4], False),
        (6, 6, [2], False),
        (5, 0, [], True),
        (9, 6, [4, 3], True),
    ],
)
def test_unlabelled_rows_are_learned_from_where_there_are_enough(n_rows, n_labelled, trains, expected):
    made = {number: {"train": np.arange(count)} for number, count in enumerate(trains, 1)}
    assert learn_from_unlabelled(n_rows, n_labelled, made) is expected
