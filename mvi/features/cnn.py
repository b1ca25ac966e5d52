# SPDX-License-Identifier: MIT
"""Activations of AlexNet: what the last but one layer of a network for 1,000 kinds of objects says.

The network is the AlexNet of one column (Krizhevsky, "One weird trick for parallelizing convolutional neural
networks", 2014). It is written here with the layers, and so the names of the weights, that torchvision's
`alexnet` has, since torchvision need not be installed. On one core it takes 18 ms a picture.
"""

import hashlib
import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from mvi.errors import DataError, ShapeError

SIDE = 224
# Mean and standard deviation of red, green and blue in ImageNet, as used for training torchvision's weights.
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
ACTIVATIONS = 4096
PUBLISHED = "alexnet-owt-7be5be79.pth"


class _AlexNet(nn.Module):
    # Dropout does nothing here but to keep the numbers of the layers. The last layer, which tells the kinds
    # of objects, is left away.
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(),
            nn.Linear(256 * 6 * 6, ACTIVATIONS),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(ACTIVATIONS, ACTIVATIONS),
            nn.ReLU(inplace=True),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images).flatten(1))


class Cnn:
    """The `cnn` descriptor with weights from a `.safetensors` file or one that `torch.save` wrote.

    `device` is where the network runs and `batch` how many pictures it takes at a time. Raises `DataError`
    where the file is missing (saying what to fetch) or does not hold the weights of this network. A file of
    `torch.save` is read without running code that it may hold.
    """

    def __init__(self, weights_path: str | Path, device: str | torch.device = "cpu", batch: int = 32) -> None:
        self.batch = batch
        # No memory and no random numbers for weights that are replaced at once.
        with torch.device("meta"):
            network = _AlexNet()
        weights = _read(Path(weights_path))
        _check(Path(weights_path), weights, network.state_dict())
        kept = {name: weights[name].to(device, torch.float32) for name in network.state_dict()}
        network.load_state_dict(kept, assign=True)
        self._network = network.eval().requires_grad_(False)
        self._mean = torch.tensor(MEAN, device=device).view(3, 1, 1)
        self._deviation = torch.tensor(DEVIATION, device=device).view(3, 1, 1)

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """Return activations (n, 4096) float32, at least 0, of `images`, (n, 3, size, size) RGB in [0, 1].

        They are those of the second fully connected layer (fc7) after its rectifier. Pictures of another size
        are resampled to 224 x 224 pixels with antialiasing. What comes back is where `images` are.
        """
        if images.ndim != 4 or images.shape[1] != 3:
            raise ShapeError(f"Cnn needs pictures (n, 3, size, size), not {tuple(images.shape)}.")
        result = images.new_empty(len(images), ACTIVATIONS, dtype=torch.float32)
        # Else a GPU rounds the factors of convolutions to TF32, and the numbers depend on the machine.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            for start in range(0, len(images), self.batch):
                part = images[start : start + self.batch].to(self._mean)
                part = functional.interpolate(part, (SIDE, SIDE), mode="bilinear", antialias=True)
                result[start : start + self.batch] = self._network((part - self._mean) / self._deviation)
        return result


def _read(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise DataError(
            f"There are no AlexNet weights at {path}; fetch {PUBLISHED}, the weights of torchvision's "
            "alexnet, and put them there, or name the file where they lie."
        )
    # torchvision's files name the beginning of their own hash; torch does not look for damage.
    if named := re.fullmatch(r".*-([0-9a-f]{8,64})\.pth", path.name):
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if not found.startswith(named[1]):
            raise DataError(f"{path} is damaged (its sha256 is {found[:8]}...); fetch {PUBLISHED} again.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError, SafetensorError) as error:
        # The first sentence; advice for programmers follows it.
        reason = " ".join(str(error).split()).partition(". ")[0]
        raise DataError(f"{path} is no sound weights file ({reason}); fetch {PUBLISHED} again.") from error


def _check(path: Path, weights: object, expected: Mapping[str, Tensor]) -> None:
    advice = f"give weights of torchvision's alexnet, such as {PUBLISHED}."
    if not isinstance(weights, Mapping):
        raise DataError(f"{path} holds a {type(weights).__name__} and no named weights; {advice}")
    for name, parameter in expected.items():
        found = weights.get(name)
        if not isinstance(found, Tensor) or not found.is_floating_point():
            raise DataError(f"{path} has no weights named {name}; {advice}")
        if found.shape != parameter.shape:
            raise DataError(
                f"{name} in {path} is {tuple(found.shape)} where AlexNet has {tuple(parameter.shape)}; "
                f"{advice}"
            )
        if not found.isfinite().all():
            raise DataError(f"{name} in {path} has values that are not finite; {advice}")
