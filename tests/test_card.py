# SPDX-License-Identifier: MIT
"""The data card: counts, duplicates, and its figures."""

import io
import json
import os
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy import sparse

from mvi.data import card as data_card
from mvi.data.catalogue import Catalogue
from mvi.data.images import ZipImages
from mvi.data.readers.mirflickr import read_mirflickr
from mvi.errors import DataError, ShapeError
from mvi.report.figures import card, style

N = 24


class Stored:
    """Files in memory."""

    def __init__(self, files):
        self.files = files

    def __len__(self):
        return len(self.files)

    def read(self, i):
        return self.files[i]


def draw(seed, size=96):
    """A random image of coarse structure."""
    rng = np.random.default_rng(seed)
    cells = rng.integers(0, 256, (6, 6, 3)).astype(np.uint8)
    return Image.fromarray(cells).resize((size, size), Image.Resampling.BICUBIC)


def file_of(image, kind="PNG", **settings):
    stream = io.BytesIO()
    image.save(stream, kind, **settings)
    return stream.getvalue()


def make_files():
    files = [file_of(draw(seed)) for seed in range(N)]
    # 5 and 20 are row 2's file; 7 is row 3 saved worse and smaller; 11 is row 3 with more contrast.
    files[5] = files[20] = files[2]
    files[7] = file_of(draw(3).resize((60, 48)), "JPEG", quality=40)
    files[11] = file_of(ImageEnhance.Contrast(draw(3)).enhance(1.15))
    files[9] = file_of(draw(9).convert("L"))
    files[13] = b"no image here"
    return files


def test_images_of_an_unknown_range_are_counted():
    files, (catalogue, _, _) = make_files(), make_catalogue()
    files[15] = file_of(Image.fromarray(np.arange(64**2, dtype=np.uint16).reshape(64, 64)))
    assert data_card.fingerprints(Stored(files)).guessed.nonzero()[0].tolist() == [15]
    found = data_card.data_card(catalogue, Stored(files))
    line = "Images whose files do not say which value is white"
    [said] = [one for one in data_card.card_markdown(found).splitlines() if line in one]
    assert found["guessed"] == 1 and said.endswith(" | 1 |")
    assert line not in data_card.card_markdown(data_card.data_card(catalogue, Stored(make_files())))


def make_catalogue():
    rng = np.random.default_rng(0)
    labels = (rng.random((20, 4)) < [0.5, 0.3, 0.2, 0.1]).astype(np.uint8)
    labels[3] = 0
    text = (rng.random((N, 6)) < 0.3).astype(np.int32) * [1, 1, 2, 1, 1, 1]
    text[[4, 22]] = 0
    order = np.arange(20)
    catalogue = Catalogue(
        dataset="mine",
        names=[f"im{i}.png" for i in range(N)],
        ids=np.arange(N),
        text=sparse.csr_array(text),
        vocabulary=["sky", "sea", "2008", "nikon", "a|b", "blue"],
        labels=labels,
        classes=["baby", "sky", "baby_r1", "sky_r1"],
        splits={
            1: {"train": order[:8], "validation": order[8:10], "test": order[10:]},
            2: {"train": order[10:], "validation": order[8:10], "test": order[:8]},
        },
        generated=True,
        citation="Nobody",
    )
    catalogue.check()
    return catalogue, labels, text


def rows_of(groups):
    return [rows.tolist() for rows in groups]


def test_duplicates_are_found_and_strangers_are_not():
    prints = data_card.fingerprints(Stored(make_files()))
    assert rows_of(data_card.exact_duplicates(prints)) == [[2, 5, 20]]
    assert rows_of(data_card.near_duplicates(prints)) == [[2, 5, 20], [3, 7, 11]]
    np.testing.assert_array_equal(np.flatnonzero(~prints.sound), [13])
    np.testing.assert_array_equal(np.flatnonzero(prints.grey), [9])
    assert prints.sizes[13] == 13
    # Either criterion alone is too weak or too strong.
    assert rows_of(data_card.near_duplicates(prints, 8, 0)) == [[2, 5, 20]]
    assert len(data_card.near_duplicates(prints, 63, 1)[0]) == N - 1


