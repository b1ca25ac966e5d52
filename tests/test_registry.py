# SPDX-License-Identifier: MIT
"""Raw files arrive whole and verified, or one sentence says why not and nothing is left behind."""

import csv
import gzip
import hashlib
import logging
import os
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mvi.data import registry
from mvi.data.raw import check_noted, note_digest
from mvi.data.registry import COLUMNS, RegistryRow, retrieve, rows
from mvi.errors import ConfigError, DataError

REGISTRY = Path(__file__).parents[1] / "config/data_registry.csv"
CONTENT = bytes(range(256)) * 500
WRAPPED = gzip.compress(CONTENT, mtime=0)
REWRAPPED = gzip.compress(CONTENT, compresslevel=1, mtime=7)
OTHER = gzip.compress(CONTENT[:-1] + b"x", mtime=0)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PATIENCE = 3.0
"""Seconds that a server may take: short for those that never answer, long for those that do."""


def row(*urls: str, file: str = "a.gz", sha256: tuple[str, ...] = (SHA256,)) -> RegistryRow:
    return RegistryRow("set", file, f"set/{file}", urls, sha256, None, "CC0", "A (2000)", "")


def sentence(error: pytest.ExceptionInfo) -> str:
    text = str(error.value)
    assert text.endswith(".") and ". " not in text and "\n" not in text, text
    return text


def assert_nothing_left(folder: Path) -> None:
    assert not list(folder.iterdir())


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder / "a.gz"


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    folder = tmp_path / "mirror"
    (folder / "set").mkdir(parents=True)
    return folder


@pytest.fixture
def server():
    """A server on the loopback: (address, what it was asked for, what it answers; it may be changed)."""
    asked: Counter[str] = Counter()
    answers = {"/good.gz": WRAPPED, "/other.gz": OTHER, "/cut.gz": WRAPPED[:-9], "/page.gz": b"<html>"}
    release = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked[self.path] += 1
            if self.path == "/stuck.gz":
                release.wait(20)
                return
            body = answers.get(self.path.removeprefix("/short").removeprefix("/stall"))
            if body is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:-100] if self.path.startswith(("/short", "/stall")) else body)
            if self.path.startswith("/stall"):
                self.wfile.flush()
                release.wait(20)

        def log_message(self, *_):
            pass

    service = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{service.server_port}", asked, answers
    release.set()
    service.shutdown()
    thread.join()
    service.server_close()


def write_registry(path: Path, **changes: str) -> Path:
    cells = dict(
        zip(COLUMNS, ("set", "a.gz", "set/a.gz", "https://h/a.gz", SHA256, "", "CC0", "A", ""), strict=True)
    )
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerow(cells | changes)
    return path


def test_shipped_registry_has_the_four_mnist_files():
    found = rows(REGISTRY, "mnist")
    assert list(found) == [
        f"{part}-{kind}.gz"
        for part in ("train", "t10k")
        for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
    ]
    for name, entry in found.items():
        assert entry.file == name and entry.mirror_path == f"mnist/{name}"
        assert len(entry.urls) == 2 and all(url.endswith(f"/mnist/{name}") for url in entry.urls)
        assert entry.bytes is None and "LeCun" in entry.citation


def test_a_row_is_read_with_several_urls_and_hashes(tmp_path):
    path = write_registry(
        tmp_path / "r.csv", urls="https://h/a file:///b", sha256=f"{SHA256} {'0' * 64}", bytes="12", note="n"
    )
    found = rows(path, "set")["a.gz"]
    assert found.urls == ("https://h/a", "file:///b")
    assert found.sha256 == (SHA256, "0" * 64)
    assert (found.bytes, found.note) == (12, "n")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"file": "b/a.gz"}, "without a folder"),
        ({"file": ".."}, "without a folder"),
        ({"mirror_path": "/a.gz"}, "inside the mirror"),
        ({"mirror_path": "set/../../a.gz"}, "inside the mirror"),
        ({"urls": "", "note": ""}, "needs a note"),
        ({"urls": "ftp://h/a.gz"}, "ftp://h/a.gz"),
        ({"sha256": ""}, "sha256 is empty"),
        ({"sha256": SHA256[:-1]}, "64 lower-case"),
        ({"sha256": SHA256.upper()}, "64 lower-case"),
        ({"bytes": "-1"}, "positive number"),
        ({"licence": " "}, "licence is empty"),
        ({"citation": ""}, "citation is empty"),
    ],
)
def test_a_malformed_row_is_refused_with_its_place(tmp_path, changes, says):
    path = write_registry(tmp_path / "r.csv", **changes)
    with pytest.raises(ConfigError, match=f"r.csv, line 2.*{says}") as error:
        rows(path, "set")
    sentence(error)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace("licence", "license"), "must name the columns"),
        (lambda text: text.replace(",CC0,A,", ",CC0,"), "9 cells"),
        (lambda text: text.replace(",CC0,A,", ",CC0,A,,"), "9 cells"),
        (lambda text: text + text.splitlines()[1], "twice"),
        (lambda text: text.replace("A,", '"A,'), "cannot be read"),
    ],
)
def test_a_malformed_registry_is_refused(tmp_path, change, says):
    path = write_registry(tmp_path / "r.csv")
    path.write_text(change(path.read_text()))
    with pytest.raises(ConfigError, match=says) as error:
        rows(path, "set")
    sentence(error)


