# SPDX-License-Identifier: MIT
"""Codes of each kind of query around their own mean, without which words find no images."""

import numpy as np
import pytest
import torch
from scipy import sparse

import mvi
from mvi.data.store import Store
from mvi.data.store_writer import Dense, Sparse, writing_store
from mvi.data.transforms import AsStored
from mvi.errors import ConfigError, DataError
from mvi.evaluation.centring import around, query_means
from mvi.evaluation.input_codes import input_codes, query_of
from mvi.evaluation.retrieval import nearest
from mvi.evaluation.tag_search import asked_tags, scores_of
from mvi.methods.registry import build
from mvi.models.centring import mean_states
from mvi.models.checkpoints import save
from mvi.models.mrbm import MultimodalRBM
from mvi.models.pipeline import Encoder
from mvi.synthetic.world import make_world
from mvi.training.optim import UpdateRule, update_

QUERIES = ("image+text", "image", "text")
D, WORDS, K, N = 5, 4, 6, 12
# One subtraction of numbers up to 1, and a mean that is rounded once.
ROUNDING = 2 * torch.finfo(torch.float32).eps


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def model():
    network = MultimodalRBM.initialise({"image": D, "text": WORDS}, K, seeded(), weight_std=1.0)
    return Encoder({"image": AsStored(), "text": AsStored()}, network)


@pytest.fixture
def values():
    draws = np.random.default_rng(0)
    text = (draws.random((N, WORDS)) < 0.4).astype(np.float32)
    text[:3] = 0
    return {"image": draws.random((N, D)).astype(np.float32), "text": text}


def means(model, values, **settings):
    blocks = [{name: value[i : i + 5] for name, value in values.items()} for i in range(0, N, 5)]
    return mean_states(model, blocks, QUERIES, **settings)


def test_each_kind_has_the_mean_of_its_own_states_and_words_that_of_single_ones(model, values):
    found = means(model, values, words="text")
    assert list(found) == list(QUERIES)
    for query in QUERIES[:2]:
        states = model.encode({name: values[name] for name in query.split("+")})
        np.testing.assert_allclose(found[query], states.mean(0), rtol=0, atol=ROUNDING)
    singles = [
        np.eye(WORDS, dtype=np.float32)[[word]] for row in values["text"] for word in np.flatnonzero(row)
    ]
    states = model.encode({"text": np.concatenate(singles)})
    np.testing.assert_allclose(found["text"], states.mean(0), rtol=0, atol=ROUNDING)
    # Of what is no text it is over rows too.
    states = model.encode({"text": values["text"]})
    np.testing.assert_allclose(means(model, values)["text"], states.mean(0), rtol=0, atol=ROUNDING)
    # Words that no row has count alike.
    states = model.encode({"text": np.eye(WORDS, dtype=np.float32)})
    nothing = means(model, values | {"text": 0 * values["text"]}, words="text")["text"]
    np.testing.assert_allclose(nothing, states.mean(0), rtol=0, atol=ROUNDING)


def test_rows_whose_words_are_inferred_give_no_words(model, values):
    tagged = values["text"].any(1)
    states = model.encode({name: value[tagged] for name, value in values.items()})
    found = means(model, values, words="text", inferred=True)
    np.testing.assert_allclose(found["image+text"], states.mean(0), rtol=0, atol=ROUNDING)
    nothing = values | {"text": 0 * values["text"]}
    with pytest.raises(DataError, match=r"No training row gives image\+text"):
        means(model, nothing, words="text", inferred=True)


