# SPDX-License-Identifier: MIT
"""Zip, tar and tar.gz archives that others made, read in place: nothing is unpacked and no link is followed.

Names are checked all the same, since they become the names of rows, and an archive with a name that leaves
its folder is damaged or was made to do harm.
"""

import gzip
import math
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np

from mvi.errors import DamageError, DataError

# What the standard library raises, in sum, on damaged archives.
DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)
PIECE_BYTES = 2**18


def open_zip(path: str | Path) -> zipfile.ZipFile:
    """Open the zip at `path` for reading, after a look at every name in it; use it as a context manager.

    Raises `DataError` where the file is missing, truncated or no zip, or where a member has a name that is
    absolute or holds `..`, a drive letter, a backslash or a NUL, is a link or another special file, is
    encrypted, or has the name of another.
    """
    path = Path(path)
    _check_presence(path)
    with _reading(path, "is truncated or no zip archive"):
        archive = zipfile.ZipFile(path)
    try:
        seen: set[str] = set()
        for member in archive.infolist():
            # The original name: the other has been cut at a NUL.
            _check_name(path, member.orig_filename, seen)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _unsafe(path, f"the link or special file {member.filename!r}")
            if member.flag_bits & 1:
                raise _unsafe(path, f"the encrypted file {member.filename!r}")
    except DataError:
        archive.close()
        raise
    return archive


def read_member(archive: zipfile.ZipFile, name: str, limit: int = 2**28) -> bytes:
    """Return the content of the member `name` of a zip.

    Raises `DamageError` where it is damaged, and `DataError` where there is none or it claims more than
    `limit` bytes, which guards the memory against a member that unpacks to far more than it should hold.
    """
    path = Path(str(archive.filename))
    try:
        size = archive.getinfo(name).file_size
    except KeyError as error:
        raise DataError(f"{path} lacks {name}; retrieve the right archive.") from error
    _check_size(path, name, size, limit)
    try:
        return archive.read(name)
    except DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DamageError(
            f"{path} is damaged at {name} ({reason}); delete it and retrieve it again."
        ) from error


class PlainTar:
    """A tar that is not compressed, the files of which are read in any order; use it as a context manager.

    Raises `DataError` where the file is missing, truncated or no plain tar, and for names, links and special
    files that `tar_members` refuses.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        _check_presence(self.path)
        self._members: dict[str, tarfile.TarInfo] = {}
        with _reading(self.path, "is truncated, damaged or no tar archive"):
            self._tar = tarfile.TarFile(self.path)
        try:
            with _reading(self.path, "is truncated, damaged or no tar archive"):
                members = self._tar.getmembers()
                size = self.path.stat().st_size
            # tarfile takes the end of a truncated archive for that of a whole one, which is a block of zeros.
            if not members or size < self._tar.offset + tarfile.BLOCKSIZE:
                after = members[-1].name if members else "its beginning"
                raise DataError(f"{self.path} is truncated at {after}; delete it and retrieve it again.")
            seen: set[str] = set()
            for member in members:
                _check_name(self.path, member.name, None if member.isdir() else seen)
                if member.isdir():
                    continue
                if not member.isreg() or member.issparse():
                    raise _unsafe(self.path, f"the link or special file {member.name!r}")
                self._members[_plain(member.name)] = member
        except DataError:
            self.close()
            raise

    def __enter__(self) -> "PlainTar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; nothing can be read afterwards."""
        self._tar.close()

    def namelist(self) -> list[str]:
        """The files in it, without a leading `./`."""
        return list(self._members)

    def read(self, name: str, limit: int = 2**28) -> bytes:
        """The content of a file; raises `DamageError` and `DataError` as `read_member` does."""
        if name not in self._members:
            raise DataError(f"{self.path} lacks {name}; retrieve the right archive.")
        member = self._members[name]
        _check_size(self.path, name, member.size, limit)
        with _reading(self.path, f"is damaged at {name}", DamageError):
            stream = self._tar.extractfile(member)
            assert stream is not None  # it is a regular file
            return stream.read()


