# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from mvi.data.halves import STEPS, cut, translated, write_halves_store, write_translated_store
from mvi.data.store import Store
from mvi.errors import ConfigError


@pytest.fixture
def store(tmp_path):
    generator = np.random.default_rng(0)
    images = generator.random((6, 4, 6), np.float32)
    write_halves_store(
        tmp_path / "store.h5",
        dataset="digits",
        images=images,
        labels=np.array([0, 1, 0, 1, 0, 1]),
        split={"train": np.array([0, 3, 4]), "validation": np.array([1]), "test": np.array([2, 5])},
        classes=["a", "b"],
        citation="somebody",
    )
    return tmp_path / "store.h5", images


def test_what_moves_in_is_empty_and_what_moves_out_is_lost():
    image = np.arange(1, 7).reshape(1, 2, 3)
    assert translated(image, 1, 0).tolist() == [[[0, 0, 0], [1, 2, 3]]]
    assert translated(image, -1, 0).tolist() == [[[4, 5, 6], [0, 0, 0]]]
    assert translated(image, 0, 1).tolist() == [[[0, 1, 2], [0, 4, 5]]]
    assert translated(image, 0, -2).tolist() == [[[3, 0, 0], [6, 0, 0]]]


@pytest.mark.parametrize("copies", [4, 8])
def test_translated_copies_are_training_rows_with_the_labels_of_their_originals(store, tmp_path, copies):
    path, images = store
    write_translated_store(tmp_path / "copies.h5", path, copies)
    with Store(path) as before, Store(tmp_path / "copies.h5") as after:
        assert after.n_rows == 6 + copies * 3 and after.attrs["attributes"] == {"originals": 6}
        split, old = after.split(1), before.split(1)
        assert split["train"].tolist() == [0, 3, 4, *range(6, after.n_rows)]
        for part in ("validation", "test"):
            np.testing.assert_array_equal(split[part], old[part])
        np.testing.assert_array_equal(after.labels(), [0, 1, 0, 1, 0, 1, *[0, 1, 0] * copies])
        for name in ("left", "right"):
            np.testing.assert_array_equal(after.read(name, slice(0, 6)), before.read(name))
        # The whole image moves, so that pixels cross from one half into the other.
        for place, step in ((3, (0, 1)), (copies - 1, STEPS[copies - 1])):
            rows = slice(6 + 3 * place, 9 + 3 * place)
            for name, half in cut(translated(images[[0, 3, 4]], *step)).items():
                np.testing.assert_array_equal(after.read(name, rows), half.reshape(3, -1))


def test_another_number_of_copies_is_refused(store, tmp_path):
    with pytest.raises(ConfigError, match="4 or 8"):
        write_translated_store(tmp_path / "copies.h5", store[0], 5)
