# SPDX-License-Identifier: MIT
"""`mvi browse`: a page of a collection, from a server on this computer alone or in a file of its own.

The server knows images by their rows, so that no request names a path. It answers only requests that name
this computer as host: else a page from elsewhere could read the images through a name that leads here (DNS
rebinding).
"""

import base64
import hashlib
import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from mvi.collection.collection import Collection
from mvi.collection.index import mixed, unit
from mvi.data.images import MAX_BYTES, thumbnail
from mvi.errors import ConfigError, DataError
from mvi.files import atomic

HOST = "127.0.0.1"
SHOWN, SUGGESTED = 60, 12
SIDES = {"thumb": 256, "image": 1280}
MOST_IN_A_FILE = 5000
"""Images in a page that is a file: at some kilobytes each, browsers take no more."""
DIMENSIONS = 64
"""Of the codes in such a page."""
_PAGE = Path(__file__).with_name("page.html")


def page(collection: Collection, **more: Any) -> str:
    """The HTML of a collection; `more` is what the page needs to do without a server."""
    index = collection.index
    data = {
        "title": f"{collection.name}: {len(index.names)} images, model {collection.model_hash[:8]}",
        "names": index.names,
        "vocabulary": index.vocabulary,
        "shown": SHOWN,
        **more,
    }
    # Nothing in it can end the element that it stands in.
    text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    return _PAGE.read_text(encoding="utf-8").replace("@DATA@", text)


def write_page(path: Path, collection: Collection) -> None:
    """Write a page that needs nothing but itself: small images and shortened codes are in it.

    Raises `ConfigError` where there are too many images.
    """
    index = collection.index
    count = len(index.names)
    if count > MOST_IN_A_FILE:
        raise ConfigError(f"{count} images are too many for one page; leave out --output.")
    codes, tag_codes = (one.astype(np.float32) for one in (index.codes, index.tag_codes))
    # Principal axes, largest first, at a cost that does not grow with the images.
    _, axes = np.linalg.eigh(codes.T @ codes + tag_codes.T @ tag_codes)
    axes = axes.T[::-1][:DIMENSIONS]
    size, encoded = len(axes), {}
    for key, values in (("codes", codes), ("tagCodes", tag_codes)):
        short = unit(values @ axes.T)
        largest = np.abs(short).max(1, keepdims=True)
        encoded[key] = base64.b64encode(np.round(short / largest * 127).astype(np.int8).tobytes()).decode()
    thumbs = [
        f"data:image/jpeg;base64,{base64.b64encode(_image(collection, row, SIDES['thumb'])).decode()}"
        for row in range(count)
    ]
    suggested = [index.suggested(row, SUGGESTED) for row in range(count)]
    text = page(collection, size=size, thumbs=thumbs, tags=index.tags, suggested=suggested, **encoded)
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def serve(collection: Collection, port: int) -> None:
    """Show a collection at this computer's `port` until the program is interrupted."""
    try:
        server = make_server(collection, port)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"port {port} cannot be used ({error}); give another --port.") from error
    with server:
        print(f"http://{HOST}:{server.server_port}/ (Ctrl-C ends it)", file=sys.stderr)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print(file=sys.stderr)


def make_server(collection: Collection, port: int) -> ThreadingHTTPServer:
    """The server, bound and not yet started; port 0 is any that is free."""

    class Handler(_Handler):
        shown = collection

    return ThreadingHTTPServer((HOST, port), Handler)


class _Handler(BaseHTTPRequestHandler):
    shown: Collection
    server_version, sys_version = "mvi", ""

    def do_GET(self) -> None:
        assert isinstance(self.server, ThreadingHTTPServer)
        port = self.server.server_port
        if self.headers.get("Host") not in (f"{HOST}:{port}", f"localhost:{port}"):
            return self.send_error(421, "Ask at this computer's own name")
        asked = urlsplit(self.path)
        row = re.fullmatch(r"/(thumb|image|about)/(\d{1,9})", asked.path)
        try:
            if asked.path == "/":
                return self._page()
            if asked.path == "/search":
                return self._json(_search(self.shown, parse_qs(asked.query)))
            if row and int(row[2]) < len(self.shown.index.names):
                if row[1] == "about":
                    return self._json(_about(self.shown, int(row[2])))
                return self._send(_image(self.shown, int(row[2]), SIDES[row[1]]), "image/jpeg")
        except (DataError, OSError, ValueError, IndexError):
            pass
        return self.send_error(404)

    def _page(self) -> None:
        text = page(self.shown)
        scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
        hashes = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts]
        allowed = " ".join(f"'sha256-{one}'" for one in hashes)
        self._send(text.encode(), "text/html; charset=utf-8", allowed)

    def _json(self, content: Any) -> None:
        self._send(json.dumps(content).encode(), "application/json")

    def _send(self, content: bytes, kind: str, scripts: str = "'none'") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header(
            "Content-Security-Policy",
            f"default-src 'none'; img-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; "
            f"script-src {scripts}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        )
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *values: Any) -> None:
        """Requests are not worth a line each."""


def _search(collection: Collection, asked: dict[str, list[str]]) -> list[int]:
    """Rows of the images nearest to rows of images ("image") and columns of tags ("tag", "without")."""
    index = collection.index

    def codes(key: str, values: np.ndarray) -> list[np.ndarray]:
        numbers = [int(one) for one in asked.get(key, [])]
        if any(not 0 <= one < len(values) for one in numbers):
            raise IndexError(key)
        return [values[one] for one in numbers]

    weight = min(1.0, max(0.0, float(asked.get("weight", ["0.5"])[0])))
    without = codes("without", index.tag_codes)
    code = mixed(codes("image", index.codes), codes("tag", index.tag_codes), without, weight)
    refused = [index.vocabulary[int(one)] for one in asked.get("without", [])]
    rows = {name: row for row, name in enumerate(index.names)}
    return [rows[name] for name, _ in index.nearest(code, SHOWN, refused)]


def _about(collection: Collection, row: int) -> dict[str, Any]:
    index = collection.index
    return {"own": index.tags[row], "suggested": index.suggested(row, SUGGESTED)}


def _image(collection: Collection, row: int, side: int) -> bytes:
    """A JPEG of an image; raises `DataError` where it leads out of the folder or cannot be read."""
    folder = collection.images.resolve()
    path = (folder / collection.index.names[row]).resolve()
    if not path.is_relative_to(folder):
        raise DataError(f"{path} does not lie in {folder}; put it there.")
    with path.open("rb") as file:
        return thumbnail(file.read(MAX_BYTES), side, name=str(path))