def test_hash_is_the_sign_of_low_frequencies():
    bits, thumbs = data_card._hashed(np.asarray(draw(1, 32))[None])
    grey = np.asarray(draw(1, 32), np.float64) @ [0.299, 0.587, 0.114] / 255
    x = np.arange(32) + 0.5
    basis = np.cos(np.pi * np.arange(8)[:, None] * x / 32)
    basis *= np.where(np.arange(8) == 0, np.sqrt(1 / 32), np.sqrt(2 / 32))[:, None]
    low = (basis @ grey @ basis.T).ravel()[1:]
    clear = np.abs(low - np.median(low)) > 1e-3
    np.testing.assert_array_equal(bits[0][clear], (low > np.median(low))[clear])
    assert clear.sum() > 55
    corner = np.asarray(draw(1, 32), np.float64)[:4, :4].mean(axis=(0, 1)) / 255
    np.testing.assert_allclose(thumbs[0, :3], corner, rtol=1e-5)


def test_flat_images_of_different_colour_are_not_the_same():
    colours = [(255, 0, 0), (0, 0, 255), (250, 2, 3), (255, 0, 0)]
    files = [file_of(Image.new("RGB", (20, 20), colour)) for colour in colours]
    groups = data_card.near_duplicates(data_card.fingerprints(Stored(files)))
    assert rows_of(groups) == [[0, 2, 3]]


def test_small_blocks_give_the_same(monkeypatch):
    files = Stored(make_files())
    whole = data_card.fingerprints(files)
    expected = rows_of(data_card.near_duplicates(whole))
    monkeypatch.setattr(data_card, "_BLOCK", 5)
    blocked = data_card.fingerprints(files)
    np.testing.assert_array_equal(blocked.bits, whole.bits)
    np.testing.assert_array_equal(blocked.thumbs, whole.thumbs)
    assert rows_of(data_card.near_duplicates(blocked)) == expected


def test_card_counts():
    catalogue, labels, text = make_catalogue()
    card = data_card.data_card(catalogue, Stored(make_files()), examples=2)
    assert json.loads(json.dumps(card, allow_nan=False)) == card
    assert (card["pictures"], card["labelled"], card["unlabelled"], card["classes"]) == (N, 20, 4, 4)
    assert card["labels"] == labels.sum() and card["label_counts"]["sky"] == labels[:, 1].sum()
    assert card["without_label"] == (labels.sum(1) == 0).sum() >= 1
    # Tags, not counts: a word that comes twice is one tag.
    assert card["tags"] == (text > 0).sum() < text.sum()
    assert card["untagged"] == (text.sum(1) == 0).sum() and card["untagged_labelled"] < card["untagged"]
    histogram = card["pictures_by_tags"]
    assert histogram[0] == card["untagged"] and sum(histogram) == N
    assert len(card["frequent_tags"]) == 2 and max(card["frequent_tags"].values()) == (text > 0).sum(0).max()
    assert card["undecodable"] == 1 and card["undecodable_examples"] == ["im13.png"] and card["grey"] == 1
    exact, near = card["exact_duplicates"], card["near_duplicates"]
    assert (exact["groups"], exact["superfluous"], exact["largest"]) == (1, 2, 3)
    assert (near["groups"], near["superfluous"], near["max_bits"]) == (2, 4, 8)
    assert exact["examples"] == [["im2.png", "im5.png"]] and len(near["examples"]) == 2
    assert card["splits"]["1"] == {"train": 8, "validation": 2, "test": 10}
    # Split 1: row 11 looks like rows 3 and 7. Split 2: rows 3 and 7 look like row 11; 20 has no label.
    assert card["test_rows_seen"] == {"1": 1, "2": 2}