def test_each_row_is_centred_by_the_mean_of_what_it_gives(model, values):
    model.centres = means(model, values, words="text")
    for query in QUERIES:
        given = {name: values[name] for name in query.split("+")}
        expected = model.encode(given) - model.centres[query].numpy()
        np.testing.assert_array_equal(model.encode(given, centre=True), expected)
    observed = {"text": values["text"].any(1)}
    image = model.centres["image"].numpy()
    expected = model.encode(values, observed=observed)
    expected -= np.where(observed["text"][:, None], model.centres["image+text"].numpy(), image)
    np.testing.assert_array_equal(model.encode(values, observed=observed, centre=True), expected)
    assert np.abs(expected[:3]).max() > ROUNDING
    # Asked for plain states it gives these, and torch stays torch.
    assert (model.encode(values) >= 0).all()
    assert isinstance(model.encode({"image": torch.from_numpy(values["image"])}, centre=True), torch.Tensor)


def test_a_model_without_means_says_so(model, values, tmp_path):
    for one in (model, model.network):
        with pytest.raises(ConfigError, match=r"no mean state of queries that give image\+text, so that"):
            one.encode(values, centre=True)
    save(tmp_path / "plain.safetensors", model, {})
    assert mvi.load(tmp_path / "plain.safetensors").centres == {}


def test_means_are_kept_in_the_file(model, values, tmp_path):
    model.centres = means(model, values, words="text")
    save(tmp_path / "model.safetensors", model, {})
    loaded = mvi.load(tmp_path / "model.safetensors")
    assert loaded.parameters.keys() >= {f"centres/{query}" for query in QUERIES}
    np.testing.assert_array_equal(loaded.encode(values, centre=True), model.encode(values, centre=True))


def test_tags_one_at_a_time_find_images_that_have_them():
    """The 40 commonest of `mini`; what is in a scene stands for its image, so that it takes seconds."""
    world, learned = make_world(1500, 1500, 0), slice(1500, 3000)
    vocabulary = [tag for tag, count in world.counted_tags() if count >= 5]
    place = {tag: i for i, tag in enumerate(vocabulary)}
    text = np.zeros((3000, len(vocabulary)), np.float32)
    for row, tags in enumerate(world.tags):
        text[row, [place[tag] for tag in tags if tag in place]] = 1
    values = {"image": world.labels.astype(np.float32), "text": text}
    network = MultimodalRBM.initialise(
        {name: value.shape[1] for name, value in values.items()}, 200, seeded(), weight_std=0.1
    )
    objective = build(
        "mp",
        {
            "iterations": 3,
            "bptt_depth": {"start": 3, "step": 0, "every": 1, "maximum": 3},
            "reveal": 0.25,
            "start_state": "doubled",
            "sparsity": {"kind": "none"},
        },
    )
    rows = network.join({name: value[learned] for name, value in values.items()})
    draws, rule = seeded(1), UpdateRule(learning_rate=0.05)
    memory = objective.start(network, rows.mean(0), draws)
    buffers = {name: torch.zeros_like(theta) for name, theta in network.parameters.items()}
    for epoch in range(1, 21):
        for batch in rows[torch.randperm(len(rows), generator=draws)].split(50):
            gradient, memory = objective.step(network, batch, memory, epoch, draws)
            update_(
                network.parameters,
                buffers,
                gradient,
                rate=torch.tensor(rule.rate(epoch), dtype=torch.float64),
                momentum=rule.momentum.at(epoch),
                weight_decay=1e-4,
                accept=torch.tensor(True),
            )
    model = Encoder(dict.fromkeys(values, AsStored()), network)
    model.centres = mean_states(
        model, [{name: value[learned] for name, value in values.items()}], QUERIES, words="text"
    )
    database, has = {name: value[:1500] for name, value in values.items()}, text[:1500] > 0
    share = {}
    for centre in (False, True):
        asked = model.encode({"text": np.eye(len(vocabulary), dtype=np.float32)[:40]}, centre=centre)
        found, _ = nearest(model.encode(database, centre=centre), asked, 10)
        share[centre] = has[found, np.arange(40)[:, None]].mean()
    chance = has[:, :40].mean()
    # 0.57 against 0.02, and 0.04 by chance.
    assert share[False] < chance < 0.2 < share[True]


