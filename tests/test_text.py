# SPDX-License-Identifier: MIT
"""Words that others wrote."""

import pytest

from mvi.text import escaped, one_form, table_cell


@pytest.mark.parametrize(
    ("tag", "form"),
    [
        ("cafe\u0301", "caf\u00e9"),
        ("caf\u00e9", "caf\u00e9"),
        (" two \n lines\t", "two lines"),
        ("new\u00a0\u3000york", "new york"),
        ("Stra\u00dfe", "Stra\u00dfe"),
    ],
)
def test_a_tag_has_one_form(tag, form):
    assert one_form(tag) == form


def test_case_is_folded_where_it_is_asked_for():
    assert one_form("STRASSE", fold_case=True) == one_form("Stra\u00dfe", fold_case=True) == "strasse"
    assert one_form("\u00c9", fold_case=True) == one_form("e\u0301", fold_case=True) == "\u00e9"


def test_a_cell_stays_one_cell_and_holds_no_html():
    assert table_cell("a|b\nc<script>&d\x00") == "a\\|b c&lt;script&gt;&amp;d\ufffd"
    assert table_cell("**2.29** \u00b1 0.28") == "**2.29** \u00b1 0.28"
    assert table_cell("![sea](http://a.b/c.png)") == "![sea]&#40;http://a.b/c.png)"
    assert escaped("\"'") == "&quot;&#x27;"
