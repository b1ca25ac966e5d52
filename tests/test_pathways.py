# SPDX-License-Identifier: MIT
"""Pretraining of pathways: which rows are seen, as what, by which layers, and whether anything is learned."""

import numpy as np
import pytest
import torch
from scipy import sparse

from mvi.data import store_writer, transforms
from mvi.data.batches import Minibatches
from mvi.data.statistics import standard_deviation
from mvi.data.store import Store
from mvi.data.store_writer import Dense, Sparse, writing_store
from mvi.data.stream import StreamingMinibatches
from mvi.data.transforms import Binarise, Counts, Standardise, from_settings, minibatches, read
from mvi.errors import ConfigError, DataError, ShapeError
from mvi.models.pipeline import Encode, layer_probabilities
from mvi.models.rbm import RBM
from mvi.models.units import Binary, Gaussian, ReplicatedSoftmax, SteppedSigmoid
from mvi.training.loop import Schedule, train
from mvi.training.monitors import reconstruction_against_marginal, reconstruction_monitor
from mvi.training.optim import Momentum, UpdateRule
from mvi.training.pathway_layer import build_objective, build_rbm
from mvi.training.rows import layer_rows, mean_totals, training_and_monitoring_rows

N, LABELLED, D, WORDS = 400, 300, 6, 12
SPLIT = {"train": np.arange(0, 300, 3), "validation": np.arange(1, 300, 3), "test": np.arange(2, 300, 3)}

SPARSE = {"kind": "exact", "weight": 0.05, "target": 0.2}
IMAGE_1 = {
    "visible": {"kind": "gaussian"},
    "hidden": {"kind": "stepped_sigmoid", "size": 5, "copies": 3},
    "up": 2.0,
    "down": 1.0,
    "weight_std": 0.05,
    "method": "cd",
    "gibbs_steps": {"start": 1},
    "sparsity": {"kind": "approximate", "weight": 0.1, "target": 0.2, "on_weights": True},
}
LAYER_2 = {
    "visible": {"kind": "binary"},
    "hidden": {"kind": "binary", "size": 4},
    "up": 2.0,
    "down": 2.0,
    "weight_std": 0.05,
    "method": "pcd",
    "chains": 15,
    "gibbs_steps": {"start": 1},
    "sparsity": SPARSE,
}
TEXT_1 = LAYER_2 | {"hidden": {"kind": "binary", "size": 5}, "down": 1.0}
PATHWAYS = {"image": [IMAGE_1, LAYER_2], "text": [TEXT_1, LAYER_2]}
INPUTS = {"image": {"kind": "standardise", "floor": "epsilon", "clip": 4.0}, "text": {"kind": "binarise"}}


def image():
    return np.random.default_rng(0).normal(3.0, 2.0, (N, D)).astype(np.float32)


def tags():
    counts = np.random.default_rng(1).poisson(0.4, (N, WORDS))
    counts[::10] = 0
    return counts


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def make(path, labelled):
    layout = {"image": Dense(D), "text": Sparse(WORDS)}
    with (
        pytest.MonkeyPatch.context() as patch,
        writing_store(path, dataset="t", n_rows=N, modalities=layout, statistics=["image"]) as writer,
    ):
        patch.setattr(store_writer, "CHUNK_BYTES", 4 * D * 16)
        writer.write("image", 0, image())
        writer.write("text", 0, sparse.csr_array(tags()))
        splits = {1: SPLIT, 2: rotated(SPLIT)}
        writer.annotate(labels=np.zeros((labelled, 1), np.uint8), classes=["a"], splits=splits)
    return path


def rotated(split):
    return {"train": split["test"], "validation": split["train"], "test": split["validation"]}


@pytest.fixture(scope="module")
def partly(tmp_path_factory):
    """300 labelled rows, 100 unlabelled ones."""
    return make(tmp_path_factory.mktemp("partly") / "store.h5", LABELLED)


