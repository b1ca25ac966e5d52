# SPDX-License-Identifier: MIT
"""Figures and page of retrieved images and of predicted tags: what they show, and how."""

import base64
import io
import re
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from mvi.errors import ConfigError, DataError, ShapeError
from mvi.report.figures import gallery, gallery_page, predicted_tags, retrieval, sheet, style
from mvi.report.figures.gallery import Example, Hit, Item

CLASSES = ["plant_life", "sea", "tree", "sea_r1", "tree_r1"]
HOSTILE = '</figcaption><script>alert("1")</script>&\x00'
VOID = {"meta", "img", "br", "link", "input"}


def make_image(height=24, width=36, colour=(200, 30, 30)):
    return np.full((height, width, 3), colour, np.uint8)


def make_example(given=("image", "text"), hits=3, labels=(1, 0, 0, 0, 1)):
    own = {0: labels, 1: (0, 0, 1, 0, 0), 2: (0, 1, 0, 0, 0), 3: (0, 0, 0, 0, 0)}

    def item(row):
        tags = ["sea", f"tag{row}"] if row != 3 else []
        return Item(f"im{row}", make_image(), tags, gallery.label_names(own[row], CLASSES))

    return gallery.example(0, range(1, hits + 1), np.linspace(0.9, -0.1, hits), item, given)


def texts_of(drawn):
    return [text.get_text() for text in drawn.figure.findobj(Text) if text.get_text()]


def bytes_of(drawn, path):
    drawn.save(path)
    return path.read_bytes()


class Reader(HTMLParser):
    """Elements of a page, its text, and whatever is not closed in order."""

    def __init__(self, page):
        super().__init__()
        self.open, self.elements, self.text, self.strays = [], [], "", []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.strays.append(tag)

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


def make_page(path, sections=None, **settings):
    sections = sections or [
        gallery_page.Section("Image and tags", "Both are given.", [make_example()]),
        gallery_page.Section("Alone", "", [make_example(["image"]), make_example(["text"])]),
    ]
    gallery_page.write_page(path, sections, **({"title": "Nearest images"} | settings))
    return path.read_text(encoding="utf-8")


def test_example():
    one = make_example()
    assert one.query.labels == ["plant life", "tree"]
    assert [one.shared(hit) for hit in one.hits] == [["tree"], [], []]
    assert [hit.item.name for hit in one.hits] == ["im1", "im2", "im3"]
    assert make_example(labels=(0,) * 5).shared(one.hits[0]) is None
    assert make_example(["image"]).query.tags is None and make_example(["text"]).query.image is None
    # Only the query hides a part.
    assert make_example(["text"]).hits[0].item.image is not None
    for given in ([], ["sound"]):
        with pytest.raises(ConfigError, match="A query consists of"):
            make_example(given)


def test_label_names_list_a_topic_once():
    assert gallery.label_names(np.array([1, 1, 0, 1, 1]), CLASSES) == ["plant life", "sea", "tree"]


def marks_of(drawn):
    colours = [patch.get_facecolor() for patch in drawn.figure.axes[0].patches if hasattr(patch, "radius")]
    right = [np.allclose(colour[:3], [0, 121 / 255, 90 / 255]) for colour in colours]
    return right[:-2]  # the last two are the legend's


def test_figure_shows_tags_and_marks():
    drawn = gallery.nearest_images([make_example()])
    texts = texts_of(drawn)
    assert texts.count("sea, tag0") == texts.count("sea, tag1") == texts.count("no tags") == 1
    assert marks_of(drawn) == [True, False, False]
    assert len(drawn.figure.axes[0].images) == 4
    # Nothing can be shared with a query that has no label.
    unlabelled = gallery.nearest_images([make_example(labels=(0,) * 5)])
    assert marks_of(unlabelled) == [] and "no mark: the query has no label" in texts_of(unlabelled)
    assert not any("no mark" in text for text in texts)


def test_figure_of_queries_of_one_part():
    texts = texts_of(gallery.nearest_images([make_example(["image"]), make_example(["text"])]))
    assert texts.count("image-only") == texts.count("text-only") == 1
    assert texts.count("sea, tag0") == 1
    assert len(gallery.nearest_images([make_example(["text"])]).figure.axes[0].images) == 3


def test_nothing_to_show():
    for examples in ([], [Example(make_example().query, [])]):
        with pytest.raises(DataError, match="nothing to show"):
            gallery.nearest_images(examples)
    without = Hit(Item("im9", None, [], []), 0.5)
    with pytest.raises(DataError, match="im9 was found"):
        gallery.nearest_images([Example(make_example().query, [without])])


@pytest.mark.parametrize("height, width", [(10, 40), (40, 10), (1, 1), (500, 300)])
def test_images_keep_their_shape(height, width):
    with style.applied():
        drawn = sheet.Sheet(100)
        corner = drawn.image(10, 20, 50, make_image(height, width))
    left, right, bottom, top = drawn.figure.axes[0].images[0].get_extent()
    assert (right - left) / (bottom - top) == pytest.approx(width / height)
    assert max(right - left, bottom - top) == pytest.approx(50)
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((35, 45))
    assert corner == pytest.approx((right, top))


