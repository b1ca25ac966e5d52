# SPDX-License-Identifier: MIT
"""Homogeneous texture equals its definition in the polar plane, and names the right channel."""

import math

import numpy as np
import pytest
import torch

from mvi.errors import ShapeError
from mvi.features import texture as module
from mvi.features.texture import HomogeneousTexture

# Relative error of the mean of an image: torch adds up to 16 terms on each of 4 levels, and 3 colours are
# joined before.
MEAN = (4 * 16 + 3) * torch.finfo(torch.float32).eps


@pytest.fixture(scope="module")
def texture() -> HomogeneousTexture:
    return HomogeneousTexture(128)


def grey(values: np.ndarray) -> torch.Tensor:
    """An image whose channels are all `values`, which are in [0, 1]."""
    return torch.from_numpy(values.astype(np.float32)).expand(1, 3, -1, -1).contiguous()


def grating(size: int, frequency: float, angle: float) -> torch.Tensor:
    row, column = np.mgrid[:size, :size]
    return grey(
        0.5 + 0.2 * np.sin(2 * math.pi * frequency * (column * math.cos(angle) + row * math.sin(angle)))
    )


def noise(n: int, size: int) -> torch.Tensor:
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(0))


def polar_definition(levels: np.ndarray, rings: int = 160, rays: int = 180) -> tuple[np.ndarray, np.ndarray]:
    """p and q of the 30 channels by the polar integrals: the transform itself at points of the polar plane.

    `levels` (size, size) are grey levels less their mean. The spectrum is per pixel and per area in units of
    the Nyquist frequency.
    """
    size = len(levels)
    omega = (np.arange(rings) + 0.5) / rings
    theta = 2 * math.pi * np.arange(rays) / rays
    place = np.arange(size)
    power = np.empty((rings, rays))
    for i, w in enumerate(omega):
        for j, t in enumerate(theta):
            down = np.exp(-1j * math.pi * w * math.sin(t) * place)
            right = np.exp(-1j * math.pi * w * math.cos(t) * place)
            power[i, j] = abs(down @ levels @ right) ** 2 / (4 * size**2)
    cell = (1 / rings) * (2 * math.pi / rays)
    p, q = np.empty(30), np.empty(30)
    for s in range(5):
        for r in range(6):
            radial = 0.25 * 2.0**-s / math.sqrt(2 * math.log(2))
            angular = math.radians(15) / math.sqrt(2 * math.log(2))
            apart = (np.degrees(theta) - 30 * r) % 180
            apart = np.radians(np.minimum(apart, 180 - apart))
            gain = np.exp(-((omega - 0.75 * 2.0**-s) ** 2) / (2 * radial**2))[:, None]
            gain = gain * np.exp(-(apart**2) / (2 * angular**2))
            x = gain**2 * omega[:, None] ** 2 * power
            p[6 * s + r], q[6 * s + r] = x.sum() * cell, x.std()
    return p, q


def test_numbers_are_those_of_the_polar_definition():
    # What fills a quarter of the image has a transform that changes slowly from point to point.
    size, rng = 64, np.random.default_rng(1)
    patch = rng.uniform(-0.3, 0.3, (32, 32)) + 0.2 * np.sin(np.arange(32) * 0.8)
    values = np.full((size, size), 0.5)
    values[16:48, 16:48] += patch - patch.mean()
    found = HomogeneousTexture(size)(grey(values))[0].double().numpy()
    p, q = polar_definition(255 * (values - 0.5))
    assert found[0] == pytest.approx(127.5, rel=1e-5)
    assert found[1] == pytest.approx(255 * values.std(), rel=1e-5)
    # The coarsest scales lie between the few first points of the transform.
    np.testing.assert_allclose(10 ** found[2:20] - 1, p[:18], rtol=0.03)
    np.testing.assert_allclose(found[20:32], np.log10(1 + p[18:]), atol=0.03)
    d = np.log10(1 + q).reshape(5, 6)
    np.testing.assert_allclose(found[32:35], d.mean(1)[:3], rtol=0.03)
    np.testing.assert_allclose(found[35:37], d.mean(1)[3:], atol=0.02)
    np.testing.assert_allclose(found[37:], d.mean(0), rtol=0.03)


def test_the_deviation_is_about_the_mean():
    # A single point has an even spectrum, of which the mean of x is a good part.
    values = np.zeros((64, 64))
    values[32, 32] = 1.0
    found = HomogeneousTexture(64)(grey(values))[0].double().numpy()
    p, q = polar_definition(255 * (values - values.mean()))
    # The second scale neither reaches the rim of the disc nor is too coarse for the points.
    np.testing.assert_allclose(10 ** found[8:14] - 1, p[6:12], rtol=1e-3)
    np.testing.assert_allclose(found[33], np.log10(1 + q[6:12]).mean(), rtol=2e-3)