@pytest.fixture(scope="module")
def wholly(tmp_path_factory):
    """Every row is labelled; the last 100 are in no split."""
    return make(tmp_path_factory.mktemp("wholly") / "store.h5", N)


# -- rows ----------------------------------------------------------------------------------------------


def test_unlabelled_rows_are_seen_where_there_are_any(partly):
    with Store(partly) as store:
        np.testing.assert_array_equal(layer_rows(store, 1), np.arange(LABELLED, N))
        with pytest.raises(DataError, match="no split 99"):
            layer_rows(store, 99)
        enough = layer_rows(store, 1, minimum_tags=5)
        expected = [row for row in range(LABELLED, N) if (tags()[row] > 0).sum() >= 5]
        assert 0 < len(expected) < N - LABELLED
        np.testing.assert_array_equal(enough, expected)


@pytest.mark.parametrize("number", [1, 2])
def test_without_unlabelled_rows_a_layer_sees_those_of_the_split_that_are_no_test_rows(wholly, number):
    split = SPLIT if number == 1 else rotated(SPLIT)
    with Store(wholly) as store:
        assert not len(store.unlabelled)
        rows = layer_rows(store, number)
        np.testing.assert_array_equal(rows, np.sort(np.r_[split["train"], split["validation"]]))
        np.testing.assert_array_equal(layer_rows(store, number, parts=["train"]), split["train"])
        tagged = layer_rows(store, number, minimum_tags=1)
        np.testing.assert_array_equal(tagged, rows[(tags() > 0).any(1)[rows]])
        assert 0 < len(tagged) < len(rows)


def test_a_cap_takes_rows_at_random_by_seed(wholly):
    with Store(wholly) as store:
        every = layer_rows(store, 1)
        some = layer_rows(store, 1, cap=50, seed=3)
        assert len(some) == len(set(some)) == 50 and set(some) <= set(every)
        assert (np.diff(some) > 0).all() and some.max() - some.min() > 200
        np.testing.assert_array_equal(some, layer_rows(store, 1, cap=50, seed=3))
        assert set(some) != set(layer_rows(store, 1, cap=50, seed=4))
        np.testing.assert_array_equal(layer_rows(store, 1, cap=10**6), every)


@pytest.mark.parametrize("labels", ["partly", "wholly"])
def test_what_is_monitored_is_learned_from_by_no_stage(labels, request):
    with Store(request.getfixturevalue(labels)) as store:
        every = layer_rows(store, 1)
        learned, monitored = training_and_monitoring_rows(store, 1, held_out=30, seed=2)
        assert len(monitored) == 30 and (np.diff(monitored) > 0).all() and (np.diff(learned) > 0).all()
        np.testing.assert_array_equal(np.sort(np.r_[learned, monitored]), every)
        for minimum_tags, cap in ((0, 20), (3, None), (3, 10), (4, 5)):
            fewer, seen = training_and_monitoring_rows(
                store, 1, held_out=30, seed=2, minimum_tags=minimum_tags, cap=cap
            )
            wanted = layer_rows(store, 1, minimum_tags=minimum_tags)
            # The same rows for every stage, of which each monitors those that it could learn from.
            np.testing.assert_array_equal(seen, np.intersect1d(monitored, wanted))
            assert set(fewer) <= set(learned) & set(wanted) and (np.diff(fewer) > 0).all()
            assert len(fewer) == (cap or len(wanted) - len(seen))
        assert set(training_and_monitoring_rows(store, 1, held_out=30, seed=3)[1]) != set(monitored)
        again = training_and_monitoring_rows(store, 1, held_out=30, seed=2, cap=20)
        np.testing.assert_array_equal(
            again[0], training_and_monitoring_rows(store, 1, held_out=30, seed=2, cap=20)[0]
        )


