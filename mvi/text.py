# SPDX-License-Identifier: MIT
"""Words that others wrote, such as tags: brought to one form, and written into pages."""

import html
import unicodedata


def one_form(tag: str, *, fold_case: bool = False) -> str:
    """The tag with composed letters (Unicode's NFC) and single spaces, so that what looks alike is alike.

    Any kind of blank, such as one that does not break a line, is a space.

    With `fold_case` capital and small letters count as the same, by Unicode's case folding.

    Examples:
        >>> one_form("  New   York ", fold_case=True)
        'new york'
    """
    text = unicodedata.normalize("NFC", " ".join(tag.split()))
    return unicodedata.normalize("NFC", text.casefold()) if fold_case else text


def escaped(text: str, *, quote: bool = True) -> str:
    """The text for HTML, in one line; with `quote` for a quoted attribute as well.

    Characters that a page must not hold become U+FFFD.
    """
    line = "".join(" " if letter in "\t\n\v\f\r\x85\u2028\u2029" else letter for letter in text)
    shown = "".join("\ufffd" if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in line)
    return html.escape(shown, quote=quote)


def table_cell(text: str) -> str:
    """The text for a cell of a Markdown table, which pages show as HTML.

    Emphasis by `*` stays, links and images do not.
    """
    return escaped(text, quote=False).replace("|", "\\|").replace("](", "]&#40;")
