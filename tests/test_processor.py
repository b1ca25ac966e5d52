# SPDX-License-Identifier: MIT
"""What a training asks of the processor, and that it is left as it was."""

import platform
import subprocess
import sys

import pytest
import torch

from mvi.training.processor import at_full_speed

SMALLEST = torch.tensor(2.0**-126)


def subnormals():
    return bool(SMALLEST / 2 > 0)


def test_subnormal_numbers_are_zero_within():
    assert subnormals()
    with at_full_speed():
        assert not subnormals()
        with at_full_speed():
            assert not subnormals()
        assert not subnormals()
    assert subnormals()


def test_they_are_back_after_an_error():
    with pytest.raises(ValueError), at_full_speed():
        raise ValueError
    assert subnormals()


FAULTS = """
import resource, sys, torch
from contextlib import nullcontext
from mvi.training.processor import at_full_speed
torch.set_num_threads(1)
with at_full_speed() if sys.argv[1] == "fast" else nullcontext():
    for count in range(35):
        if count == 5:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for size in (1, 2, 3, 4, 5):
            arrays = [torch.ones(size * 2**18) for _ in range(4)]
            del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator has its own rules")
def test_freed_memory_is_used_again():
    """Thirty times arrays of 60 MiB in all, of at most 20 MiB at a time: few of their pages are new.

    Where they lie in what is kept is not always the same, so that it may still grow once or twice.
    """
    command = [sys.executable, "-c", FAULTS]
    fast, slow = (int(subprocess.check_output([*command, how])) for how in ("fast", "slow"))
    assert fast < slow / 10