def test_nothing_need_be_monitored_and_not_everything_can(wholly):
    with Store(wholly) as store:
        learned, monitored = training_and_monitoring_rows(store, 1)
        np.testing.assert_array_equal(learned, layer_rows(store, 1))
        assert monitored.shape == (0,)
        only, _ = training_and_monitoring_rows(store, 1, held_out=10, parts=["train"])
        assert set(only) < set(SPLIT["train"]) and len(only) == 90
        for held_out in (200, 500):
            with pytest.raises(ConfigError, match=f"{held_out} of the 200 rows .* cannot be held out"):
                training_and_monitoring_rows(store, 1, held_out=held_out)


def test_a_stage_whose_rows_are_all_monitored_is_refused(wholly):
    with Store(wholly) as store:
        most = next(n for n in range(13) if len(layer_rows(store, 1, minimum_tags=n)) < 10)
        few = layer_rows(store, 1, minimum_tags=most)
        # Enough rows are held out for these to be among them, not enough for all.
        with pytest.raises(ConfigError, match=f"All {len(few)} rows with at least {most} tags are held out"):
            training_and_monitoring_rows(store, 1, held_out=199, minimum_tags=most)
        learned, monitored = training_and_monitoring_rows(store, 1, held_out=199)
        assert len(learned) == 1 and len(monitored) == 199 and not set(few) & set(learned)


@pytest.mark.parametrize("labels", ["partly", "wholly"])
def test_mean_numbers_of_words_are_of_rows_that_may_be_seen(labels, request):
    with Store(request.getfixturevalue(labels)) as store:
        transforms_of = {
            "image": from_settings(store, "image", 1, INPUTS["image"]), "text": Counts(), "few": Counts(1.0)
        }  # fmt: skip
        seen = {"image": transforms_of["image"], "text": transforms_of["text"]}
        rows = (
            np.arange(LABELLED, N)
            if labels == "partly"
            else np.sort(np.r_[SPLIT["train"], SPLIT["validation"]])
        )
        found = mean_totals(store, seen, 1, ["train", "validation"])
        assert found == {"text": pytest.approx(tags()[rows].sum(1).mean(), rel=1e-6)}
        clipped = mean_totals(store, {"text": transforms_of["few"]}, 1, ["train", "validation"])
        assert clipped == {"text": pytest.approx((tags()[rows] > 0).sum(1).mean(), rel=1e-6)}
        assert mean_totals(store, {"text": Binarise()}, 1, ["train"]) == {}
        # A stage that learns from rows of many tags expects as many words.
        tagged = rows[(tags()[rows] > 0).sum(1) >= 5]
        many = mean_totals(store, seen, 1, ["train", "validation"], minimum_tags=5)
        assert many == {"text": pytest.approx(tags()[tagged].sum(1).mean(), rel=1e-6)}
        assert many["text"] > found["text"]
        if labels == "wholly":
            train = mean_totals(store, seen, 1, ["train"])["text"]
            assert train == pytest.approx(tags()[SPLIT["train"]].sum(1).mean(), rel=1e-6)
            some = mean_totals(store, seen, 1, ["train"], rows=40)["text"]
            chosen = layer_rows(store, 1, parts=["train"], cap=40)
            assert some == pytest.approx(tags()[chosen].sum(1).mean(), rel=1e-6) != train


def test_rows_that_may_not_be_or_are_not_there_are_refused(wholly):
    with Store(wholly) as store:
        with pytest.raises(ConfigError, match="not train, test"):
            layer_rows(store, 1, parts=["train", "test"])
        with pytest.raises(DataError, match="at least 13 tags"):
            layer_rows(store, 1, minimum_tags=13)


