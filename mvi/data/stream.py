# SPDX-License-Identifier: MIT
"""Shuffled minibatches of a store that need not fit into memory.

Reading single rows of a file in random order is slow, so an epoch is shuffled in two steps. The chunks of the
file, a few dozen successive rows each, are put in random order; of the rows in that order, so many as a
*window* holds are read together and shuffled. The rows of a batch are thus a random choice from some hundreds
of chunks that lie anywhere in the file, and no batch is filled from one place of it. What differs from a
shuffle of all rows is that rows of one chunk are likely to fall into one window: if a window spans c whole
chunks, two rows of a batch share a chunk with the probability 1 / c, where with all rows shuffled it were
1 / (number of chunks). A window as large as the data makes the two the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mvi.data import checks
from mvi.data.checks import Rows
from mvi.data.store import Store
from mvi.errors import ShapeError

Transform = Callable[[Mapping[str, Tensor]], Tensor]


def side_by_side(values: Mapping[str, Tensor]) -> Tensor:
    """Join the columns of all modalities (n, d) in order, (n, D)."""
    return torch.cat(list(values.values()), 1)


@dataclass(eq=False)
class StreamingMinibatches:
    """Rows of the modalities `names` of the store at `path`, in batches of `size`, read by a second thread.

    `rows` are those to use, as a mask (n,) or as indices, None for all. `per_epoch` caps the number of
    batches (None: as many as fit); rows beyond the last whole batch wait for another epoch. `window` is the
    largest number of rows shuffled together (an epoch is cut into equal windows of whole batches): the
    memory needed is that of two windows in float32 and one more as stored. `transform` makes a batch
    (size, D) of the float32 values (size, d) of each modality, on `device` and in the thread that trains;
    without one they are set side by side.

    Raises `ShapeError` if there are fewer rows than a batch needs or they are none of the store's, and
    `DataError` as `Store` does; what the reading thread raises is raised by `epoch`.
    """

    path: str | Path
    names: Sequence[str]
    size: int
    rows: Rows = None
    per_epoch: int | None = None
    window: int = 2**13
    transform: Transform = side_by_side
    device: torch.device | str = "cpu"
    _rows: np.ndarray = field(init=False, repr=False)
    _chunks: np.ndarray = field(init=False, repr=False)
    _mean: Tensor | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        self.device = torch.device(self.device)
        if not self.names:
            raise ShapeError("Minibatches need at least one modality; name one.")
        with Store(self.path) as store:
            self._rows = np.unique(_indices(self.rows, store.n_rows))
            step = max(store.rows_in_a_chunk(name) for name in self.names)
        if not 1 <= self.size <= len(self._rows):
            raise ShapeError(
                f"a minibatch of {self.size} rows needs at least 1 and as many training rows, and there are "
                f"{len(self._rows)}; change batch_size in the config."
            )
        self._chunks = np.unique(self._rows // step, return_inverse=True)[1]

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        whole = len(self._rows) // self.size
        return whole if self.per_epoch is None else min(whole, self.per_epoch)

    def epoch(self, generator: torch.Generator, first: int = 0) -> Iterator[Tensor]:
        """Yield the (size, D) batches of one epoch, from number `first` on.

        All draws from `generator` are made before the first batch, the same for each `first`: given the
        generator as it was at the start of an epoch, this goes on where that epoch was left, without reading
        what went before.
        """
        order = self.order(generator)
        windows = [
            order[max(start, first * self.size) : stop]
            for start, stop in pairwise(self._edges(len(order)))
            if stop > first * self.size
        ]
        yield from self._batches(windows)

    def order(self, generator: torch.Generator) -> np.ndarray:
        """Draw the order of an epoch: row indices, (len(self) * size,) int64."""

        def shuffled(count: int) -> np.ndarray:
            return torch.randperm(count, generator=generator, device=generator.device).cpu().numpy()

        place = shuffled(int(self._chunks[-1]) + 1)[self._chunks]
        order = self._rows[np.argsort(place, kind="stable")][: len(self) * self.size]
        for start, stop in pairwise(self._edges(len(order))):
            order[start:stop] = order[start:stop][shuffled(stop - start)]
        return order

    def mean(self) -> Tensor:
        """(D,) mean of all rows after `transform`: one pass over them, the first time it is asked for."""
        if self._mean is None:
            windows = [self._rows[start:stop] for start, stop in pairwise(self._edges(len(self._rows)))]
            sums = (batch.sum(0, dtype=torch.float64) for batch in self._batches(windows))
            total = sum(sums, torch.zeros((), dtype=torch.float64))
            self._mean = (total / len(self._rows)).float()
        return self._mean

    def _edges(self, count: int) -> list[int]:
        """Where `count` rows are cut into windows: whole batches each, as equal as possible.

        Equal, since the batches of a short window would come from few chunks.
        """
        batches = -(-count // self.size)
        windows = max(1, -(-batches // max(1, self.window // self.size)))
        return [min(count, batches * number // windows * self.size) for number in range(windows + 1)]

    def _batches(self, windows: Sequence[np.ndarray]) -> Iterator[Tensor]:
        """Yield the rows of each window in batches, the last of a window perhaps shorter."""
        # The pool ends its thread however this ends: at the last batch, by an error, or when the caller
        # takes no further batch and closes this generator.
        with Store(self.path) as store, ThreadPoolExecutor(1, "store reader") as pool:
            coming = [pool.submit(self._window, store, rows) for rows in windows[:1]]
            for number in range(len(windows)):
                values = coming.pop().result()
                coming = [pool.submit(self._window, store, rows) for rows in windows[number + 1 : number + 2]]
                for start in range(0, len(windows[number]), self.size):
                    batch = {name: rows[start : start + self.size] for name, rows in values.items()}
                    yield self.transform({name: self._moved(rows) for name, rows in batch.items()})

    def _window(self, store: Store, rows: np.ndarray) -> dict[str, Tensor]:
        """Read `rows` of each modality, in the reading thread."""
        window = {}
        for name in self.names:
            values = torch.from_numpy(store.read_stored(name, rows))
            # A GPU gets the stored type, half the bytes to move where that is float16. It can copy from
            # pinned memory while it computes, and PyTorch keeps such memory until the copy is done.
            window[name] = values.pin_memory() if torch.device(self.device).type == "cuda" else values.float()
        return window

    def _moved(self, values: Tensor) -> Tensor:
        return values.to(self.device, non_blocking=True).float()


def _indices(rows: Rows, n_rows: int) -> np.ndarray:
    if rows is None:
        return np.arange(n_rows)
    if isinstance(rows, np.ndarray) and rows.dtype == bool:
        if rows.shape != (n_rows,):
            raise ShapeError(f"A mask of rows must be ({n_rows},), not {rows.shape}.")
        return np.flatnonzero(rows)
    return checks.checked_rows(rows, n_rows)
