# SPDX-License-Identifier: MIT
"""Generated images with tags and labels in the layout of the MIRFLICKR downloads (Huiskes and Lew 2008).

The zip of images holds `mirflickr/im<i>.jpg`, `mirflickr/meta/tags/tags<i>.txt` (one tag a line, CRLF,
UTF-8, empty where none) and `mirflickr/doc/common_tags.txt`, i from 1; the zip of annotations one file a
class with the numbers of its images. The truth, which real data do not have, is a sealed `.npz`:

    tags (tags,), tag_probability (n, tags) float32     P(tag | scene); the columns are all tags there can be
    concepts (concepts,), strength (n, concepts) float32     what each scene shows, and how prominently
    kind (n,)     the kind of each scene
    classes (38,), labels (n, 38) uint8     labels of all images, also of those that are not published
    labelled ()     how many of the first images have published labels
"""

import io
import zipfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from mvi.data.readers.mirflickr_annotations import CLASSES
from mvi.errors import ConfigError, DataError
from mvi.files import atomic, write_arrays
from mvi.synthetic.compose import SMALLEST, paint
from mvi.synthetic.concepts import CONCEPTS
from mvi.synthetic.world import IMAGE, World, make_world, stream

COMMON = 20  # from how many occurrences on the official list has a tag


def write_mirflickr(
    images_zip: str | Path,
    annotations_zip: str | Path,
    truth_path: str | Path,
    *,
    labelled: int,
    unlabelled: int,
    size: int,
    seed: int,
    quality: int = 88,
) -> None:
    """Write `labelled` images, then `unlabelled` ones for which no label is given; all three files or none.

    Images are `size` x `size` pixels, JPEG of `quality` (1 to 95). The same arguments give the same bytes
    with the same libraries. About 3 ms of one core per image of 96 pixels. Raises `ConfigError` for
    numbers out of range and `DataError` where a file cannot be written.
    """
    if size < SMALLEST or not 1 <= quality <= 95:
        raise ConfigError(
            f"Generated images need at least {SMALLEST} pixels a side and a JPEG quality of 1 to 95, not "
            f"{size} and {quality}."
        )
    world = make_world(labelled, unlabelled, seed)
    try:
        with ExitStack() as stack:
            images, annotations = (
                stack.enter_context(atomic(path)) for path in (images_zip, annotations_zip)
            )
            write_images(images, world, size, seed, quality)
            _write_annotations(annotations, world.labels[:labelled])
            _write_truth(Path(truth_path), world, labelled)
    except OSError as error:
        raise DataError(
            f"The generated images cannot be written ({error}); free space or mend the permissions, and "
            "run again."
        ) from error


def _member(name: str) -> zipfile.ZipInfo:
    # The default date is the earliest there is, whatever the clock says.
    member = zipfile.ZipInfo(name)
    member.external_attr = 0o644 << 16
    return member


def _lines(lines: Iterable[object]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


def write_images(path: Path, world: World, size: int, seed: int, quality: int) -> None:
    """Write the zip of the images and tags of a world, whose images are drawn by `seed`."""
    with zipfile.ZipFile(path, "w") as archive:
        for row, scene in enumerate(world.scenes):
            buffer = io.BytesIO()
            paint(scene, size, stream(seed, row, IMAGE)).save(buffer, "JPEG", quality=quality)
            archive.writestr(_member(f"mirflickr/im{row + 1}.jpg"), buffer.getvalue())
        for row, tags in enumerate(world.tags):
            archive.writestr(_member(f"mirflickr/meta/tags/tags{row + 1}.txt"), _lines(tags))
        common = [f"{tag} {count}" for tag, count in world.counted_tags() if count >= COMMON]
        archive.writestr(_member("mirflickr/doc/common_tags.txt"), _lines(common))


def _write_annotations(path: Path, labels: np.ndarray) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, column in sorted(zip(CLASSES, labels.T, strict=True)):
            archive.writestr(_member(f"{name}.txt"), _lines(np.flatnonzero(column) + 1))


def _write_truth(path: Path, world: World, labelled: int) -> None:
    kinds = world.kinds()
    truth = {
        "tags": np.array(world.tagger.tags),
        "tag_probability": world.tagger.probabilities(kinds, world.summaries).astype(np.float32),
        "concepts": np.array(CONCEPTS),
        "strength": world.summaries.astype(np.float32),
        "kind": np.array(kinds),
        "classes": np.array(CLASSES),
        "labels": world.labels,
        "labelled": np.array(labelled),
    }
    write_arrays(path, truth, packed=True)
