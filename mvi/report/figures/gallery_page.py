# SPDX-License-Identifier: MIT
"""Queries and the images nearest to them, as one page for browsers that needs no other file and no script.

Names, tags and labels come from users: all of them are escaped, and the page forbids scripts and whatever
would be fetched.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mvi.errors import ConfigError
from mvi.files import atomic
from mvi.report.figures.gallery import Example, Hit, Item
from mvi.report.figures.sheet import checked_image
from mvi.text import escaped

_STYLE = """
:root { color-scheme: light; --page: #fff; --card: #f5f5f3; --tile: #e9e9e6; --ink: #1a1a1a; --soft: #4c4f53;
  --rule: #d3d3cf; --link: #084c7d; --yes: #005741; --no: #873400; }
@media screen and (prefers-color-scheme: dark) {
  :root { color-scheme: dark; --page: #131517; --card: #1d2023; --tile: #2a2e32; --ink: #ececea;
    --soft: #b3b8bd; --rule: #3b4045; --link: #8cc8f5; --yes: #6fdcb4; --no: #ffad80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 80rem; padding: 1.5rem clamp(.75rem, 3vw, 2rem) 3rem; color: var(--ink);
  background: var(--page);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.25rem 0 .25rem; }
h3 { font-size: .95rem; margin: 0 0 .6rem; }
p { margin: .35rem 0; max-width: 65ch; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .75rem 0 0; padding: 0;
  list-style: none; }
article { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem; margin: 1rem 0;
  padding: .9rem; }
.row { display: grid; grid-template-columns: 12.5rem 1fr; gap: 1.1rem; }
.query { border-right: 2px solid var(--soft); padding-right: 1.1rem; }
.hits { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 1rem .9rem;
  margin: 0; padding: 0; list-style: none; }
.hits > li { max-width: 14rem; }
figure { margin: 0; }
img, .words { display: block; width: 100%; aspect-ratio: 1; border-radius: .25rem; background: var(--tile); }
img { height: auto; object-fit: contain; }
.words { display: flex; align-items: center; padding: .6rem; font-size: 1.05rem; overflow-wrap: anywhere; }
figcaption { font-size: .8125rem; line-height: 1.4; padding-top: .35rem; overflow-wrap: anywhere; }
figcaption p { margin: 0 0 .15rem; }
.tags { display: inline; margin: 0; padding: 0; list-style: none; }
.tags li { display: inline; }
.tags li:not(:last-child)::after { content: ", "; }
.soft { color: var(--soft); }
.yes { color: var(--yes); }
.no { color: var(--no); }
summary { cursor: pointer; color: var(--soft); }
footer { border-top: 1px solid var(--rule); margin-top: 2.5rem; padding-top: .75rem; font-size: .875rem; }
@media (max-width: 44rem) {
  .row { grid-template-columns: 1fr; }
  .query { display: grid; grid-template-columns: minmax(0, 9rem) 1fr; gap: .8rem; border-right: 0;
    border-bottom: 2px solid var(--soft); padding: 0 0 .9rem; }
  .hits { grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); } }
@media print {
  body { max-width: none; padding: 0; font-size: 9pt; }
  nav { display: none; }
  article { border: 0; border-top: 1px solid var(--rule); border-radius: 0; padding: 6pt 0; background: none;
    break-inside: avoid; }
  h2, h2 + p, h3 { break-after: avoid; }
  .row { grid-template-columns: 3.2cm 1fr; gap: .4cm; }
  .query { display: block; border-bottom: 0; border-right: 1pt solid var(--soft); padding: 0 .4cm 0 0; }
  .hits { grid-template-columns: repeat(5, 1fr); gap: .25cm; }
  figcaption { font-size: 6.5pt; } }
"""


@dataclass(frozen=True)
class Section:
    """Examples under a heading, with a paragraph of plain text (may be empty)."""

    title: str
    text: str
    examples: Sequence[Example]


def write_page(
    path: str | Path,
    sections: Sequence[Section],
    *,
    title: str,
    text: str = "",
    source: str = "",
    side: int = 240,
    quality: int = 85,
    tags: int = 12,
) -> None:
    """Write a page of `sections`; the same arguments give the same bytes.

    title, text, source: plain text of the heading, of the paragraph below it and of the foot of the page,
        such as where the images come from
    side: longest side of an image on the page, pixels; smaller ones stay as they are
    quality: of its JPEG, 1 to 95
    tags: how many tags of an image are shown at once; the others unfold

    The page works without a script or other files, from 320 pixels of width up, in light and dark, and in
    print. Raises `ConfigError` for settings out of range and `ShapeError` for what is no image.
    """
    if side < 1 or not 1 <= quality <= 95 or tags < 1:
        raise ConfigError(
            "A gallery needs images of at least 1 pixel, a JPEG quality of 1 to 95 and at least 1 tag, not "
            f"{side}, {quality} and {tags}."
        )
    page = _Page(side, quality, tags)
    body = "\n".join(page.section(number, one) for number, one in enumerate(sections, start=1))
    links = "".join(
        f'<li><a href="#s{number}">{escaped(one.title)}</a></li>'
        for number, one in enumerate(sections, start=1)
    )
    with atomic(path) as temporary:
        temporary.write_text(
            f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escaped(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>{escaped(title)}</h1>
{_paragraph(text)}
<p class="soft">Images found are ordered by cosine similarity, the most similar first.
<b class="yes"><span aria-hidden="true">✓</span> shares</b> names the labels that an image has in common with
the query, and <b class="no"><span aria-hidden="true">✗</span> shares no label</b> marks one that has none.
The words below that are the image's tags.</p>
<nav aria-label="Kinds of queries"><ul>{links}</ul></nav>
</header>
<main>
{body}
</main>
{f"<footer>{_paragraph(source)}</footer>" if source else ""}
</body>
</html>
""",
            encoding="utf-8",
        )


