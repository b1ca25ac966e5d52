# SPDX-License-Identifier: MIT
"""Raw files: where each comes from, and the proof that what came is what was meant.

The registry is a CSV file with one row a file and the columns of `COLUMNS`. A file is taken from a mirror
folder if there is one and it holds the file, else from the row's URLs in turn; it is kept only if the hash
of its content is one that the row accepts: a SHA-256, or `md5:` and an MD5 where its publisher gives nothing
better, or `first:` and the first digits of a SHA-256, or `unknown` where nobody has published one (it is
then kept with a warning that says its hash). For a `.gz` the hash is of what it holds, since the same content
is served under different wrappers. A row without URLs is one that nobody serves at an address to rely on.
"""

import csv
import difflib
import gzip
import hashlib
import http.client
import logging
import re
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from tqdm import tqdm

from mvi.errors import ConfigError, DataError
from mvi.files import atomic
from mvi.version import __version__

COLUMNS = ("dataset", "file", "mirror_path", "urls", "sha256", "bytes", "licence", "citation", "note")
SCHEMES = ("http", "https", "file")
HASH = r"[0-9a-f]{64}|md5:[0-9a-f]{32}|first:[0-9a-f]{8,63}|unknown"
BLOCK_BYTES = 2**20

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RegistryRow:
    """One file of one data set.

    `mirror_path` is relative to the mirror folder; `sha256` holds every accepted hash of the content, in
    the forms that the module's text lists; `note` says, where there are no `urls`, how to get the file;
    `bytes` is the size as downloaded, for the progress bar only, or None where sources differ in it.
    """

    dataset: str
    file: str
    mirror_path: str
    urls: tuple[str, ...]
    sha256: tuple[str, ...]
    bytes: int | None
    licence: str
    citation: str
    note: str


class _UnusableError(Exception):
    """Why one source did not serve; the next is tried, and the reasons end up in one `DataError`."""


