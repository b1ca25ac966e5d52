# SPDX-License-Identifier: MIT
"""Codes of each kind of query around their own mean, without which words find no images."""

import numpy as np
import pytest
import torch

import mvi
from mvi.data.transforms import AsStored
from mvi.errors import ConfigError, DataError
from mvi.evaluation.retrieval import nearest
from mvi.methods.registry import build
from mvi.models.centring import mean_of_words, mean_states
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
    alone = np.arange(8.0).reshape(4, 2)
    np.testing.assert_array_equal(mean_of_words(alone, np.zeros(4)), [3, 4])
    np.testing.assert_array_equal(mean_of_words(alone, np.array([0, 3, 1, 0])), [2.5, 3.5])


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
