# SPDX-License-Identifier: MIT
"""Tags and labels in figures: users write them in any script, and no font has all.

Words that DejaVu Sans has are drawn in it alone, which comes with matplotlib, so that such a figure does not
depend on what is installed. For others an installed font that has their characters is taken, and a figure
says which characters none has.
"""

import unicodedata
from collections.abc import Iterable

import matplotlib
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

FIRST = "DejaVu Sans"
LACKING = "\u25a1"
"""Stands for a character that no font has."""
_NAMED = 6
"""Characters that no font has, at most, of which the number is told."""


def families(words: Iterable[str]) -> list[str]:
    """The fonts to draw `words` with: `FIRST`, and others while one has characters that these lack."""
    found, missing = [FIRST], _missing(words, [FIRST])
    if not missing:
        return found
    # matplotlib's own last resort draws boxes.
    files = {
        entry.name: entry.fname
        for entry in font_manager.fontManager.ttflist
        if entry.style == "normal" and "Resort" not in entry.name
    }
    fonts = {name: [font_manager.get_font(files[name])] for name in sorted(files)}
    has = {name: {letter for letter in missing if _in_any(letter, font)} for name, font in fonts.items()}
    while (best := max(has, key=lambda name: len(has[name] & missing))) and has[best] & missing:
        found.append(best)
        missing -= has[best]
    return found


def printable(word: str) -> str:
    """`word` with `LACKING` for each character that the fonts in use have not (`style.applied`)."""
    fonts = _fonts(matplotlib.rcParams["font.family"])
    return "".join(letter if _in_any(letter, fonts) else LACKING for letter in word)


def note(words: Iterable[str]) -> str:
    """Which characters of `words` the fonts in use have not, "" if none: to be written below them."""
    missing = sorted(_missing(words, matplotlib.rcParams["font.family"]))
    if not missing:
        return ""
    numbers = ", ".join(f"U+{ord(letter):04X}" for letter in missing[:_NAMED])
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    scripts = sorted({unicodedata.name(letter, "no script").split()[0] for letter in missing})
    return f"{LACKING}: no font of this machine has {numbers}{more} ({', '.join(scripts)})."


def _missing(words: Iterable[str], names: Iterable[str]) -> set[str]:
    fonts = _fonts(names)
    letters = {letter for word in words for letter in word if letter.isprintable()}
    return {letter for letter in letters if not _in_any(letter, fonts)}


def _in_any(letter: str, fonts: Iterable[FT2Font]) -> bool:
    return any(font.get_char_index(ord(letter)) for font in fonts)


def _fonts(names: Iterable[str]) -> list[FT2Font]:
    properties = [font_manager.FontProperties(family=[name]) for name in names]
    return [font_manager.get_font(font_manager.findfont(one)) for one in properties]
