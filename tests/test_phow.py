# SPDX-License-Identifier: MIT
"""Dense SIFT agrees with OpenCV's and with its definition; words and their counts with a direct search."""

import cv2
import numpy as np
import pytest
import torch

from mvi.errors import ShapeError
from mvi.features import nearest as nearest_module
from mvi.features import phow as module
from mvi.features import sift
from mvi.features.clusters import learn_words
from mvi.features.nearest import Nearest, fast_integers
from mvi.features.phow import phow, sample_descriptors
from mvi.features.sift import dense_sift, grid

SIZE = 96
EPS = torch.finfo(torch.float32).eps
SCALES = (4, 6, 8, 10)


def scenes(count: int, size: int = SIZE, seed: int = 0) -> torch.Tensor:
    """Images (count, 3, size, size) in [0, 1] with the spectrum of natural ones, one over the frequency."""
    generator = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    frequency[0, 0] = np.inf
    noise = np.fft.rfft2(generator.normal(size=(count, 3, size, size)))
    drawn = np.fft.irfft2(noise / frequency, s=(size, size))
    drawn = 0.5 + drawn / (4 * drawn.std((1, 2, 3), keepdims=True))
    return torch.from_numpy(drawn.clip(0, 1)).float()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return scenes(6)


@pytest.fixture(scope="module")
def words(images) -> torch.Tensor:
    sample = sample_descriptors(images, 300, torch.Generator().manual_seed(0))
    return torch.from_numpy(learn_words(sample.numpy(), 40, seed=0))


# The layers of OpenCV's first octave are smoothed by 1.6, 2.02, 2.54 and 3.2 pixels: about a third of a bin.
@pytest.mark.parametrize(("bin_size", "layer"), [(4, 0), (6, 1), (8, 2), (10, 3)])
@pytest.mark.parametrize("window", [2.0, 1.5])
def test_descriptors_agree_with_opencv(images, bin_size, layer, window):
    points = grid(SIZE, bin_size, 4)
    # The angle of 0 is OpenCV's "upright"; its keypoints have the diameter of a bin's two thirds.
    keys = [cv2.KeyPoint(x, y, 2 * bin_size / 3, 0, 1, layer << 8) for y in points for x in points]
    for image in images[:3]:
        pixels = (255 * image.mean(0)).round().byte()
        kept, theirs = cv2.SIFT_create().compute(pixels.numpy(), keys)
        assert [key.pt for key in kept] == [key.pt for key in keys]
        ours = dense_sift(pixels[None] / 255, bin_size, 4, magnification=3, window=window, contrast=0)[0]
        together = [np.corrcoef(a, b)[0, 1] for a, b in zip(ours.numpy(), theirs, strict=True)]
        assert np.mean(together) > (0.98 if window == 2 else 0.96)
        assert np.quantile(together, 0.02) > 0.9


def slow_descriptor(grey: np.ndarray, x0: float, y0: float, bin_size: float, window: float) -> np.ndarray:
    """One descriptor before normalisation, from a smoothed image, pixel by pixel as defined."""
    rise, slope = np.gradient(grey)
    cells = np.zeros((4, 4, 8))
    for y in range(len(grey)):
        for x in range(len(grey)):
            u, v = (x - x0) / bin_size, (y - y0) / bin_size
            turn = np.arctan2(-rise[y, x], slope[y, x]) / (np.pi / 4) % 8
            vote = np.hypot(rise[y, x], slope[y, x]) * np.exp(-(u * u + v * v) / (2 * window**2))
            for row in range(4):
                for column in range(4):
                    near = max(0, 1 - abs(v - row + 1.5)) * max(0, 1 - abs(u - column + 1.5))
                    low = int(turn)
                    cells[row, column, low % 8] += vote * near * (1 - turn + low)
                    cells[row, column, (low + 1) % 8] += vote * near * (turn - low)
    return cells.ravel()