def test_a_missing_registry_and_an_unknown_data_set_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="absent.csv cannot be read"):
        rows(tmp_path / "absent.csv", "mnist")
    with pytest.raises(ConfigError, match="no data set 'minst'; did you mean 'mnist'"):
        rows(REGISTRY, "minst")
    with pytest.raises(ConfigError, match="no data set 'zzz'; it has .*mnist"):
        rows(REGISTRY, "zzz")


@pytest.mark.parametrize("wrapped", [WRAPPED, REWRAPPED])
def test_the_mirror_is_taken_before_the_network(mirror, destination, server, wrapped):
    address, asked, _ = server
    (mirror / "set/a.gz").write_bytes(wrapped)
    retrieve(row(f"{address}/good.gz"), destination, mirror)
    assert destination.read_bytes() == wrapped
    assert not asked


def test_three_retrievals_of_one_file_at_once_all_succeed(mirror, destination):
    (mirror / "set/a.gz").write_bytes(WRAPPED)
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(retrieve, row(), destination, mirror) for _ in range(9)]:
            done.result()
    assert destination.read_bytes() == WRAPPED
    assert [path.name for path in destination.parent.iterdir()] == ["a.gz"]


def test_any_of_several_hashes_is_accepted_and_none_else(mirror, destination):
    (mirror / "set/a.gz").write_bytes(WRAPPED)
    retrieve(row("file:///x", sha256=("0" * 64, SHA256)), destination, mirror)
    destination.unlink()
    with pytest.raises(DataError, match="instead of 000000000000… or 111111111111…"):
        retrieve(row("file:///x", sha256=("0" * 64, "1" * 64)), destination, mirror)
    assert_nothing_left(destination.parent)


def test_a_file_that_is_no_gzip_is_checked_as_it_is(mirror, destination):
    (mirror / "set/a.npz").write_bytes(CONTENT)
    retrieve(row("file:///x", file="a.npz"), destination.with_name("a.npz"), mirror)
    (mirror / "set/a.npz").write_bytes(WRAPPED)
    with pytest.raises(DataError, match="sha256"):
        retrieve(row("file:///x", file="a.npz"), destination.with_name("b.npz"), mirror)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            OTHER,
            f"holds content with sha256 {hashlib.sha256(CONTENT[:-1] + b'x').hexdigest()[:12]}… instead of",
        ),
        (b"", "instead of"),
        (WRAPPED[:-9], "is a truncated gzip file"),
        (WRAPPED[:20], "is a truncated gzip file"),
        (b"<html>", "is not a sound gzip file"),
        (WRAPPED[:50] + bytes([WRAPPED[50] ^ 255]) + WRAPPED[51:], "gzip file|sha256"),
    ],
)
def test_a_wrong_file_in_the_mirror_is_refused_and_the_next_run_recovers(mirror, destination, content, says):
    place = mirror / "set/a.gz"
    place.write_bytes(content)
    with pytest.raises(DataError, match=says) as error:
        retrieve(row("file:///x"), destination, mirror)
    text = sentence(error)
    assert str(place) in text and text.startswith("a.gz") and "replace it" in text
    assert_nothing_left(destination.parent)
    place.write_bytes(WRAPPED)
    retrieve(row("file:///x"), destination, mirror)
    assert list(destination.parent.iterdir()) == [destination]


def test_a_good_file_survives_a_failed_retrieval(mirror, destination):
    destination.write_bytes(b"earlier")
    (mirror / "set/a.gz").write_bytes(OTHER)
    with pytest.raises(DataError):
        retrieve(row("file:///x"), destination, mirror)
    assert destination.read_bytes() == b"earlier"
    assert list(destination.parent.iterdir()) == [destination]


def test_a_file_absent_from_the_mirror_is_downloaded_with_a_logged_line(mirror, destination, server, caplog):
    with caplog.at_level(logging.INFO):
        retrieve(row(f"{server[0]}/good.gz"), destination, mirror)
    assert destination.read_bytes() == WRAPPED
    assert f"a.gz is not in the mirror ({mirror / 'set/a.gz'})" in caplog.text
    assert f"downloaded from {server[0]}/good.gz" in caplog.text


