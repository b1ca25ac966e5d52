# SPDX-License-Identifier: MIT
"""Archives are read whole or refused: damage, names that leave the folder, links, pickles, bombs."""

import gzip
import io
import pickle
import stat
import tarfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mvi.data.archives import PlainTar, open_zip, read_member, tar_members
from mvi.errors import DataError


def sentence(error: pytest.ExceptionInfo) -> str:
    text = str(error.value)
    assert text.endswith(".") and ". " not in text and "\n" not in text, text
    return text


def make_zip(path: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # duplicates
        for name, content in members:
            archive.writestr(name, content)
    return path


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array)
    return buffer.getvalue()


def make_tar(path: Path, members: list[tuple[str, bytes | tarfile.TarInfo]]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members:
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_a_sound_zip_is_read(tmp_path):
    path = make_zip(tmp_path / "a.zip", [("d/", b""), ("d/a.txt", b"one"), ("d/b..c.txt", b"two")])
    with open_zip(path) as archive:
        assert archive.namelist() == ["d/", "d/a.txt", "d/b..c.txt"]
        assert read_member(archive, "d/b..c.txt", 3) == b"two"
        with pytest.raises(DataError, match="lacks d/c.txt") as error:
            read_member(archive, "d/c.txt")
        sentence(error)
        with pytest.raises(DataError, match="has 3 bytes where at most 2") as error:
            read_member(archive, "d/a.txt", 2)
        sentence(error)


@pytest.mark.parametrize(
    "name", ["../a", "d/../../a", "/etc/a", "C:/a", "c:a", "d\\a", "..\\a", "d/..", "d/a\0.txt"]
)
def test_a_name_that_leaves_the_folder_is_refused(tmp_path, name):
    # The class would mend the name; what was asked for goes in afterwards.
    info = zipfile.ZipInfo("d/a")
    info.filename = name
    path = make_zip(tmp_path / "a.zip", [("good", b"1"), (info, b"2")])
    with pytest.raises(DataError, match="leads out of its folder") as error:
        open_zip(path)
    assert repr(name) in sentence(error)


def test_links_duplicates_and_encrypted_members_of_a_zip_are_refused(tmp_path):
    link = zipfile.ZipInfo("d/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DataError, match="the link or special file 'd/link'") as error:
        open_zip(make_zip(tmp_path / "link.zip", [(link, b"/etc/passwd")]))
    sentence(error)
    for twin in ("d/a", "d//a", "./d/a"):
        with pytest.raises(DataError, match="twice"):
            open_zip(make_zip(tmp_path / "twice.zip", [("d/a", b"1"), (twin, b"2")]))
    path = make_zip(tmp_path / "secret.zip", [("a", b"1")])
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="the encrypted file 'a'"):
        open_zip(path)


@pytest.mark.parametrize("kept", [0, 10, 60, -30, -1])
def test_a_truncated_zip_is_refused(tmp_path, kept):
    path = make_zip(tmp_path / "a.zip", [("a", b"1" * 100), ("b", b"2")])
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match="truncated or no zip") as error:
        open_zip(path)
    assert str(path) in sentence(error)


def test_a_missing_archive_is_named(tmp_path):
    for reader in (open_zip, lambda path: list(tar_members(path))):
        with pytest.raises(DataError, match="no archive at .*absent") as error:
            reader(tmp_path / "absent")
        sentence(error)


def test_damage_inside_a_zip_is_found_when_the_member_is_read(tmp_path):
    path = make_zip(tmp_path / "a.zip", [("first.txt", bytes(range(256)) * 4), ("b", b"2")])
    content = bytearray(path.read_bytes())
    content[80] ^= 0xFF
    path.write_bytes(content)
    with open_zip(path) as archive:
        assert read_member(archive, "b") == b"2"
        with pytest.raises(DataError, match="damaged at first.txt") as error:
            read_member(archive, "first.txt")
        sentence(error)


ARRAY = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_members_of_a_tar_pass_in_order_and_may_be_left_unread(tmp_path):
    members = [
        ("./f", special("./f", tarfile.DIRTYPE)),
        ("./f/a.npy", npy(ARRAY)),
        ("f/skipped", b"x" * 100_000),
        ("f/t.npy", npy(np.asfortranarray(ARRAY))),
        ("f/b.txt", b"text"),
        ("f/empty.npy", npy(np.zeros((0, 5)))),
    ]
    found = {}
    for member in tar_members(make_tar(tmp_path / "a.tar.gz", members)):
        if member.name.endswith("npy"):
            found[member.name] = member.array()
        elif member.name.endswith("txt"):
            found[member.name] = member.read()
    assert list(found) == ["f/a.npy", "f/t.npy", "f/b.txt", "f/empty.npy"]
    for name in ("f/a.npy", "f/t.npy"):
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], ARRAY)
    assert found["f/b.txt"] == b"text" and found["f/empty.npy"].shape == (0, 5)


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ([("../a", b"1")], "leads out"),
        ([("/a", b"1")], "leads out"),
        ([("f/../a", b"1")], "leads out"),
        ([("x", special("../d", tarfile.DIRTYPE))], "leads out"),
        ([("x", special("f/l", tarfile.SYMTYPE, "/etc"))], "the link or special file 'f/l'"),
        ([("f/a", b"1"), ("x", special("f/l", tarfile.LNKTYPE, "f/a"))], "the link or special file 'f/l'"),
        ([("x", special("f/p", tarfile.FIFOTYPE))], "the link or special file 'f/p'"),
        ([("x", special("f/dev", tarfile.CHRTYPE))], "the link or special file 'f/dev'"),
        ([("f/a", b"1"), ("./f/a", b"2")], "'./f/a' twice"),
    ],
)
def test_what_a_tar_must_not_hold_is_refused(tmp_path, members, says):
    with pytest.raises(DataError, match=says) as error:
        list(tar_members(make_tar(tmp_path / "a.tar.gz", members)))
    sentence(error)


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ([("../a", b"1")], "leads out"),
        ([("f/a", b"1"), ("x", special("f/l", tarfile.SYMTYPE, "/etc"))], "the link or special file 'f/l'"),
        ([("f/a", b"1"), ("./f/a", b"2")], "'./f/a' twice"),
    ],
)
def test_what_a_plain_tar_must_not_hold_is_refused(tmp_path, members, says):
    path = plain(make_tar(tmp_path / "a.tar.gz", members))
    with pytest.raises(DataError, match=says) as error:
        PlainTar(path)
    sentence(error)


