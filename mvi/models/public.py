# SPDX-License-Identifier: MIT
"""`mvi.load`: any model of several modalities from its file, by whoever does not know which one it is."""

from pathlib import Path

import torch

from mvi.models.base import MultimodalModel
from mvi.models.checkpoints import load as load_one_of
from mvi.models.kinds import model_of
from mvi.models.mdrnn import Mdrnn
from mvi.models.mrbm import MultimodalRBM
from mvi.models.pipeline import Encoder


def load(path: str | Path, device: torch.device | str = "cpu") -> MultimodalModel:
    """Read a model from a weights file; single layers are read by `mvi.models.checkpoints.load`.

    Raises `DataError` where the file is absent, damaged or of something else, and `ConfigError` where there
    is no such device.
    """
    return load_one_of(path, MultimodalRBM, Mdrnn, Encoder, device=device, others=model_of)