@dataclass(frozen=True)
class TarMember:
    """A file in a tar.gz that passes by: `name`, `size` in bytes, and its content, read at most once.

    Whatever reads it raises `DataError` where the archive is truncated or altered.
    """

    path: Path
    name: str
    size: int
    _stream: IO[bytes]

    def read(self, limit: int = 2**30) -> bytes:
        """Return the content; more than `limit` bytes are refused."""
        _check_size(self.path, self.name, self.size, limit)
        with _reading(self.path, f"is truncated or damaged at {self.name}"):
            return self._stream.read()

    def array(self, limit: int = 2**30) -> np.ndarray:
        """Return the array that the member, a numpy `.npy` file, holds; more than `limit` bytes are refused.

        Arrays of Python objects are refused, since reading them could run code, and so is a file whose
        length is not what its header says.
        """
        _check_size(self.path, self.name, self.size, limit)
        where = f"{self.name} in {self.path}"
        with _reading(self.path, f"is truncated or damaged at {self.name}"):
            start = self._stream.tell()
            shape, column_major, dtype = _npy_header(self._stream, where)
            header = self._stream.tell() - start
            expected = math.prod(shape) * dtype.itemsize
            if self.size - header != expected:
                raise DataError(
                    f"{where} has {self.size - header} bytes of data where its header says {expected}; "
                    "retrieve the archive again."
                )
            values = np.empty(shape[::-1] if column_major else shape, dtype)
            _fill(self._stream, values.reshape(-1).view(np.uint8).data)
        return values.T if column_major else values


def tar_members(path: str | Path) -> Iterator[TarMember]:
    """Yield the files of a tar.gz in its order, in one pass and without unpacking any.

    A member is read before the next is asked for, or not at all. Names lose a leading `./`; folders are
    skipped. Raises `DataError` where the archive is missing, truncated, altered (by the checksum of the gzip,
    which is known once all has passed) or no tar.gz; where a name is not what `open_zip` allows; and for
    links, devices and sparse files.
    """
    path = Path(path)
    _check_presence(path)
    seen: set[str] = set()
    # tarfile's own reading of a gzip takes a truncated one for a short one and checks no sum.
    with (
        _reading(path, "is truncated, damaged or no tar.gz archive"),
        gzip.open(path) as packed,
        tarfile.open(fileobj=packed, mode="r|") as archive,
    ):
        for member in archive:
            _check_name(path, member.name, None if member.isdir() else seen)
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():
                raise _unsafe(path, f"the link or special file {member.name!r}")
            stream = archive.extractfile(member)
            assert stream is not None  # it is a regular file
            yield TarMember(path, _plain(member.name), member.size, stream)
        while packed.read(PIECE_BYTES):
            pass


def _npy_header(stream: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    try:
        header = readers[np.lib.format.read_magic(stream)](stream)
    except (ValueError, KeyError) as error:
        raise DataError(f"{where} is no numpy file that can be read; retrieve the archive again.") from error
    if header[2].hasobject:
        raise DataError(
            f"{where} holds Python objects, which could run code when read; retrieve the archive from its "
            "original source."
        )
    return header


def _fill(stream: IO[bytes], target: memoryview) -> None:
    position = 0
    while position < len(target):
        # tarfile would read twice what it is asked for before it hands it over.
        count = stream.readinto(target[position : position + PIECE_BYTES])  # type: ignore[attr-defined]
        if not count:
            raise EOFError("it ends too early")
        position += count


@contextmanager
def _reading(path: Path, what: str, kind: type[DataError] = DataError) -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise kind(f"{path} {what} ({reason}); delete it and retrieve it again.") from error


def _check_presence(path: Path) -> None:
    if not path.is_file():
        raise DataError(f"There is no archive at {path}; retrieve it or name the right file.")


def _check_size(path: Path, name: str, size: int, limit: int) -> None:
    if size > limit:
        raise DataError(
            f"{name} in {path} has {size} bytes where at most {limit} are expected; retrieve the right "
            "archive."
        )


def _plain(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _check_name(path: Path, name: str, seen: set[str] | None) -> None:
    if re.match(r"/|[A-Za-z]:", name) or re.search(r"[\\\0]", name) or ".." in name.split("/"):
        raise _unsafe(path, f"the name {name!r}, which leads out of its folder")
    if seen is not None:
        plain = _plain(name)
        if plain in seen:
            raise _unsafe(path, f"{name!r} twice")
        seen.add(plain)


def _unsafe(path: Path, what: str) -> DataError:
    return DataError(f"{path} holds {what}, and is not read; retrieve the archive from its original source.")
