# SPDX-License-Identifier: MIT
"""One thread for every test: on a shared machine two that wait for each other are slower than one."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

os.environ["OMP_NUM_THREADS"] = "1"

import torch

torch.set_num_threads(1)


def pytest_make_parametrize_id(config, val, argname):
    """Bytes go by the argument's name: what is in them (a time stamp, say) may differ between workers."""
    return argname if isinstance(val, bytes) else None


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """No file may become longer than so many bytes, as on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