def test_card_without_images_and_of_wrong_ones():
    catalogue, _, _ = make_catalogue()
    card = data_card.data_card(catalogue)
    assert "exact_duplicates" not in card and card["pictures"] == N
    with pytest.raises(ShapeError, match="23 images and 24 rows"):
        data_card.data_card(catalogue, Stored(make_files()[1:]))


def test_an_image_that_cannot_be_read_is_counted_and_like_no_other():
    class Broken(Stored):
        def read(self, i):
            if i < 2:
                raise DataError("gone")
            return super().read(i)

    prints = data_card.fingerprints(Broken(make_files()))
    assert prints.sound[:2].tolist() == [False, False] and prints.sound[2:].any()
    assert all(0 not in rows and 1 not in rows for rows in data_card.exact_duplicates(prints))


def test_near_duplicates_are_not_looked_for_among_too_many():
    catalogue, _, _ = make_catalogue()
    card = data_card.data_card(catalogue, Stored(make_files()), near_up_to=catalogue.n_rows - 1)
    assert card["near_duplicates"] is None and card["exact_duplicates"]["groups"] > 0
    assert "Near duplicates" not in data_card.card_markdown(card)


def test_card_for_readers():
    catalogue, _, _ = make_catalogue()
    text = data_card.card_markdown(data_card.data_card(catalogue, Stored(make_files())))
    assert "`mine`, generated by a program" in text and "a\\|b" in text
    cells = [line.replace("\\|", "").count("|") for line in text.splitlines()]
    assert set(cells) == {3}
    assert "2 in 1 groups" in text and "1, 2 |" in text
    assert "duplicates" not in data_card.card_markdown(data_card.data_card(catalogue))


@pytest.mark.real
@pytest.mark.skipif("MVI_MIRROR" not in os.environ, reason="needs MVI_MIRROR")
def test_real_images_and_their_counts():
    folder = Path(os.environ["MVI_MIRROR"]) / "mirflickr25k"
    catalogue = read_mirflickr(
        folder / "mirflickr25k.zip", folder / "mirflickr25k_annotations_v080.zip", dataset="mirflickr25k"
    )
    counts = data_card.data_card(catalogue)
    assert counts["label_counts"]["people"] == 10373 and counts["label_counts"]["river_r1"] == 149
    # The files hold tags that are a little rarer than those of the vocabulary, so some more rows have none.
    assert counts["without_label"] == 419 and 25000 - 20015 <= counts["untagged"] < 5100
    # Two files that agree, found in the part of the rows where they are.
    rows = [6601, 6602, 6920]
    with ZipImages(folder / "mirflickr25k.zip", [catalogue.names[i] for i in rows]) as images:
        prints = data_card.fingerprints(images)
    assert rows_of(data_card.near_duplicates(prints)) == [[0, 2]]


def make_labels():
    return make_catalogue()[0]


def draw_label_counts():
    catalogue = make_labels()
    return card.label_counts(catalogue.labels, catalogue.classes)


def draw_tags():
    catalogue = make_labels()
    counts = np.bincount(catalogue.text.indices, minlength=6)
    return card.tags(counts, catalogue.vocabulary, np.diff(catalogue.text.indptr), 20)


def draw_cooccurrence():
    catalogue = make_labels()
    return card.cooccurrence(catalogue.labels, catalogue.classes)


def draw_sheet():
    images = np.stack([np.asarray(draw(seed, 16)) for seed in range(5)])
    captions = [["sky", "sea"], [], ["x" * 99], ["one"] * 99, ["\u0378", "$a$"]]
    return card.contact_sheet(images, captions, columns=4, lines=2)


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


@pytest.mark.parametrize("make", [draw_label_counts, draw_tags, draw_cooccurrence, draw_sheet])
def test_figures_repeat_byte_for_byte(make, tmp_path):
    def written(name):
        if make is draw_sheet:
            card.save_png(make(), tmp_path / f"{name}.png")
        else:
            style.save(make(), tmp_path / f"{name}.png", tmp_path / f"{name}.svg")
        return [path.read_bytes() for path in sorted(tmp_path.glob(f"{name}.*"))]

    first = written("a")
    with matplotlib.rc_context({"font.size": 20, "axes.grid": False}):
        before = dict(matplotlib.rcParams)
        assert written("b") == first
        assert dict(matplotlib.rcParams) == before


