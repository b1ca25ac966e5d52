# SPDX-License-Identifier: MIT
"""The loop: determinism, resume after kill -9, the guard, and weights files."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

import mvi
from mvi import weights
from mvi.data.batches import Minibatches
from mvi.errors import DataError, NonFiniteError, ShapeError
from mvi.files import exclusive
from mvi.mrbm import MultimodalRBM
from mvi.objectives import METHODS, build
from mvi.optim import Gradient, UpdateRule
from mvi.rbm import RBM
from mvi.training import Schedule, train
from mvi.units import Gaussian, SteppedSigmoid

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


def settings(method):
    return SETTINGS | ({"sparsity": SPARSITY | {"kind": "exact"}} if method == "mp" else {})


def run(path, method="pcd", epochs=6, stop=None, rows=None, rate=0.05):
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
        model, build(method, settings(method)), Minibatches(rows, 10),
        Schedule(epochs, UpdateRule(rate), 1e-4), draws,
        label="small", checkpoint=path.with_suffix(".checkpoint"), fingerprint=method,
        checkpoint_seconds=0, metrics_path=path.with_suffix(".csv"), monitor=monitor,
    )  # fmt: skip
    weights.save(path, model, {"method": method})
    return model, history


@pytest.mark.parametrize("method", METHODS)
def test_killed_and_resumed_equals_uninterrupted(method, tmp_path):
    run(tmp_path / "whole.safetensors", method)
    script = textwrap.dedent(
        f"""
        import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
        import torch; torch.set_num_threads(1)
        from pathlib import Path
        from test_training import run
        run(Path({str(tmp_path / "cut.safetensors")!r}), {method!r}, stop=3)
        """
    )
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "cut.safetensors").exists()
    assert (tmp_path / "cut.checkpoint").exists()
    _, history = run(tmp_path / "cut.safetensors", method)
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


def test_a_second_trainer_is_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    with (
        exclusive(path.with_suffix(".lock")),
        pytest.raises(DataError, match="another process still works on"),
    ):
        run(path)
    assert not path.exists()
    run(path)
    assert not path.with_suffix(".lock").exists()


def test_same_seed_same_bytes(tmp_path):
    for name in ("a", "b"):
        run(tmp_path / f"{name}.safetensors")
    first, second = ((tmp_path / f"{name}.safetensors").read_bytes() for name in ("a", "b"))
    assert first == second


@pytest.mark.parametrize("damage", ["truncated", "other settings"])
def test_a_checkpoint_that_does_not_fit_is_passed_over(damage, tmp_path, caplog):
    path = tmp_path / "a.safetensors"
    run(path, "pcd")
    whole = path.read_bytes()
    checkpoint = path.with_suffix(".checkpoint")
    if damage == "truncated":
        checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    else:
        run(path, "mp")
        assert "starting anew" in caplog.text
    run(path, "pcd")
    assert "starting anew" in caplog.text
    assert path.read_bytes() == whole


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


def spoil(steps, rejected_share=0.1):
    draws = torch.Generator().manual_seed(0)
    model = MultimodalRBM.initialise({"left": 5, "right": 4}, 6, draws, weight_std=0.0)
    schedule = Schedule(1, UpdateRule(1.0, 0.0), rejected_share=rejected_share)
    train(model, Spoiled(steps), Minibatches(torch.rand(100, 9), 10), schedule, draws, label="bad")
    return float(model.parameters["hidden_bias"][0])


def test_the_guard_skips_and_lowers():
    m = 0.33
    buffer = total = 0.0
    for step in range(1, 11):
        if step != 4:
            rate = 1.0 if step < 4 else 0.95
            buffer = m * buffer + (1 - m) * rate
            total += buffer
    assert spoil({4}) == pytest.approx(total, rel=1e-5)


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


def test_weights_carry_model_and_config(tmp_path):
    path = tmp_path / "a.safetensors"
    model, _ = run(path, epochs=1)
    loaded = mvi.load(path)
    assert loaded.describe() == model.describe()
    assert all(torch.equal(loaded.parameters[name], theta) for name, theta in model.parameters.items())
    assert weights.config(path) == {"method": "pcd"}
    layer = RBM.initialise(Gaussian(3), SteppedSigmoid(2), torch.Generator(), up=2.0)
    weights.save(path, layer, {})
    assert mvi.load(path).describe() == layer.describe()


def test_a_broken_weights_file_is_one_sentence(tmp_path):
    path = tmp_path / "a.safetensors"
    run(path, epochs=1)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DataError, match="is not a readable weights file"):
        mvi.load(path)
    with pytest.raises(DataError, match="is not a readable weights file"):
        mvi.load(tmp_path / "absent.safetensors")


def test_modalities_keep_their_order_in_a_weights_file(tmp_path):
    model = MultimodalRBM.initialise({"text": 2, "image": 3}, 4, torch.Generator().manual_seed(0))
    weights.save(tmp_path / "m.safetensors", model, {})
    loaded = weights.load(tmp_path / "m.safetensors")
    assert loaded.slices == model.slices and list(loaded.sizes) == ["text", "image"]