def rows(path: str | Path, dataset: str) -> dict[str, RegistryRow]:
    """Return the rows of `dataset` by file name, in the order of the registry at `path`.

    Raises `ConfigError` where the registry cannot be read, a row of it is malformed (any row, not only those
    of `dataset`), or no row belongs to `dataset`.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream, strict=True)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise ConfigError(
                    f"The first line of {path} must name the columns {','.join(COLUMNS)}, in this order."
                )
            parsed = [_parse(cells, f"{path}, line {reader.line_num}") for cells in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"The data registry {path} cannot be read ({error}); mend it.") from error
    found: dict[str, RegistryRow] = {}
    seen: set[tuple[str, str]] = set()
    for row in parsed:
        if (row.dataset, row.file) in seen:
            raise ConfigError(f"{path} lists {row.file} of {row.dataset} twice; remove one of the rows.")
        seen.add((row.dataset, row.file))
        if row.dataset == dataset:
            found[row.file] = row
    if not found:
        known = sorted({row.dataset for row in parsed})
        near = difflib.get_close_matches(dataset, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known) or 'no rows'}."
        raise ConfigError(f"{path} has no data set {dataset!r}; {hint}")
    return found


def _parse(cells: dict[str | None, str | None], place: str) -> RegistryRow:
    if None in cells or None in cells.values():
        raise ConfigError(f"{place}: a row must have {len(COLUMNS)} cells; quote cells with commas.")
    text = {column: (cells[column] or "").strip() for column in COLUMNS}
    for column in COLUMNS:
        if not text[column] and column not in ("urls", "bytes", "note"):
            raise ConfigError(f"{place}: the cell {column} is empty; fill it in.")
    if text["file"] in (".", "..") or re.search(r"[/\\]", text["file"]):
        raise ConfigError(f"{place}: file must be a name without a folder, not {text['file']!r}.")
    mirror = PurePosixPath(text["mirror_path"])
    if mirror.is_absolute() or ".." in mirror.parts:
        raise ConfigError(
            f"{place}: mirror_path must stay inside the mirror, which {text['mirror_path']!r} does not."
        )
    urls, hashes = tuple(text["urls"].split()), tuple(text["sha256"].split())
    for url in urls:
        if urllib.parse.urlsplit(url).scheme not in SCHEMES:
            raise ConfigError(f"{place}: {url!r} is not an address of a kind in {', '.join(SCHEMES)}.")
    for value in hashes:
        if not re.fullmatch(HASH, value):
            raise ConfigError(
                f"{place}: a sha256 is 64 lower-case hexadecimal digits (or md5: and 32 of them, first: and "
                f"at least 8, or unknown), not {value!r}."
            )
    if not urls and not text["note"]:
        raise ConfigError(f"{place}: a row without urls needs a note that says how to get the file.")
    if text["bytes"] and not re.fullmatch(r"[1-9][0-9]*", text["bytes"]):
        raise ConfigError(f"{place}: bytes must be a positive number or empty, not {text['bytes']!r}.")
    return RegistryRow(
        dataset=text["dataset"],
        file=text["file"],
        mirror_path=text["mirror_path"],
        urls=urls,
        sha256=hashes,
        bytes=int(text["bytes"]) if text["bytes"] else None,
        licence=text["licence"],
        citation=text["citation"],
        note=text["note"],
    )


def retrieve(
    row: RegistryRow,
    destination: str | Path,
    mirror: str | Path | None = None,
    timeout: float = 60.0,
    companions: Iterable[RegistryRow] = (),
) -> None:
    """Put the file of `row` at `destination`, whole and verified, or leave nothing new there.

    `mirror` is a folder that may hold the file under `row.mirror_path`; where it does not, the URLs are
    tried in turn. `timeout` is in seconds, for connecting and for each wait on the network. Raises
    `DataError` where the file in the mirror is not the right one, where no source serves the right one, or
    where `destination` cannot be written. Where no source serves it, those of `companions`, the rows of the
    data set, that are neither in the mirror nor beside `destination` are named too, so that a user puts all
    there at once.
    """
    destination = Path(destination)
    place = Path(mirror).expanduser() / row.mirror_path if mirror else None
    try:
        if place is not None and place.is_file():
            _from_mirror(row, place, destination)
            return
        if place is not None:
            log.warning("%s is not in the mirror (%s): downloading it", row.file, place)
        root = Path(mirror).expanduser() if mirror else None
        _from_urls(row, destination, place, timeout, _also_absent(row, companions, destination, root))
    except OSError as error:
        raise DataError(
            f"{destination} cannot be written ({error}); free space or mend the permissions, and run again."
        ) from error


def _from_mirror(row: RegistryRow, place: Path, destination: Path) -> None:
    try:
        with _reading():
            stream = place.open("rb")
        with stream:
            _keep(row, stream, place.stat().st_size, destination)
    except _UnusableError as reason:
        raise DataError(
            f"{row.file} in the mirror ({place}) {reason}; replace it with the original file or unset "
            "the mirror."
        ) from reason
    log.info("%s: taken from the mirror (%s)", row.file, place)


def _also_absent(
    row: RegistryRow, companions: Iterable[RegistryRow], destination: Path, mirror: Path | None
) -> str:
    """The end of a sentence about `row`: the other absent files, where they are and where they go."""
    absent = [
        f"{one.file} ({' or '.join([*one.urls, *filter(None, [one.note])])}) at {one.mirror_path}"
        for one in companions
        if one != row
        and not (mirror and (mirror / one.mirror_path).is_file())
        and not (destination.parent / one.file).is_file()
    ]
    return f"; put into that folder as well: {', '.join(absent)}" if absent else ""


def _from_urls(
    row: RegistryRow, destination: Path, place: Path | None, timeout: float, also_absent: str
) -> None:
    reasons = []
    for url in row.urls:
        try:
            request = urllib.request.Request(url, headers={"User-Agent": f"mvi/{__version__}"})
            with _reading():
                response = urllib.request.urlopen(request, timeout=timeout)
            with response:
                length = response.headers.get("Content-Length") or ""
                _keep(row, response, int(length) if length.isdecimal() else None, destination)
        except _UnusableError as reason:
            log.warning("%s: %s %s", row.file, url, reason)
            reasons.append(f"{url} {reason}")
        else:
            log.info("%s: downloaded from %s", row.file, url)
            return
    if place is None:
        remedy = (
            f"put the file at {row.mirror_path} inside a folder and name that folder by `mirror:` in the "
            "config or by the environment variable MVI_MIRROR"
        )
    else:
        remedy = f"put the file into the mirror, at {place}"
    if not row.urls:
        where = f"at {place}" if place else f"in a mirror, as {row.mirror_path}, and set `mirror:` to it"
        raise DataError(
            f"{row.file} of {row.dataset} is not at hand ({row.note}); put it {where}{also_absent}."
        )
    raise DataError(
        f"{row.file} of {row.dataset} could not be downloaded ({'; '.join(reasons)}): check the network, "
        f"or {remedy}{also_absent}."
    )


@contextmanager
def _reading():
    # Only what goes wrong at the source is a reason to try the next one; a full disk here is not.
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as error:
        cause = getattr(error, "reason", None)
        text = str(error if cause is None or isinstance(error, urllib.error.HTTPError) else cause)
        raise _UnusableError(f"cannot be read ({text or type(error).__name__})") from error


def _keep(row: RegistryRow, source: IO[bytes], size: int | None, destination: Path) -> None:
    """Copy `source` (`size` bytes, if known) to `destination` if its content is what `row` accepts."""
    with atomic(destination) as temporary:
        received = _copy(source, temporary, row.bytes if size is None else size, row.file)
        if size is not None and received != size:
            raise _UnusableError(f"broke off after {received} of {size} bytes")
        if row.file.endswith(".zip"):
            _check_zip(temporary)
        sha256, md5 = _content_hashes(temporary, compressed=row.file.endswith(".gz"))
        if any(_accepts(accepted, sha256, md5) for accepted in row.sha256):
            return
        if "unknown" not in row.sha256:
            expected = " or ".join(f"{value[:12]}…" for value in row.sha256)
            raise _UnusableError(f"holds content with sha256 {sha256[:12]}… instead of {expected}")
        log.warning("%s: no published hash to check it against; its sha256 is %s", row.file, sha256)


def _check_zip(path: Path) -> None:
    # Of a file without a published hash, this is the first that can be known to be right.
    try:
        zipfile.ZipFile(path).close()
    except zipfile.BadZipFile as error:
        raise _UnusableError("is no sound zip file") from error


def _accepts(accepted: str, sha256: str, md5: str) -> bool:
    kind, _, digits = accepted.rpartition(":")
    return {"md5": md5 == digits, "first": sha256.startswith(digits)}.get(kind, sha256 == digits)


def _copy(source: IO[bytes], target: Path, total: int | None, name: str) -> int:
    received = 0
    # disable=None: no bar where stderr is not a terminal.
    with (
        target.open("wb") as sink,
        tqdm(desc=name, total=total, unit="B", unit_scale=True, leave=False, disable=None) as bar,
    ):
        while True:
            with _reading():
                block = source.read(BLOCK_BYTES)
            if not block:
                return received
            sink.write(block)
            received += len(block)
            bar.update(len(block))


def _content_hashes(path: Path, compressed: bool) -> tuple[str, str]:
    digests = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    try:
        with gzip.open(path) if compressed else path.open("rb") as content:
            while block := content.read(BLOCK_BYTES):
                for digest in digests:
                    digest.update(block)
    except EOFError as error:
        raise _UnusableError("is a truncated gzip file") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise _UnusableError(f"is not a sound gzip file ({error})") from error
    return digests[0].hexdigest(), digests[1].hexdigest()
