# SPDX-License-Identifier: MIT
"""The edge histogram on images whose edges can be counted by hand, and against a loop over blocks."""

import math

import numpy as np
import pytest
import torch

from mvi.errors import DataError, ShapeError
from mvi.features.edge_histogram import EDGES, SIZE, edge_histogram

# One block of 2 x 2 pixels whose strongest edge is the one named.
BLOCKS = {
    "vertical": ((0.0, 1.0), (0.0, 1.0)),
    "horizontal": ((1.0, 1.0), (0.0, 0.0)),
    "45 degrees": ((1.0, 0.5), (0.5, 0.0)),
    "135 degrees": ((0.5, 1.0), (0.0, 0.5)),
    "non-directional": ((1.0, 0.0), (0.0, 1.0)),
}


def grey(values):
    """(h, w) to a batch of one grey image."""
    return torch.as_tensor(values, dtype=torch.float32).expand(1, 3, -1, -1).clone()


def noise(n, size, seed=0):
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(seed))


def parts(descriptor):
    """A batch of one to local (4, 4, 5), global (5,) and semi-global (13, 5)."""
    row = descriptor[0]
    return row[:80].view(4, 4, 5), row[80:85], row[85:].view(13, 5)


@pytest.mark.parametrize("size", [64, 96, 128])
@pytest.mark.parametrize("name", EDGES)
def test_an_image_of_one_kind_of_block_fills_one_bin_everywhere(name, size):
    image = grey(np.tile(BLOCKS[name], (size // 2, size // 2)))
    local, whole, semi_global = parts(edge_histogram(image))
    expected = torch.eye(5)[EDGES.index(name)]
    for bins in (local, whole, semi_global):
        torch.testing.assert_close(bins, expected.expand_as(bins))


def test_stripes_count_only_where_they_cut_blocks():
    # Stripes of two columns: blocks of 2 x 2 lie within them, or all across a border after a shift by one.
    stripes = torch.tensor([0.0, 0.0, 1.0, 1.0]).repeat(32).expand(128, 128)
    assert edge_histogram(grey(stripes)).count_nonzero() == 0
    shifted = edge_histogram(grey(stripes.roll(1, 1)))
    torch.testing.assert_close(shifted, edge_histogram(grey(np.tile(BLOCKS["vertical"], (64, 64)))))


def test_one_border_between_dark_and_light():
    image = torch.zeros(128, 128)
    image[:, 64:] = 1
    assert edge_histogram(grey(image)).count_nonzero() == 0, "the border lies between blocks"
    image[:, 63] = 1
    local, whole, semi_global = parts(edge_histogram(grey(image)))
    # One of the 16 columns of blocks in the second column of sub-images, hence 1/16 of the blocks there.
    expected = torch.zeros(4, 4, 5)
    expected[:, 1, 0] = 1 / 16
    assert torch.equal(local, expected)
    assert whole.tolist() == [1 / 64, 0, 0, 0, 0]
    columns, rows, clusters = semi_global[:, 0].split([4, 4, 5])
    assert columns.tolist() == [0, 1 / 16, 0, 0]
    assert rows.tolist() == [1 / 64] * 4
    # Upper left, upper right, lower left, lower right, centre.
    assert clusters.tolist() == [1 / 32, 0, 1 / 32, 0, 1 / 32]
    assert semi_global[:, 1:].count_nonzero() == 0


def test_semi_global_bins_are_means_over_the_groups():
    local, whole, semi_global = parts(edge_histogram(noise(1, 96)))
    torch.testing.assert_close(semi_global[:4], local.mean(0))
    torch.testing.assert_close(semi_global[4:8], local.mean(1))
    quarters = [local[:2, :2], local[:2, 2:], local[2:, :2], local[2:, 2:], local[1:3, 1:3]]
    torch.testing.assert_close(semi_global[8:], torch.stack([part.mean((0, 1)) for part in quarters]))
    torch.testing.assert_close(whole, local.mean((0, 1)))
    assert (local.sum(-1) <= 1 + 1e-6).all()
    assert local.sum() > 8


def test_faint_edges_do_not_count_and_the_threshold_says_what_is_faint():
    # A vertical edge between levels 100 and 100 + d has response 2 d.
    def vertical(d, **arguments):
        image = grey(np.tile(np.array([[100, 100 + d]]) / 255, (128, 64)))
        return edge_histogram(image, **arguments)[0, 80].item()

    assert vertical(5) == 0
    assert vertical(6) == 1
    assert vertical(6, threshold=13) == 0
    assert vertical(5, threshold=9) == 1


def test_the_first_of_equal_edges_counts():
    # Vertical |45 - 0 + 30 - 15| = 60, non-directional 2 |45 + 15 - 0 - 30| = 60, all others less.
    image = grey(np.tile(np.array([[45, 0], [30, 15]]) / 255, (32, 32)))
    assert edge_histogram(image)[0, 80:85].tolist() == [1, 0, 0, 0, 0]


def test_transposition_swaps_vertical_and_horizontal_and_a_mirror_swaps_the_diagonals():
    images = noise(3, 64)
    local = edge_histogram(images)[:, :80].view(-1, 4, 4, 5)
    transposed = edge_histogram(images.mT)[:, :80].view(-1, 4, 4, 5)
    assert torch.equal(transposed, local.transpose(1, 2)[..., [1, 0, 2, 3, 4]])
    mirrored = edge_histogram(images.flip(3))[:, :80].view(-1, 4, 4, 5)
    assert torch.equal(mirrored, local.flip(2)[..., [0, 1, 3, 2, 4]])
    assert local[..., 2:4].sum() > 1


@pytest.mark.parametrize(("size", "block"), [(8, 2), (50, 2), (97, 2), (134, 4), (202, 6)])
def test_any_size_against_a_loop_over_blocks(size, block):
    image = noise(1, size, seed=size)
    found = parts(edge_histogram(image))[0].numpy()
    luma = (255 * np.tensordot([0.299, 0.587, 0.114], image[0].double().numpy(), 1)).round()
    assert block == max(2, 2 * int(math.sqrt(size * size / 1100) / 2))
    masks = {0: (1, -1, 1, -1), 1: (1, 1, -1, -1), 2: (2**0.5, 0, 0, -(2**0.5)), 4: (2, -2, -2, 2)}
    masks[3] = (0, 2**0.5, -(2**0.5), 0)
    n, half = size // block, block // 2
    counts, totals = np.zeros((4, 4, 5)), np.zeros((4, 4, 1))
    for i in range(n):
        for j in range(n):
            cut = luma[i * block : (i + 1) * block, j * block : (j + 1) * block]
            quarters = cut.reshape(2, half, 2, half).mean((1, 3)).ravel()
            strengths = [abs(np.dot(masks[kind], quarters)) for kind in range(5)]
            totals[4 * i // n, 4 * j // n] += 1
            if max(strengths) >= 11:
                counts[4 * i // n, 4 * j // n, np.argmax(strengths)] += 1
    np.testing.assert_allclose(found, counts / totals, atol=1e-6)


def test_colour_counts_by_its_luminance():
    # Red 255 and blue 255 differ by (0.299 - 0.114) 255 = 47 levels, these two by less than one.
    red_blue, equal = torch.zeros(2, 3, 64, 64).unbind(0)
    red_blue[0, :, ::2], red_blue[2, :, 1::2] = 1, 1
    equal[0, :, ::2], equal[1, :, 1::2] = 1, 0.299 / 0.587
    found = edge_histogram(torch.stack([red_blue, equal]))
    assert found[:, 80].tolist() == [1, 0]


def test_a_batch_equals_its_images_and_extremes_are_finite():
    images = torch.cat([noise(3, 64), torch.zeros(1, 3, 64, 64), torch.ones(1, 3, 64, 64)])
    found = edge_histogram(images)
    assert found.shape == (5, SIZE)
    assert found.dtype == torch.float32
    for row, image in zip(found, images, strict=True):
        torch.testing.assert_close(row, edge_histogram(image[None])[0])
    assert found[3:].count_nonzero() == 0
    assert edge_histogram(images[:0]).shape == (0, SIZE)


def test_what_is_no_batch_of_images_is_refused():
    for shape in ((3, 64, 64), (1, 1, 64, 64), (1, 3, 64, 32), (1, 3, 7, 7)):
        with pytest.raises(ShapeError, match=r"where \(n, 3, size, size\)"):
            edge_histogram(torch.zeros(shape))
    with pytest.raises(ShapeError, match="at least 16 blocks, not 9"):
        edge_histogram(torch.zeros(1, 3, 64, 64), blocks=9)
    for images in (torch.full((1, 3, 8, 8), 255.0), torch.full((1, 3, 8, 8), math.nan)):
        with pytest.raises(DataError, match=r"\[0, 1\] is needed"):
            edge_histogram(images)
    with pytest.raises(DataError, match=r"torch.uint8 came; divide them by 255"):
        edge_histogram(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))
