# SPDX-License-Identifier: MIT
"""The page of a run as HTML: tables are tables, captions folded, nothing is loaded, all text is escaped."""

import re
from html.parser import HTMLParser

import pytest

from mvi.errors import MviError
from mvi.report.page import Page, findings_list, folded, html_page
from mvi.text import table_cell

TABLE = """**Table 1.** Errors of `digits` <script>.
Second line with **bold**.
Third.

| Method | left |
| ------ | ---: |
| MP     | **1.5** ± 0.1 |
| a\\|b &lt;i&gt; | 2.0 |
"""
# The smallest PNG: a signature is enough, as nothing is decoded.
PNG = b"\x89PNG\r\n\x1a\n"


class Reader(HTMLParser):
    """Tags in order, and the text of table cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.rows: list[list[str]] = []
        self.cell = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.cell = True
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.cell = False

    def handle_data(self, data):
        if self.cell:
            self.rows[-1][-1] += data


def page(tmp_path, run="own"):
    (tmp_path / "figures").mkdir(exist_ok=True)
    (tmp_path / "figures/one.png").write_bytes(PNG)
    parts = [
        f"# {run}",
        "About `it`. Settings: [config.yaml](config.yaml).",
        findings_list(["MP better than <b>PCD</b>.", "Second."]),
        "## Table 1",
        folded(TABLE),
        "## Figure",
        '![A "figure"](figures/one.png)',
        "## Files",
        "```sh\nmake & run\n```",
    ]
    return Page(run, "\n\n".join(parts) + "\n", tmp_path)


def test_a_table_is_a_table_with_every_cell(tmp_path):
    reader = Reader(html_page("own", [page(tmp_path)]))
    assert reader.rows == [["Method", "left"], ["MP", "1.5 ± 0.1"], ["a|b <i>", "2.0"]]
    assert ("th", {"class": "right"}) in reader.tags
    assert "script" not in [tag for tag, _ in reader.tags]


def test_a_caption_is_folded_behind_its_first_line(tmp_path):
    text = html_page("own", [page(tmp_path)])
    found = re.search(r"<details><summary>(.*?)</summary>(.*?)</details>", text, re.S)
    assert found[1] == "<b>Table 1.</b> Errors of <code>digits</code> &lt;script&gt;."
    assert "Second line with <b>bold</b>." in found[2] and "Third." in found[2]


def test_the_markdown_of_a_table_is_kept_but_for_its_caption():
    assert folded(TABLE).endswith(TABLE[TABLE.index("| Method") :].strip())
    single = "**Eq. 4.** One line.\n\n| a |\n| - |\n| b |"
    assert folded(single) == single and folded("| a |\n| - |") == "| a |\n| - |"


def test_what_was_found_comes_first(tmp_path):
    text = html_page("own", [page(tmp_path)])
    assert text.index("MP better than &lt;b&gt;PCD&lt;/b&gt;.") < text.index('<section id="own-2">')
    anchors = re.findall(r'href="#([^"]+)"', text)
    assert len(anchors) == 3 and all(f'id="{name}"' in text for name in anchors)
    assert findings_list([]) == ""


def test_pages_of_several_runs_are_one_with_all_findings_first(tmp_path):
    runs = [page(tmp_path / name, name) for name in ("a", "b") if not (tmp_path / name).mkdir()]
    text = html_page("Results", runs)
    assert text.count("MP better than") == 2
    assert text.rindex("MP better than") < text.index("<section")
    assert "<h2>a: Table 1</h2>" in text and "<h2>b: Table 1</h2>" in text
    assert 'href="a/config.yaml"' in text and 'href="b/config.yaml"' in text


def test_a_page_needs_no_other_file_and_fits_a_telephone(tmp_path):
    text = html_page("own", [page(tmp_path)])
    reader = Reader(text)
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in reader.tags
    sources = [attrs["src"] for tag, attrs in reader.tags if tag == "img"]
    assert len(sources) == 1 and sources[0].startswith("data:image/png;base64,")
    assert "default-src 'none'" in text and "http:" not in text and "https:" not in text
    assert "<pre><code>make &amp; run</code></pre>" in text
    # Wide tables are moved sideways in a box of their own.
    assert '<div class="wide" tabindex="0"><table>' in text


def test_a_figure_that_is_lost_is_named(tmp_path):
    lost = page(tmp_path)
    (tmp_path / "figures/one.png").unlink()
    with pytest.raises(MviError, match=r"figures/one\.png cannot be read"):
        html_page("own", [lost])


def test_cells_are_read_as_tables_write_them():
    for text in ("a|b", "<x>", "a & b", "[x](y)"):
        row = f"| {table_cell(text)} |"
        (read,) = Reader(html_page("t", [Page("r", f"# r\n\n## T\n\n| h |\n| - |\n{row}\n", None)])).rows[1]
        assert read == (text if text != "[x](y)" else "x")
