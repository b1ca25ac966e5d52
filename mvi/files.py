# SPDX-License-Identifier: MIT
"""Files that are either whole or not there, and files that are sealed: that tell when they are damaged.

What the workflow writes and reads again carries a seal, the SHA-256 of all of the file but the seal, where
its format has room for one that other programs pass over:

- `.csv`: one more column in the first line, without values;
- `.json`: an entry "sha256" at the end of the object;
- `.md`: a comment, the last line;
- `.onnx`: an entry of the metadata;
- `.npy`, `.npz`: the last bytes.

`mvi.tensors` does the same for weights and checkpoints, in their metadata. HDF5 has checksums of its own for
each chunk of rows (`mvi.data.hdf5`): a store may be too large to be read whole before its first row.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import json
import logging
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mvi.errors import DataError

# A plan of jobs needs no array, nor the seconds that importing NumPy takes.
if TYPE_CHECKING:
    import numpy as np

AGAIN = "delete it and run the workflow again"
# What a failed write says of the place, and not of the program.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
# After so many seconds without a change, what another machine began to write is taken to be left over.
_LEFT_SECONDS = 24 * 3600
_HOST = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
_WAIT_SECONDS = 0.5

log = logging.getLogger(__name__)


# ---- whole or not there -------------------------------------------------------------------------------


@contextmanager
def exclusive(path: str | Path) -> Iterator[None]:
    """Hold `path` as a lock that no second process gets; it is freed even if this process is killed.

    Where another process holds it, this one waits, with a warning. Where there are no locks, as on some
    network file systems, work goes on, with a warning.
    """
    path = Path(path)
    file = _locked(path)
    try:
        yield
    finally:
        if file is not None:
            path.unlink(missing_ok=True)
            file.close()


def _locked(path: Path) -> IO[str] | None:
    """The file at `path`, open and, where there are locks, locked; None where it cannot even be opened."""
    waited = False
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("w")
        except OSError as error:
            log.warning("there can be no lock at %s (%s): see that nothing else works on it", path, error)
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            if not waited:
                log.warning("another process works on %s: waiting until it ends", path.with_suffix(""))
            waited = True
            time.sleep(_WAIT_SECONDS)
            continue
        except OSError as error:
            log.warning("%s cannot be locked (%s): see that nothing else works on it", path, error)
            return file
        if _same(file.fileno(), path):
            return file
        # Whoever held it has removed it meanwhile, and a third may hold its successor.
        file.close()


def _same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


@contextmanager
def atomic(path: str | Path, size: int | None = None) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` on success, remove it on failure.

    The name is nobody else's, so that several may make one file at a time: each does, and the last one's
    stays. What killed processes left is removed. `size` is the number of bytes that will be written, if
    known. Raises `DataError` where there is no room, or no permission, to write.
    """
    path = Path(path)
    # The suffix stays, since matplotlib and numpy choose a format by it.
    name = f".{path.stem}.{_HOST}-{os.getpid()}-{secrets.token_hex(4)}.part{path.suffix}"
    temporary = path.with_name(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if _unwritable(error, temporary):
            raise DataError(why_not(path, temporary, size, error)) from error
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _unwritable(error: OSError, temporary: Path) -> bool:
    """Whether an error says that nothing can be written there, rather than that the program is wrong."""
    return _number(error) in _FULL or Path(str(error.filename)) in (temporary, *temporary.parents)


def why_not(path: Path, temporary: Path, size: int | None, error: OSError | RuntimeError) -> str:
    """The sentence on a file that could not be written, with the bytes that it takes and that are free."""
    number = _number(error)
    reason = " ".join(str(error).split()) if number is None else os.strerror(number)
    needs = free = ""
    with suppress(OSError):
        needs = f"it needs {size} bytes" if size else f"it needs more than {temporary.stat().st_size} bytes"
    with suppress(OSError):
        free = f"{shutil.disk_usage(path.parent).free} are free in {path.parent}"
    numbers = ", ".join(filter(None, (needs, free)))
    return (
        f"{path} cannot be written ({reason}{': ' if numbers else ''}{numbers}); make room or mend the "
        "permissions, and run the workflow again."
    )


def _number(error: OSError | RuntimeError) -> int | None:
    """The system's number of an error, which HDF5 says in words."""
    found = re.search(r"errno = (\d+)", str(error))
    return int(found[1]) if found else getattr(error, "errno", None)


def _sweep(path: Path) -> None:
    """Remove what writers of `path` left that are no more."""
    stem, suffix = re.escape(path.stem), re.escape(path.suffix)
    pattern = re.compile(rf"\.{stem}\.(?:([0-9a-f]{{8}})-(\d+)-[0-9a-f]{{8}}\.)?part{suffix}")
    for left in path.parent.iterdir():
        if found := pattern.fullmatch(left.name):
            with suppress(OSError):
                here = found[1] == _HOST
                idle = time.time() - left.stat().st_mtime
                if (here and not _alive(int(found[2]))) or (not here and idle > _LEFT_SECONDS):
                    left.unlink()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


# ---- sealed -------------------------------------------------------------------------------------------

# By suffix: the seal, with a place for the hash, and what stands behind it in the file.
_SEALS = {
    ".csv": (",sha256 {}", r"\r?\n(?s:.*)"),
    ".json": (',\n  "sha256": "{}"', r"\n\}\n"),
    ".md": ("\n<!-- sha256 {} -->\n", ""),
    # An entry of the metadata, which may stand anywhere in a message of protocol buffers.
    ".onnx": ("rJ\n\x06sha256\x12@{}", ""),
    ".npy": ("sha256 {}\n", ""),
    ".npz": ("sha256 {}\n", ""),
}


def sha256(path: str | Path, remedy: str = AGAIN) -> str:
    """The SHA-256 of a file, in hexadecimal; where it cannot be read a `DataError` ends with `remedy`."""
    try:
        with Path(path).open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); {remedy}.") from error