@dataclass(frozen=True)
class _Page:
    side: int
    quality: int
    tags: int

    def section(self, number: int, one: Section) -> str:
        articles = "\n".join(
            self.example(f"s{number}q{i}", i, example) for i, example in enumerate(one.examples, start=1)
        )
        return (
            f'<section aria-labelledby="s{number}">\n<h2 id="s{number}">{escaped(one.title)}</h2>\n'
            f"{_paragraph(one.text)}\n{articles}\n</section>"
        )

    def example(self, key: str, number: int, one: Example) -> str:
        hits = "\n".join(self.hit(rank, hit, one) for rank, hit in enumerate(one.hits, start=1))
        return (
            f'<article aria-labelledby="{key}">\n<h3 id="{key}">Query {number}:'
            f' {_given(one.query)}</h3>\n<div class="row">\n{self.query(one.query)}\n'
            f'<ol class="hits" role="list">\n{hits}\n</ol>\n</div>\n</article>'
        )

    def query(self, query: Item) -> str:
        if query.image is None:
            shown = f'<div class="words"><div>{self.list(query.tags)}</div></div>'
            words = ""
        else:
            shown = self.image(query)
            words = "" if query.tags is None else f"<div>{self.list(query.tags)}</div>"
        labels = f"labels: {escaped(', '.join(query.labels))}" if query.labels else "no label, not scored"
        return (
            f'<figure class="query">{shown}<figcaption>{words}<p class="soft">{labels}</p></figcaption>'
            "</figure>"
        )

    def hit(self, rank: int, hit: Hit, one: Example) -> str:
        shared = one.shared(hit)
        if shared is None:
            mark = ""
        elif shared:
            names = escaped(", ".join(shared))
            mark = f'<p class="yes"><b><span aria-hidden="true">✓</span> shares</b> {names}</p>'
        else:
            mark = '<p class="no"><b><span aria-hidden="true">✗</span> shares no label</b></p>'
        similarity = f"{hit.similarity:.3f}".replace("-", "\u2212")
        return (
            f"<li><figure>{self.image(hit.item)}<figcaption>{mark}"
            f'<p class="soft">{rank}. cosine {similarity}</p><div>{self.list(hit.item.tags)}</div>'
            "</figcaption></figure></li>"
        )

    def list(self, tags: Sequence[str] | None) -> str:
        if not tags:
            return '<span class="soft"><i>no tags</i></span>'
        first, more = tags[: self.tags], tags[self.tags :]
        text = f'<ul class="tags" role="list" aria-label="tags">{_items(first)}</ul>'
        if more:
            text += (
                f"<details><summary>{len(more)} more</summary>"
                f'<ul class="tags" role="list" aria-label="more tags">{_items(more)}</ul></details>'
            )
        return text

    def image(self, item: Item) -> str:
        data, width, height = _jpeg(item.image, self.side, self.quality)
        labels = f"labels: {', '.join(item.labels)}" if item.labels else "no label"
        return (
            f'<img src="data:image/jpeg;base64,{data}" width="{width}" height="{height}" decoding="async" '
            f'alt="{escaped(f"Image {item.name}, {labels}")}">'
        )


def _jpeg(pixels: np.ndarray | None, side: int, quality: int) -> tuple[str, int, int]:
    image = Image.fromarray(checked_image(np.empty(0) if pixels is None else pixels))
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii"), image.width, image.height


def _given(query: Item) -> str:
    if query.image is None:
        return "text-only"
    return "image-only" if query.tags is None else "multimodal"


def _items(tags: Sequence[str]) -> str:
    # With a direction of its own each, since tags come in all scripts.
    return "".join(f'<li dir="auto">{escaped(tag)}</li>' for tag in tags)


def _paragraph(text: str) -> str:
    return f"<p>{escaped(text)}</p>" if text else ""
