# SPDX-License-Identifier: MIT
"""What the colour and edge descriptors share: the check of their input and conversions of colour."""

import torch
from torch import Tensor

from mvi.errors import DataError, ShapeError

# Y, Cb and Cr from red, green and blue (ITU-R BT.601, full range, no offset).
YCBCR = (
    (0.299, 0.587, 0.114),
    (-0.299 / 1.772, -0.587 / 1.772, 0.5),
    (0.5, -0.587 / 1.402, -0.114 / 1.402),
)


def check_images(images: Tensor, smallest: int) -> None:
    """Raise unless `images` is (n, 3, size, size) of a floating type, in [0, 1] and size >= `smallest`.

    `ShapeError` for the shape and `DataError` for type and values, NaN among them.
    """
    shape = tuple(images.shape)
    if len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3] or shape[2] < smallest:
        raise ShapeError(
            f"Images of shape {shape} came where (n, 3, size, size) with a size of at least {smallest} is "
            "needed; decode them to squares of three channels."
        )
    if not images.is_floating_point():
        raise DataError(f"Images of type {images.dtype} came; divide them by 255 as float32.")
    if images.numel():
        low, high = (float(bound) for bound in images.aminmax())
        if not (low >= 0 and high <= 1):
            raise DataError(
                f"Images hold values from {low:g} to {high:g} where [0, 1] is needed; scale them first."
            )


def luminance(images: Tensor) -> Tensor:
    """(n, 3, h, w) RGB in [0, 1] to (n, h, w) luminance in [0, 1] (ITU-R BT.601)."""
    red, green, blue = images.unbind(1)
    weights = YCBCR[0]
    return (red * weights[0]).add_(green, alpha=weights[1]).add_(blue, alpha=weights[2])


def ycbcr(images: Tensor) -> Tensor:
    """(n, 3, h, w) RGB in [0, 1] to the same shape of Y in [0, 1] and Cb, Cr in [-0.5, 0.5] (BT.601)."""
    return torch.einsum("kc,nchw->nkhw", images.new_tensor(YCBCR), images)


def levels(images: Tensor) -> Tensor:
    """`images` in [0, 1] as whole numbers 0..255, so that a cell's border falls where 8-bit images have it.

    The type stays floating; float16 would be too coarse for what is derived from them, hence float32.
    """
    return images.float().mul(255).round_()


def hue_max_min(rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue, maximum and minimum of `levels`, each (n, h, w).

    Hue is that of HSV and HMMD in units of 60 degrees, in [0, 6); that of grey, which has none, is 0.
    """
    red, green, blue = rgb.unbind(1)
    high = torch.maximum(torch.maximum(red, green), blue)
    low = torch.minimum(torch.minimum(red, green), blue)
    # Whole numbers differ by at least 1 unless they are equal, and then the numerator is 0.
    difference = (high - low).clamp_(min=1)
    of_red = (green - blue) / difference
    of_red = torch.where(of_red < 0, of_red + 6, of_red)
    of_green = ((blue - red) / difference).add_(2)
    of_blue = ((red - green) / difference).add_(4)
    hue = torch.where(high == red, of_red, torch.where(high == green, of_green, of_blue))
    return hue, high, low
