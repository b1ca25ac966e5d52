# SPDX-License-Identifier: MIT
"""Table 1 on the halves of scikit-learn's digits, in one script on the library, without the workflow.

    .venv/bin/python docs/tutorials/table1.py

Seconds on one core. One seed and fewer epochs than the run digits-default, so that errors are higher than
those of docs/smoke-results.md and vary more from seed to seed: given the left half, a model that was trained
to predict each half from the other makes fewer errors than one of maximum likelihood.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from mvi.data.batches import Minibatches
from mvi.data.readers.digits import write_digits_store
from mvi.data.store import Store
from mvi.evaluation.classification import Query, evaluate
from mvi.evaluation.svm_classifier import Svm
from mvi.models.mrbm import MultimodalRBM
from mvi.objectives.base import Objective, Ramp, Sparsity
from mvi.objectives.likelihood import ContrastiveDivergence
from mvi.objectives.multiprediction import MultiPrediction
from mvi.training.loop import Schedule, train
from mvi.training.optim import Momentum, UpdateRule

Halves = Mapping[str, np.ndarray]


def digits() -> tuple[Halves, np.ndarray, dict[str, np.ndarray]]:
    """The halves (1797, 32) of each digit, in [0, 1], its class (1797,), and the rows of each part."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.h5"
        settings = {"validation": 0.2, "test": 0.3, "seed": 0}
        write_digits_store(path, {}, settings, dataset="digits", citation="scikit-learn's digits")
        with Store(path) as store:
            return {name: store.read(name) for name in store.modalities}, store.labels(), store.split(1)


def trained(
    objective: Objective, halves: Halves, rows: np.ndarray, learning_rate: float, seed: int = 0
) -> MultimodalRBM:
    """A joint layer of 200 hidden units, trained on `rows` by any objective."""
    examples = torch.from_numpy(np.concatenate([half[rows] for half in halves.values()], axis=1))
    generator = torch.Generator().manual_seed(seed)
    model = MultimodalRBM.initialise(
        {name: half.shape[1] for name, half in halves.items()},
        hidden=200,
        generator=generator,
        visible_mean=examples.mean(0),
    )
    rule = UpdateRule(learning_rate, decay=0.01, momentum=Momentum(initial=0.5, final=0.9))
    schedule = Schedule(epochs=60, rule=rule, weight_decay=0.0001)
    train(model, objective, Minibatches(examples, 50), schedule, generator, label=type(objective).__name__)
    return model


def errors(
    model: MultimodalRBM,
    halves: Halves,
    labels: np.ndarray,
    split: Mapping[str, np.ndarray],
    iterations: int = 10,
) -> dict[str, float]:
    """Test error in percent by query, of a linear SVM that learned from multimodal features.

    A missing half is inferred by `iterations` of mean field.
    """
    queries = []
    for given in (["left", "right"], ["left"], ["right"]):
        values = {name: half if name in given else None for name, half in halves.items()}
        states = model.encode(values, iterations=iterations)
        queries.append(Query("+".join(given), states.__getitem__))
    scores = evaluate(queries, labels, split, Svm(grid=[0.1, 1, 10]))
    return {score.query: score.value for score in scores if (score.metric, score.part) == ("error", "test")}


def main() -> dict[str, dict[str, float]]:
    """Print the table and return it: method -> query -> error in percent."""
    halves, labels, split = digits()
    sparsity = Sparsity("exact", weight=0.01, target=0.1)
    methods: dict[str, tuple[Objective, float]] = {
        "ML (PCD)": (ContrastiveDivergence(Ramp(1), chains=100), 0.1),
        "MinVI (MP)": (MultiPrediction(iterations=5, reveal=0.25, sparsity=sparsity), 0.2),
    }
    table = {}
    print(f"{'error, %':12}{'both':>8}{'left':>8}{'right':>8}")
    for name, (objective, learning_rate) in methods.items():
        model = trained(objective, halves, split["train"], learning_rate)
        table[name] = errors(model, halves, labels, split)
        print(f"{name:12}" + "".join(f"{error:8.1f}" for error in table[name].values()))
    return table


if __name__ == "__main__":
    main()