def test_captions():
    with style.applied():
        drawn = sheet.Sheet(100)
        assert drawn.caption(["sea", "sky"], 100, 1, 6) == "sea, sky"
        lines = drawn.caption([f"word{i}" for i in range(30)], 60, 2, 6).split("\n")
        assert len(lines) == 2 and lines[1].endswith("…")
        assert all(drawn.width(line, 6) <= 60 for line in lines)
        assert drawn.caption(["w" * 80], 40, 2, 6).endswith("…")
        assert drawn.caption(["a\u4eac\x07"], 100, 1, 6) == "a\u25a1\u25a1"
        # As mathematics this would not be drawn at all.
        drawn.words(0, 0, drawn.caption(["$\\sea$"], 100, 1, 6), 6)
        drawn.figure.canvas.draw()
    assert texts_of(drawn) == ["$\\sea$"]


def test_wrong_images():
    for pixels in (np.zeros((4, 4)), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ShapeError, match="uint8 RGB"):
            sheet.checked_image(pixels)


def test_page_is_whole_and_needs_nothing_else(tmp_path):
    page = make_page(tmp_path / "page.html", source="Made here.")
    read = Reader(page)
    assert page.startswith("<!doctype html>") and not read.open and not read.strays
    assert not any(tag in ("script", "link", "iframe") for tag, _ in read.elements)
    assert not re.search(r"url\(|@import|https?:", page)
    identifiers = [attrs["id"] for _, attrs in read.elements if "id" in attrs]
    assert len(set(identifiers)) == len(identifiers)
    assert {attrs["href"] for attrs in read.all("a")} == {"#s1", "#s2"} <= {f"#{i}" for i in identifiers}
    labelled = {attrs["aria-labelledby"] for _, attrs in read.elements if "aria-labelledby" in attrs}
    assert labelled == set(identifiers)
    headings = [tag for tag, _ in read.elements if re.fullmatch("h[1-6]", tag)]
    assert headings == ["h1", "h2", "h3", "h2", "h3", "h3"]
    assert read.all("html") == [{"lang": "en"}] and "Made here." in read.text
    assert page == make_page(tmp_path / "again.html", source="Made here.")


def test_page_images(tmp_path):
    big = Example(Item("im7", make_image(300, 600), ["a"], []), make_example().hits)
    page = make_page(tmp_path / "p.html", [gallery_page.Section("A", "", [big])], side=120)
    images = Reader(page).all("img")
    sizes = []
    for attrs in images:
        kind, data = attrs["src"].split(",")
        assert kind == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            sizes.append(image.size)
            assert image.size == (int(attrs["width"]), int(attrs["height"]))
            assert np.abs(np.asarray(image).astype(int) - [200, 30, 30]).max() < 5
    assert sizes == [(120, 60)] + [(36, 24)] * 3
    assert [attrs["alt"] for attrs in images[:2]] == ["Image im7, no label", "Image im1, labels: tree"]


def test_page_text(tmp_path):
    text = " ".join(Reader(make_page(tmp_path / "p.html")).text.split())
    assert Counter(re.findall("Query . multimodal|image-only|text-only", text))["image-only"] == 1
    assert text.count("✓ shares tree") == 3 and text.count("✗ shares no label") == 6 + 1
    assert "1. cosine 0.900" in text and "3. cosine \u22120.100" in text
    assert text.count("labels: plant life, tree") == 3
    unlabelled = [gallery_page.Section("A", "", [make_example(labels=(0,) * 5)])]
    text = Reader(make_page(tmp_path / "p.html", unlabelled)).text
    assert "no label, not scored" in text and text.count("shares no label") == 1


def test_page_folds_many_tags(tmp_path):
    tags = [f"tag{i}" for i in range(9)]
    many = Example(Item("im7", make_image(), tags, []), make_example(hits=1).hits)
    read = Reader(make_page(tmp_path / "p.html", [gallery_page.Section("A", "", [many])], tags=4))
    assert "5 more" in read.text and len(read.all("details")) == 1
    assert all(tag in read.text for tag in tags)