@pytest.mark.parametrize(
    "bad",
    [
        "none.gz",
        "other.gz",
        "cut.gz",
        "page.gz",
        "short/good.gz",
        "short/page.gz",
        "stall/good.gz",
        "stuck.gz",
    ],
)
def test_the_second_url_serves_where_the_first_does_not(destination, server, bad):
    address, asked, _ = server
    retrieve(row(f"{address}/{bad}", f"{address}/good.gz"), destination, timeout=PATIENCE)
    assert destination.read_bytes() == WRAPPED
    assert asked == {f"/{bad}": 1, "/good.gz": 1}
    assert list(destination.parent.iterdir()) == [destination]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("none.gz", "404"),
        ("other.gz", f"instead of {SHA256[:12]}…"),
        ("cut.gz", "truncated gzip"),
        ("page.gz", "not a sound gzip"),
        ("short/good.gz", f"broke off after {len(WRAPPED) - 100} of {len(WRAPPED)} bytes|IncompleteRead"),
        ("stuck.gz", "cannot be read .*timed out"),
        ("stall/good.gz", "stall/good.gz cannot be read .*timed out"),
    ],
)
def test_bad_downloads_are_told_apart_and_the_next_run_recovers(destination, server, bad, says):
    address, _, answers = server
    url = f"{address}/{bad}"
    with pytest.raises(DataError, match=says) as error:
        retrieve(row(url), destination, timeout=PATIENCE)
    text = sentence(error)
    assert text.startswith("a.gz of set") and url in text
    assert_nothing_left(destination.parent)
    answers["/again.gz"] = WRAPPED
    retrieve(row(f"{address}/again.gz"), destination)
    assert destination.read_bytes() == WRAPPED


def test_without_network_and_mirror_one_sentence_says_what_to_do(destination, mirror):
    # Port 9 of the loopback refuses; the name cannot exist (RFC 2606).
    unreachable = row("http://127.0.0.1:9/a.gz", "http://nowhere.invalid/a.gz")
    with pytest.raises(DataError) as error:
        retrieve(unreachable, destination, timeout=2)
    text = sentence(error)
    for part in ("127.0.0.1:9", "nowhere.invalid", "`mirror:`", "MVI_MIRROR", "set/a.gz", "network"):
        assert part in text
    with pytest.raises(DataError, match=f"put the file into the mirror, at {mirror / 'set/a.gz'}"):
        retrieve(unreachable, destination, mirror, timeout=2)
    assert_nothing_left(destination.parent)


def test_a_file_address_works_and_an_empty_mirror_is_none(tmp_path, destination, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "set").mkdir()
    (tmp_path / "set/a.gz").write_bytes(OTHER)
    (tmp_path / "source.gz").write_bytes(WRAPPED)
    retrieve(row((tmp_path / "source.gz").as_uri()), destination, mirror="")
    assert destination.read_bytes() == WRAPPED


def test_a_place_that_cannot_be_written_is_not_blamed_on_the_source(tmp_path, mirror):
    (mirror / "set/a.gz").write_bytes(WRAPPED)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="cannot be written") as error:
        retrieve(row("file:///x"), tmp_path / "file/a.gz", mirror)
    sentence(error)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_not_blamed_on_the_source(mirror, destination, monkeypatch):
    (mirror / "set/a.gz").write_bytes(WRAPPED)
    opened = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda self, mode="r", **kw: opened(Path("/dev/full") if mode == "wb" else self, mode, **kw),
    )
    with pytest.raises(DataError, match="cannot be written .*make room") as error:
        retrieve(row("file:///x"), destination, mirror)
    sentence(error)


def test_an_interruption_leaves_nothing(mirror, destination, monkeypatch):
    (mirror / "set/a.gz").write_bytes(WRAPPED)

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "_content_hashes", interrupt)
    with pytest.raises(KeyboardInterrupt):
        retrieve(row("file:///x"), destination, mirror)
    assert_nothing_left(destination.parent)


def test_no_progress_bar_without_a_terminal(mirror, destination, capfd):
    (mirror / "set/a.gz").write_bytes(WRAPPED)
    retrieve(row("file:///x"), destination, mirror)
    assert capfd.readouterr().err == ""


def test_a_row_cannot_be_changed():
    with pytest.raises(AttributeError):
        row("file:///x").file = "b"
    assert replace(row("file:///x"), file="b").file == "b"


def test_nothing_heavy_is_imported():
    code = "import sys, mvi.data.registry; print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"torch", "h5py", "numpy", "sklearn"} & set(printed.split())


