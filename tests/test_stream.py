# SPDX-License-Identifier: MIT
"""Batches of a store that is not in memory: every row once, at random, the same from any start."""

import threading
from itertools import islice

import h5py
import numpy as np
import pytest
import torch
from scipy import sparse

from mvi.data import store_writer
from mvi.data.batches import Minibatches
from mvi.data.store import Store
from mvi.data.store_writer import Dense, Sparse, writing_store
from mvi.data.stream import StreamingMinibatches
from mvi.errors import DataError, ShapeError

N, D, WORDS, CHUNK = 1000, 6, 4, 20


def features() -> np.ndarray:
    values = np.random.default_rng(0).normal(size=(N, D)).astype(np.float16)
    # Names the row.
    values[:, 0] = np.arange(N)
    return values


def tags() -> np.ndarray:
    return np.random.default_rng(1).poisson(0.8, (N, WORDS))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    target = tmp_path_factory.mktemp("stream") / "store.h5"
    layout = {"image": Dense(D, "float16"), "text": Sparse(WORDS)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_writer, "CHUNK_BYTES", 2 * D * CHUNK)
        with writing_store(target, dataset="t", n_rows=N, modalities=layout) as writer:
            writer.write("image", 0, features())
            writer.write("text", 0, sparse.csr_array(tags()))
    return target


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def rows_of(batches):
    return [batch[:, 0].int().numpy() for batch in batches]


def readers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("store reader")]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert not readers()


@pytest.mark.parametrize("window", [1, 30, 100, 333, 1000, 10**6])
@pytest.mark.parametrize("size", [7, 100, 1000])
def test_an_epoch_takes_every_row_once(path, size, window):
    stream = StreamingMinibatches(path, ["image"], size, window=window)
    batches = list(stream.epoch(seeded()))
    assert len(batches) == len(stream) == N // size
    assert {batch.shape for batch in batches} == {(size, D)} and batches[0].dtype == torch.float32
    taken = np.concatenate(rows_of(batches))
    assert len(set(taken)) == len(taken)
    np.testing.assert_array_equal(torch.cat(batches).numpy(), features()[taken].astype(np.float32))


def test_modalities_stand_side_by_side_in_the_order_asked_for(path):
    for names in (["image", "text"], ["text", "image"]):
        for batch in StreamingMinibatches(path, names, 90, window=200).epoch(seeded()):
            parts = dict(
                zip(names, batch.split([{"image": D, "text": WORDS}[name] for name in names], 1), strict=True)
            )
            taken = parts["image"][:, 0].int().numpy()
            np.testing.assert_array_equal(parts["text"].numpy(), tags()[taken])
            np.testing.assert_array_equal(parts["image"].numpy(), features()[taken].astype(np.float32))


def test_a_transform_sees_each_modality(path):
    def transform(values):
        assert list(values) == ["text", "image"]
        return torch.cat([(values["text"] > 0).float(), values["image"] / 2], 1)

    stream = StreamingMinibatches(path, ["text", "image"], 100, transform=transform)
    for batch in stream.epoch(seeded()):
        taken = (2 * batch[:, WORDS]).int().numpy()
        np.testing.assert_array_equal(batch[:, :WORDS].numpy(), tags()[taken] > 0)
    np.testing.assert_allclose(stream.mean()[:WORDS], (tags() > 0).mean(0), rtol=1e-6)


def test_the_generator_alone_decides_the_order(path):
    stream = StreamingMinibatches(path, ["image"], 50, window=200)
    generator = seeded(1)
    first, second = rows_of(stream.epoch(generator)), rows_of(stream.epoch(generator))
    again = rows_of(StreamingMinibatches(path, ["image"], 50, window=200).epoch(seeded(1)))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)
    # What is drawn while training goes on must not matter.
    generator = seeded(1)
    mixed = []
    for batch in stream.epoch(generator):
        torch.rand(3, generator=generator)
        mixed += rows_of([batch])
    np.testing.assert_array_equal(first, mixed)


@pytest.mark.parametrize("first", [0, 1, 3, 4, 5, 11, 12, 19, 20])
def test_an_epoch_goes_on_where_it_was_left(path, first, monkeypatch):
    stream = StreamingMinibatches(path, ["image"], 50, window=200)
    whole = rows_of(stream.epoch(seeded(2)))
    read = []

    def note(self, name, rows):
        read.append(len(rows))
        return original(self, name, rows)

    original = Store.read_stored
    monkeypatch.setattr(Store, "read_stored", note)
    generator, other = seeded(2), seeded(2)
    rest = rows_of(stream.epoch(generator, first))
    assert len(rest) == 20 - first
    np.testing.assert_array_equal(np.array(rest).reshape(-1, 50), np.array(whole[first:]).reshape(-1, 50))
    # Nothing of what went before is read, and the next epoch is the same.
    assert sum(read) == (20 - first) * 50
    stream.order(other)
    assert torch.equal(generator.get_state(), other.get_state())


def test_rows_may_be_a_mask_or_indices(path):
    with Store(path) as store:
        mask = store.with_tags(2)
    wanted = np.flatnonzero((tags() > 0).sum(1) >= 2)
    for rows in (mask, wanted, np.random.default_rng(0).permutation(wanted).tolist()):
        stream = StreamingMinibatches(path, ["image"], 1, rows=rows, window=64)
        taken = np.concatenate(rows_of(stream.epoch(seeded(3))))
        np.testing.assert_array_equal(np.sort(taken), wanted)
        assert len(stream) == len(wanted)


