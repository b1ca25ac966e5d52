# SPDX-License-Identifier: MIT
"""What a GPU asks of an update: that it waits for nothing, and can be recorded once and replayed.

There need be no GPU. Whether an update waits for one, or moves tensors between it and the host, is seen on a
device that computes nothing; and a CPU's operations, recorded and replayed into the same memory, are used as
a CUDA graph is.
"""

from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mvi.data.batches import Minibatches
from mvi.errors import NonFiniteError
from mvi.methods.registry import LAYERED, build
from mvi.models.mdrnn import Layer, Mdrnn, Pathway
from mvi.models.mrbm import MultimodalRBM
from mvi.models.rbm import RBM
from mvi.models.units import Binary, Gaussian, ReplicatedSoftmax, SteppedSigmoid
from mvi.objectives.base import Ramp, Sparsity
from mvi.objectives.finetuning import Finetuning
from mvi.objectives.likelihood import ContrastiveDivergence
from mvi.training.cuda_graphs import Replayed, cuda_graph, recorder
from mvi.training.loop import Schedule, State, Tally, train, update_once
from mvi.training.optim import Momentum, UpdateRule

ROWS, SIZE = 57, 10
RAMP = {"start": 1, "step": 1, "every": 2, "maximum": 3}
SPARSE = {"kind": "approximate", "weight": 0.1, "target": 0.1}
SETTINGS = {
    "gibbs_steps": RAMP,
    "chains": 20,
    "sparsity": SPARSE,
    "likelihood_sparsity": SPARSE,
    "alpha": 0.5,
    "warm_up": 1,
    "iterations": 3,
    "bptt_depth": RAMP,
    "reveal": 0.2,
    "start_state": "doubled",
}
LAYER = Sparsity("approximate", 0.1, 0.1, on_weights=True)


def joint(method):
    """Two modalities of 5 and 4 binary units, trained by `method`."""
    exact = {"sparsity": SPARSE | {"kind": "exact"}} if method == "mp" else {}
    model = MultimodalRBM.initialise({"left": 5, "right": 4}, 6, torch.Generator().manual_seed(0))
    return model, build(method, SETTINGS | exact)


def layer(visible, hidden, *, persistent=True):
    """A layer of a pathway."""
    model = RBM.initialise(visible, hidden, torch.Generator().manual_seed(0), weight_std=0.1)
    return model, ContrastiveDivergence(Ramp(2), persistent, chains=20, sparsity=LAYER)


def network(words=False):
    """A network of two and one layers, finetuned both ways with revealed entries and sparsity everywhere."""
    texts = ReplicatedSoftmax(4) if words else Binary(4)
    pathways = {
        "image": Pathway(Gaussian(5), (Layer(4), Layer(3))),
        "text": Pathway(texts, (Layer(3),), total=3.0),
    }
    model = Mdrnn.initialise(pathways, 6, torch.Generator().manual_seed(0))
    sparse = Sparsity("exact", 0.1, 0.1)
    sparsity = {"top": sparse, "image": sparse, "text": sparse}
    return model, Finetuning(3, reveal={} if words else {"text": 0.3}, sparsity=sparsity)


SUBJECTS = {
    **{method: lambda method=method: joint(method) for method in LAYERED},
    "image, CD": lambda: layer(Gaussian(9, learn_std=True), SteppedSigmoid(6, 3), persistent=False),
    "text, PCD": lambda: layer(Binary(9), Binary(6)),
    "words, PCD": lambda: layer(ReplicatedSoftmax(9), Binary(6)),
    "network": network,
    "network of words": lambda: network(words=True),
}
SCHEDULE = Schedule(4, UpdateRule(0.05, momentum=Momentum(change_after=2)), 1e-4, rejected_share=0.5)


def rows():
    return torch.randint(0, 3, (ROWS, 9), generator=torch.Generator().manual_seed(1)) / 2