def test_descriptors_agree_with_the_definition(images):
    grey = images[:2, 0, :32, :32].double()
    found = dense_sift(grey, 5, 7, contrast=0, window=1.2)
    points = grid(32, 5, 7)
    assert points.tolist() == [8.5, 15.5, 22.5]
    for image, rows in zip(grey.numpy(), found.numpy(), strict=True):
        smoothed = image
        for axis in (0, 1):
            padded = np.pad(smoothed, [(9, 9) if i == axis else (0, 0) for i in (0, 1)], mode="edge")
            kernel = np.exp(-0.5 * (np.arange(-9, 10) / (5 / 6)) ** 2)
            smoothed = np.apply_along_axis(np.convolve, axis, padded, kernel / kernel.sum(), "valid")
        for index in (0, 1, 5):
            x, y = points[index % 3], points[index // 3]
            expected = slow_descriptor(smoothed, x, y, 5, 1.2)
            expected = np.minimum(expected / np.linalg.norm(expected), 0.2)
            np.testing.assert_allclose(rows[index], expected / np.linalg.norm(expected), atol=2e-4)


@pytest.mark.parametrize("bin_size", SCALES)
@pytest.mark.parametrize("step", [1, 3, 4, 7])
@pytest.mark.parametrize("size", [31, 96, 128])
def test_the_grid_is_regular_centred_and_inside(bin_size, step, size):
    points = grid(size, bin_size, step)
    assert (np.diff(points) == step).all()
    before, after = points[0] - 1.5 * bin_size, size - 1 - 1.5 * bin_size - points[-1]
    assert 0 <= before <= after <= before + 1 and before + after < step


def test_orientations_and_cells_are_in_the_order_told():
    across, down = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="xy")
    for quarter, ramp in enumerate((across, -down, -across, down)):
        rows = dense_sift((ramp - ramp.min())[None] / 64, 8, 8)[0].view(-1, 16, 8)
        assert (rows.argmax(2) == 2 * quarter).all()
    # Contrast in one corner only, upper right.
    corner = (across / 64) * ((down < 24) & (across > 40))
    cells = dense_sift(corner[None], 8, 64)[0, 0].view(4, 4, 8).sum(2)
    assert cells.argmax() in (2, 3, 6, 7) and cells[2:].sum() < 0.3 and cells[:, :1].sum() < 1e-3


def test_brightness_and_contrast_do_not_matter(images):
    grey = images[:2].mean(1).double()
    before = dense_sift(grey, 6, 5, contrast=0)
    torch.testing.assert_close(dense_sift(0.3 * grey + 0.5, 6, 5, contrast=0), before)
    assert dense_sift(grey.flip(2), 6, 5).sub(before).abs().max() > 0.1


def test_a_mirrored_image_has_mirrored_descriptors(images):
    grey = images[:2].mean(1).double()
    side = len(grid(SIZE, 6, 5))
    assert (SIZE - 1 - 18) % 5 % 2 == 0  # so that the grid is its own mirror image
    rows = dense_sift(grey, 6, 5).view(2, side, side, 4, 4, 8)
    mirrored = dense_sift(grey.flip(2), 6, 5).view(2, side, side, 4, 4, 8)
    turned = [(4 - k) % 8 for k in range(8)]
    torch.testing.assert_close(mirrored.flip(2).flip(4)[..., turned], rows)


def test_lengths_are_one_or_zero_and_none_sticks_out(images):
    rows = dense_sift(images.mean(1), 4, 4)
    assert (rows.norm(dim=-1) - 1).abs().max() < 1e-5
    assert rows.min() >= 0
    # A straight edge has few numbers, each of which the cut leaves at the same height.
    edge = torch.zeros(1, 64, 64)
    edge[:, :, 32:] = 1
    rows = dense_sift(edge, 8, 64)[0, 0]
    assert rows[rows > 0.01].std() < 0.1


def test_contrast_is_the_mean_magnitude_of_the_gradient():
    ramp = (torch.arange(64.0) * 0.01).expand(1, 64, 64)
    # Within the image, since the ramp is less steep where it ends.
    seen = dense_sift(ramp, 4, 4, contrast=0.0099).view(13, 13, 128)[:, 2:-2]
    assert (seen.norm(dim=-1) - 1).abs().max() < 1e-5
    assert not dense_sift(ramp, 4, 4, contrast=0.0101).any()
    assert not dense_sift(torch.full((1, 64, 64), 0.7), 4, 4).any()
    assert dense_sift(torch.full((1, 64, 64), 0.7), 4, 4, contrast=0).isfinite().all()


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (torch.zeros(2, 30, 30), "no point in an image of 30 pixels"),
        (torch.zeros(2, 64, 63), "grey images"),
        (torch.zeros(64, 64), "grey images"),
    ],
)
def test_images_of_the_wrong_shape_are_refused(images, says):
    with pytest.raises(ShapeError, match=says):
        dense_sift(images, 10, 4)