@pytest.mark.real
@pytest.mark.skipif("MVI_MIRROR" not in os.environ, reason="needs MVI_MIRROR")
def test_the_real_files_pass_their_hashes(tmp_path):
    for name, entry in rows(REGISTRY, "mnist").items():
        retrieve(entry, tmp_path / name, os.environ["MVI_MIRROR"])
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(
    "accepted",
    [SHA256, f"first:{SHA256[:8]}", f"md5:{hashlib.md5(CONTENT).hexdigest()}", "unknown"],
)
def test_content_is_taken_by_any_form_of_hash_that_it_has(tmp_path, accepted, caplog):
    mirror = tmp_path / "mirror/set"
    mirror.mkdir(parents=True)
    (mirror / "a.gz").write_bytes(WRAPPED)
    retrieve(row(sha256=("0" * 64, accepted)), tmp_path / "a.gz", tmp_path / "mirror")
    assert (tmp_path / "a.gz").read_bytes() == WRAPPED
    assert (f"its sha256 is {SHA256}" in caplog.text) == (accepted == "unknown")


@pytest.mark.parametrize(
    "accepted", [f"first:{'0' * 8}", f"md5:{'0' * 32}", f"first:{SHA256[1:9]}", f"md5:{SHA256[:32]}"]
)
def test_other_content_is_refused_by_any_form_of_hash(tmp_path, accepted):
    mirror = tmp_path / "mirror/set"
    mirror.mkdir(parents=True)
    (mirror / "a.gz").write_bytes(WRAPPED)
    with pytest.raises(DataError, match="instead of"):
        retrieve(row(sha256=(accepted,)), tmp_path / "a.gz", tmp_path / "mirror")
    assert not (tmp_path / "a.gz").exists()


def test_a_file_that_nobody_serves_is_asked_for_by_its_note(tmp_path):
    alone = replace(row(), note="ask the authors for it")
    with pytest.raises(
        DataError, match=r"is not at hand \(ask the authors for it\); put it in a mirror, as set/a.gz"
    ):
        retrieve(alone, tmp_path / "a.gz")
    with pytest.raises(DataError, match=f"put it at {tmp_path}"):
        retrieve(alone, tmp_path / "a.gz", tmp_path)
    assert not list(tmp_path.iterdir())


def test_all_files_that_are_not_at_hand_are_named_at_once(tmp_path, mirror):
    wanted = replace(row(file="a.bin"), note="ask the authors")
    others = [
        replace(row(file="b.bin"), note="from their page"),
        row("http://127.0.0.1:9/c.bin", file="c.bin"),
        row("http://127.0.0.1:9/d.bin", file="d.bin"),
        row("http://127.0.0.1:9/e.bin", file="e.bin"),
    ]
    (mirror / "set/d.bin").write_bytes(b"x")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/e.bin").write_bytes(b"x")
    with pytest.raises(DataError) as error:
        retrieve(wanted, tmp_path / "raw/a.bin", mirror, companions=[wanted, *others])
    assert sentence(error).endswith(
        f"put it at {mirror / 'set/a.bin'}; put into that folder as well: b.bin (from their page) at "
        "set/b.bin, c.bin (http://127.0.0.1:9/c.bin) at set/c.bin."
    )
    served = row("http://127.0.0.1:9/a.bin", file="a.bin")
    with pytest.raises(DataError, match=r"as well: b\.bin .* d\.bin \(http.*\) at set/d\.bin\.$") as error:
        retrieve(served, tmp_path / "raw/a.bin", companions=[served, *others], timeout=2)
    sentence(error)


def test_a_zip_that_is_none_is_refused_even_where_its_hash_is_unknown(tmp_path):
    mirror = tmp_path / "mirror/set"
    mirror.mkdir(parents=True)
    (mirror / "a.zip").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(DataError, match="is no sound zip file"):
        retrieve(row(file="a.zip", sha256=("unknown",)), tmp_path / "a.zip", tmp_path / "mirror")
    assert not (tmp_path / "a.zip").exists()


def test_what_has_no_checksum_of_its_own_gets_one_beside_it(tmp_path):
    for name in ("a.txt", "a.zip", "a.tar.gz"):
        (tmp_path / name).write_bytes(CONTENT)
        note_digest(tmp_path / name)
    paths = [tmp_path / name for name in ("a.zip", "a.txt", "absent.txt", "a.tar.gz")]
    check_noted(paths)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.txt.sha256", "a.tar.gz", "a.txt", "a.zip"]
    note = tmp_path / ".a.txt.sha256"
    assert note.read_text() == f"{SHA256}  a.txt\n"
    for bad in (CONTENT[:-1], CONTENT[:-1] + b"x"):
        (tmp_path / "a.txt").write_bytes(bad)
        with pytest.raises(DataError, match=r"a\.txt is damaged .* run the workflow again\.$") as error:
            check_noted(paths)
        sentence(error)
    note_digest(tmp_path / "a.txt")
    check_noted(paths)
    note.write_text("")
    with pytest.raises(DataError, match=r"a\.txt is damaged"):
        check_noted(paths)