class Monitored(TorchDispatchMode):
    """A context in which no tensor may go from one device to another.

    On the device "meta", which knows shapes and computes no numbers, reading one back fails by itself.
    """

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if func.overloadpacket in (torch.ops.aten._to_copy, torch.ops.aten.copy_):
            devices = {value.device.type for value in (*args, result) if isinstance(value, torch.Tensor)}
            assert len(devices) == 1, "something goes from one device to the other"
        return result


def pretend_epoch(model, objective):
    """One epoch with the model and its rows on a device that computes nothing; how many updates that were."""
    values, draws = rows(), torch.Generator()
    state = State.begin(model, objective, SCHEDULE, values.mean(0), draws)
    model.parameters, state.parameters, state.buffers, state.memory = (
        # Single numbers may stay with the host.
        {name: tensor.to("meta") if tensor.dim() else tensor for name, tensor in group.items()}
        for group in (model.parameters, state.parameters, state.buffers, state.memory)
    )
    batches = Minibatches(values.to("meta"), SIZE)
    tally = Tally.begin(0.05, torch.device("meta"))
    count = 0
    with Monitored():
        for batch in batches.epoch(draws):
            update_once(model, objective, SCHEDULE, state, tally, batch)
            count += 1
    held = [*model.parameters.values(), *tally.sums.values(), tally.rate, tally.rejected]
    assert all(tensor.is_meta for tensor in held)
    return count


@pytest.mark.parametrize("subject", SUBJECTS)
def test_no_update_waits_for_the_gpu(subject):
    assert pretend_epoch(*SUBJECTS[subject]()) == ROWS // SIZE


def test_words_that_are_counted_in_the_data_are_waited_for():
    with pytest.raises(RuntimeError, match="meta"):
        pretend_epoch(*layer(ReplicatedSoftmax(9), Binary(6), persistent=False))


class Impatient:
    """Passes on to an objective, and does something with the gradient of each step."""

    def __init__(self, objective, act):
        self.objective, self.act = objective, act

    def start(self, model, mean, generator):
        return self.objective.start(model, mean, generator)

    def step(self, *arguments):
        gradient, memory = self.objective.step(*arguments)
        self.act(gradient.positive["weight"])
        return gradient, memory


@pytest.mark.parametrize(
    "act",
    [
        lambda weight: float(weight.sum()),
        lambda weight: bool((weight > 0).any()),
        lambda weight: weight[weight > 0],
        lambda weight: weight.cpu(),
        lambda weight: weight + torch.ones(weight.shape),
        lambda weight: weight + torch.ones(weight.shape).to("meta"),
    ],
)
def test_one_that_waits_is_found_out(act):
    model, objective = joint("mp")
    with pytest.raises((RuntimeError, AssertionError)):
        pretend_epoch(model, Impatient(objective, act))


class Recording(TorchDispatchMode):
    """The operations that run within, to be done again with the same tensors.

    As a CUDA graph it knows operations and memory and no Python. Its first replay does nothing: what it would
    do was done while it was recorded, where a graph is only written down.
    """

    def __init__(self):
        super().__init__()
        self.operations = []
        self.done = True

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.operations.append((func, args, kwargs or {}, result))
        return result

    def replay(self):
        if self.done:
            self.done = False
            return
        with torch._C._AutoDispatchBelowAutograd():
            for func, args, kwargs, result in self.operations:
                aliases = [value.alias_info for value in func._schema.returns]
                if any(alias is not None and not alias.is_write for alias in aliases):
                    continue  # A view goes on showing the same memory.
                again = func(*args, **kwargs)
                assert not isinstance(result, tuple | list), f"{func} has several results"
                if isinstance(result, torch.Tensor) and aliases == [None]:
                    result.copy_(again)


def record(work, generator):
    with Recording() as recording:
        work()
    return recording.replay


def trained(subject, values, record=None, device="cpu"):
    model, objective = SUBJECTS[subject]()
    draws = torch.Generator(device).manual_seed(3)
    batches = Minibatches(values.to(device), SIZE)
    history = train(model.to(device), objective, batches, SCHEDULE, draws, label="layer", record=record)
    return model.parameters, history, draws.get_state()


