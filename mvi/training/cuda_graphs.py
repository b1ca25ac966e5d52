# SPDX-License-Identifier: MIT
"""CUDA graph capture and replay of a training update, which launches its kernels at once.

An update is hundreds of kernels, and where they are short a fast GPU waits for the processor that launches
them. A CUDA graph holds them all and is launched at once.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Record = Callable[[Callable[[], None], torch.Generator], Callable[[], None]]
"""Takes what is to be done, and the generator that it draws from; returns what does it again."""


class Replayed:
    """`update`, a function of a minibatch (B, D), of which the second call is recorded and then replayed.

    The first call runs as it is, which sets up what a recording cannot (libraries, tensors that hold sums).
    After the second the Python code of `update` runs no more. It must do the same whatever the numbers are,
    and leave all that the next call needs in tensors that stay where they are.
    """

    def __init__(self, update: Callable[[Tensor], None], generator: torch.Generator, record: Record) -> None:
        self.update = update
        self.generator = generator
        self.record = record
        self.batch: Tensor | None = None
        self.replay: Callable[[], None] | None = None

    def __call__(self, batch: Tensor) -> None:
        """Update with a minibatch of the same shape as the first."""
        if self.batch is None:
            self.batch = batch.clone()
            self.update(self.batch)
            return
        held = self.batch.copy_(batch)
        if self.replay is None:
            self.replay = self.record(lambda: self.update(held), self.generator)
        self.replay()


def cuda_graph(work: Callable[[], None], generator: torch.Generator) -> Callable[[], None]:
    """Record the kernels that `work` launches, without running them; returns what runs them all.

    One of these at a time: the end of a graph frees working memory of libraries that another may still use.
    """
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(generator)
    # The thread that reads minibatches from a store goes on meanwhile, and may pin memory.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        work()
    return graph.replay


def recorder(wanted: bool, device: str) -> Record | None:
    """`cuda_graph` where it is `wanted` (config key `cuda_graphs`) and there is a GPU to record."""
    return cuda_graph if wanted and device == "cuda" else None
