# SPDX-License-Identifier: MIT
"""The loop: determinism, resume after kill -9, and the guard."""

import errno
import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save
from tqdm import tqdm

from mvi.data.batches import Minibatches
from mvi.errors import NonFiniteError, ShapeError
from mvi.files import exclusive
from mvi.methods.registry import LAYERED, build
from mvi.models import checkpoints as weights
from mvi.models.mrbm import MultimodalRBM
from mvi.models.rbm import RBM
from mvi.models.units import Binary, Gaussian, ReplicatedSoftmax, SteppedSigmoid
from mvi.objectives.base import Gradient, Ramp, Sparsity
from mvi.objectives.likelihood import ContrastiveDivergence
from mvi.tensors import read_tensors, write_tensors
from mvi.training import loop
from mvi.training.loop import Schedule, State, Tally, train, update_once
from mvi.training.monitors import reconstruction_monitor
from mvi.training.optim import Adam, UpdateRule

SPARSITY = {"kind": "approximate", "weight": 0.1, "target": 0.1}
RAMP = {"start": 1, "step": 1, "every": 2, "maximum": 3}
SETTINGS = {
    "gibbs_steps": RAMP,
    "chains": 20,
    "sparsity": SPARSITY,
    "likelihood_sparsity": SPARSITY,
    "alpha": 0.5,
    "warm_up": 2,
    "iterations": 3,
    "bptt_depth": RAMP,
    "reveal": 0.2,
    "start_state": "doubled",
}


def settings(method, chains=20):
    exact = {"sparsity": SPARSITY | {"kind": "exact"}} if method == "mp" else {}
    return SETTINGS | {"chains": chains} | exact


def run(path, method="pcd", epochs=6, stop=None, rows=None, rate=0.05, chains=20):
    """Train a small model and save it; `stop` interrupts after that many epochs."""
    draws = torch.Generator().manual_seed(0)
    if rows is None:
        rows = torch.rand(57, 9, generator=torch.Generator().manual_seed(1))
    model = MultimodalRBM.initialise(
        {"left": 5, "right": 4}, 6, draws, visible_mean=rows.mean(0).nan_to_num()
    )
    seen = []

    def monitor(_):
        seen.append(None)
        if stop is not None and len(seen) > stop:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"seen": 0.0}

    history = train(
        model, build(method, settings(method, chains)), Minibatches(rows, 10),
        Schedule(epochs, UpdateRule(rate), 1e-4), draws,
        label="small", checkpoint=path.with_suffix(".checkpoint"), fingerprint=method,
        checkpoint_seconds=0, metrics_path=path.with_suffix(".csv"), monitor=monitor,
    )  # fmt: skip
    weights.save(path, model, {"method": method})
    return model, history


# Of a thousand chains many numbers are drawn at once, which come from another stream.
@pytest.mark.parametrize(("method", "chains"), [*((method, 20) for method in LAYERED), ("pcd", 1000)])
def test_killed_and_resumed_equals_uninterrupted(method, chains, tmp_path):
    run(tmp_path / "whole.safetensors", method, chains=chains)
    script = textwrap.dedent(
        f"""
        import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
        import torch; torch.set_num_threads(1)
        from pathlib import Path
        from test_training import run
        run(Path({str(tmp_path / "cut.safetensors")!r}), {method!r}, stop=3, chains={chains})
        """
    )
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "cut.safetensors").exists()
    assert (tmp_path / "cut.checkpoint").exists()
    _, history = run(tmp_path / "cut.safetensors", method, chains=chains)
    assert history["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    for kind in ("safetensors", "csv"):
        cut, whole = ((tmp_path / f"{name}.{kind}").read_bytes() for name in ("cut", "whole"))
        assert cut == whole, kind
    assert not list(tmp_path.glob(".*part*"))


def test_resuming_really_resumes(tmp_path, caplog):
    path = tmp_path / "a.safetensors"
    run(path, epochs=4)
    with caplog.at_level("INFO"):
        run(path, epochs=6)
    assert "small: resuming after epoch 4" in caplog.text
    assert "epoch 3" not in caplog.text


def test_a_second_trainer_waits_for_the_first(tmp_path, caplog):
    path = tmp_path / "a.safetensors"
    second = threading.Thread(target=run, args=(path,))
    with exclusive(path.with_suffix(".lock")):
        second.start()
        second.join(1)
        assert second.is_alive() and not path.exists()
    second.join(60)
    assert path.exists() and not path.with_suffix(".lock").exists()
    assert "another process works on" in caplog.text


def test_same_seed_same_bytes(tmp_path):
    for name in ("a", "b"):
        run(tmp_path / f"{name}.safetensors")
    first, second = ((tmp_path / f"{name}.safetensors").read_bytes() for name in ("a", "b"))
    assert first == second


def flipped(content):
    """With one bit of the last number turned round."""
    return content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]


