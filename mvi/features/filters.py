# SPDX-License-Identifier: MIT
"""Weights of filters that are too small to count."""

from typing import TypeVar

import numpy as np
from torch import Tensor

Weights = TypeVar("Weights", np.ndarray, Tensor)
NEGLIGIBLE = 1e-30


def drop_negligible(weights: Weights) -> Weights:
    """Set `weights` below 1e-30 to 0 in place, and return them.

    The far ends of a Gaussian are so small that they change no sum of float32, unless all of it is as small:
    where an image is black. But float32 has nothing normal below 1.2e-38, and a processor takes a hundred
    times as long for products that fall there.
    """
    weights[abs(weights) < NEGLIGIBLE] = 0
    return weights