def test_the_channel_of_a_grating_is_the_largest(texture):
    for s in range(5):
        for r in range(6):
            found = texture(grating(128, 0.375 * 2.0**-s, math.radians(30 * r)))[0]
            assert found[2:32].argmax() == 6 * s + r, (s, r)
            assert found[32:37].argmax() == s
            if s < 3:  # coarser waves do not end where they began, which has energy along both axes
                assert found[37:].argmax() == r


def test_a_quarter_turn_moves_every_orientation_by_three(texture):
    images = noise(3, 128) * torch.linspace(0, 1, 128)
    plain, turned = texture(images), texture(images.rot90(1, (2, 3)))
    # Two means and deviations of grey levels, which are 255 at most, each with its error.
    torch.testing.assert_close(turned[:, :2], plain[:, :2], rtol=0, atol=2 * MEAN * 255)
    energies = plain[:, 2:32].reshape(-1, 5, 6)
    assert (energies - energies.roll(3, 2)).abs().max() > 0.01
    torch.testing.assert_close(turned[:, 2:32].reshape(-1, 5, 6), energies.roll(3, 2), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(turned[:, 32:37], plain[:, 32:37], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(turned[:, 37:], plain[:, 37:].roll(3, 1), rtol=1e-4, atol=1e-5)


def test_brightness_moves_the_mean_alone_and_contrast_the_rest(texture):
    images = 0.4 * noise(2, 128)
    plain, brighter, stronger = texture(images), texture(images + 0.5), texture(2 * images)
    torch.testing.assert_close(brighter[:, 0], plain[:, 0] + 127.5, rtol=0, atol=2 * MEAN * 255)
    torch.testing.assert_close(brighter[:, 1:], plain[:, 1:], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(stronger[:, :2], 2 * plain[:, :2], rtol=0, atol=2 * MEAN * 255)
    power = 10 ** plain[:, 2:32].double() - 1
    torch.testing.assert_close(10 ** stronger[:, 2:32].double() - 1, 4 * power, rtol=1e-3, atol=1e-4)


def test_a_texture_has_the_same_energies_in_a_larger_image(texture):
    tile = noise(2, 64)
    large, small = texture(tile.repeat(1, 1, 2, 2)), HomogeneousTexture(64)(tile)
    torch.testing.assert_close(large[:, :32], small[:, :32], rtol=1e-4, atol=1e-5)


def test_colours_count_as_much_as_they_shine(texture):
    mean = texture(torch.eye(3)[:, :, None, None].expand(-1, -1, 128, 128).contiguous())[:, 0]
    torch.testing.assert_close(mean, 255 * torch.tensor([0.299, 0.587, 0.114]), rtol=MEAN, atol=0)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_an_image_of_one_colour_has_a_mean_only(texture, level):
    found = texture(torch.full((1, 3, 128, 128), level))[0]
    assert found[0] == pytest.approx(255 * level, rel=MEAN)
    assert found[1:].abs().max() < 1e-3


def test_a_batch_is_its_images_and_the_same_bytes_each_time(texture):
    images = noise(5, 128)
    batch = texture(images)
    assert batch.shape == (5, 43)
    assert batch.dtype == torch.float32
    torch.testing.assert_close(torch.cat([texture(p[None]) for p in images]), batch, rtol=1e-5, atol=1e-6)
    assert torch.equal(texture(images), batch)
    assert texture(images[:0]).shape == (0, 43)


@pytest.mark.parametrize("size", [32, 33, 97])
def test_any_square_size(size):
    found = HomogeneousTexture(size)(noise(2, size))
    assert found.shape == (2, 43)
    assert torch.isfinite(found).all()


def test_what_is_refused(texture):
    with pytest.raises(ShapeError, match="at least 32 pixels, not 31"):
        HomogeneousTexture(31)
    for bad in (torch.zeros(2, 3, 128, 96), torch.zeros(3, 128, 128), torch.zeros(1, 1, 128, 128)):
        with pytest.raises(ShapeError, match=r"Texture was made for images \(n, 3, 128, 128\)"):
            texture(bad)
    with pytest.raises(ShapeError, match=r"torch\.uint8"):
        texture(torch.zeros(1, 3, 128, 128, dtype=torch.uint8))


def test_weights_too_small_to_count_are_left_out_and_change_nothing(texture, monkeypatch):
    for weights in (texture.energy, texture.square):
        assert weights[weights != 0].min() > 1e-31
    monkeypatch.setattr(module, "drop_negligible", lambda weights: weights)
    complete = HomogeneousTexture(texture.size)
    assert (complete.square > 0).sum() > (texture.square > 0).sum()
    images = torch.rand(8, 3, texture.size, texture.size, generator=torch.Generator().manual_seed(0))
    images[4:, :, 10:20] = 0
    assert torch.equal(texture(images), complete(images))
