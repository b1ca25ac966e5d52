# SPDX-License-Identifier: MIT
"""Reduced-precision products of float32 matrices: what a setting changes, on a GPU and on a CPU alike."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
# Where the factors stand among the arguments.
_FACTORS = {
    aten.mm: (0, 1),
    aten.mv: (0, 1),
    aten.bmm: (0, 1),
    aten.addmm: (1, 2),
    aten.addmm_: (1, 2),
    aten.addmv: (1, 2),
    aten.addmv_: (1, 2),
    aten.baddbmm: (1, 2),
    aten.baddbmm_: (1, 2),
}
_TF32_DROPPED_BITS = 13


def round_to(kind: str, numbers: Tensor) -> Tensor:
    """Float32 `numbers` rounded to the nearest of `kind` (ties to even), as float32 and of the same shape.

    `kind`: "tf32" (8 bits of exponent, 10 of mantissa) or "bfloat16" (8 and 7).
    """
    if kind == "bfloat16":
        return numbers.bfloat16().float()
    bits = numbers.contiguous().view(torch.int32)
    kept = bits >> _TF32_DROPPED_BITS
    half = (1 << (_TF32_DROPPED_BITS - 1)) - 1
    rounded = ((bits + half + (kept & 1)) >> _TF32_DROPPED_BITS) << _TF32_DROPPED_BITS
    return torch.where(numbers.isfinite(), rounded.view(torch.float32), numbers)


class _Own(threading.local):
    full = False
    """Whether this thread is within `full_precision`."""


_own = _Own()


class RoundedFactors(TorchDispatchMode):
    """A context in which the factors of every product of float32 matrices are rounded to `kind` first.

    Their products are summed in float32, as the matrix units of GPUs do. Gradients too are made of such
    products, if they are computed within. Matrices of other types are not touched, nor what another thread
    multiplies.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        # Under `torch.inference_mode` operations come that elsewhere are in pieces already, such as matmul.
        with self:
            pieces = func.decompose(*args, **(kwargs or {}))
        if pieces is not NotImplemented:
            return pieces
        places = () if _own.full else _FACTORS.get(func.overloadpacket, ())
        args = tuple(
            round_to(self.kind, value) if place in places and value.dtype == torch.float32 else value
            for place, value in enumerate(args)
        )
        return func(*args, **(kwargs or {}))


def set_precision(kind: str, device: str) -> None:
    """Make this thread's products of float32 matrices on `device` of precision `kind` until the process ends.

    "float32" is full. "tf32" lets a GPU use its matrix units, which take factors of TF32; on a CPU, which
    has none, factors are rounded as those units would, so that results can be compared, and nothing is
    faster. "bfloat16" rounds them to bfloat16 on both; a GPU then multiplies them as it does TF32.
    """
    torch.set_float32_matmul_precision("highest" if kind == "float32" or device == "cpu" else "high")
    if kind == "bfloat16" or (kind == "tf32" and device == "cpu"):
        RoundedFactors(kind).__enter__()


@contextmanager
def full_precision() -> Iterator[None]:
    """A context of products in float32, whatever `set_precision` asked for: to score what was trained.

    It is of one thread; only a GPU's matrix units, which torch knows one setting of, rest for all threads.
    """
    units, before = torch.get_float32_matmul_precision(), _own.full
    torch.set_float32_matmul_precision("highest")
    _own.full = True
    try:
        yield
    finally:
        _own.full = before
        torch.set_float32_matmul_precision(units)