def plain(packed: Path) -> Path:
    """The same tar without its gzip."""
    path = packed.with_suffix("")
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    return path


def test_files_of_a_plain_tar_are_read_in_any_order(tmp_path):
    members = [("./f", special("./f", tarfile.DIRTYPE)), ("./f/a", b"1"), ("b", b"22")]
    path = plain(make_tar(tmp_path / "a.tar.gz", members))
    with PlainTar(path) as tar:
        assert tar.namelist() == ["f/a", "b"]
        assert [tar.read(name) for name in ("b", "f/a", "b")] == [b"22", b"1", b"22"]
        for name, says in (("c", "a.tar lacks c"), ("f", "a.tar lacks f")):
            with pytest.raises(DataError, match=says) as error:
                tar.read(name)
            sentence(error)
        with pytest.raises(DataError, match="has 2 bytes where at most 1"):
            tar.read("b", limit=1)


@pytest.mark.parametrize("kept", [100, 700, 1500, 2600])
def test_a_truncated_plain_tar_and_a_packed_one_are_refused(tmp_path, kept):
    packed = make_tar(tmp_path / "a.tar.gz", [("a", b"x" * 400), ("b", b"y" * 1000)])
    path = plain(packed)
    path.write_bytes(path.read_bytes()[:kept])
    for wrong in (path, packed, tmp_path / "none.tar"):
        with pytest.raises(DataError, match="truncated|no archive at") as error:
            PlainTar(wrong)
        sentence(error)


def noise(rows: int) -> np.ndarray:
    return np.random.default_rng(0).random((rows, 10))


@pytest.mark.parametrize("kept", [0.0001, 0.3, 0.9, 0.9999])
@pytest.mark.parametrize("read", [False, True])
def test_a_truncated_tar_is_refused_whether_read_or_passed_over(tmp_path, kept, read):
    path = make_tar(tmp_path / "a.tar.gz", [("f/a.npy", npy(noise(500))), ("f/b.npy", npy(noise(500)))])
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) + 1])
    with pytest.raises(DataError, match="truncated") as error:
        for member in tar_members(path):
            if read:
                member.array()
    assert str(path) in sentence(error)


def test_an_altered_tar_is_refused_at_the_latest_at_its_end(tmp_path):
    path = make_tar(tmp_path / "a.tar.gz", [("f/a.npy", npy(noise(500)))])
    content = bytearray(path.read_bytes())
    content[-6] ^= 1  # in the checksum
    path.write_bytes(content)
    with pytest.raises(DataError, match="CRC") as error:
        for member in tar_members(path):
            np.testing.assert_array_equal(member.array(), noise(500))
    sentence(error)
    path.write_bytes(b"no gzip at all")
    with pytest.raises(DataError, match="no tar.gz archive"):
        list(tar_members(path))
    path.write_bytes(gzip.compress(b"no tar" * 1000))
    with pytest.raises(DataError, match="no tar.gz archive"):
        list(tar_members(path))


class Harm:
    def __reduce__(self):
        return Path.touch, (Path("harm"),)


def pickled() -> bytes:
    content = npy(np.zeros(1))
    header = content[: content.index(b"\n") + 1].replace(b"'<f8'", b"'|O' ")
    return header + pickle.dumps(Harm())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (pickled(), "Python objects"),
        (npy(np.zeros((3, 4)))[:-1], "has 95 bytes of data where its header says 96"),
        (npy(np.zeros((3, 4))) + b"0", "has 97 bytes of data where its header says 96"),
        (npy(np.zeros((3, 4))).replace(b"(3, 4)", b"(9**9)"), "no numpy file"),
        (b"PK\x03\x04" + bytes(200), "no numpy file"),
        (b"", "no numpy file"),
        (b"\x93NUMPY\x09\x00" + bytes(200), "no numpy file"),
    ],
)
def test_what_is_no_plain_numpy_array_is_refused(tmp_path, monkeypatch, content, says):
    monkeypatch.chdir(tmp_path)
    path = make_tar(tmp_path / "a.tar.gz", [("f/a.npy", content)])
    with pytest.raises(DataError, match=says) as error:
        for member in tar_members(path):
            member.array()
    assert "f/a.npy" in sentence(error)
    assert not Path("harm").exists()


def test_a_header_that_claims_more_than_the_member_has_costs_no_memory(tmp_path):
    huge = npy(np.zeros((3, 4))).replace(b"(3, 4), }" + b" " * 12, b"(3000000000, 400), } ")
    path = make_tar(tmp_path / "a.tar.gz", [("f/a.npy", huge)])
    with pytest.raises(DataError, match="where its header says 9600000000000"):
        for member in tar_members(path):
            member.array()
    with pytest.raises(DataError, match="bytes where at most 100 are expected"):
        for member in tar_members(path):
            member.array(limit=100)