def test_representations_are_centred_as_a_model_centres(model, values):
    tagged, train = values["text"].any(1), np.array([7, 1, 4, 10])
    some = {name: value[train] for name, value in values.items()}
    states = {query: model.encode({name: values[name] for name in query.split("+")}) for query in QUERIES}
    words, counts = model.encode({"text": np.eye(WORDS, dtype=np.float32)}), (some["text"] > 0).sum(0)
    for inferred in (False, True):
        known = tagged if inferred else None
        model.centres = mean_states(model, [some], QUERIES, words="text", inferred=inferred)
        means = query_means(states, train, words=words, counts=counts, tagged=known)
        for query in QUERIES:
            given = {name: values[name] for name in query.split("+")}
            observed = {"text": tagged} if inferred and "+" in query else None
            plain = model.encode(given, observed=observed)
            expected = model.encode(given, observed=observed, centre=True)
            np.testing.assert_allclose(
                around(plain, query, means, known), expected, rtol=0, atol=2 * ROUNDING
            )


def test_single_tags_are_scored_by_hand():
    has = np.zeros((5, 4), bool)
    has[:3, 2] = has[:2, 0] = has[3, 3] = True
    np.testing.assert_array_equal(asked_tags(has, tags=3, minimum=2), [2, 0])
    np.testing.assert_array_equal(asked_tags(has, tags=1, minimum=1), [2])
    with pytest.raises(DataError, match="No tag has 4 of the 5 images"):
        asked_tags(has, tags=3, minimum=4)
    found = scores_of(np.array([[0, 4], [0, 1]]), has, np.array([2, 0]), database="tagged")
    assert {(s.method, s.metric): s.value for s in found} == {
        ("", "tag_search_tagged_precision_at_2"): 0.75,
        ("", "tag_search_tagged_different"): 0.75,
        ("chance", "tag_search_tagged_precision_at_2"): 0.5,
        ("", "tag_search_tags"): 2,
        ("", "tag_search_images"): 5,
    }


def test_input_features_are_compared_by_the_mean_of_their_cosines(tmp_path, values):
    image, text = values["image"] - 0.4, 3 * values["text"]
    layout = {"image": Dense(D), "text": Sparse(WORDS)}
    with writing_store(
        tmp_path / "store.h5", dataset="mini", n_rows=N, modalities=layout, statistics=[], generated=True
    ) as writer:
        writer.write("image", 0, image)
        writer.write("text", 0, sparse.csr_array(text))
        part = np.arange(4)
        writer.annotate(
            labels=np.ones((N, 1), np.uint8),
            classes=["a"],
            splits={1: {"train": part, "validation": part + 4, "test": part + 8}},
            vocabulary=list("abcd"),
        )
    roots, rows, train = np.sign(image) * np.sqrt(np.abs(image)), np.array([11, 5, 0]), np.array([4, 5, 9])

    def unit(values):
        length = np.linalg.norm(values, axis=1, keepdims=True)
        return values / np.where(length == 0, 1, length)

    with Store(tmp_path / "store.h5") as store:
        for name, parts in {
            "image": [image],
            "sqrt_image+text": [roots, text > 0],
            "text": [text > 0],
        }.items():
            for centre in (False, True):
                codes = input_codes(store, name, train, centre=centre, block=2)(rows)
                around_mean = [one - (one[train].mean(0) if centre else 0) for one in parts]
                expected = np.concatenate([unit(one[rows]) for one in around_mean], axis=1)
                # A sum of at most 5 products, and a root.
                np.testing.assert_allclose(codes, expected, rtol=0, atol=8 * ROUNDING)
        with pytest.raises(DataError, match="no input 'gist' to be compared"):
            input_codes(store, "gist", train, centre=False, block=2)
    assert [query_of(name) for name in ("sqrt_image+text", "text")] == ["image+text", "text"]
