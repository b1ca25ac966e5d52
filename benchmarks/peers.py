# SPDX-License-Identifier: MIT
"""One epoch of a binary RBM against scikit-learn's and learnergy's, in one run, all in float32.

All have the same visible and hidden units, minibatches and rows, and one Gibbs step. scikit-learn and `mvi`
run PCD with as many chains as rows in a minibatch, `mvi` once with the reference code's negative statistics
and once with scikit-learn's; learnergy has CD only. The libraries take turns, each turn being one epoch; the
median is reported.
"""

import contextlib
import io
import statistics
import time
from functools import partial

import learnergy.models.bernoulli
import numpy as np
import torch
from sklearn.neural_network import BernoulliRBM
from updates import machine

from mvi.data.batches import Minibatches
from mvi.models.rbm import RBM
from mvi.models.units import Binary
from mvi.objectives.likelihood import ContrastiveDivergence
from mvi.training.loop import Schedule, train
from mvi.training.optim import UpdateRule

ROWS, VISIBLE, HIDDEN, BATCH, TURNS = 5000, 784, 1000, 100, 5


def ours(rows: np.ndarray, negative: str = "visible_means") -> None:
    """One epoch of PCD with 100 chains."""
    draws = torch.Generator().manual_seed(0)
    model = RBM.initialise(Binary(VISIBLE), Binary(HIDDEN), draws)
    objective = ContrastiveDivergence(chains=BATCH, sample_input=False, negative=negative)
    batches = Minibatches(torch.from_numpy(rows), BATCH)
    train(model, objective, batches, Schedule(1, UpdateRule(0.01)), draws, label="bench")


def scikit_learn(rows: np.ndarray) -> None:
    """One epoch of PCD (stochastic maximum likelihood)."""
    BernoulliRBM(HIDDEN, learning_rate=0.01, batch_size=BATCH, n_iter=1, random_state=0).fit(rows)


def learnergy_cd(rows: np.ndarray) -> None:
    """One epoch of CD-1."""
    data = torch.utils.data.TensorDataset(torch.from_numpy(rows), torch.zeros(len(rows)))
    model = learnergy.models.bernoulli.RBM(VISIBLE, HIDDEN, steps=1, learning_rate=0.01, use_gpu=False)
    with contextlib.redirect_stderr(io.StringIO()):
        model.fit(data, batch_size=BATCH, epochs=1)


def main() -> None:
    """Print the table as Markdown."""
    rows = (np.random.default_rng(0).random((ROWS, VISIBLE)) < 0.2).astype(np.float32)
    contestants = {
        "mvi": ours,
        "mvi, negative: hidden_means": partial(ours, negative="hidden_means"),
        "scikit-learn": scikit_learn,
        "learnergy": learnergy_cd,
    }
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(TURNS):
        for name, fit in contestants.items():
            started = time.perf_counter()
            fit(rows)
            times[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{ROWS} generated rows, {VISIBLE} x {HIDDEN} units, batch {BATCH}, float32; {machine('cpu')}\n")
    print("| library | seconds an epoch | times mvi's |")
    print("|---|---|---|")
    for name, value in medians.items():
        print(f"| {name} | {value:.2f} | {value / medians['mvi']:.2f} |")


if __name__ == "__main__":
    main()
