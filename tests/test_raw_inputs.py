# SPDX-License-Identifier: MIT
"""Raw inputs at the classifier's scale: what each is, and that test rows decide nothing."""

import numpy as np
import pytest
from scipy import sparse

from mvi.data.store import Store
from mvi.data.store_writer import Dense, Sparse, writing_store
from mvi.errors import DataError
from mvi.evaluation.raw_inputs import RawInputs

SPLIT = {"train": np.arange(6), "validation": np.arange(6, 8), "test": np.arange(8, 12)}


def write(path, image, text):
    with writing_store(
        path,
        dataset="x",
        n_rows=12,
        modalities={"image": Dense(5), "text": Sparse(3)},
        attributes={"descriptors": {"gist": [0, 2], "phow": [2, 5]}},
        statistics=["image"],
    ) as writer:
        writer.write("image", 0, image)
        writer.write("text", 0, text)
        labels = np.tile(np.array([[0], [1]], np.uint8), (6, 1))
        writer.annotate(labels=labels, classes=["c"], splits={1: SPLIT}, vocabulary=["a", "b", "d"])
    return path


@pytest.fixture
def data():
    draws = np.random.default_rng(0)
    image = draws.normal(size=(12, 5)).astype(np.float32) * [1, 2, 3, 4, 5]
    return image.astype(np.float32), sparse.csr_array(draws.integers(0, 3, (12, 3)))


def inputs(path, names, **settings):
    with Store(path) as store:
        return RawInputs(store, names, **{"floor": "epsilon", "text_scale": 30.0} | settings).of_split(1)


def test_descriptors_are_standardised_by_training_rows_and_stand_beside_scaled_tags(tmp_path, data):
    image, text = data
    path = write(tmp_path / "s.h5", image, text)
    train = image[:6]
    z = (image - train.mean(0)) / np.sqrt(train.var(0, ddof=1) + 1e-6)
    whole = inputs(path, ["image", "text"])
    assert whole.dtype == np.float32 and whole.shape == (12, 8)
    np.testing.assert_allclose(whole[:, :5], z, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(whole[:, 5:], 30 * (text.toarray() > 0))
    np.testing.assert_allclose(inputs(path, ["phow"]), z[:, 2:], rtol=1e-5, atol=1e-6)
    roots = np.sign(image) * np.sqrt(np.abs(image))
    expected = (roots - roots[:6].mean(0)) / np.sqrt(roots[:6].var(0, ddof=1) + 1e-6)
    np.testing.assert_allclose(inputs(path, ["sqrt_image"]), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["image", "sqrt_image", "gist"])
def test_test_and_validation_rows_change_no_other_row(tmp_path, data, name):
    image, text = data
    before = inputs(write(tmp_path / "a.h5", image, text), [name])
    changed = image.copy()
    changed[6:] = 1000
    after = inputs(write(tmp_path / "b.h5", changed, text), [name])
    np.testing.assert_array_equal(after[:6], before[:6])
    assert not np.array_equal(after[6:], before[6:])


def test_an_input_that_the_store_lacks_is_refused(tmp_path, data):
    with pytest.raises(DataError, match="has no input 'texture' to classify; it has image, sqrt_image"):
        inputs(write(tmp_path / "s.h5", *data), ["image", "texture"])