@pytest.mark.parametrize("subject", SUBJECTS)
def test_replayed_updates_are_the_updates(subject):
    calls = []

    def counted(work, generator):
        def recorded():
            calls.append(None)
            work()

        return record(recorded, generator)

    launched, numbers, drawn = trained(subject, rows())
    replayed, again, redrawn = trained(subject, rows(), counted)
    assert len(calls) == SCHEDULE.epochs
    assert all(torch.equal(theta, replayed[name]) for name, theta in launched.items())
    assert numbers.equals(again) and torch.equal(drawn, redrawn)


def test_a_replayed_update_is_rejected_alone(caplog):
    """One row is too large: the updates that meet it change only the learning rate of those after them."""
    values = rows()
    values[3] = 3e38
    launched, numbers, _ = trained("mp", values)
    replayed, again, _ = trained("mp", values, record)
    warnings = [line.getMessage() for line in caplog.records if "rejected" in line.getMessage()]
    assert len(warnings) >= 2 and warnings[: len(warnings) // 2] == warnings[len(warnings) // 2 :]
    assert all(torch.equal(theta, replayed[name]) for name, theta in launched.items())
    assert numbers.equals(again)
    others, _, _ = trained("mp", rows())
    assert not any(torch.equal(theta, others[name]) for name, theta in launched.items())


class InOrder(Minibatches):
    """Takes the rows as they come."""

    def epoch(self, generator):
        return iter(self.rows[: len(self) * self.size].split(self.size))


@pytest.mark.parametrize("how", [None, record])
def test_the_first_rejected_update_is_told(how):
    model, objective = SUBJECTS["image, CD"]()
    values = rows()
    values[35] = 1e30  # Its square is infinite.
    with pytest.raises(NonFiniteError, match=r"in epoch 1 from step 4 \(20% of the updates rejected\)"):
        train(
            model, objective, InOrder(values, SIZE), replace(SCHEDULE, rejected_share=0.1),
            torch.Generator(), label="layer", record=how,
        )  # fmt: skip


def test_only_a_gpu_is_recorded():
    assert recorder(True, "cuda") is cuda_graph
    assert recorder(True, "cpu") is None and recorder(False, "cuda") is None


def test_a_recording_is_fed_with_each_batch():
    seen, total = [], torch.zeros(())

    def update(batch):
        seen.append(batch)
        total.add_(batch.sum())

    replayed = Replayed(update, torch.Generator(), record)
    batches = torch.arange(8.0).reshape(4, 2)
    kept = batches.clone()
    for batch in batches:
        replayed(batch)
    assert len(seen) == 2 and total == 28
    assert torch.equal(batches, kept)


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@needs_gpu
@pytest.mark.parametrize("subject", SUBJECTS)
def test_cuda_graphs_are_the_updates(subject):
    launched, numbers, drawn = trained(subject, rows(), device="cuda")
    replayed, again, redrawn = trained(subject, rows(), cuda_graph, device="cuda")
    assert all(torch.equal(theta, replayed[name]) for name, theta in launched.items())
    assert numbers.equals(again) and torch.equal(drawn, redrawn)


@needs_gpu
@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_gpu_s_own_watch_sees_no_waiting(subject):
    model, objective = SUBJECTS[subject]()
    model.to("cuda")
    draws = torch.Generator("cuda").manual_seed(0)
    values = rows().to("cuda")
    state = State.begin(model, objective, SCHEDULE, values.mean(0), draws)
    tally = Tally.begin(0.05, values.device)
    update_once(model, objective, SCHEDULE, state, tally, values[:SIZE])
    torch.cuda.set_sync_debug_mode("error")
    try:
        update_once(model, objective, SCHEDULE, state, tally, values[SIZE : 2 * SIZE])
    finally:
        torch.cuda.set_sync_debug_mode("default")
