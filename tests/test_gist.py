# SPDX-License-Identifier: MIT
"""GIST equals its definition, computed slowly, and sees what lies where and in which direction."""

import cmath
import math

import numpy as np
import pytest
import torch

from mvi.errors import ConfigError, ShapeError
from mvi.features.gist import Gist, _magnitude

ORIENTATIONS = (8, 6, 4, 2)
FREQUENCIES = [0.3 / 1.85**scale for scale in range(4)]


@pytest.fixture(scope="module")
def gist() -> Gist:
    return Gist(128)


def noise(n: int, size: int, seed: int = 0) -> torch.Tensor:
    """Images with contrast at every scale, in [0, 1]."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.fft2(rng.standard_normal((n, 3, size, size)))
    f = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size))
    values = np.fft.ifft2(spectrum / (f + 1 / size)).real
    values -= values.min(axis=(1, 2, 3), keepdims=True)
    return torch.from_numpy((values / values.max(axis=(1, 2, 3), keepdims=True)).astype(np.float32))


def grating(size: int, frequency: float, angle: float, contrast: float = 0.1) -> torch.Tensor:
    row, column = np.mgrid[:size, :size]
    phase = 2 * math.pi * frequency * (column * math.cos(angle) + row * math.sin(angle))
    image = 0.5 + contrast * np.sin(phase)
    return torch.from_numpy(image.astype(np.float32)).expand(1, 3, -1, -1).contiguous()


def signed(k: int, side: int) -> float:
    return (k if 2 * k < side else k - side) / side


def slow_smooth(values: np.ndarray, cutoff: float) -> np.ndarray:
    size = len(values)
    tile = np.block([[values, values[:, ::-1]], [values[::-1], values[::-1, ::-1]]])
    gain = np.empty(tile.shape)
    for i in range(2 * size):
        for j in range(2 * size):
            cycles = size * math.hypot(signed(i, 2 * size), signed(j, 2 * size))
            gain[i, j] = 0.5 ** ((cycles / cutoff) ** 2)
    return np.fft.ifft2(np.fft.fft2(tile) * gain).real[:size, :size]


def slow_gist(image: np.ndarray, padding: int, logarithm: bool, floor: float) -> np.ndarray:
    """The definition for one (3, size, size) image, number by number, in float64."""
    size = image.shape[1]
    x = np.log(1 + 255 * image.astype(float)) if logarithm else image.astype(float)
    high = [channel - slow_smooth(channel, 4.0) for channel in x]
    local = np.sqrt(slow_smooth(sum(h**2 for h in high) / 3, 4.0))
    side = size + 2 * padding
    numbers = []
    for h in high:
        spectrum = np.fft.fft2(np.pad(h / (floor + local), padding, mode="symmetric"))
        for frequency, count in zip(FREQUENCIES, ORIENTATIONS, strict=True):
            for k in range(count):
                passed = np.zeros((side, side), complex)
                for i in range(side):
                    for j in range(side):
                        fy, fx = signed(i, side), signed(j, side)
                        if i or j:
                            # The angle between the two directions, by the argument of a quotient.
                            turn = cmath.phase(complex(fx, fy) / cmath.rect(1, math.pi * k / count))
                            width = 16 * count**2 / 32**2
                            distance = math.hypot(fx, fy) / frequency - 1
                            exponent = 10 * 0.35 * distance**2 + 2 * width * math.pi * turn**2
                            passed[i, j] = spectrum[i, j] * math.exp(-exponent)
                magnitude = np.abs(np.fft.ifft2(passed))[padding : padding + size, padding : padding + size]
                sums, counts = np.zeros((4, 4)), np.zeros((4, 4))
                for i in range(size):
                    for j in range(size):
                        sums[i * 4 // size, j * 4 // size] += magnitude[i, j]
                        counts[i * 4 // size, j * 4 // size] += 1
                numbers.extend((sums / counts).ravel())
    return np.array(numbers)


@pytest.mark.parametrize(
    ("size", "padding", "logarithm", "floor"), [(32, 8, True, 0.2), (34, 7, False, 20 / 255)]
)
def test_blocks_are_those_of_the_definition(size, padding, logarithm, floor):
    image = noise(1, size, seed=size)
    fast = Gist(size, padding=padding, stride=1, logarithm=logarithm, contrast_floor=floor)(image)[0]
    slow = slow_gist(image[0].numpy(), padding, logarithm, floor)
    np.testing.assert_allclose(fast.numpy(), slow, rtol=2e-4, atol=2e-6)


def test_every_second_pixel_gives_the_blocks_of_every_pixel(gist):
    images = noise(6, 128)
    every = Gist(128, stride=1)(images)
    off = (gist(images) - every).square().mean(0).sqrt()
    assert off.max() > 0
    assert (off / every.std(0)).mean() < 0.02
    assert (off / every.mean(0)).max() < 0.02


def test_the_filter_of_a_grating_responds_most(gist):
    number = 0
    for frequency, count in zip(FREQUENCIES, ORIENTATIONS, strict=True):
        for k in range(count):
            found = gist(grating(128, frequency, math.pi * k / count)).reshape(3, 20, 4, 4)
            inner = found[:, :, 1:3, 1:3]
            assert (inner.mean((2, 3)).argmax(1) == number).all()
            # The magnitude is an envelope: it does not follow the waves.
            assert (inner[:, number].std() / inner[:, number].mean()) < 0.05
            number += 1


def test_a_patch_lights_up_its_block(gist):
    image = torch.full((1, 3, 128, 128), 0.5)
    image[..., 40:56, 72:88] = grating(16, 0.3, 0.0, contrast=0.3)
    found = gist(image).reshape(3, 20, 16)[:, 0]
    assert (found.argmax(1) == 4 * 1 + 2).all()
    assert (found.sort(1).values[:, -2] < 0.05 * found.amax(1)).all()


def test_a_mirrored_image_mirrors_blocks_and_orientations(gist):
    images = noise(2, 128)
    plain = gist(images).reshape(2, 3, 20, 4, 4)
    flipped = gist(images.flip(3)).reshape(2, 3, 20, 4, 4)
    turned = gist(images.transpose(2, 3).contiguous()).reshape(2, 3, 20, 4, 4)
    first = 0
    for count in ORIENTATIONS:
        for k in range(count):
            by_flip, by_turn = first + -k % count, first + (count // 2 - k) % count
            torch.testing.assert_close(
                flipped[:, :, by_flip], plain[:, :, first + k].flip(3), rtol=0.01, atol=1e-3
            )
            torch.testing.assert_close(
                turned[:, :, by_turn], plain[:, :, first + k].transpose(2, 3), rtol=0.01, atol=1e-3
            )
        first += count


def test_brightness_changes_nothing_where_it_must_not(gist):
    images = 0.3 + 0.4 * noise(2, 128)
    linear = Gist(128, logarithm=False, contrast_floor=20 / 255)
    torch.testing.assert_close(linear(images + 0.25), linear(images), rtol=1e-4, atol=1e-5)
    # With the logarithm it is a stronger light, not an added one, that makes no difference.
    brighter, plain = gist(1.4 * images), gist(images)
    torch.testing.assert_close(brighter, plain, rtol=0.02, atol=1e-3)
    assert (gist(images + 0.25) / plain).mean() < 0.9


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_an_image_of_one_colour_has_no_contrast(gist, level):
    found = gist(torch.full((1, 3, 128, 128), level))
    assert torch.isfinite(found).all()
    assert found.abs().max() < 1e-4


def test_a_grey_image_has_three_equal_channels(gist):
    found = gist(noise(1, 128)[:, :1].expand(-1, 3, -1, -1)).reshape(3, 320)
    torch.testing.assert_close(found[1], found[0])
    torch.testing.assert_close(found[2], found[0])


def test_a_batch_is_its_images_and_the_same_bytes_each_time(gist):
    images = noise(5, 128)
    batch = gist(images)
    assert batch.shape == (5, 960)
    assert batch.dtype == torch.float32
    torch.testing.assert_close(torch.cat([gist(p[None]) for p in images]), batch, rtol=1e-5, atol=1e-6)
    assert torch.equal(gist(images), batch)
    assert torch.equal(Gist(128)(images), batch)
    assert gist(images[:0]).shape == (0, 960)


@pytest.mark.parametrize("size", [32, 33, 97])
def test_any_square_size(size):
    found = Gist(size)(noise(2, size))
    assert found.shape == (2, 960)
    assert torch.isfinite(found).all()
    assert (found > 0).all()


def test_the_layout_follows_the_settings():
    assert Gist(32, orientations=(3, 5), blocks=2)(noise(1, 32)).shape == (1, 3 * 8 * 4)


def test_what_is_refused(gist):
    with pytest.raises(ShapeError, match="at least 32 pixels, not 31"):
        Gist(31)
    for bad in (torch.zeros(2, 3, 128, 96), torch.zeros(3, 128, 128), torch.zeros(1, 1, 128, 128)):
        with pytest.raises(ShapeError, match=r"GIST was made for images \(n, 3, 128, 128\)"):
            gist(bad)
    with pytest.raises(ShapeError, match=r"torch\.uint8"):
        gist(torch.zeros(1, 3, 128, 128, dtype=torch.uint8))
    for settings in ({"orientations": ()}, {"orientations": (8, 0)}, {"padding": -1}, {"stride": 0}):
        with pytest.raises(ConfigError, match="mend the settings"):
            Gist(32, **settings)
    with pytest.raises(ConfigError, match="17 blocks along 32 pixels with a stride of 2"):
        Gist(32, blocks=17)
    with pytest.raises(ConfigError, match="above 0"):
        Gist(32, contrast_floor=0.0)


def test_the_magnitude_is_the_absolute_value():
    generator = torch.Generator().manual_seed(0)
    scales = torch.exp(10 * torch.randn(3, 50, 51, generator=generator))
    responses = torch.randn(3, 50, 51, dtype=torch.complex64, generator=generator) * scales
    # Two squares, their sum and its root are rounded.
    rounding = 4 * torch.finfo(torch.float32).eps
    exact = responses.to(torch.complex128).abs().float()
    torch.testing.assert_close(_magnitude(responses), exact, rtol=rounding, atol=0)