def rewritten(path, change):
    """A sound file of what `change` makes of the tensors and the description."""
    tensors, about = read_tensors(path)
    change(tensors, about)
    write_tensors(path, tensors, about)
    return path.read_bytes()


DAMAGE = {
    "cut": lambda path: path.read_bytes()[:100],
    "empty": lambda path: b"",
    "a bit": lambda path: flipped(path.read_bytes()),
    "a bit of the history": lambda path: path.read_bytes().replace(b"activity", b"actively", 1),
    "no JSON": lambda path: path.read_bytes().replace(b'"sha256"', b'"sha256 ', 1).replace(b"{", b"[", 1),
    "another file": lambda path: save({"chain": torch.zeros(3)}),
    "a text": lambda path: b"checkpoint\n" * 20,
}
MISFIT = {
    "settings": lambda tensors, about: about.update(fingerprint="mp"),
    "no settings": lambda tensors, about: about.pop("fingerprint"),
    "no epoch": lambda tensors, about: about.pop("epoch"),
    "another epoch": lambda tensors, about: about.update(epoch=3),
    "no history": lambda tensors, about: about.pop("history"),
    "a key is missing": lambda tensors, about: tensors.pop("memory/chain"),
    "no generator": lambda tensors, about: tensors.pop("generator"),
    "another key": lambda tensors, about: tensors.update({"memory/mean": torch.zeros(2)}),
    "other chains": lambda tensors, about: tensors.update({"memory/chain": torch.zeros(21, 6)}),
    "other sizes": lambda tensors, about: tensors.update({"parameters/weight": torch.zeros(9, 7)}),
    "another type": lambda tensors, about: tensors.update({"buffers/weight": torch.zeros(9, 6).double()}),
    "another generator": lambda tensors, about: tensors.update(generator=torch.zeros(16, dtype=torch.uint8)),
}


@pytest.mark.parametrize("damage", [*DAMAGE, *MISFIT])
def test_a_checkpoint_that_is_damaged_or_does_not_fit_is_passed_over(damage, tmp_path, caplog):
    path = tmp_path / "a.safetensors"
    run(path, "pcd")
    whole = {kind: path.with_suffix(kind).read_bytes() for kind in (".safetensors", ".csv")}
    checkpoint = path.with_suffix(".checkpoint")
    sound = checkpoint.read_bytes()
    if damage in DAMAGE:
        checkpoint.write_bytes(DAMAGE[damage](checkpoint))
    else:
        checkpoint.write_bytes(rewritten(checkpoint, MISFIT[damage]))
    assert checkpoint.read_bytes() != sound
    caplog.clear()
    with caplog.at_level("INFO"):
        run(path, "pcd")
    warnings = [line.getMessage() for line in caplog.records if line.levelname == "WARNING"]
    assert len(warnings) == 1 and warnings[0].startswith(f"small: starting anew, {checkpoint} ")
    assert "delete" not in warnings[0] and "small: epoch 1," in caplog.text
    assert all(path.with_suffix(kind).read_bytes() == content for kind, content in whole.items())


