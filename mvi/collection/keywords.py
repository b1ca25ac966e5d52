# SPDX-License-Identifier: MIT
"""Keywords in the metadata of images (XMP `dc:subject`, IPTC 2:25) and in sidecars, which are written too.

XMP is ISO 16684-1. Sidecars: `photo.jpg.xmp`, as in digiKam and darktable, or `photo.xmp`, as in Lightroom.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from PIL import Image, IptcImagePlugin

from mvi.data.images import FORMATS
from mvi.errors import DataError

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_SUBJECT = "{http://purl.org/dc/elements/1.1/}subject"
_PACKET = re.compile(rb"<x:xmpmeta.*?</x:xmpmeta>", re.DOTALL)
_KEYWORDS, _CHARACTERS, _UTF8 = (2, 25), (1, 90), b"\x1b%G"
# A packet stands near the start of a file; whole files are not searched.
_LOOKED_AT = 2**20


def keywords_of(path: Path) -> list[str]:
    """The keywords of an image file and of its sidecars; [] where there are none or they are damaged."""
    found = []
    for sidecar in sidecars(path):
        if sidecar.is_file():
            found += _of_xmp(sidecar.read_bytes()[:_LOOKED_AT])
    with path.open("rb") as file:
        found += _of_xmp(file.read(_LOOKED_AT))
    return list(dict.fromkeys([*found, *_of_iptc(path)]))


def sidecars(path: Path) -> tuple[Path, Path]:
    """Where the sidecar of an image may lie; the first is what `write_sidecar` writes."""
    return path.with_name(f"{path.name}.xmp"), path.with_suffix(".xmp")


def write_sidecar(path: Path, tags: Sequence[str]) -> Path:
    """Write `tags` as `dc:subject` and `digiKam:TagsList` beside the image `path`, and return where.

    Raises `DataError` where the image has a sidecar, which stays as it is.
    """
    for sidecar in sidecars(path):
        if sidecar.exists():
            raise DataError(f"{sidecar} is there and stays as it is; take it away to write suggested tags.")
    items = "".join(f"<rdf:li>{escape(tag)}</rdf:li>" for tag in tags)
    written = sidecars(path)[0]
    with written.open("x", encoding="utf-8") as file:
        file.write(
            '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
            f'<rdf:RDF xmlns:rdf="{_RDF}">\n'
            '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
            'xmlns:digiKam="http://www.digikam.org/ns/1.0/">\n'
            f"<dc:subject><rdf:Bag>{items}</rdf:Bag></dc:subject>\n"
            f"<digiKam:TagsList><rdf:Seq>{items}</rdf:Seq></digiKam:TagsList>\n"
            "</rdf:Description>\n</rdf:RDF>\n</x:xmpmeta>\n"
        )
    return written


def _of_xmp(content: bytes) -> list[str]:
    packet = _PACKET.search(content)
    # Declarations of entities may make a small packet huge; XMP has none.
    if packet is None or b"<!" in packet[0]:
        return []
    try:
        tree = ElementTree.fromstring(packet[0])
    except ElementTree.ParseError:
        return []
    items = (item for subject in tree.iter(_SUBJECT) for item in subject.iter(f"{{{_RDF}}}li"))
    return [text for item in items if (text := (item.text or "").strip())]


def _of_iptc(path: Path) -> list[str]:
    try:
        with Image.open(path, formats=FORMATS) as image:
            said = IptcImagePlugin.getiptcinfo(image) or {}
    # Pillow's readers raise whatever they stumble over in a damaged file.
    except Exception:
        return []
    values = said.get(_KEYWORDS, [])
    encoding = "utf-8" if said.get(_CHARACTERS) == _UTF8 else "latin-1"
    values = values if isinstance(values, list) else [values]
    return [text for one in values if (text := one.decode(encoding, "replace").strip())]
