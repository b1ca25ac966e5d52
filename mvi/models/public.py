# SPDX-License-Identifier: MIT
"""`mvi.load`: any model of the package from its file, by whoever does not know what is in it."""

from pathlib import Path

from mvi.models.checkpoints import load as load_one_of
from mvi.models.mdrnn import Mdrnn
from mvi.models.mrbm import MultimodalRBM
from mvi.models.pipeline import Encoder
from mvi.models.rbm import RBM


def load(path: str | Path, device: str = "cpu") -> RBM | MultimodalRBM | Mdrnn | Encoder:
    """Read a model from a weights file; raises `DataError` where it is not one."""
    return load_one_of(path, RBM, MultimodalRBM, Mdrnn, Encoder, device=device)
