# SPDX-License-Identifier: MIT
"""The embedded digits, cut in halves."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from mvi.data.halves import cut
from mvi.data.readers import digits
from mvi.data.sets.digits import DATASET
from mvi.data.store import Store
from mvi.errors import ShapeError


def write(path, seed: int = 0) -> None:
    settings = {"seed": seed, "validation": 0.15, "test": 0.25}
    digits.write_digits_store(path, {}, settings, dataset="digits", citation=DATASET.citation)


def test_images_are_the_pixels_scaled_to_one():
    images, labels = digits.load()
    assert images.shape == (1797, 8, 8) and images.dtype == np.float32
    assert labels.shape == (1797,) and labels.dtype == np.int64
    assert images.min() == 0 and images.max() == 1
    # Sixteenths are exact in float32.
    np.testing.assert_array_equal(images * 16, load_digits().images)
    np.testing.assert_array_equal(labels, load_digits().target)


def test_left_is_left_and_nothing_is_lost(tmp_path):
    write(tmp_path / "store.h5")
    images, labels = digits.load()
    with Store(tmp_path / "store.h5") as store:
        assert store.modalities == ["left", "right"]
        assert store.sizes == {"left": 32, "right": 32}
        assert store.shapes == {"left": (8, 4), "right": (8, 4)}
        np.testing.assert_array_equal(store.read("left").reshape(-1, 8, 4), images[:, :, :4])
        np.testing.assert_array_equal(store.read("right").reshape(-1, 8, 4), images[:, :, 4:])
        np.testing.assert_array_equal(store.labels(), labels)
        np.testing.assert_array_equal(store.ids(), np.arange(1797))
        assert [len(rows) for rows in store.split(1).values()] == [1078, 270, 449]
        assert store.attrs["dataset"] == "digits" and store.attrs["generated"] is False
        assert store.attrs["classes"] == list("0123456789") and "UCI" in store.attrs["citation"]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write(tmp_path / f"{name}.h5", seed)
    a, b, c = ((tmp_path / f"{name}.h5").read_bytes() for name in "abc")
    assert a == b
    assert a != c


@pytest.mark.parametrize("shape", [(5, 8, 7), (5, 8, 0), (5, 64), (5, 8, 8, 3)])
def test_what_has_no_halves_is_refused(shape):
    with pytest.raises(ShapeError, match="even width"):
        cut(np.zeros(shape))
