# SPDX-License-Identifier: MIT
"""Means and deviations of one pass against the definition, and what they do to constant columns."""

import numpy as np
import pytest

from mvi.data.statistics import FLOORS, Moments, standard_deviation
from mvi.errors import ConfigError, DataError, ShapeError


def moments(values, edges):
    result = Moments(values.shape[1])
    for block in np.split(values, edges):
        result.update(block)
    return result


@pytest.mark.parametrize("edges", [[], [1], [0, 1, 2, 500], range(1, 1000), [999]])
def test_blocks_of_any_size_agree_with_the_definition(edges):
    values = np.random.default_rng(0).gamma(0.5, 10.0, (1000, 7)).astype(np.float32)
    got = moments(values, edges)
    assert got.rows == 1000
    np.testing.assert_allclose(got.mean, values.astype(np.float64).mean(0), rtol=1e-13)
    np.testing.assert_allclose(got.variance, values.astype(np.float64).var(0, ddof=1), rtol=1e-12)


def test_a_mean_that_is_large_beside_the_deviation_costs_no_digits():
    # Exact: a sum of squares, even in float64, would keep none of the variance's digits.
    values = 2.0**40 + np.tile([[0.0], [1.0], [2.0], [1.0]], (250, 1))
    got = moments(values, range(30, 1000, 30))
    assert got.mean[0] == 2.0**40 + 1
    np.testing.assert_allclose(got.variance, 500 / 999, rtol=1e-12)


def test_float16_is_summed_in_float64():
    values = np.full((4000, 2), 60000, np.float16)
    values[::2, 1] = 30000
    got = moments(values, [100, 2000])
    np.testing.assert_array_equal(
        got.mean, np.array([np.float16(60000), np.mean([np.float16(60000), 30000])])
    )
    np.testing.assert_allclose(got.variance, values.astype(np.float64).var(0, ddof=1), rtol=1e-12)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-30, 3e30, 0.0])
def test_a_column_that_never_changes_has_variance_0_exactly(value):
    got = moments(np.full((1001, 3), value, np.float32), range(1, 1001, 7))
    assert (got.variance == 0).all() and (got.mean == np.float32(value)).all()


def test_wrong_blocks_and_too_few_rows_are_refused():
    empty = Moments(3)
    empty.update(np.zeros((0, 3)))
    empty.update(np.zeros((1, 3)))
    with pytest.raises(DataError, match="at least 2 rows, and there are 1"):
        _ = empty.variance
    for block in (np.zeros((4, 2)), np.zeros(3)):
        with pytest.raises(ShapeError, match="Moments of 3 columns"):
            empty.update(block)


VARIANCE = np.array([4.0, 0.25, 1.0])


def test_floors_are_what_their_formulas_say():
    np.testing.assert_allclose(standard_deviation(VARIANCE) ** 2, VARIANCE + 1e-3 * 0.25, rtol=1e-15)
    np.testing.assert_allclose(standard_deviation(VARIANCE, reference_share=0.5) ** 2, VARIANCE + 0.125)
    np.testing.assert_allclose(standard_deviation(VARIANCE, "deepnet"), [2 + 1e-10, 0.5 + 1e-10, 1 + 1e-10])
    np.testing.assert_allclose(standard_deviation(VARIANCE, "deepnet", deepnet_added=1.0), [3, 1.5, 2])
    np.testing.assert_allclose(standard_deviation(VARIANCE, "epsilon", epsilon=5.0) ** 2, VARIANCE + 5)


def test_a_constant_column_gets_the_mean_deviation_and_leaves_the_others_alone():
    given = np.append(VARIANCE, 0.0)
    for floor in FLOORS:
        got = standard_deviation(given, floor)
        np.testing.assert_array_equal(got[:3], standard_deviation(VARIANCE, floor))
        # 0 takes part in the mean, as in the code of Srivastava and Salakhutdinov.
        np.testing.assert_allclose(got[3], (2 + 0.5 + 1 + 0) / 4, rtol=1e-9)


@pytest.mark.parametrize("floor", FLOORS)
def test_standardised_columns_do_not_explode(floor):
    generator = np.random.default_rng(1)
    seen = generator.poisson(0.3, (500, 40)).astype(np.float64)
    seen[:, ::4] = 0
    seen[:, 1] = 7
    got = moments(seen, [100])
    unseen = generator.poisson(0.3, (500, 40)).astype(np.float64)
    unseen[:, 1] = 8
    assert np.abs((unseen - got.mean) / standard_deviation(got.variance, floor)).max() < 50


@pytest.mark.parametrize("floor", FLOORS)
def test_where_nothing_changes_the_deviation_is_1(floor):
    np.testing.assert_array_equal(standard_deviation(np.zeros(3), floor), np.ones(3))


def test_wrong_settings_and_variances_are_refused():
    with pytest.raises(
        ConfigError, match="no floor 'none' of deviations; choose from reference, deepnet, epsilon"
    ):
        standard_deviation(VARIANCE, "none")
    with pytest.raises(ConfigError, match="must not be negative"):
        standard_deviation(VARIANCE, "epsilon", epsilon=-1.0)
    for value in (np.nan, np.inf, -1.0):
        with pytest.raises(DataError, match="The variance of column 1 is"):
            standard_deviation(np.array([1.0, value]))