def test_a_step_of_nothing_is_refused():
    with pytest.raises(ShapeError, match="a step of at least 1"):
        grid(64, 4, 0)


def test_nearest_words_are_those_of_a_direct_search():
    generator = torch.Generator().manual_seed(1)
    descriptors, words = torch.rand(2500, 128, generator=generator), torch.rand(70, 128, generator=generator)
    squares = torch.cdist(descriptors.double(), words.double()).square()
    # What is compared are sums of 128 products and half a sum of 128 squares, each off by at most 128 eps of
    # its terms; twice a difference of two of them is a difference of squared distances.
    terms = descriptors @ words.T + words.square().sum(1) / 2
    rounding = 4 * 128 * EPS * terms.amax(1).double()
    for found in (Nearest(words)(descriptors), Nearest(words.repeat(2, 1))(descriptors) % 70):
        chosen = squares.gather(1, found[:, None])[:, 0]
        assert (chosen <= squares.amin(1) + rounding).all()
    assert Nearest(words)(descriptors[:0]).shape == (0,)


@pytest.mark.skipif(not fast_integers(), reason="the processor has no fast products of 8-bit integers")
def test_words_found_in_integers_lead_by_more_than_rounding(images):
    descriptors = torch.cat([dense_sift(images.mean(1), scale, 4).flatten(0, 1) for scale in SCALES])
    # Means of pairs, as dense as words are.
    pairs = torch.randint(len(descriptors), (2, 1000), generator=torch.Generator().manual_seed(0))
    words = descriptors[pairs].mean(0)
    nearest, exact = Nearest(words), Nearest(words.double())(descriptors.double())
    found, lead = nearest._in_integers(descriptors)
    (x, step, zero), (w, word_step, word_zero) = (
        nearest_module._rounded(rows) for rows in (descriptors, words)
    )
    scores = (zero + step * x.double()) @ (word_zero + word_step * w.double()).T + nearest.bias
    # Each bias is rounded to a whole number, and before that to float32, less than 2^21 of them.
    behind = scores.amax(1) - scores.gather(1, found[:, None])[:, 0]
    assert (behind <= (1 + 2 * 2**21 * EPS) * step * word_step).all()
    # Errors beyond three standard deviations are 0.27 %, half of which favour the wrong word; and that only
    # where it is about as near, which is as frequent on either side of the lead that is asked for.
    assert ((found != exact) & (lead >= 0)).sum() <= 0.00135 * (lead < 0).sum()
    assert 0.003 < (found != exact).double().mean() < (lead < 0).double().mean() < 0.5
    assert (nearest(descriptors) != exact).double().mean() < 1e-3


def test_of_words_at_the_same_distance_the_first_is_the_nearest():
    # Whole numbers, whose products and sums are exact in any order.
    generator = torch.Generator().manual_seed(1)
    descriptors, words = (torch.randint(4, (n, 128), generator=generator).float() for n in (2500, 70))
    first = torch.cdist(descriptors.double(), words.double()).square().round().min(1).indices
    assert torch.equal(Nearest(words.repeat(2, 1))(descriptors), first)


def ambiguous(images, words, scales=SCALES, step=4):
    """Points of each image that are as near to a second word as rounding is large: (n,)."""
    grey = (torch.tensor([0.299, 0.587, 0.114])[:, None, None] * images).sum(1)
    # A descriptor of length 1 comes from four sums over a side of the image and one of 128 squares, and is
    # compared by sums of 128 products: each of n terms is off by n eps of magnitudes below 1.
    rounding = 4 * (4 * SIZE + 128 + 128) * EPS
    found = torch.zeros(len(images))
    for scale in scales:
        points = dense_sift(grey, scale, step).double()
        two = torch.cdist(points, words.double()).square().topk(2, largest=False).values
        found += ((two[..., 1] - two[..., 0]) < rounding).sum(1)
    return found