def test_an_epoch_may_be_cut_short(path):
    stream = StreamingMinibatches(path, ["image"], 100, per_epoch=3)
    assert len(stream) == len(list(stream.epoch(seeded()))) == 3
    assert len(StreamingMinibatches(path, ["image"], 100, per_epoch=30)) == 10


def test_the_mean_is_that_of_all_rows(path):
    stream = StreamingMinibatches(path, ["image", "text"], 70, window=150)
    whole = np.concatenate([features().astype(np.float32), tags().astype(np.float32)], 1)
    assert stream.mean().dtype == torch.float32
    np.testing.assert_allclose(stream.mean(), whole.mean(0, dtype=np.float64), rtol=1e-6, atol=1e-7)
    in_memory = Minibatches(torch.from_numpy(whole), 70)
    torch.testing.assert_close(stream.mean(), in_memory.mean(), rtol=1e-4, atol=1e-4)
    assert len(stream) == len(in_memory)


def test_a_batch_comes_from_all_over_the_file(path):
    # 40 of the 400 rows of a window, 20 of the 50 chunks: of so many different chunks they are expected to
    # be, 20 * (1 - C(380, 40) / C(400, 40)) = 17.7.
    stream = StreamingMinibatches(path, ["image"], 40, window=400, per_epoch=20)
    chunks, places = [], []
    for seed in range(8):
        for taken in rows_of(stream.epoch(seeded(seed))):
            chunks.append(len(set(taken // CHUNK)))
            places.append(taken.mean())
    assert 17.2 < np.mean(chunks) < 18.2
    # Were rows taken from one place, the mean row number of a batch would spread as widely as rows do (289).
    assert np.std(places) < 100


def test_every_row_may_come_at_any_time(path):
    # The batch that row 0 is in, over seeds: about uniform over the ten.
    stream = StreamingMinibatches(path, ["image"], 100, window=200)
    found = [int(np.flatnonzero(stream.order(seeded(seed)) == 0)[0]) // 100 for seed in range(400)]
    assert np.bincount(found, minlength=10).min() > 18


def test_the_window_bounds_what_is_read_at_once(path, monkeypatch):
    read = []

    def note(self, name, rows):
        read.append(len(rows))
        return original(self, name, rows)

    original = Store.read_stored
    monkeypatch.setattr(Store, "read_stored", note)
    batches = StreamingMinibatches(path, ["image"], 50, window=190).epoch(seeded())
    next(batches)
    batches.close()
    # The window that is used and the one after it.
    assert 1 <= len(read) <= 2 and 0 < max(read) <= 190


def test_leaving_early_ends_the_thread(path):
    stream = StreamingMinibatches(path, ["image"], 10, window=20)
    for batch in stream.epoch(seeded()):
        assert readers() and len(batch)
        break
    assert not readers()
    batches = stream.epoch(seeded())
    assert len(list(islice(batches, 4))) == 4
    batches.close()
    assert not readers()
    with pytest.raises(ZeroDivisionError):
        for batch in stream.epoch(seeded()):
            _ = len(batch) / 0
    next(iter(stream.epoch(seeded())))


def test_an_error_of_the_reading_thread_reaches_the_caller(path, tmp_path):
    target = tmp_path / "s.h5"
    raw = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        chunk = file["image"].id.get_chunk_info_by_coord((CHUNK * 30, 0))
    raw[chunk.byte_offset + 3] ^= 1
    target.write_bytes(raw)
    stream = StreamingMinibatches(target, ["image"], 10, window=40)
    whole = StreamingMinibatches(path, ["image"], 10, window=40).order(seeded(4))
    sound = int(np.flatnonzero(whole // CHUNK == 30)[0]) // 40 * 4
    taken = []
    with pytest.raises(DataError, match=r"s.h5 is not a sound store") as error:
        for batch in stream.epoch(seeded(4)):
            taken += rows_of([batch])
    assert len(taken) == sound and not readers()
    assert str(error.value).endswith(".")


def test_an_error_of_the_transform_reaches_the_caller(path):
    def transform(values):
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        next(StreamingMinibatches(path, ["image"], 10, transform=transform).epoch(seeded()))


@pytest.mark.parametrize(
    ("changes", "kind", "says"),
    [
        ({"size": 1001}, ShapeError, "1001 rows needs .* and there are 1000"),
        ({"size": 0}, ShapeError, "a minibatch of 0 rows"),
        ({"rows": [5, 6]}, ShapeError, "there are 2"),
        ({"rows": []}, ShapeError, "there are 0"),
        ({"rows": [N]}, ShapeError, "Row indices"),
        ({"rows": np.ones(N - 1, bool)}, ShapeError, "A mask of rows"),
        ({"names": ["image", "sound"]}, DataError, "no modality 'sound'"),
        ({"names": []}, ShapeError, "at least one modality"),
        ({"path": "absent.h5"}, DataError, "There is no store at absent.h5"),
    ],
)
def test_what_cannot_be_streamed_is_refused_at_once(path, changes, kind, says):
    with pytest.raises(kind, match=says):
        StreamingMinibatches(**{"path": path, "names": ["image"], "size": 10} | changes)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_the_batches_are_the_same(path):
    there = StreamingMinibatches(path, ["image", "text"], 50, window=200, device="cuda")
    here = StreamingMinibatches(path, ["image", "text"], 50, window=200)
    for ours, theirs in zip(here.epoch(seeded()), there.epoch(seeded()), strict=True):
        assert theirs.is_cuda and torch.equal(ours, theirs.cpu())
    torch.testing.assert_close(there.mean().cpu(), here.mean())
