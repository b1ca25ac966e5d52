# SPDX-License-Identifier: MIT
"""The page of a collection: what its server answers and refuses, and what Chromium makes of it."""

import html
import http.client
import io
import json
import re
import shutil
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from test_collection import COLOURS, collection  # noqa: F401  # A fixture.

from mvi.cli.browse import make_server, page, write_page
from mvi.cli.main import main
from mvi.collection.collection import INDEX, Collection

HOSTILE = "</script><script>document.title='run'</script>"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def hostile(collection) -> Collection:  # noqa: F811
    """The collection with a tag, and in the vocabulary one more, that would be a script if it were HTML."""
    index = collection.index
    tags = [[*own, HOSTILE] if row == 0 else own for row, own in enumerate(index.tags)]
    vocabulary = [HOSTILE if word == "grün" else word for word in index.vocabulary]
    replace(index, tags=tags, about={**index.about, "vocabulary": vocabulary}).save(collection.folder / INDEX)
    return Collection(collection.folder)


@pytest.fixture
def server(hostile):
    one = make_server(hostile, 0)
    thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield one
    one.shutdown()
    one.server_close()
    thread.join()


def asked(server, path, host=None, method="GET"):
    """Status, headers and content of an answer; the path is sent as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    connection.putrequest(method, path, skip_host=True)
    if host != "":
        connection.putheader("Host", host or f"127.0.0.1:{server.server_port}")
    connection.endheaders()
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), content


def test_the_server_listens_on_this_computer_alone(server):
    assert server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["", "evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example"])
@pytest.mark.parametrize("path", ["/", "/thumb/0", "/search?tag=0"])
def test_other_hosts_are_refused(server, host, path):
    status, _, content = asked(server, path, host)
    assert status == 421 and b"00.png" not in content
    assert asked(server, "/", f"localhost:{server.server_port}")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/thumb/9", "/image/-1", "/image/99999999999", "/thumb/0/..", "/thumb/..", "/image/%2e%2e/x"),
        *("/../index.npz", "/etc/passwd", "//etc/passwd", "/index.npz", "/page.html", "/about/", "/about/x"),
        *("/search?tag=9", "/search?tag=-1", "/search?image=x", "/search?weight=x&tag=0", "/search?image=9"),
        *("http://evil.example/etc/passwd", "/image/0?/../../x/../../../etc/passwd/..%00"),
    ],
)
def test_nothing_but_the_collection_is_served(server, path):
    status, headers, content = asked(server, path)
    if path.startswith("/image/0?"):
        assert headers["Content-Type"] == "image/jpeg"
    else:
        assert status == 404 and b"root:" not in content


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_nothing_can_be_changed(server, method):
    assert asked(server, "/", method=method)[0] == 501


def test_a_link_that_leads_out_of_the_folder_is_not_followed(server, hostile, tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "secret.png")
    (hostile.images / "00.png").unlink()
    (hostile.images / "00.png").symlink_to(tmp_path / "secret.png")
    assert asked(server, "/image/0")[0] == 404 and asked(server, "/image/1")[0] == 200


def test_answers_are_those_of_the_collection(server, hostile):
    rows = json.loads(asked(server, "/search?tag=2")[2])
    assert [hostile.index.names[row] for row in rows] == [name for name, _ in hostile.search("青", 60)]
    rows = json.loads(asked(server, "/search?image=0&tag=2&without=1&weight=0.2")[2])
    mixed = hostile.search(["00.png", "青", f"-{HOSTILE}"], 60, 0.2)
    assert [hostile.index.names[row] for row in rows] == [name for name, _ in mixed]
    told = json.loads(asked(server, "/about/0")[2])
    assert told["own"] == ["red", HOSTILE] and told["suggested"][0][0] == "red"
    _, headers, content = asked(server, "/thumb/0")
    assert Image.open(io.BytesIO(content)).format == "JPEG" and headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_loads_nothing_and_runs_only_its_own_script(server, hostile):
    _, headers, content = asked(server, "/")
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'sha256-" in policy and "unsafe-eval" not in policy
    text = content.decode()
    assert not re.search(r"https?:|//[a-z]|@import|url\(|innerHTML|insertAdjacentHTML|document\.write", text)
    assert HOSTILE not in text and text.count("<script") == 2
    data = json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', text)[1])
    assert HOSTILE in data["vocabulary"] and data["names"] == hostile.index.names


def test_a_page_in_a_file_needs_no_server(hostile, tmp_path, capsys):
    assert main(["browse", "--name", str(hostile.folder), "--output", str(tmp_path / "page.html")]) == 0
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert HOSTILE not in text and not re.search(r"https?:|//[a-z]{2,}\.", text)
    data = json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', text)[1])
    assert len(data["thumbs"]) == 9 and all(
        one.startswith("data:image/jpeg;base64,") for one in data["thumbs"]
    )


# -- in Chromium ----------------------------------------------------------------------------------------

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


def shown(address: str, tmp_path: Path) -> str:
    """The document as it is after its scripts have run, with every other host out of reach."""
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--virtual-time-budget=10000"]
    done = subprocess.run([*command, "--dump-dom", address], capture_output=True, text=True, timeout=120)
    return done.stdout


def found(document: str) -> list[str]:
    grid = document.partition("<main")[2].partition("</main>")[0]
    return [html.unescape(name) for name in re.findall(r'<button title="([^"]*)"', grid)]


@pytest.fixture(params=["served", "file"])
def address(request, hostile, tmp_path) -> str:
    if request.param == "served":
        one = request.getfixturevalue("server")
        return f"http://127.0.0.1:{one.server_port}/"
    write_page(tmp_path / "page.html", hostile)
    return (tmp_path / "page.html").as_uri()


@needs_chromium
def test_a_typed_tag_finds_images_that_have_it_and_a_chosen_image_its_neighbours(address, tmp_path):
    document = shown(f"{address}#q=青", tmp_path)
    assert {name[0] for name in found(document)[:3]} == {"2"} and len(found(document)) == 9
    document = shown(f"{address}#q=&image=0", tmp_path)
    assert {name[0] for name in found(document)[:3]} == {"0"}
    tags = html.unescape(document.partition('id="tags"')[2].partition("</div>")[0])
    assert ">red</button>" in tags and f">{HOSTILE}</button>" in tags
    assert "<title>run" not in document and "<title>colours: 9 images" in document
    assert "Not known: sea" in shown(f"{address}#q=sea", tmp_path)


@needs_chromium
def test_a_tag_that_must_not_be_there_takes_images_away(address, tmp_path):
    names = found(shown(f"{address}#q=青 -red", tmp_path))
    assert {"00.png", "01.png"}.isdisjoint(names) and len(names) == 7


@needs_chromium
@pytest.mark.parametrize(
    ("clicked", "chosen"), [(("main button",), True), (("main button", "#chosen button"), False)]
)
def test_a_click_chooses_an_image_and_another_leaves_it_out(hostile, tmp_path, clicked, chosen):
    write_page(tmp_path / "page.html", hostile)
    clicks = "".join(f"document.querySelector('{one}').click();" for one in clicked)
    with (tmp_path / "page.html").open("a", encoding="utf-8") as file:
        file.write(f"<script>{clicks}</script>")
    document = shown((tmp_path / "page.html").as_uri(), tmp_path)
    assert ('<div id="chosen"></div>' in document) != chosen
    assert {name[0] for name in found(document)[:3]} == {"0"} and len(found(document)) == 9


def test_the_page_is_one_for_every_script(hostile):
    assert page(hostile).count("<meta charset") == 1 and COLOURS[2] in page(hostile)
