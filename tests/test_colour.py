# SPDX-License-Identifier: MIT
"""The colour descriptors on images whose answer is known, and against slow or independent definitions."""

import colorsys
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.fft import dctn

from mvi.errors import DataError, ShapeError
from mvi.features.colour import hue_max_min, levels, luminance, ycbcr
from mvi.features.colour_layout import ZIGZAG, colour_layout
from mvi.features.colour_structure import colour_structure, hmmd_cells
from mvi.features.scalable_colour import haar, histogram, scalable_colour

EPS = torch.finfo(torch.float32).eps
DESCRIPTORS = {colour_layout: 192, colour_structure: 256, scalable_colour: 256}
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def noise(n, size, seed=0):
    """Images of 8-bit pixels, half of them of few colours so that cells repeat."""
    draw = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (n, 3, size, size), generator=draw)
    images[::2] = images[::2] // 100 * 100
    return images / 255


def constant(colour, size=64):
    return (torch.tensor(colour).view(1, 3, 1, 1) / 255).repeat(1, 1, size, size)


def shuffled_pixels(images, seed=0):
    order = torch.randperm(images.shape[-1] ** 2, generator=torch.Generator().manual_seed(seed))
    return images.flatten(2)[..., order].view_as(images)


# Conversions of colour.


def test_conversions_agree_with_the_standard_library_and_the_standard():
    pixels = torch.cat([noise(2, 8), constant(RED, 8), constant(BLACK, 8)])
    hue, high, low = (array.flatten().tolist() for array in hue_max_min(levels(pixels)))
    for i, rgb in enumerate(levels(pixels).permute(0, 2, 3, 1).reshape(-1, 3).tolist()):
        h, s, v = colorsys.rgb_to_hsv(*(channel / 255 for channel in rgb))
        assert hue[i] / 6 == pytest.approx(h, abs=1e-6)
        assert high[i] == pytest.approx(255 * v)
        assert low[i] == pytest.approx(255 * v * (1 - s), abs=1e-9)
    # BT.601: Cb and Cr are B - Y and R - Y, scaled so that blue and red reach one half.
    y, cb, cr = ycbcr(pixels).unbind(1)
    torch.testing.assert_close(y, luminance(pixels))
    torch.testing.assert_close(cb, (pixels[:, 2] - y) / (2 * (1 - 0.114)), atol=1e-6, rtol=0)
    torch.testing.assert_close(cr, (pixels[:, 0] - y) / (2 * (1 - 0.299)), atol=1e-6, rtol=0)


# Colour layout.


def layout_rounding(size, highest=1.0):
    """What float32 may add to a coefficient of images of at most `highest`.

    It is three sums in turn, of `size`, `size` and 3 products. A sum of n products with rounded factors is
    off by at most n eps of its terms' magnitudes, which add up to no more than in the first coefficient: 8
    times the mean.
    """
    return (size + size + 3) * EPS * 8 * highest


def test_layout_of_a_constant_image_is_eight_times_its_colour():
    found = colour_layout(constant((51, 102, 204))).view(3, 64)
    expected = torch.zeros(3, 64)
    y = 0.299 * 0.2 + 0.587 * 0.4 + 0.114 * 0.8
    expected[:, 0] = 8 * torch.tensor([y, (0.8 - y) / 1.772, (0.2 - y) / 1.402])
    torch.testing.assert_close(found, expected, atol=layout_rounding(64, 0.8), rtol=0)


# Places in the zig-zag: along the first row, back down, along the second diagonal, the last one.
@pytest.mark.parametrize(("place", "row", "column"), [(1, 0, 1), (2, 1, 0), (3, 2, 0), (5, 0, 2), (63, 7, 7)])
def test_layout_of_a_basis_image_is_one_coefficient(place, row, column):
    wave = torch.cos(torch.pi * torch.outer(torch.arange(8.0), torch.arange(8) + 0.5) / 8)
    thumbnail = 0.5 + 0.4 * torch.outer(wave[row], wave[column])
    image = thumbnail.repeat_interleave(12, 0).repeat_interleave(12, 1).expand(1, 3, 96, 96)
    found = colour_layout(image).view(3, 64)
    norm = thumbnail.sub(0.5).square().sum().sqrt()
    expected = torch.zeros(3, 64)
    expected[0, 0], expected[0, place] = 4, norm
    torch.testing.assert_close(found, expected, atol=layout_rounding(96), rtol=0)


