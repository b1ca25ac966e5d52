# SPDX-License-Identifier: MIT
"""Tags in any script are drawn where an installed font has them; else the figure names what it lacks."""

import matplotlib
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.text import Text
from PIL import Image

from mvi.report.figures import card, gallery, lettering, style
from mvi.report.figures.gallery import Example, Hit, Item
from mvi.report.figures.predicted_tags import Prediction, predicted_tags

OTHER = "One Letter"
NOTE = "\u25a1: no font of this machine has U+4EAC (CJK)."
IMAGE = np.zeros((8, 8, 3), np.uint8)


@pytest.fixture
def bare(monkeypatch):
    """Only the fonts that come with matplotlib are installed."""
    own = matplotlib.get_data_path()
    entries = [entry for entry in font_manager.fontManager.ttflist if entry.fname.startswith(own)]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", entries)


@pytest.fixture
def one_more(bare, tmp_path):
    """And a font that has one letter, a black square, in place of \u4eac."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 1000), (1000, 1000), (1000, 0)):
        pen.lineTo(corner)
    pen.closePath()
    made = FontBuilder(1000, isTTF=True)
    made.setupGlyphOrder([".notdef", "city"])
    made.setupCharacterMap({0x4EAC: "city"})
    made.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "city": pen.glyph()})
    made.setupHorizontalMetrics({".notdef": (500, 0), "city": (1000, 0)})
    made.setupHorizontalHeader(ascent=1000, descent=0)
    made.setupNameTable({"familyName": OTHER, "styleName": "Regular"})
    made.setupOS2()
    made.setupPost()
    made.save(tmp_path / "one.ttf")
    font_manager.fontManager.addfont(tmp_path / "one.ttf")


def figures(tag):
    """Every figure that shows words of users."""
    item = Item("im0", IMAGE, [tag], ["sea"])
    return {
        "gallery": gallery.nearest_images([Example(item, [Hit(item, 0.5)])]).figure,
        "predicted tags": predicted_tags([Prediction(IMAGE, [tag], [(tag, 0.5)])]).figure,
        "contact sheet": card.contact_sheet(IMAGE[None], [[tag]]),
        "tags": card.tags(np.array([3, 5]), [tag, "sea"], np.array([1, 0]), 2),
        "labels": card.label_counts(np.eye(2), [tag, "sea"]),
        "together": card.cooccurrence(np.ones((2, 2)), [tag, "sea"]),
    }


def texts(figure):
    return " ".join(" ".join(text.get_text().split()) for text in figure.findobj(Text))


def test_what_dejavu_has_is_drawn_by_nothing_else(one_more):
    assert lettering.families(["sea", "\u00e9t\u00e9", "\u0642\u0637\u0629", "\x07"]) == [lettering.FIRST]


def test_an_installed_font_is_taken_for_what_dejavu_lacks(one_more):
    assert lettering.families(["sea", "\u4eac"]) == [lettering.FIRST, OTHER]
    for name, figure in figures("\u4eac").items():
        assert "\u4eac" in texts(figure) and "\u25a1" not in texts(figure), name
    with style.applied(["\u4eac"]):
        figure = style.new_figure(1, 1)
        figure.text(0, 0, "\u4eac", fontsize=72, color="black")
        figure.canvas.draw()
        # The square is an inch wide and high, as the figure is.
        assert np.asarray(figure.canvas.buffer_rgba())[..., :3].max() < 128


def test_a_figure_says_which_characters_no_font_has(bare):
    assert lettering.families(["\u4eac"]) == [lettering.FIRST]
    for name, figure in figures("\u4eac").items():
        assert NOTE in texts(figure) and "\u4eac" not in texts(figure), name
    for name, figure in figures("sea").items():
        assert "no font" not in texts(figure), name
    with style.applied():
        assert lettering.note(["\u4eac\u4eac", *map(chr, range(0x0915, 0x091C))]) == (
            "\u25a1: no font of this machine has U+0915, U+0916, U+0917, U+0918, U+0919, U+091A and 2 more "
            "(CJK, DEVANAGARI)."
        )


def test_images_are_written_small_and_alike(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
    sheet = card.contact_sheet(pixels, None)
    style.save_images(sheet, tmp_path / "small.png", 150)
    sheet.savefig(tmp_path / "whole.png", dpi=150)
    small, whole = (Image.open(tmp_path / f"{name}.png").convert("RGB") for name in ("small", "whole"))
    assert np.abs(np.asarray(small, int) - np.asarray(whole, int)).max() <= 2
    assert 1.4 * (tmp_path / "small.png").stat().st_size < (tmp_path / "whole.png").stat().st_size