def test_counts_are_those_of_each_point_at_each_scale(images, words):
    counts = phow(images, words, SCALES, 5)
    assert counts.dtype == torch.float32 and counts.shape == (6, 40)
    weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    # A point half way between two words may count for either.
    allowed = 2 * ambiguous(images, words, step=5)
    for image, row, most in zip(images, counts, allowed, strict=True):
        expected = torch.zeros(40)
        for scale in SCALES:
            for point in dense_sift((weights * image).sum(0, keepdim=True), scale, 5)[0]:
                expected[(words - point).norm(dim=1).argmin()] += 1
        assert (expected - row).abs().sum() <= most
    assert (counts.sum(1) == sum(len(grid(SIZE, scale, 5)) ** 2 for scale in SCALES)).all()


def test_an_image_counts_the_same_in_any_company(images, words):
    together, allowed = phow(images, words), 2 * ambiguous(images, words)
    for row in range(6):
        alone = phow(images[row : row + 1], words)[0]
        assert (alone - together[row]).abs().sum() <= allowed[row]
    assert phow(images[:0], words).shape == (0, 40)


def test_flat_areas_have_no_words(images, words):
    flat = torch.full((1, 3, SIZE, SIZE), 0.4)
    assert not phow(flat, words).any()
    half = images[:1].clone()
    half[..., SIZE // 2 :] = 0.4
    total, whole = phow(half, words).sum(), phow(images[:1], words).sum()
    assert 0.5 * whole < total < 0.8 * whole
    assert phow(half, words, contrast=0.0).sum() > total
    assert sample_descriptors(flat, 10, torch.Generator()).shape == (0, 128)


def test_the_number_of_points_at_128_pixels_is_as_told(words):
    assert phow(scenes(1, 128), words).sum() == 2926
    assert "2,926" in module.phow.__doc__


def test_the_sample_depends_on_the_generator_alone(images):
    def sample(seed, some=images):
        return sample_descriptors(some, 50, torch.Generator().manual_seed(seed))

    assert sample(1).shape == (300, 128)
    assert torch.equal(sample(1), sample(1)) and not torch.equal(sample(1), sample(2))
    assert (sample(1).norm(dim=1) > 0.99).all()
    few = sample_descriptors(images[:2], 10**6, torch.Generator())
    assert len(few) == 2 * sum(len(grid(SIZE, scale, 4)) ** 2 for scale in SCALES)
    assert len(few.unique(dim=0)) == len(few)


def test_wrong_arrays_are_refused(images, words):
    for bad in (words[:, :127], words[0], words[:0]):
        with pytest.raises(ShapeError, match="Visual words must be"):
            phow(images, bad)
    for bad in (images[:, :1], images[0]):
        with pytest.raises(ShapeError, match="PHOW needs images"):
            phow(bad, words)
        with pytest.raises(ShapeError, match="PHOW needs images"):
            sample_descriptors(bad, 5, torch.Generator())
    with pytest.raises(ShapeError, match="no point in an image of 20 pixels"):
        phow(images[..., :20, :20], words)


def test_double_precision_gives_the_same_counts(images, words):
    counts = phow(images[:2], words)
    off = (phow(images[:2].double(), words) - counts).abs().sum(1)
    assert (off <= 2 * ambiguous(images[:2], words)).all()


def test_weights_too_small_to_count_are_left_out_and_change_nothing(images, words, monkeypatch):
    for bin_size in SCALES:
        for weights in sift._weights_of(SIZE, bin_size, 4, torch.float32, torch.device("cpu")):
            least = abs(weights[weights != 0]).min()
            assert least / 255 >= torch.finfo(torch.float32).tiny
    # Only where an image is quite black is there nothing that they could be small beside.
    black = images.clone()
    black[..., 20:70, 20:70] = 0
    kept = [dense_sift(some.mean(1), 6, 4) for some in (images, black)]
    counts = phow(black, words)
    sift._weights_of.cache_clear()
    monkeypatch.setattr(sift, "drop_negligible", lambda weights: weights)
    complete = [dense_sift(some.mean(1), 6, 4) for some in (images, black)]
    assert torch.equal(phow(black, words), counts)
    sift._weights_of.cache_clear()
    assert torch.equal(kept[0], complete[0])
    torch.testing.assert_close(kept[1], complete[1], rtol=0, atol=1e-24)


def test_the_batch_of_dense_sift_changes_nothing(images, monkeypatch):
    rows = dense_sift(images.mean(1), 6, 4)
    monkeypatch.setattr(sift, "BATCH", 5)
    torch.testing.assert_close(dense_sift(images.mean(1), 6, 4), rows)