# -- inputs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("floor", ["reference", "deepnet", "epsilon"])
def test_an_image_is_standardised_by_the_moments_of_the_store_and_clipped(wholly, floor):
    seen = image()[SPLIT["train"]].astype(np.float64)
    deviation = standard_deviation(seen.var(0, ddof=1), floor)
    expected = (image() - seen.mean(0)) / deviation
    assert np.abs(expected).max() > 2
    with Store(wholly) as store:
        free = from_settings(store, "image", 1, {"kind": "standardise", "floor": floor})
        tight = from_settings(store, "image", 1, {"kind": "standardise", "floor": floor, "clip": 2.0})
        values = torch.from_numpy(store.read("image"))
    np.testing.assert_allclose(free(values).numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(tight(values).numpy(), expected.clip(-2, 2), atol=1e-5)
    # The values that came in are not changed.
    np.testing.assert_array_equal(values.numpy(), image())


def test_the_floor_takes_its_settings_and_moments_are_of_the_split(wholly):
    with Store(wholly) as store:
        loose = Standardise.from_store(store, "image", 1, floor="epsilon", epsilon=100.0)
        assert (loose.std > 10).all()
        other = Standardise.from_store(store, "image", 2)
    np.testing.assert_allclose(other.mean.numpy(), image()[SPLIT["test"]].mean(0), rtol=1e-5)


def test_tags_become_binary_or_stay_counts(wholly):
    assert tags().max() >= 3
    with Store(wholly) as store:
        made = {
            name: read(store, {"text": from_settings(store, "text", 1, settings)})
            for name, settings in {
                "binary": {"kind": "binarise"},
                "counts": {"kind": "counts"},
                "few": {"kind": "counts", "clip": 2},
            }.items()
        }
        with pytest.raises(ConfigError, match="standardise, binarise, counts"):
            from_settings(store, "text", 1, {"kind": "whiten"})
    np.testing.assert_array_equal(made["binary"].numpy(), tags() > 0)
    np.testing.assert_array_equal(made["counts"].numpy(), tags())
    np.testing.assert_array_equal(made["few"].numpy(), tags().clip(max=2))
    assert Binarise()(torch.tensor([torch.nan])).isnan()


def test_reading_in_blocks_is_reading_at_once(wholly, monkeypatch):
    rows = np.array([5, 3, 399, 0, 3])
    monkeypatch.setattr(transforms, "BLOCK_BYTES", 4 * (D + WORDS) * 2)
    with Store(wholly) as store:
        both = read(store, {"text": Binarise(), "image": Counts()}, rows)
    np.testing.assert_array_equal(both.numpy(), np.c_[tags()[rows] > 0, image()[rows]])


# -- minibatches ---------------------------------------------------------------------------------------


def sorted_rows(batches, seed=0):
    joined = torch.cat(list(batches.epoch(seeded(seed)))).numpy()
    return joined[np.lexsort(joined.T)]


def test_memory_decides_between_rows_at_hand_and_a_stream_of_the_same(wholly):
    rows = np.arange(0, 400, 2)
    bytes_needed = 4 * (D + WORDS) * len(rows)
    given = {"image": Counts(), "text": Binarise()}
    kept = minibatches(wholly, given, rows, 20, memory_bytes=bytes_needed)
    streamed = minibatches(wholly, given, rows, 20, memory_bytes=bytes_needed - 1, window=60)
    assert isinstance(kept, Minibatches) and isinstance(streamed, StreamingMinibatches)
    assert len(kept) == len(streamed) == 10
    expected = np.c_[image(), tags() > 0][rows].astype(np.float32)
    expected = expected[np.lexsort(expected.T)]
    # Two sums of as many terms, each in an order of its own.
    rounding = 2 * len(rows) * np.finfo(np.float32).eps * np.abs(expected).mean(0).max()
    for batches in (kept, streamed):
        np.testing.assert_array_equal(sorted_rows(batches), expected)
        np.testing.assert_allclose(batches.mean().numpy(), expected.mean(0), rtol=0, atol=rounding)
        first, again = (torch.cat(list(batches.epoch(seeded(seed)))) for seed in (1, 1))
        assert torch.equal(first, again)
    assert len(minibatches(wholly, given, rows, 20, memory_bytes=0, per_epoch=3)) == 3
    assert len(minibatches(wholly, given, rows, 20, memory_bytes=10**9, per_epoch=3)) == 3


def test_what_counts_is_the_memory_of_the_result(wholly):
    # A layer's probabilities are fewer than the input's columns.
    rbm = RBM.initialise(Gaussian(D), Binary(2), seeded())
    rows = np.arange(400)
    kept = minibatches(wholly, {"image": Encode(Counts(), [rbm])}, rows, 20, memory_bytes=4 * 2 * 400)
    assert isinstance(kept, Minibatches) and kept.rows.shape == (400, 2)


@pytest.mark.parametrize("memory", [0, 10**9])
def test_too_few_rows_for_a_batch_are_refused(wholly, memory):
    for rows in (np.arange(5), np.arange(0)):
        with pytest.raises(ShapeError):
            minibatches(wholly, {"image": Counts()}, rows, 20, memory_bytes=memory)


# -- layers --------------------------------------------------------------------------------------------


def test_probabilities_of_layers_are_those_of_the_first_copies():
    v = torch.randn(7, D, generator=seeded())
    first = build_rbm(IMAGE_1, D, seeded(1), v.mean(0))
    second = build_rbm(LAYER_2, 5, seeded(2), torch.full((5,), 0.3))
    first.parameters["hidden_bias"] += 0.7
    w1, b1 = first.parameters["weight"], first.parameters["hidden_bias"]
    w2, b2 = second.parameters["weight"], second.parameters["hidden_bias"]
    p1 = torch.sigmoid(2 * v @ w1 + b1 - 0.5)
    torch.testing.assert_close(layer_probabilities([first], v), p1)
    torch.testing.assert_close(layer_probabilities([first, second], v), torch.sigmoid(2 * p1 @ w2 + b2))
    assert layer_probabilities([], v) is v
    torch.testing.assert_close(
        Encode(lambda x: x / 2, [first, second])(2 * v), layer_probabilities([first, second], v)
    )


def test_a_layer_is_built_from_its_settings():
    settings = IMAGE_1 | {"visible": {"kind": "gaussian", "learn_std": True}}
    rbm = build_rbm(settings, 300, seeded(), torch.ones(300))
    assert rbm.visible == Gaussian(300, learn_std=True) and rbm.hidden == SteppedSigmoid(5, 3)
    assert (rbm.up, rbm.down) == (2.0, 1.0)
    assert rbm.parameters["weight"].std() == pytest.approx(0.05, rel=0.1)
    assert not rbm.parameters["visible_bias"].any() and not rbm.parameters["visible_log_std"].any()
    words = build_rbm(TEXT_1 | {"visible": {"kind": "replicated_softmax"}}, 3, seeded(), torch.ones(3))
    assert isinstance(words.visible, ReplicatedSoftmax)
    with pytest.raises(
        DataError, match=r"holds a word; ask for at least 1 tag in the config \(minimum_tags\)"
    ):
        build_rbm(TEXT_1 | {"visible": {"kind": "replicated_softmax"}}, 3, seeded(), torch.zeros(3))
    with pytest.raises(ConfigError, match="choose binary or stepped_sigmoid"):
        build_rbm(TEXT_1 | {"hidden": {"kind": "gaussian", "size": 3}}, 3, seeded(), torch.ones(3))


def test_visible_biases_start_at_the_means_as_far_as_the_floor_lets_them():
    mean = torch.tensor([0.5, 0.001, 1.0])
    usual = build_rbm(TEXT_1, 3, seeded(), mean).parameters["visible_bias"].sigmoid()
    torch.testing.assert_close(usual, torch.tensor([0.5, 0.01, 0.99]))
    lower = build_rbm(TEXT_1 | {"visible_mean_floor": 1e-4}, 3, seeded(), mean).parameters["visible_bias"]
    torch.testing.assert_close(lower.sigmoid(), torch.tensor([0.5, 0.001, 0.9999]))


def test_an_objective_is_built_from_its_settings():
    cd = build_objective(IMAGE_1 | {"gibbs_steps": {"start": 1, "step": 1, "every": 2}})
    assert not cd.persistent and cd.sparsity.on_weights and cd.sample_input
    assert [cd.gibbs_steps.at(epoch) for epoch in (1, 2, 3)] == [1, 1, 2]
    pcd = build_objective(LAYER_2 | {"sample_input": False})
    assert pcd.persistent and pcd.chains == 15 and pcd.sparsity.kind == "exact" and not pcd.sample_input
    with pytest.raises(ConfigError, match="choose cd or pcd"):
        build_objective(LAYER_2 | {"method": "mp"})


def test_cd_of_gaussian_and_stepped_units_follows_the_reference():
    v = torch.randn(8, D, generator=seeded())
    rbm = build_rbm(IMAGE_1, D, seeded(1), v.mean(0))
    objective = build_objective(IMAGE_1)
    gradient, memory = objective.step(rbm, v, objective.start(rbm, v.mean(0), seeded()), 1, seeded(2))
    assert not gradient.negative_at_once and set(memory) == {"activity"}
    w = rbm.parameters["weight"]
    a = 2 * v @ w
    copies = sum(torch.sigmoid(a - j + 0.5) for j in (1, 2, 3))
    first = torch.sigmoid(a - 0.5).mean(0)
    push = 0.1 * (0.1 * first - 0.2)
    torch.testing.assert_close(gradient.positive["hidden_bias"], copies.mean(0) - push)
    torch.testing.assert_close(gradient.positive["weight"], v.T @ copies / 8 - torch.outer(v.mean(0), push))
    # The same draws: one Gibbs step from sampled hidden states, then mean visible and sampled hidden ones.
    draws = seeded(2)
    h = rbm.hidden.sample(a, draws)
    sampled = h @ w.T + torch.randn(8, D, generator=draws)
    h = rbm.hidden.sample(2 * sampled @ w, draws)
    torch.testing.assert_close(gradient.negative["weight"], (h @ w.T).T @ h / 8)
    torch.testing.assert_close(gradient.negative["visible_bias"], (h @ w.T).mean(0))


def test_the_layer_above_draws_its_input_anew_from_probabilities():
    rows = torch.full((4000, 5), 0.3)
    rbm = build_rbm(LAYER_2, 5, seeded(), rows.mean(0))
    for sample, spread in ((True, True), (False, False)):
        objective = build_objective(LAYER_2 | {"sample_input": sample})
        memory = objective.start(rbm, rows.mean(0), seeded())
        means = [
            objective.step(rbm, rows, memory, 1, seeded(seed))[0].positive["visible_bias"] for seed in (1, 2)
        ]
        assert torch.equal(*means) is not spread
        torch.testing.assert_close(means[0], rows.mean(0), atol=0.03, rtol=0)


# -- both pathways, whole ------------------------------------------------------------------------------


def pretrain(path, memory_bytes):
    """Train each pathway of the store layer by layer; its parameters and histories."""
    trained = {}
    for name, layers in PATHWAYS.items():
        rbms = []
        with Store(path) as store:
            rows = layer_rows(store, 1, minimum_tags=1 if name == "text" else 0)
            first = from_settings(store, name, 1, INPUTS[name])
        for number, settings in enumerate(layers, 1):
            batches = minibatches(
                path, {name: Encode(first, tuple(rbms))}, rows, 20, memory_bytes=memory_bytes, window=60
            )
            generator = seeded(number)
            rbm = build_rbm(settings, len(batches.mean()), generator, batches.mean())
            with Store(path) as store:
                held_out = read(store, {name: Encode(first, tuple(rbms))}, rows[:50])
            history = train(
                rbm, build_objective(settings), batches, Schedule(3, UpdateRule(0.05)), generator,
                label=f"{name} {number}", monitor=reconstruction_monitor(held_out, batches.mean(), len(rows)),
            )  # fmt: skip
            rbms.append(rbm)
            trained[name, number] = rbm, history
    return trained


@pytest.mark.parametrize("memory_bytes", [0, 10**9])
@pytest.mark.parametrize("labels", ["partly", "wholly"])
def test_no_test_row_reaches_a_pathway(labels, memory_bytes, request, monkeypatch):
    path = request.getfixturevalue(labels)
    clean = pretrain(path, memory_bytes)
    forbidden = np.arange(LABELLED) if labels == "partly" else np.r_[SPLIT["test"], np.arange(LABELLED, N)]
    stored = Store.read_stored

    def poisoned(self, name, rows=None):
        values = stored(self, name, rows)
        values[np.isin(np.arange(N)[slice(None) if rows is None else rows], forbidden)] = np.nan
        return values

    monkeypatch.setattr(Store, "read_stored", poisoned)
    with Store(path) as store:
        assert np.isnan(store.read("text", forbidden)).all()
    for key, (rbm, history) in pretrain(path, memory_bytes).items():
        assert np.isfinite(history.to_numpy()).all(), key
        for name, theta in clean[key][0].parameters.items():
            assert torch.equal(theta, rbm.parameters[name]), (key, name)
    assert {key: tuple(rbm.parameters["weight"].shape) for key, (rbm, _) in clean.items()} == {
        ("image", 1): (D, 5), ("image", 2): (5, 4), ("text", 1): (WORDS, 5), ("text", 2): (5, 4)
    }  # fmt: skip


# -- whether a layer has learned -----------------------------------------------------------------------


def topics(count, seed):
    """(count, 60) binary tags: each row has one of 6 topics, whose 10 tags come often, others rarely."""
    draws = seeded(seed)
    topic = torch.randint(6, (count,), generator=draws)
    rates = torch.full((count, 60), 0.01)
    rates.view(count, 6, 10)[torch.arange(count), topic] = 0.35
    return (torch.rand(count, 60, generator=draws) < rates).float()


def learn(settings, rows, held_out, rate, epochs):
    generator = seeded()
    batches = Minibatches(rows, 20)
    rbm = build_rbm(settings, rows.shape[1], generator, batches.mean())
    schedule = Schedule(epochs, UpdateRule(rate, 0.01, Momentum(0.33, 0.5, 5)), 1e-3)
    return train(
        rbm, build_objective(settings), batches, schedule, generator, label="t",
        monitor=reconstruction_monitor(held_out, batches.mean(), len(rows)),
    ).iloc[-1]  # fmt: skip


def test_a_text_layer_beats_the_tag_frequencies_unless_trained_too_gently():
    settings = TEXT_1 | {
        "hidden": {"kind": "binary", "size": 24}, "weight_std": 0.01, "visible_mean_floor": 1e-3,
        "chains": 20, "sparsity": SPARSE | {"target": 0.1},
    }  # fmt: skip
    rows, held_out = topics(2000, 1), topics(500, 2)
    gentle = learn(settings, rows, held_out, 0.002, 6)
    brisk = learn(settings, rows, held_out, 0.5, 6)
    assert abs(gentle["validation/explained"]) < 0.02 and abs(gentle["validation/predicted"]) < 0.02
    assert brisk["validation/explained"] > 0.2 and brisk["validation/predicted"] > 0.15
    assert brisk["validation/loss"] < 0.9 * brisk["validation/marginal"]


def test_a_gaussian_layer_explains_variance():
    mix = torch.randn(3, 20, generator=seeded(5))
    rows, held_out = (
        torch.randn(n, 3, generator=seeded(n)) @ mix / 2 + 0.3 * torch.randn(n, 20, generator=seeded(n + 1))
        for n in (2000, 500)
    )
    settings = IMAGE_1 | {"hidden": {"kind": "stepped_sigmoid", "size": 16, "copies": 5}, "weight_std": 0.01}
    learned = learn(settings, rows, held_out, 0.01, 6)
    assert learned["validation/explained"] > 0.4 and learned["validation/predicted"] > 0.3


def test_random_weights_give_back_what_they_see_and_predict_nothing():
    rows = topics(500, 1)
    rbm = RBM.initialise(Binary(60), Binary(400), seeded(), weight_std=0.1, visible_mean=rows.mean(0))
    found = reconstruction_monitor(rows, rows.mean(0), 500)(rbm)
    assert found["validation/predicted"] < 0 < found["validation/explained"]


def constant(unit, bias):
    """A layer whose reconstruction is the same for every row, in float64: measures are exact to 1e-15."""
    rbm = RBM.initialise(unit, Binary(2), seeded(), weight_std=0.0, dtype=torch.float64)
    rbm.parameters["visible_bias"] = bias
    return rbm


def double(numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def test_the_measure_in_numbers_worked_by_hand():
    rows = double([[1.0, 0.0], [1.0, 1.0]])
    mean = double([0.75, 0.25])
    found = reconstruction_against_marginal(constant(Binary(2), double([0, 0])), rows, mean, 10**9)
    marginal = -(2 * np.log(0.75) + np.log(0.75) + np.log(0.25)) / 2
    assert found.loss == pytest.approx(2 * np.log(2)) and found.marginal == pytest.approx(marginal)
    assert found.deviance_explained == pytest.approx(1 - 2 * np.log(2) / marginal)
    found = reconstruction_against_marginal(
        constant(Gaussian(2), double([1.0, 0.5])), rows, mean, 10, block=1
    )
    assert found.loss == pytest.approx(0.25) and found.marginal == pytest.approx(0.0625 + 0.3125)
    assert found.deviance_explained == pytest.approx(1 - 0.25 / 0.375)
    # Counts 3 and 1 of 4 words, whose shares a perfect layer would tell.
    counts = double([[3.0, 1.0]])
    perfect = constant(ReplicatedSoftmax(2), mean.log())
    found = reconstruction_against_marginal(perfect, counts, double([2.0, 2.0]), 10**9)
    assert found.marginal == pytest.approx(4 * np.log(2)) and found.deviance_explained == pytest.approx(1.0)


def test_marginals_explain_nothing_and_targets_everything():
    rows = torch.rand(50, 4, generator=seeded(), dtype=torch.float64)
    smoothed = (rows.mean(0) * 50 + 0.5) / 51
    same = constant(Binary(4), smoothed.logit())
    assert reconstruction_against_marginal(same, rows, rows.mean(0), 50).deviance_explained == pytest.approx(
        0, abs=1e-6
    )
    one = rows[:1].repeat(3, 1)
    exact = constant(Binary(4), rows[0].logit())
    assert reconstruction_against_marginal(exact, one, rows.mean(0), 50).deviance_explained == pytest.approx(
        1, abs=1e-5
    )
    assert reconstruction_against_marginal(same, one, rows[0], 10**12).deviance_explained < 1


def test_what_is_never_seen_in_training_keeps_the_marginal_finite():
    rows, zero = double([[1.0]]), double([0.0])
    found = reconstruction_against_marginal(constant(Binary(1), zero), rows, zero, 99)
    assert found.marginal == pytest.approx(np.log(200))


def test_a_layer_is_told_the_mean_where_it_may_not_see():
    rows = topics(40, 3)
    rbm = RBM.initialise(Binary(60), Binary(8), seeded(), weight_std=0.5, visible_mean=rows.mean(0))
    masked = torch.rand(rows.shape, generator=seeded(1)) < 0.3
    found = reconstruction_against_marginal(rbm, rows, rows.mean(0), 40, masked=masked, block=7)
    v = torch.where(masked, rows.mean(0), rows)
    p = rbm.visible_mean(rbm.hidden_mean(v))
    loss = -(rows * p.log() + (1 - rows) * (1 - p).log())[masked].sum() / 40
    assert found.loss == pytest.approx(float(loss), rel=1e-4)
    changed = torch.where(masked, 1 - rows, rows)
    assert torch.equal(torch.where(masked, rows.mean(0), changed), v)