def test_page_escapes_what_users_wrote(tmp_path):
    hostile = Item(f'"{HOSTILE}', make_image(), [HOSTILE, "שלום"], [HOSTILE])
    one = Example(hostile, [Hit(hostile, 1.0)])
    page = make_page(
        tmp_path / "p.html", [gallery_page.Section(HOSTILE, HOSTILE, [one])], title=HOSTILE, source=HOSTILE
    )
    read = Reader(page)
    assert not read.all("script") and not read.open and not read.strays and "\x00" not in page
    shown = HOSTILE.replace("\x00", "\ufffd")
    # Title twice, section three times, foot, and a tag, label and shared label where they belong.
    assert read.text.count(shown) == 2 + 3 + 1 + 2 + 1 + 1
    assert read.all("img")[0]["alt"] == f'Image "{shown}, labels: {shown}'
    assert all(attrs.get("dir") == "auto" for attrs in read.all("li") if "dir" in attrs)
    policy = next(a["content"] for a in read.all("meta") if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'") and "script" not in policy


def luminance(colour):
    code = colour if len(colour) == 6 else "".join(2 * letter for letter in colour)
    parts = np.array([int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_page_contrast(tmp_path):
    """7 to 1, WCAG's enhanced contrast, of every text on every ground, in both schemes."""
    schemes = re.findall(r":root \{(.*?)\}", make_page(tmp_path / "p.html"), re.DOTALL)
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+): #(\w+)", scheme))
        for ground in ("page", "card"):
            for ink in ("ink", "soft", "yes", "no", "link"):
                light, dark = sorted((luminance(colours[name]) for name in (ground, ink)), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 7, (ground, ink)


def test_page_refuses(tmp_path):
    for settings in ({"side": 0}, {"quality": 96}, {"tags": 0}):
        with pytest.raises(ConfigError, match="A gallery needs"):
            make_page(tmp_path / "p.html", **settings)
    without = Example(make_example().query, [Hit(Item("im9", None, [], []), 0.5)])
    with pytest.raises(ShapeError):
        make_page(tmp_path / "p.html", [gallery_page.Section("A", "", [without])])
    assert not list(tmp_path.iterdir())


def test_top_tags():
    first = predicted_tags.top_tags(np.array([0.1, 0.5, 0.5, 0.0]), ["a", "b", "c", "d"], 3)
    assert first == [("b", 0.5), ("c", 0.5), ("a", 0.1)]


def make_predictions():
    return predicted_tags.predicted_tags(
        [
            predicted_tags.Prediction(make_image(), ["sea", "sky"], [("sea", 0.8), ("cat", 0.4)]),
            predicted_tags.Prediction(make_image(), [], [("sky", 0.2), ("sea", 0.004)]),
            predicted_tags.Prediction(make_image(), ["cat"], [("cat", 0.0)]),
        ]
    )


def test_predicted_tags_figure():
    drawn = make_predictions()
    texts = texts_of(drawn)
    assert {"sea, sky", "no tags", "80 %", "40 %", "20 %", "<1 %", "0 %"} <= set(texts)
    bold = [text.get_text() for text in drawn.figure.findobj(Text) if text.get_weight() == "bold"]
    assert bold == ["sea", "cat"]
    bars = [patch for patch in drawn.figure.axes[0].patches if hasattr(patch, "get_width")]
    bars = [bar for bar in bars if bar.get_facecolor()[3] and not hasattr(bar, "radius")]
    lengths = np.array([bar.get_width() for bar in bars])
    assert np.allclose(lengths / lengths[0], np.array([0.8, 0.4, 0.2, 0.004, 0]) / 0.8)
    with pytest.raises(DataError, match="no predicted tag"):
        predicted_tags.predicted_tags([])


@pytest.mark.parametrize("make", [lambda: gallery.nearest_images([make_example()]), make_predictions])
def test_sheets_repeat_byte_for_byte(make, tmp_path):
    assert bytes_of(make(), tmp_path / "a.png") == bytes_of(make(), tmp_path / "b.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.width == round(150 * style.PAGE_WIDTH)


def make_curves(recalls):
    return {"both": np.stack([1 - recalls / 2, 1 - recalls / 3]), "image": (1 - recalls / 1.5)[None]}


def test_precision_recall():
    recalls = np.linspace(0, 1, 101)
    labels = {"both": "image and tags", "image": "image-only"}
    looks = style.looks(labels)
    figure = retrieval.precision_recall({"Mini": make_curves(recalls)}, recalls, {"Mini": 0.4}, looks)
    both, image, level = figure.axes[0].lines
    assert np.allclose(both.get_ydata(), 1 - recalls * 5 / 12) and set(level.get_ydata()) == {0.4}
    assert len(figure.axes[0].collections) == 1  # the band of the line with two splits
    assert both.get_color() != image.get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [*labels.values(), "chance"]
    several = retrieval.precision_recall(
        {title: make_curves(recalls) for title in "abcd"}, recalls, dict.fromkeys("abcd", 0.1), looks
    )
    assert [axes.get_title(loc="left") for axes in several.axes if axes.get_visible()] == list("abcd")


def test_precision_recall_refuses():
    recalls = np.linspace(0, 1, 101)
    given = {"Mini": make_curves(recalls)}
    with pytest.raises(DataError, match="no precision-recall curve"):
        retrieval.precision_recall(given, recalls, {"Mini": 0.4}, style.looks({"pcd": "PCD"}))
    with pytest.raises(ShapeError, match="11 recalls"):
        retrieval.precision_recall(given, recalls[:11], {"Mini": 0.4}, style.looks({"both": "x"}))
