# SPDX-License-Identifier: MIT
"""Visual words are the clusters of a sample, the same by seed, and start as those of scikit-learn do."""

import numpy as np
import pytest
import torch
from sklearn.cluster import kmeans_plusplus

from mvi.errors import DataError, ShapeError
from mvi.features.clusters import learn_words, spread_out
from mvi.features.nearest import Nearest


@pytest.fixture(scope="module")
def sample() -> np.ndarray:
    """Descriptors (2400, 128) of unit length around 60 centres, none of them negative."""
    generator = np.random.default_rng(0)
    points = np.repeat(generator.random((60, 128)), 40, 0) + 0.3 * generator.random((2400, 128))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def test_words_are_learned_the_same_by_seed_and_fit_the_sample(sample):
    words = learn_words(sample, 50, seed=3)
    assert words.dtype == np.float32 and words.shape == (50, 128) and np.isfinite(words).all()
    assert learn_words(sample, 50, seed=3).tobytes() == words.tobytes()
    assert not np.array_equal(learn_words(sample, 50, seed=4), words)

    def error(centres):
        return (torch.cdist(torch.from_numpy(sample), torch.from_numpy(centres)).min(1).values ** 2).mean()

    assert error(words) < 0.9 * error(sample[:50])
    used = Nearest(torch.from_numpy(words))(torch.from_numpy(sample)).unique()
    assert len(used) >= 45


def test_words_are_the_clusters_where_there_are_some_and_repetitions_do_no_harm():
    generator = np.random.default_rng(0)
    centres = generator.random((5, 128), np.float32)
    sample = centres[generator.integers(0, 5, 3000)]
    words = learn_words(sample, 5, seed=0)
    distances = np.linalg.norm(words[:, None] - centres, axis=2)
    assert sorted(distances.argmin(1)) == [0, 1, 2, 3, 4] and distances.min(1).max() < 1e-3
    with pytest.raises(DataError, match="6 visual words has 5 different descriptors") as error:
        learn_words(sample, 6, seed=0)
    assert str(error.value).endswith("fewer words.")


def test_words_are_learned_from_fewer_descriptors_than_a_minibatch_has():
    descriptors = np.random.default_rng(0).random((50, 128), np.float32)
    words = learn_words(descriptors, 3, seed=0, epochs=1)
    assert words.shape == (3, 128) and np.isfinite(words).all()


@pytest.mark.parametrize("seed", range(5))
def test_the_start_is_that_of_scikit_learn(sample, seed):
    expected, _ = kmeans_plusplus(sample, 100, random_state=np.random.RandomState(seed))
    assert spread_out(sample, 100, np.random.RandomState(seed)).tobytes() == expected.tobytes()


def test_wrong_samples_are_refused():
    with pytest.raises(ShapeError, match="Descriptors must be"):
        learn_words(np.zeros((10, 64)), 2, seed=0)
    descriptors = np.random.default_rng(0).random((10, 128))
    descriptors[3, 5] = np.nan
    with pytest.raises(DataError, match="Descriptor 3 .* not finite"):
        learn_words(descriptors, 2, seed=0)


def test_zeros_of_either_sign_are_the_same_descriptor():
    descriptors = np.zeros((10, 128), np.float32)
    descriptors[5:] *= -1
    with pytest.raises(DataError, match="2 visual words has 1 different"):
        learn_words(descriptors, 2, seed=0)