def test_a_checkpoint_that_cannot_be_written_does_not_end_the_training(tmp_path, caplog, monkeypatch):
    """As on a disk that is full; what was there stays."""
    path = tmp_path / "a.safetensors"
    run(path, epochs=2)
    checkpoint = path.with_suffix(".checkpoint")
    kept, write = checkpoint.read_bytes(), Path.write_bytes

    def full(place, content):
        if ".checkpoint" in place.name:
            write(place, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(place, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    _, history = run(path, epochs=4)
    assert history["epoch"].tolist() == [1, 2, 3, 4] and path.exists()
    warnings = [line.getMessage() for line in caplog.records if line.levelname == "WARNING"]
    assert len(warnings) == 2 and all(
        f"training goes on, but the checkpoint {checkpoint} cannot be written (No space" in line
        for line in warnings
    )
    assert checkpoint.read_bytes() == kept and not list(tmp_path.glob(".*part*"))


def test_the_bar_of_a_resumed_training_begins_where_it_goes_on(tmp_path, monkeypatch):
    """Told when it is made: a bar that jumps later takes what it did not see for its own speed."""
    path = tmp_path / "a.safetensors"
    made = []

    class Bar(tqdm):
        def __init__(self, **settings):
            super().__init__(file=io.StringIO(), **settings | {"disable": False})
            made.append((settings["initial"], self))

    monkeypatch.setattr(loop, "tqdm", Bar)
    run(path, epochs=4)
    run(path, epochs=6)
    assert [(initial, bar.total, bar.n) for initial, bar in made] == [(0, 20, 20), (20, 30, 30)]


def test_training_learns_and_rows_stay(tmp_path):
    """Left and right halves that copy each other: MP must learn to predict one from the other."""
    draws = torch.Generator().manual_seed(3)
    half = (torch.rand(200, 4, generator=draws) < 0.5).float()
    rows = torch.cat([half, half], 1)
    kept = rows.clone()
    model = MultimodalRBM.initialise({"left": 4, "right": 4}, 16, draws)
    mp = build("mp", {**settings("mp"), "reveal": 0.0, "sparsity": {"kind": "none"}})
    history = train(model, mp, Minibatches(rows, 20), Schedule(60, UpdateRule(0.5)), draws, label="copy")
    assert torch.equal(rows, kept)
    first, last = history["cross_entropy/right"].iloc[[0, -1]]
    assert first > 2.5  # four fair coins cost 4 log 2 = 2.77 nats
    assert last < 0.2
    predicted = model.complete({"left": half, "right": None}, "right", iterations=3)
    assert ((predicted > 0.5).float() == half).all()


def test_gaussian_stepped_layer_trains():
    draws = torch.Generator().manual_seed(0)
    rows = torch.randn(100, 6, generator=draws) * 2 + 1
    unit = Gaussian(6, learn_std=True)
    model = RBM.initialise(unit, SteppedSigmoid(8, 5), draws)
    cd = build("pcd", settings("pcd"))
    train(model, cd, Minibatches(rows, 20), Schedule(150, UpdateRule(0.02)), draws, label="real")
    std = model.parameters["visible_log_std"].exp()
    # With nothing to learn but the spread, the learned std comes near that of the rows (0.14, eight seeds).
    assert ((std - rows.std(0)).abs() < 0.3).all(), std


class InOrder(Minibatches):
    """Takes the rows as they come."""

    def epoch(self, generator):
        return iter(self.rows[: len(self) * self.size].split(self.size))


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("kind", ["none", "approximate", "exact"])
def test_minibatches_without_a_word_are_trained_through(persistent, kind, caplog):
    """The first is one of them, and so is one after the others: 30 images with tags among 50."""
    draws = torch.Generator().manual_seed(0)
    rows = torch.randint(0, 4, (50, 6), generator=draws).float()
    rows[:10] = rows[40:] = 0
    rows[15] = 0
    model = RBM.initialise(ReplicatedSoftmax(6), Binary(4), draws, weight_std=0.1, visible_mean=rows.mean(0))
    objective = ContrastiveDivergence(
        Ramp(2), persistent, chains=8, sparsity=Sparsity(kind, 0.1, 0.1, on_weights=True)
    )
    monitor = reconstruction_monitor(rows[40:], rows.mean(0), 50)
    history = train(
        model, objective, InOrder(rows, 10), Schedule(3, UpdateRule(0.05)), draws, label="words",
        monitor=monitor,
    )  # fmt: skip
    assert np.isfinite(history.to_numpy()).all() and "rejected" not in caplog.text
    assert all(theta.isfinite().all() for theta in model.parameters.values())


def test_a_minibatch_without_a_word_moves_no_word():
    """Neither phase knows of any word, so that only sparsity has a direction."""
    draws = torch.Generator().manual_seed(0)
    model = RBM.initialise(ReplicatedSoftmax(6), Binary(4), draws, weight_std=0.1)
    objective = ContrastiveDivergence(Ramp(1), persistent=False)
    gradient, _ = objective.step(model, torch.zeros(5, 6), {}, 1, draws)
    for name in model.parameters:
        assert not gradient.positive[name].any() and not gradient.negative[name].any(), name


class Spoiled:
    """An objective whose direction is not finite on the given steps (counted from 1)."""

    def __init__(self, steps):
        self.steps, self.count = steps, 0

    def start(self, model, mean, generator):
        return {}

    def step(self, model, batch, memory, epoch, generator):
        self.count += 1
        bad = self.count in self.steps
        positive = {
            name: torch.full_like(theta, float("nan") if bad else 1.0)
            for name, theta in model.parameters.items()
        }
        return Gradient(positive), memory


def spoil(steps, rejected_share=0.1, dtype=torch.float32, epochs=1, decay=0.0):
    draws = torch.Generator().manual_seed(0)
    model = MultimodalRBM.initialise({"left": 5, "right": 4}, 6, draws, weight_std=0.0, dtype=dtype)
    schedule = Schedule(epochs, UpdateRule(1.0, decay), rejected_share=rejected_share)
    rows = torch.rand(100, 9, dtype=dtype)
    train(model, Spoiled(steps), Minibatches(rows, 10), schedule, draws, label="bad")
    return float(model.parameters["hidden_bias"][0])


def moved(steps, epochs=1, decay=0.0):
    """What `spoil` must end at, in Python's own numbers."""
    buffer = total = 0.0
    for epoch in range(epochs):
        m, rate = 0.33, 1.0 / (1 + decay * (epoch + 1))
        for step in range(10 * epoch + 1, 10 * epoch + 11):
            if step in steps:
                rate *= 0.95
                continue
            buffer = m * buffer + (1 - m) * rate
            total += buffer
    return total


def test_the_guard_skips_and_lowers():
    assert spoil({4}) == pytest.approx(moved({4}), rel=1e-5)


def test_parameters_of_float64_move_by_a_rate_of_float64():
    """Each of the 30 updates rounds a few times, by 1.1e-16 of what is there; float32 rounds by 6e-8."""
    found = spoil({4, 17}, dtype=torch.float64, epochs=3, decay=0.005)
    assert found == pytest.approx(moved({4, 17}, epochs=3, decay=0.005), rel=30 * 4 * 1.1e-16)


class Interrupted(Minibatches):
    """Minibatches of which one, counted from 1 over all epochs, holds no numbers."""

    def __init__(self, rows, size, bad):
        super().__init__(rows, size)
        self.bad, self.count = bad, 0

    def epoch(self, generator):
        for batch in super().epoch(generator):
            self.count += 1
            yield torch.full_like(batch, float("nan")) if self.count == self.bad else batch


def as_it_comes(method, kind):
    """An objective that learns from grey values: drawing 0 or 1 by what is no number gives 0."""
    rules = {name: SPARSITY | {"kind": kind} for name in ("sparsity", "likelihood_sparsity")}
    objective = build(method, SETTINGS | rules)
    if method == "hybrid":
        return replace(objective, likelihood=replace(objective.likelihood, sample_input=False))
    return objective if method == "mp" else replace(objective, sample_input=False)


@pytest.mark.parametrize("method", LAYERED)
@pytest.mark.parametrize("kind", ["none", "approximate", "exact"])
def test_one_bad_minibatch_rejects_one_update(method, kind, caplog):
    """Also where the objective remembers: one bad running mean or chain would reject all that follow."""
    draws = torch.Generator().manual_seed(0)
    rows = torch.rand(205, 9, generator=draws)
    model = MultimodalRBM.initialise({"left": 5, "right": 4}, 6, draws, dtype=torch.float32)
    batches = Interrupted(rows, 10, bad=8)
    train(model, as_it_comes(method, kind), batches, Schedule(2, UpdateRule(0.05)), draws, label="small")
    warnings = [line.getMessage() for line in caplog.records if "rejected" in line.getMessage()]
    assert warnings == ["small: epoch 1: 5.0 % of the updates rejected"]


def test_a_rejected_update_leaves_the_memory_as_it_was():
    """Bit for bit, and an accepted one leaves it as the objective says."""
    draws = torch.Generator().manual_seed(0)
    rows = torch.rand(20, 9, generator=draws)
    model = MultimodalRBM.initialise({"left": 5, "right": 4}, 6, draws)
    objective, schedule = as_it_comes("pcd", "approximate"), Schedule(1)
    state = State.begin(model, objective, schedule, rows.mean(0), draws)
    tally = Tally.begin(0.05, rows.device)
    update_once(model, objective, schedule, state, tally, rows)
    before = {name: tensor.clone() for name, tensor in state.memory.items()}
    places = {name: tensor.data_ptr() for name, tensor in state.memory.items()}
    update_once(model, objective, schedule, state, tally, rows * float("nan"))
    assert all(torch.equal(tensor, before[name]) for name, tensor in state.memory.items())
    again = torch.Generator()
    again.set_state(draws.get_state())
    _, after = objective.step(model, rows, state.memory, 1, again)
    update_once(model, objective, schedule, state, tally, rows)
    assert all(torch.equal(tensor, after[name]) for name, tensor in state.memory.items())
    assert not any(torch.equal(before[name], after[name]) for name in ("chain", "activity"))
    # A recorded update looks for them where they were.
    assert places == {name: tensor.data_ptr() for name, tensor in state.memory.items()}


def test_the_guard_stops_with_layer_epoch_and_step():
    with pytest.raises(NonFiniteError, match=r"bad: .* in epoch 1 from step 5 \(20% of the"):
        spoil({5, 6})


def test_nan_in_the_data_stops_training(tmp_path):
    rows = torch.rand(57, 9)
    rows[3, 2] = float("nan")
    with pytest.raises(NonFiniteError, match="small: the training rows hold .* first in column 2"):
        run(tmp_path / "a.safetensors", rows=rows)
    assert not list(tmp_path.iterdir())


def test_the_guard_leaves_nothing_behind(tmp_path):
    with pytest.raises(NonFiniteError):
        run(tmp_path / "a.safetensors", rate=float("inf"))
    assert not list(tmp_path.iterdir())


def test_too_few_rows_for_a_batch():
    with pytest.raises(ShapeError, match="minibatch of 10 rows needs .* there are 9"):
        Minibatches(torch.rand(9, 2), 10)


def test_minibatches_visit_whole_batches_of_distinct_rows():
    batches = Minibatches(torch.arange(25.0).unsqueeze(1), 4, per_epoch=5)
    draws = torch.Generator().manual_seed(0)
    seen = [torch.cat(list(batches.epoch(draws))).flatten().tolist() for _ in range(2)]
    assert [len(batch) for batch in batches.epoch(draws)] == [4] * 5 == [4] * len(batches)
    assert len(set(seen[0])) == 20
    assert seen[0] != seen[1]


def ended_early(path, stop=None):
    """Least loss in epoch 3 of those that are monitored, patience for two more; perhaps interrupted."""
    losses, seen = [3.0, 2.0, 1.0, 1.5, 1.0, 0.5, 0.1], []

    def monitor(model):
        seen.append({name: theta.clone() for name, theta in model.parameters.items()})
        if len(seen) == stop:
            raise KeyboardInterrupt
        return {"validation/loss": losses[first + len(seen) - 1]}

    draws = torch.Generator().manual_seed(0)
    rows = torch.rand(57, 9, generator=torch.Generator().manual_seed(1))
    model = MultimodalRBM.initialise({"left": 5, "right": 4}, 6, draws, visible_mean=rows.mean(0))
    checkpoint = path.with_suffix(".checkpoint")
    first = read_tensors(checkpoint)[1]["epoch"] if checkpoint.exists() else 0
    history = train(
        model, build("pcd", settings("pcd")), Minibatches(rows, 10),
        Schedule(7, Adam(0.01), patience=2), draws,
        label="small", checkpoint=checkpoint, checkpoint_seconds=0, monitor=monitor,
    )  # fmt: skip
    return model, history, seen


def test_a_training_without_progress_ends_with_its_best_parameters(tmp_path):
    model, history, seen = ended_early(tmp_path / "whole")
    assert history["epoch"].tolist() == [1, 2, 3, 4, 5]
    assert all(torch.equal(theta, seen[2][name]) for name, theta in model.parameters.items())
    assert not torch.equal(seen[4]["weight"], seen[2]["weight"])
    for stop in (2, 3, 4, 5):
        path = tmp_path / f"stopped{stop}"
        with pytest.raises(KeyboardInterrupt):
            ended_early(path, stop)
        again, resumed, _ = ended_early(path)
        assert resumed.equals(history)
        assert all(torch.equal(theta, again.parameters[name]) for name, theta in model.parameters.items())