def write_sealed(path: str | Path, content: bytes) -> None:
    """Write `content`, in the format of the suffix of `path`, with its seal; equal content, equal bytes.

    Raises `DataError` where there is no room, or no permission, to write.
    """
    seal, after = _SEALS[Path(path).suffix]
    place = len(content)
    if after:
        # The first place that fits is the end of the first line, or of the file.
        found = re.search(rf"{after}\Z".encode(), content)
        if found is None:
            raise ValueError(f"what is to be written to {path} is no {Path(path).suffix[1:]}")
        place = found.start()
    mark = seal.format(hashlib.sha256(content).hexdigest()).encode()
    sealed = content[:place] + mark + content[place:]
    with atomic(path, len(sealed)) as temporary:
        temporary.write_bytes(sealed)


def read_sealed(path: str | Path) -> bytes:
    """What `write_sealed` was given; raises `DataError` where it is not there or differs in any bit."""
    path = Path(path)
    try:
        sealed = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); {AGAIN}.") from error
    seal, after = _SEALS[path.suffix]
    before, _, behind = seal.partition("{}")
    mark = rf"{re.escape(before)}([0-9a-f]{{64}}){re.escape(behind)}"
    # In a CSV the first line ends with the seal, anywhere else the file does.
    found = re.search(rf"{mark}(?={after}\Z)".encode(), sealed)
    if found is None:
        raise DataError(f"{path} is cut short, damaged or not written by mvi (it has no checksum); {AGAIN}.")
    content = sealed[: found.start()] + sealed[found.end() :]
    if hashlib.sha256(content).hexdigest().encode() != found[1]:
        raise DataError(f"{path} is damaged (its checksum is another); {AGAIN}.")
    return content


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write `content`, not empty, with sorted keys; refuses numbers that are not finite with `ValueError`."""
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False)
    write_sealed(path, f"{text}\n".encode())


def read_json(path: str | Path) -> dict[str, Any]:
    """Read what `write_json` wrote; raises `DataError` where it is not there or damaged."""
    read: dict[str, Any] = json.loads(read_sealed(path))
    return read


def write_arrays(path: str | Path, arrays: Mapping[str, np.ndarray], *, packed: bool = False) -> None:
    """Write arrays, none of Python objects, by their names as a sealed `.npz`, compressed if `packed`."""
    import numpy as np

    buffer = io.BytesIO()
    write: Any = np.savez_compressed if packed else np.savez
    write(buffer, **arrays)
    write_sealed(path, buffer.getvalue())


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of a sealed `.npz`; raises `DataError` where it is not there or damaged."""
    import numpy as np

    with np.load(io.BytesIO(read_sealed(path)), allow_pickle=False) as arrays:
        return dict(arrays)


def write_array(path: str | Path, array: np.ndarray) -> None:
    """Write an array as a sealed `.npy`."""
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_sealed(path, buffer.getvalue())


def read_array(path: str | Path) -> np.ndarray:
    """The array of a sealed `.npy`; raises `DataError` where it is not there or damaged."""
    import numpy as np

    return np.load(io.BytesIO(read_sealed(path)), allow_pickle=False)