def test_label_counts_pair_the_two_sets():
    catalogue = make_labels()
    axes = draw_label_counts().axes[0]
    wide, strict = axes.containers
    totals = catalogue.labels.sum(0)
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert sorted(names) == ["baby", "sky"]
    column = {"baby": 0, "sky": 1}
    assert [bar.get_width() for bar in wide] == [totals[column[name]] for name in names]
    by_place = {round(bar.get_y() + bar.get_height() / 2): bar.get_width() for bar in strict}
    assert by_place == {names.index(name): totals[2 + column[name]] for name in column}
    single = card.label_counts(catalogue.labels[:, :2], ["baby", "sky"]).axes[0]
    assert len(single.containers) == 1 and single.get_legend() is None


def test_tags_panels():
    catalogue = make_labels()
    ranks, images = draw_tags().axes
    counts = np.bincount(catalogue.text.indices, minlength=6)
    np.testing.assert_array_equal(ranks.lines[0].get_ydata(), np.sort(counts)[::-1])
    names = texts_of(ranks)
    assert names[names.index("1") + 1] == catalogue.vocabulary[int(np.argmax(counts))]
    heights = [[bar.get_height() for bar in bars] for bars in images.containers]
    assert len(heights) == 2 and [sum(part) for part in heights] == pytest.approx([100, 100])
    per_image = np.diff(catalogue.text.indptr)
    assert heights[0][0] == pytest.approx(100 * (per_image[:20] == 0).mean())


def test_tags_that_never_occur_are_not_drawn():
    axes = card.tags(np.array([3, 0, 5]), ["a", "b", "c"], np.array([1, 0]), 2).axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [5, 3])


def test_cooccurrence_is_a_share_of_the_rows_label():
    labels = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 0], [1, 0, 0]])
    share = card.cooccurrence(labels, ["a", "b", "never"]).axes[0].images[0].get_array()
    assert share[0, 1] == 50 and share[1, 0] == 100 and share[0, 2] == 0
    assert share.mask[2].all() and share.mask.diagonal().all()
    with pytest.raises(ShapeError):
        card.cooccurrence(labels, ["a"])


def test_contact_sheet_without_captions_has_no_text_and_is_lower():
    images = np.zeros((5, 8, 8, 3), np.uint8)
    bare, full = (card.contact_sheet(images, captions) for captions in (None, [["a"]] * 5))
    assert not bare.axes[0].texts and len(full.axes[0].texts) == 5
    assert bare.get_figheight() < full.get_figheight()


def test_contact_sheet_shows_images_and_tags_that_fit():
    figure = draw_sheet()
    (axes,) = figure.axes
    assert len(axes.images) == 5
    np.testing.assert_array_equal(axes.images[1].get_array(), np.asarray(draw(1, 16)))
    texts = [text.get_text() for text in axes.texts]
    assert texts[:2] == ["sky, sea", "no tags"]
    assert texts[2].startswith("xxx") and texts[2].endswith("x…")
    assert texts[3].count("\n") == 1 and texts[3].endswith("…")
    # A letter that no font has, and no formula.
    assert texts[4] == "\u25a1, $a$" and not axes.texts[4].get_parse_math()
    renderer = figure.canvas.get_renderer()
    for text, image in zip(axes.texts, axes.images, strict=True):
        box, tile = text.get_window_extent(renderer), image.get_window_extent(renderer)
        assert box.x1 <= tile.x1 + 1 and box.y1 <= tile.y0
    with pytest.raises(ShapeError, match="as many captions"):
        card.contact_sheet(np.zeros((2, 4, 4, 3), np.uint8), [["a"]])
