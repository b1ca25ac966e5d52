# SPDX-License-Identifier: MIT
"""Input features at the classifier's scale: what each is, and that test rows decide nothing."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge

from mvi.data.store import Store
from mvi.data.store_writer import Dense, Sparse, writing_store
from mvi.errors import DataError
from mvi.evaluation.linear_baselines import InputFeatures, baseline, regression_imputed
from mvi.evaluation.logistic_classifier import Logistic
from mvi.evaluation.queries import FILLED
from mvi.evaluation.scores import UNTAGGED, share_variant

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
        return InputFeatures(store, names, **{"floor": "epsilon", "text_scale": 30.0} | settings).of_split(1)


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


def filled(n=40, wide=False):
    """Tags that follow from the image up to noise; more columns than training rows where it is `wide`."""
    draws = np.random.default_rng(0)
    image = draws.normal(size=(n, 50 if wide else 4))
    text = image[:, :2] @ [[1.0, 2.0, 0.0], [0.0, 1.0, -1.0]] + 0.01 * draws.normal(size=(n, 3)) + 5
    return {"image": image.astype(np.float32), "text": text.astype(np.float32)}


QUERIES = ["image+text", "image", "text"]


@pytest.mark.parametrize("wide", [False, True])
def test_a_regression_fills_in_what_a_query_lacks(wide):
    values = filled(wide=wide)
    train, validation, test = np.arange(30), np.arange(30, 35), np.arange(35, 40)
    both, image, text = regression_imputed(values, QUERIES, train, validation, [0.1])
    whole = np.concatenate([values["image"], values["text"]], 1)
    np.testing.assert_array_equal(both.read(test), whole[test])
    width = values["image"].shape[1]
    np.testing.assert_array_equal(image.read(test)[:, :width], values["image"][test])
    np.testing.assert_array_equal(text.read(test)[:, width:], values["text"][test])
    for query, given, lacking in ((image, "image", "text"), (text, "text", "image")):
        x = values[given][train].astype(float)
        penalty = 0.1 * np.square(x - x.mean(0)).mean() * len(train)
        peer = Ridge(alpha=penalty, solver="svd").fit(x, values[lacking][train])
        found = query.read(test)
        found = found[:, width:] if lacking == "text" else found[:, :width]
        np.testing.assert_allclose(found, peer.predict(values[given][test]), rtol=1e-4, atol=1e-4)


def test_validation_rows_choose_the_ridge_and_test_rows_nothing():
    values = filled()
    train, validation, test = np.arange(30), np.arange(30, 35), np.arange(35, 40)
    _, best, _ = regression_imputed(values, QUERIES, train, validation, [1000.0, 0.001, 10.0])
    _, alone, _ = regression_imputed(values, QUERIES, train, validation, [0.001])
    np.testing.assert_array_equal(best.read(test), alone.read(test))
    changed = {name: np.where(np.arange(40)[:, None] >= 35, 0, value) for name, value in values.items()}
    _, other, _ = regression_imputed(changed, QUERIES, train, validation, [1000.0, 0.001, 10.0])
    np.testing.assert_array_equal(other.read(validation), best.read(validation))


@pytest.mark.parametrize("name", FILLED)
def test_one_classifier_answers_every_query(tmp_path, data, name):
    with Store(write(tmp_path / "s.h5", *data)) as store:
        classifier = Logistic.of_store(
            store, {"grid": [0.1], "chosen_by": "interpolated", "k": 2, "tolerance": 1e-3}
        )
        scale = {"text_scale": 1.0, "floor": "epsilon", "ridges": [1.0]}
        found = baseline(store, name, classifier, **scale)(1)
        asked = {"shares": [0, 100], "seed": 0}
        further = baseline(store, name, classifier, **scale, missing=asked)(1)
    maps = {one.query: one.value for one in found if one.metric == "map_step" and one.part == "test"}
    assert set(maps) == set(QUERIES)
    # Whose tags are missing is filled in as where all are; nothing else is another.
    assert further[: len(found)] == found
    lost = {one.variant: one.value for one in further[len(found) :] if one.metric == "map_step"}
    assert lost.keys() == {UNTAGGED, share_variant(0), share_variant(100)}
    assert lost[share_variant(0)] == maps[QUERIES[0]] and lost[share_variant(100)] == maps["image"]
