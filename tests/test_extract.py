# SPDX-License-Identifier: MIT
"""All descriptors side by side: their order, what an unreadable image becomes, what words may see."""

import io
import logging
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import sparse

from mvi.data.catalogue import Catalogue
from mvi.data.images import ZipImages
from mvi.errors import DamageError, DataError
from mvi.features.colour_layout import colour_layout
from mvi.features.extract import Descriptors, describe
from mvi.features.gist import Gist
from mvi.features.phow import phow
from mvi.features.words import rows_for_words, sample_for_words

SIZE = 64


class Source:
    """Images in memory; row 2 is no image."""

    def __init__(self, count: int) -> None:
        draws = np.random.default_rng(0)
        self.names = [f"{i}.png" for i in range(count)]
        self.pixels = draws.integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)

    def __len__(self) -> int:
        return len(self.names)

    def read(self, i: int) -> bytes:
        if i == 2:
            return b"no image"
        file = io.BytesIO()
        Image.fromarray(self.pixels[i]).save(file, "PNG")
        return file.getvalue()


@pytest.fixture(scope="module")
def extract() -> Descriptors:
    words = torch.rand(2000, 128, generator=torch.Generator().manual_seed(0))
    return Descriptors(words, size=SIZE, gist={}, phow={"scales": [4], "step": 8})


def test_the_numbers_of_an_image_are_those_of_the_archive_with_the_words_last(extract):
    sizes = {name: columns.stop - columns.start for name, columns in extract.columns.items()}
    assert sizes == {
        "gist": 960,
        "edge_histogram": 150,
        "texture": 43,
        "colour_structure": 256,
        "colour_layout": 192,
        "scalable_colour": 256,
        "phow": 2000,
    }
    assert len(extract) == 3857


def test_each_descriptor_stands_in_its_columns(extract):
    images = torch.rand(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    values = extract(images)
    assert values.dtype == torch.float32
    for name, expected in (("gist", Gist(SIZE)(images)), ("colour_layout", colour_layout(images))):
        torch.testing.assert_close(values[:, extract.columns[name]], expected)
    words = torch.rand(2000, 128, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(values[:, extract.columns["phow"]], phow(images, words, [4], 8))


@pytest.mark.parametrize("batch", [1, 2, 16])
def test_an_unreadable_image_is_grey_counted_and_said(extract, batch, caplog):
    source = Source(5)
    with caplog.at_level(logging.WARNING):
        values, unreadable = describe(source, range(1, 5), extract, size=SIZE, batch=batch)
    assert unreadable.tolist() == [2]
    assert "row 2" in caplog.text and "2.png" in caplog.text
    assert values.shape == (4, 3857) and np.isfinite(values).all()
    grey = extract(torch.full((1, 3, SIZE, SIZE), 128 / 255)).numpy()
    np.testing.assert_allclose(values[1:2], grey, rtol=1e-4, atol=1e-4)
    pixels = torch.from_numpy(source.pixels[[1, 3, 4]]).permute(0, 3, 1, 2) / 255
    np.testing.assert_allclose(values[[0, 2, 3]], extract(pixels).numpy(), rtol=1e-3, atol=1e-3)


def test_a_damaged_archive_is_refused_and_not_described_as_grey(extract, tmp_path):
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr("a.png", b"no image, but whole")
        archive.writestr("b.png", b"of which a bit will turn")
    content = (tmp_path / "p.zip").read_bytes()
    (tmp_path / "p.zip").write_bytes(content.replace(b"a bit", b"a bat"))
    with ZipImages(tmp_path / "p.zip", ["a.png", "b.png"]) as images:
        assert describe(images, range(1), extract, size=SIZE, batch=1)[1].tolist() == [0]
        with pytest.raises(DamageError, match=r"p\.zip is damaged at b\.png .*; delete it and retrieve"):
            describe(images, range(2), extract, size=SIZE, batch=2)


def test_a_sample_for_words_leaves_unreadable_images_out_and_repeats_by_its_seed():
    arguments = {"size": SIZE, "batch": 2, "per_image": 7, "scales": [4], "step": 4}
    sample = sample_for_words(Source(5), range(5), seed=3, **arguments)
    assert sample.shape == (4 * 7, 128)
    np.testing.assert_array_equal(sample, sample_for_words(Source(5), range(5), seed=3, **arguments))
    assert not np.array_equal(sample, sample_for_words(Source(5), range(5), seed=4, **arguments))


def catalogue(labelled: int, rows: int, tests: list[list[int]]) -> Catalogue:
    splits = {}
    for number, test in enumerate(tests, 1):
        rest = np.setdiff1d(np.arange(labelled), test)
        splits[number] = {"train": rest[1:], "validation": rest[:1], "test": np.array(test)}
    return Catalogue(
        dataset="x",
        names=[str(i) for i in range(rows)],
        ids=np.arange(rows),
        text=sparse.csr_array(np.ones((rows, 1), np.int32)),
        vocabulary=["a"],
        labels=np.ones((labelled, 1), np.uint8),
        classes=["c"],
        splits=splits,
        generated=True,
        citation="",
    )


def test_words_are_learned_from_unlabelled_rows_or_from_training_rows_of_every_split():
    assert rows_for_words(catalogue(6, 11, [[0], [1]]), 100, 0).tolist() == [6, 7, 8, 9, 10]
    # Three unlabelled rows are fewer than the four training rows of a split.
    assert rows_for_words(catalogue(6, 9, [[0], [1]]), 100, 0).tolist() == [2, 3, 4, 5, 6, 7, 8]
    assert rows_for_words(catalogue(6, 6, [[0, 3], [1]]), 100, 0).tolist() == [2, 4, 5]
    # Row 1 is a validation row of the first split, and row 5 a test row of the second.
    assert rows_for_words(catalogue(6, 6, [[0], [5]]), 100, 0).tolist() == [2, 3, 4]
    some = [tuple(rows_for_words(catalogue(0, 50, []), 5, seed)) for seed in (0, 0, 1)]
    assert some[0] == some[1] != some[2] and len(some[0]) == 5
    with pytest.raises(DataError, match="training row of every split"):
        rows_for_words(catalogue(4, 4, [[0, 1], [2, 3]]), 5, 0)