@pytest.mark.parametrize("size", [8, 64, 96, 100, 128])
def test_layout_is_the_transform_of_the_thumbnail(size):
    images = noise(2, size)
    found = colour_layout(images).view(2, 3, 64).numpy()
    converted = ycbcr(images.double()).numpy()
    edges = [-(-size * i // 8) for i in range(9)]
    for n in range(2):
        for component in range(3):
            thumbnail = [
                [converted[n, component, a:b, c:d].mean() for c, d in pairwise(edges)]
                for a, b in pairwise(edges)
            ]
            expected = dctn(np.array(thumbnail), norm="ortho").ravel()[ZIGZAG]
            np.testing.assert_allclose(found[n, component], expected, rtol=0, atol=layout_rounding(size))


def test_zig_zag_visits_neighbours():
    assert sorted(ZIGZAG) == list(range(64))
    assert ZIGZAG[:10] == [0, 1, 8, 16, 9, 2, 3, 10, 17, 24]
    steps = [abs(a // 8 - b // 8) + abs(a % 8 - b % 8) for a, b in pairwise(ZIGZAG)]
    assert max(steps) == 2


# Colour structure.


# max - min = 0: cells 224 + 32 sum / 255. Pure colours: from 110 on, 16 hues of 4 sums that begin at 55.
@pytest.mark.parametrize(
    ("colour", "cell"),
    [
        (BLACK, 224),
        (WHITE, 255),
        ((128, 128, 128), 240),
        ((133, 128, 128), 240),  # a difference of 5 is still grey
        ((134, 128, 128), 192 + 4),  # one of 6 has 4 hues of 8 sums: floor((131 - 3) 8 / 249) = 4
        ((148, 128, 128), 128 + 2),  # 20: 16 hues of 4 sums, floor((138 - 10) 4 / 235) = 2
        ((128, 188, 128), 64 + 4 * 5 + 2),  # 60: green is hue floor(16 / 3), floor((158 - 30) 4 / 195) = 2
        (RED, 2),
        (GREEN, 4 * 5 + 2),
        (BLUE, 4 * 10 + 2),
        ((255, 0, 1), 4 * 15 + 2),
        ((110, 0, 0), 0),
        ((255, 145, 145), 3),
    ],
)
def test_cells_of_known_colours(colour, cell):
    assert hmmd_cells(constant(colour, 1)).item() == cell
    expected = torch.zeros(256)
    expected[cell] = 1
    assert torch.equal(colour_structure(constant(colour))[0], expected)


def test_every_cell_of_the_quantisation_is_used():
    steps = torch.arange(0, 256, 5) / 255
    colours = torch.cartesian_prod(steps, steps, steps).T.reshape(1, 3, -1, len(steps))
    assert torch.equal(hmmd_cells(colours).unique(), torch.arange(256))


@pytest.mark.parametrize(("size", "element"), [(24, 8), (13, 8), (8, 8), (11, 5), (6, 1)])
def test_structure_against_a_loop_over_windows(size, element):
    images = noise(3, size, seed=size)
    cells = hmmd_cells(images)
    expected = torch.zeros(3, 256)
    for n in range(3):
        for i in range(size - element + 1):
            for j in range(size - element + 1):
                expected[n, cells[n, i : i + element, j : j + element].unique()] += 1
    found = colour_structure(images, element, chunk=2)
    torch.testing.assert_close(found, expected / (size - element + 1) ** 2)


def test_bits_are_counted_exactly_when_all_are_set():
    # 121 x 121 windows, each with the same 64 colours, whose cells lie in all four words of the bit set.
    steps = (0, 50, 120, 255)
    colours = [(r, g, b) for r in steps for g in steps for b in steps]
    tile = torch.tensor(colours).T.reshape(1, 3, 8, 8) / 255
    found = colour_structure(tile.repeat(1, 1, 16, 16))[0]
    cells = hmmd_cells(tile).unique()
    assert {int(cell) // 64 for cell in cells} == {0, 1, 2, 3}
    assert torch.equal(found.nonzero().flatten(), cells)
    assert (found[cells] == 1).all()


def test_scattered_colour_weighs_more_than_a_patch_of_as_many_pixels():
    scattered, patch = constant(WHITE, 128), constant(WHITE, 128)
    scattered[:, 1:, ::8, ::8] = 0
    patch[:, 1:, 40:56, 40:56] = 0
    torch.testing.assert_close(histogram(scattered), histogram(patch))
    # Every window of 8 x 8 holds one pixel of the lattice; 23 x 23 of the 121 x 121 windows meet the patch.
    assert colour_structure(scattered)[0, 2] == 1
    torch.testing.assert_close(colour_structure(patch)[0, 2], torch.tensor(23**2 / 121**2))
    # Nine by nine lie within it and see no white.
    torch.testing.assert_close(colour_structure(patch)[0, 255], torch.tensor(1 - 9**2 / 121**2))


def test_turned_and_mirrored_images_have_the_same_structure():
    images = noise(2, 32)
    found = colour_structure(images)
    for other in (images.mT, images.flip(2), images.flip(3), images.rot90(1, (2, 3))):
        assert torch.equal(colour_structure(other), found)
    assert not torch.equal(colour_structure(shuffled_pixels(images)), found)


def test_shuffled_blocks_change_the_structure_only_by_windows_across_their_borders():
    size, block = 128, 32
    images = noise(2, size)
    images[1] = torch.nn.functional.interpolate(noise(2, 16), size=size)[1]
    grid = images.unfold(2, block, block).unfold(3, block, block).flatten(2, 3)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(0))
    mixed = grid[:, :, order].unflatten(2, (4, 4)).permute(0, 1, 2, 4, 3, 5).reshape(images.shape)
    assert not torch.equal(mixed, images)
    change = (colour_structure(mixed) - colour_structure(images)).abs()
    # Windows within a block move with it, so that no bin changes by more than the fraction of the others.
    within = 16 * (block - 7) ** 2 / (size - 7) ** 2
    assert 0 < change.max() <= 1 - within
    # Those within, counted block by block, do not change at all.
    blocks = colour_structure(grid.transpose(1, 2).reshape(-1, 3, block, block)).view(2, 16, 256).mean(1)
    again = mixed.unfold(2, block, block).unfold(3, block, block).flatten(2, 3)
    again = colour_structure(again.transpose(1, 2).reshape(-1, 3, block, block)).view(2, 16, 256).mean(1)
    torch.testing.assert_close(again, blocks)


def test_large_images_are_thinned_out():
    images = noise(1, 364)
    assert torch.equal(colour_structure(images), colour_structure(images[:, :, ::2, ::2]))
    assert not torch.equal(colour_structure(images[..., :362, :362]), colour_structure(images))
    with pytest.raises(ShapeError, match="element of 200 pixels does not fit into the 182 rows"):
        colour_structure(images, element=200)


# Scalable colour.


def inverse_haar(coefficients):
    """Undo `haar`: what a sum and a difference were made of are (sum - difference) / 2 and the rest."""
    sums, cells, done = coefficients[:, :1].view(-1, 1, 1, 1), [1, 1, 1], 1
    for axis in (2, 2, 0, 1, 2, 0, 1, 2):
        differences = coefficients[:, done : 2 * done].view(-1, *cells)
        pair = torch.stack([(sums - differences) / 2, (sums + differences) / 2], axis + 2)
        sums = pair.flatten(axis + 1, axis + 2)
        cells[axis] *= 2
        done *= 2
    return sums.flatten(1)


@pytest.mark.parametrize(
    ("colour", "value", "saturation", "hue"),
    [
        (BLACK, 0, 0, 0),
        (WHITE, 3, 0, 0),
        (RED, 3, 3, 0),
        (GREEN, 3, 3, 5),
        (BLUE, 3, 3, 10),
        ((64, 0, 0), 1, 3, 0),
        ((63, 0, 0), 0, 3, 0),
        ((200, 0, 1), 3, 3, 15),
        ((160, 80, 120), 2, 2, 14),  # hue 330 degrees of 360: 14.67 of 16
    ],
)
def test_histogram_cells_of_known_colours(colour, value, saturation, hue):
    expected = torch.zeros(256)
    expected[64 * value + 16 * saturation + hue] = 1
    assert torch.equal(histogram(constant(colour))[0], expected)


def test_haar_can_be_undone_and_gives_back_the_histogram():
    images = noise(3, 64)
    bins = histogram(images)
    torch.testing.assert_close(bins.sum(1), torch.ones(3))
    torch.testing.assert_close(inverse_haar(haar(bins)), bins)
    compressed = inverse_haar(scalable_colour(images))
    expected = 15 * (bins / 0.4).clamp(max=1) ** 0.4
    torch.testing.assert_close(compressed, expected, atol=1e-4, rtol=0)


def test_leading_coefficients_are_the_transform_of_coarser_histograms():
    bins = torch.rand(2, 256, generator=torch.Generator().manual_seed(0))
    coefficients = haar(bins)
    # Each of eight rounds of sums rounds by eps at most, relative to what was summed: 256 cells at the end.
    close = {"atol": 8 * EPS * 256, "rtol": 0, "check_dtype": False}
    cube = bins.double().view(2, 4, 4, 16)
    torch.testing.assert_close(coefficients[:, 0], cube.sum((1, 2, 3)), **close)
    # One difference a level: warm half of the hue circle against the cold one comes last of the sums.
    torch.testing.assert_close(
        coefficients[:, 1], cube[..., 8:].sum((1, 2, 3)) - cube[..., :8].sum((1, 2, 3)), **close
    )
    torch.testing.assert_close(coefficients[:, 128:], (cube[..., 1::2] - cube[..., ::2]).flatten(1), **close)
    # 8 hues, then 2 saturations, then 2 values: what 128, 64 and 32 coefficients stand for.
    hues = cube[..., ::2] + cube[..., 1::2]
    saturations = hues[:, :, ::2] + hues[:, :, 1::2]
    torch.testing.assert_close(
        coefficients[:, 64:128], (hues[:, :, 1::2] - hues[:, :, ::2]).flatten(1), **close
    )
    torch.testing.assert_close(
        coefficients[:, 32:64], (saturations[:, 1::2] - saturations[:, ::2]).flatten(1), **close
    )


def test_amplitudes_are_compressed_and_saturate():
    # 1/64 of the image black, the rest white, which is more than the 40 % that fill the scale.
    image = constant(WHITE)
    image[..., :8, :8] = 0
    bins = inverse_haar(scalable_colour(image))[0]
    assert bins[0].item() == pytest.approx(15 * (1 / 64 / 0.4) ** 0.4, abs=1e-4)
    assert bins[64 * 3].item() == pytest.approx(15, abs=1e-4)
    plain = inverse_haar(scalable_colour(image, saturation=1.0, exponent=1.0))[0]
    assert plain[64 * 3].item() == pytest.approx(15 * 63 / 64, abs=1e-4)


def test_scalable_colour_does_not_see_where_pixels_are():
    images = noise(3, 64)
    assert torch.equal(scalable_colour(shuffled_pixels(images)), scalable_colour(images))
    assert not torch.equal(scalable_colour(images[:, [1, 0, 2]]), scalable_colour(images))


# All of them.


@pytest.mark.parametrize("describe", DESCRIPTORS, ids=lambda describe: describe.__name__)
def test_a_batch_equals_its_images_and_extremes_are_finite(describe):
    images = torch.cat([noise(5, 64), constant(BLACK), constant(WHITE), constant(RED)])
    found = describe(images)
    assert found.shape == (8, DESCRIPTORS[describe])
    assert found.dtype == torch.float32
    assert found.isfinite().all()
    for row, image in zip(found, images, strict=True):
        torch.testing.assert_close(row, describe(image[None])[0])
    assert describe(images[:0]).shape == (0, DESCRIPTORS[describe])


@pytest.mark.parametrize("describe", DESCRIPTORS, ids=lambda describe: describe.__name__)
@pytest.mark.parametrize("size", [9, 50, 96, 127, 128])
def test_sizes_that_are_no_multiple_of_eight_are_taken(describe, size):
    # The layout is the one of the three that multiplies; the others count, and count the same.
    close = layout_rounding(size) + layout_rounding(64) if describe is colour_layout else 0
    torch.testing.assert_close(describe(constant(RED, size)), describe(constant(RED)), atol=close, rtol=0)


@pytest.mark.parametrize("describe", DESCRIPTORS, ids=lambda describe: describe.__name__)
def test_what_is_no_batch_of_images_is_refused(describe):
    for shape in ((3, 64, 64), (1, 1, 64, 64), (1, 3, 64, 32), (1, 3, 0, 0)):
        with pytest.raises(ShapeError, match=r"where \(n, 3, size, size\)"):
            describe(torch.zeros(shape))
    with pytest.raises(DataError, match=r"from 255 to 255 where \[0, 1\] is needed"):
        describe(constant(WHITE) * 255)


def test_images_smaller_than_the_grid_or_the_element_are_refused():
    with pytest.raises(ShapeError, match="size of at least 8"):
        colour_layout(constant(RED, 7))
    with pytest.raises(ShapeError, match="element of 8 pixels does not fit into the 7 rows"):
        colour_structure(constant(RED, 7))
