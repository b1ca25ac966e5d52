# SPDX-License-Identifier: MIT
"""One thread for every test: on a shared machine two that wait for each other are slower than one."""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import torch

torch.set_num_threads(1)


def pytest_make_parametrize_id(config, val, argname):
    """Bytes go by the argument's name: what is in them (a time stamp, say) may differ between workers."""
    return argname if isinstance(val, bytes) else None
