# SPDX-License-Identifier: MIT
"""The mean of kernels by hand, its machines against scikit-learn's, and what a query does not give."""

from functools import partial

import numpy as np
import pytest
from scipy import sparse
from sklearn.svm import SVC

from mvi.data import transforms
from mvi.data.store import Store
from mvi.data.store_writer import Dense, Sparse, writing_store
from mvi.evaluation import groups as groups_module
from mvi.evaluation.classification import Answers
from mvi.evaluation.groups import Distances, Group, evaluate_groups, groups_of
from mvi.evaluation.kernel_svm import KernelSvm, mean_kernel
from mvi.evaluation.metrics import DEFINITIONS
from mvi.evaluation.tagprop import TagProp

TWO = [Group(slice(0, 2), words=False), Group(slice(2, 5), words=True)]
N = 90


def data(rows=N, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, (rows, 2)).astype(np.uint8)
    numbers = labels + random.normal(size=(rows, 2))
    words = (random.random((rows, 3)) < 0.2 + 0.5 * labels[:, [0, 1, 1]]).astype(float)
    return np.concatenate([numbers, words], axis=1).astype(np.float32), labels


def test_the_mean_kernel_by_hand():
    features = np.array([[0, 0, 1, 0, 0], [0, 2, 0, 2, 0], [0, 0, 3, 3, 0], [0, 2, 0, 0, 0]], np.float32)
    # Half of all pairs are at a squared distance of 4, so that their mean is 2.
    far, root = np.exp(-2), np.sqrt(0.5)
    numbers = np.array([[1, far, 1, far], [far, 1, far, 1], [1, far, 1, far], [far, 1, far, 1]])
    words = np.array([[1, 0, root, 0], [0, 1, root, 0], [root, root, 1, 0], [0, 0, 0, 0]])
    found = mean_kernel(Distances(TWO, features), features)
    np.testing.assert_allclose(found, (numbers + words) / 2, atol=1e-6)
    # Without the words it is the other kernel, not half of it.
    alone = mean_kernel(Distances(TWO[:1], features), features)
    np.testing.assert_allclose(alone, numbers, atol=1e-6)


@pytest.mark.parametrize("held", [2**24, 500])
def test_machines_are_those_of_scikit_learn(held, monkeypatch):
    monkeypatch.setattr(groups_module, "BLOCK_NUMBERS", held)
    features, labels = data()
    train, test = features[:60], features[60:]
    distances = Distances(TWO, train)
    model = KernelSvm([1.0], ["a", "b"], groups=TWO).fit(train, Answers(labels[:60]), 3.0)
    for label in range(2):
        direct = SVC(C=3.0, kernel="precomputed").fit(mean_kernel(distances, train), labels[:60, label])
        expected = direct.decision_function(mean_kernel(distances, test))
        np.testing.assert_allclose(model.decision(test)[:, label], expected, atol=1e-5)
    path = list(KernelSvm([10.0, 0.1], ["a", "b"], groups=TWO).path(train, Answers(labels[:60])))
    assert [setting for setting, _ in path] == [0.1, 10.0]
    again = KernelSvm([1.0], ["a", "b"], groups=TWO).fit(train, Answers(labels[:60]), 10.0)
    np.testing.assert_array_equal(path[1][1].decision(test), again.decision(test))


def test_a_label_that_all_have_is_left_out():
    features, labels = data()
    labels[:, 1] = 1
    model = KernelSvm([1.0], ["a", "b"], groups=TWO).fit(features, Answers(labels), 1.0)
    assert model.trained.tolist() == [True, False] and not model.decision(features)[:, 1].any()


def test_rows_whose_label_is_unknown_are_left_out_for_that_label():
    features, labels = data()
    known = np.ones(labels.shape, bool)
    known[::4, 1] = False
    make = KernelSvm([1.0], ["a", "b"], groups=TWO).fit
    found = make(features, Answers(labels, known), 1.0).coefficients
    assert not found[::4, 1].any() and found[::4, 0].any()
    turned = np.where(known, labels, 1 - labels)
    np.testing.assert_array_equal(make(features, Answers(turned, known), 1.0).coefficients, found)
    assert (make(features, Answers(labels), 1.0).coefficients[:, 1] != found[:, 1]).any()


@pytest.fixture
def store(tmp_path):
    features, labels = data()
    spoiled = features.copy()
    spoiled[:, 2:] = np.random.default_rng(9).permutation(spoiled[:, 2:])
    for name, rows in (("store", features), ("spoiled", spoiled)):
        layouts = {"image": Dense(2), "text": Sparse(3)}
        about = {"dataset": "t", "n_rows": N, "modalities": layouts, "statistics": ["image"]}
        attributes = {"descriptors": {"one": [0, 1], "other": [1, 2]}}
        with writing_store(tmp_path / f"{name}.h5", **about, attributes=attributes) as writer:
            writer.write("image", 0, rows[:, :2])
            writer.write("text", 0, sparse.csr_array(rows[:, 2:].astype(np.int64)))
            parts = {"train": np.arange(50), "validation": np.arange(50, 70), "test": np.arange(70, N)}
            writer.annotate(labels=labels, classes=["a", "b"], splits={1: parts})
    scale = {
        "image": transforms.Standardise(*(np_like(value) for value in (0.0, 1.0))),
        "text": transforms.Binarise(),
    }
    transforms.save(tmp_path / "scale.safetensors", scale, ["u", "v", "w"])
    return tmp_path


def np_like(value):
    import torch

    return torch.full((2,), value)


MAKERS = {
    "kernels": lambda groups: KernelSvm([0.1, 1.0, 10.0], ["a", "b"], k=5, groups=groups),
    "neighbours": lambda groups: TagProp.of(
        groups, ["a", "b"], weights=["rank", "distance"], neighbours=[5, 20], k=5
    ),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_each_query_is_scored_by_what_it_gives(store, kind):
    found = {}
    for name in ("store", "spoiled"):
        with Store(store / f"{name}.h5") as opened:
            scores = evaluate_groups(opened, store / "scale.safetensors", 1, MAKERS[kind])
        found[name] = {(s.query, s.part, s.metric, s.label): s.value for s in scores}
    for name in ("image+text", "image", "text"):
        for definition in DEFINITIONS:
            assert 0.4 < found["store"][name, "test", f"map_{definition}", ""] <= 1
        assert found["store"][name, "", "settings_tried", ""] == (3 if kind == "kernels" else 4)
    sizes = {"image+text": 5, "image": 2, "text": 3}
    assert all(found["store"][name, "", "features", ""] == size for name, size in sizes.items())
    changed = {
        query for (query, *rest), value in found["store"].items() if found["spoiled"][query, *rest] != value
    }
    assert changed == {"image+text", "text"}


def test_descriptors_are_groups_and_so_are_the_tags(store):
    with Store(store / "store.h5") as opened:
        scale, _ = transforms.load(store / "scale.safetensors")
        made = partial(groups_of, opened, scale)
        numbers = [Group(slice(0, 1), words=False), Group(slice(1, 2), words=False)]
        assert made(["image", "text"]) == [*numbers, Group(slice(2, 5), words=True)]
        assert made(["image"]) == numbers and made(["text"]) == [Group(slice(0, 3), words=True)]
