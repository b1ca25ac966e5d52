# SPDX-License-Identifier: MIT
"""MNIST from its four files in the idx format, packed by gzip or not."""

import gzip
import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mvi.data.halves import write_halves_store
from mvi.data.splits import held_out
from mvi.errors import DataError

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"
UNSIGNED_BYTE = 0x08
BRIGHTEST = 255


def load(folder: str | Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return train images, train labels, test images and test labels from the four files in `folder`.

    Images are (n, height, width) float32 in [0, 1], labels (n,) int64 from 0 to 9, rows in the order of the
    files (60,000 and 10,000 of 28 x 28 in the original). Grey values stay grey, as in the reference code.
    Raises `DataError` where a file is missing or malformed or two files do not belong together.
    """
    folder = Path(folder)
    train_images, train_labels = _pair(folder, TRAIN_IMAGES, TRAIN_LABELS)
    test_images, test_labels = _pair(folder, TEST_IMAGES, TEST_LABELS)
    if train_images.shape[1:] != test_images.shape[1:]:
        train, test = (" x ".join(map(str, a.shape[1:])) for a in (train_images, test_images))
        raise DataError(
            f"The training images in {folder} are {train} and the test images {test} pixels; "
            "retrieve the four files again from one source."
        )
    return train_images, train_labels, test_images, test_labels


def write_mnist_store(
    path: str | Path, raw: Mapping[str, str], settings: Mapping[str, Any], *, dataset: str, citation: str
) -> None:
    """Write the store of MNIST, cut in halves: the training files' rows, then the test files'.

    `raw` holds the four files, which lie in one folder; `settings` are those of `mvi.data.sets.mnist`. Raises
    what `load` and `mvi.data.splits.held_out` do.
    """
    train_images, train_labels, test_images, test_labels = load(Path(raw["train_images"]).parent)
    generator = np.random.default_rng(settings["seed"])
    validation = round(settings["validation"] * len(train_labels))
    write_halves_store(
        path,
        dataset=dataset,
        images=np.concatenate([train_images, test_images]),
        labels=np.concatenate([train_labels, test_labels]),
        split=held_out(len(train_labels), len(test_labels), validation, generator),
        classes=[str(digit) for digit in range(10)],
        citation=citation,
    )


def read_idx(path: str | Path, dimensions: int) -> np.ndarray:
    """Read an idx file of unsigned bytes, unpacking it if its name ends in `.gz`, into a uint8 array.

    The array has `dimensions` axes. Raises `DataError` where the file is missing, is no sound gzip, has the
    wrong magic number, element type or number of dimensions, or is shorter or longer than it says.
    """
    path = Path(path)
    content = _content(path)
    start = 4 + 4 * dimensions
    if len(content) < 4:
        raise _refusal(path, f"ends after {len(content)} of the 4 bytes of its magic number")
    if content[:2] != b"\0\0":
        raise _refusal(path, f"is no idx file (it begins with the bytes {content[:2].hex(' ')}, not 00 00)")
    if content[2] != UNSIGNED_BYTE:
        raise _refusal(path, f"holds elements of type 0x{content[2]:02x}, not unsigned bytes (0x08)")
    if content[3] != dimensions:
        raise _refusal(path, f"has {content[3]} dimensions where {dimensions} are expected")
    if len(content) < start:
        raise _refusal(path, f"ends after {len(content)} of the {start} bytes of its header")
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", dimensions, offset=4))
    if len(content) - start != math.prod(shape):
        size = " x ".join(map(str, shape))
        raise _refusal(path, f"has {len(content) - start} bytes of data where its header says {size}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _pair(folder: Path, images_name: str, labels_name: str) -> tuple[np.ndarray, np.ndarray]:
    images_path, labels_path = _find(folder, images_name), _find(folder, labels_name)
    images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
    if len(images) != len(labels):
        raise DataError(
            f"{images_path} holds {len(images)} images but {labels_path} {len(labels)} labels; "
            "retrieve both again from one source."
        )
    if labels.size and labels.max() > 9:
        row = int(np.argmax(labels > 9))
        raise _refusal(labels_path, f"has the label {labels[row]} in row {row}, which is no digit")
    return images / np.float32(BRIGHTEST), labels.astype(np.int64)


def _find(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    raise DataError(f"{folder} holds neither {name}.gz nor {name}; retrieve it or name the right folder.")


def _content(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if path.suffix == ".gz" else raw
    except EOFError as error:
        raise _refusal(path, "is a truncated gzip file") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise _refusal(path, f"is not a sound gzip file ({error})") from error
    except OSError as error:
        raise _refusal(path, f"cannot be read ({error.strerror})") from error


def _refusal(path: Path, what: str) -> DataError:
    return DataError(f"{path} {what}; delete it and retrieve it again.")
