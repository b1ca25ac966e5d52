# SPDX-License-Identifier: MIT
"""What a processor is asked for while it trains: neither subnormal numbers nor the same memory over again."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

_LEARNED_FROM = 2**25 - 2**12
"""Bytes: just below the largest block from which glibc learns how much freed memory to keep."""


@contextmanager
def at_full_speed() -> Iterator[None]:
    """A context in which a CPU computes with zeros for float32 below 1.2e-38 (float64 below 2.2e-308).

    Errors that go back through many iterations end there, and products with such numbers take some processors
    twenty times as long. It is of this thread, and of those that it is the first to start. Once entered, the
    process also keeps up to 64 MiB that it has freed: else each update gets its arrays from the system anew,
    page by page.
    """
    before = float(torch.tensor(2.0**-126) / 2) == 0
    torch.set_flush_denormal(True)
    # Freed at once, and never touched.
    torch.empty(_LEARNED_FROM, dtype=torch.uint8)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
