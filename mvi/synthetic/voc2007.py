# SPDX-License-Identifier: MIT
"""Generated images in the layout of PASCAL VOC 2007, with tags, and pairs of another collection.

Two worlds of one kind. The first is written as `mvi.data.readers.voc2007` says that VOC is, with a box for
each thing that belongs to a class: a small one is difficult, one that leaves the image is truncated. The
other, without labels, is written in the layout of MIRFLICKR. Their users have most words in common, but each
collection lacks a part of the other's (`SILENT`), so that its tags must be re-expressed. The truth is a
sealed `.npz` of which `mvi.synthetic.truth` reads P(tag | scene), rows in the order of the reader:
by id, then the pairs.
"""

import io
import tarfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from mvi.data.readers.voc2007 import ROOT
from mvi.errors import ConfigError, DataError
from mvi.files import atomic, write_arrays
from mvi.synthetic.compose import SMALLEST, paint
from mvi.synthetic.mirflickr import write_images
from mvi.synthetic.scene import Scene, Thing
from mvi.synthetic.world import IMAGE, World, make_world, stream

QUALITY = 88
DIFFICULT = 0.1  # as a share of the image's side: what is smaller is hard to tell
WORDS_FROM = 8  # from how many labelled images on a tag is in the dictionary
CLASS_OF = {
    "plane": "aeroplane",
    "bicycle": "bicycle",
    "bird": "bird",
    "perched": "bird",
    "boat": "boat",
    "car": "car",
    "cat": "cat",
    "cow": "cow",
    "plate": "diningtable",
    "dog": "dog",
    "man": "person",
    "woman": "person",
    "man_face": "person",
    "woman_face": "person",
    "baby": "person",
    "flower": "pottedplant",
}
CLASSES = sorted(set(CLASS_OF.values()))
# Width of a box by its height; people are narrow.
WIDTH = {"aeroplane": 2.0, "boat": 1.3, "car": 2.0, "cow": 1.5, "dog": 1.2, "bicycle": 1.4, "person": 0.5}
# Of so many tags in alphabetical order, the ones that no user of a collection writes.
EVERY, SILENT = 6, {"labelled": 1, "pairs": 4}
# No seed of the config is so great: the worlds have no scene in common.
OTHER_WORLD = 2**64


def write_voc2007(
    trainval_tar: str | Path,
    test_tar: str | Path,
    train_tags: str | Path,
    test_tags: str | Path,
    train_list: str | Path,
    test_list: str | Path,
    dictionary: str | Path,
    tag_lines: str | Path,
    pairs_zip: str | Path,
    truth_path: str | Path,
    *,
    sets: Mapping[str, int],
    unlabelled: int,
    size: int,
    seed: int,
) -> None:
    """Write images of `sets` ("train", "val" and "test") and `unlabelled` pairs; all files or none.

    Images are `size` x `size` pixels. The same arguments give the same bytes with the same libraries.
    Raises `ConfigError` for numbers out of range and `DataError` where a file cannot be written.
    """
    if size < SMALLEST:
        raise ConfigError(f"Generated images need at least {SMALLEST} pixels a side, not {size}.")
    labelled = _without(make_world(sum(sets.values()), 0, seed), "labelled")
    pairs = _without(make_world(unlabelled, 0, seed + OTHER_WORLD), "pairs")
    ids = [f"{number:06d}" for number in range(1, len(labelled.scenes) + 1)]
    members = _members(ids, sets, seed)
    tags = dict(zip(ids, labelled.tags, strict=True))
    words = _dictionary(labelled)
    targets = trainval_tar, test_tar, train_tags, test_tags, train_list, test_list, dictionary, tag_lines
    try:
        with ExitStack() as stack:
            paths = [stack.enter_context(atomic(path)) for path in (*targets, pairs_zip)]
            for kind, (tar, annotations, listed) in enumerate(
                zip(paths[:2], paths[2:4], paths[4:6], strict=True)
            ):
                names = ["test"] if kind else ["train", "val", "trainval"]
                _write_tar(tar, labelled, {name: members[name] for name in names}, size, seed)
                own = members[names[-1]]
                listed.write_text("".join(f"{one}\n" for one in own))
                annotations.write_bytes(_hvecs([tags[one] for one in own], words))
            paths[6].write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
            paths[7].write_text(
                "".join(f"{' '.join([one, *own])}\n" for one, own in tags.items()), encoding="utf-8"
            )
            write_images(paths[8], pairs, size, seed + OTHER_WORLD, QUALITY)
            _write_truth(truth_path, labelled, pairs)
    except OSError as error:
        raise DataError(
            f"The generated images cannot be written ({error}); free space or mend the permissions, and "
            "run again."
        ) from error


def box(thing: Thing) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a thing of a class, as shares of the image; may leave it."""
    half = thing.size * WIDTH.get(CLASS_OF[thing.kind], 1.0) / 2
    return thing.x - half, thing.y - thing.size, thing.x + half, thing.y


def label_of(scene: Scene, name: str) -> int:
    """1 where a thing of the class is not difficult, 0 where all are, -1 where there is none."""
    sizes = [thing.size for thing in scene.things if CLASS_OF.get(thing.kind) == name]
    return int(max(sizes) >= DIFFICULT) if sizes else -1


def silent(tags: Sequence[str], collection: str) -> np.ndarray:
    """(tags,) bool, true for those of all tags that no user of a collection writes."""
    return np.arange(len(tags)) % EVERY == SILENT[collection]


def _without(world: World, collection: str) -> World:
    unwritten = set(np.array(world.tagger.tags)[silent(world.tagger.tags, collection)].tolist())
    return replace(world, tags=[[tag for tag in own if tag not in unwritten] for own in world.tags])


def _members(ids: Sequence[str], sets: Mapping[str, int], seed: int) -> dict[str, list[str]]:
    """Ascending ids of each set."""
    shuffled = np.random.default_rng([seed, len(ids)]).permutation(ids).tolist()
    train, val = sets["train"], sets["val"]
    found = {"train": shuffled[:train], "val": shuffled[train : train + val], "test": shuffled[train + val :]}
    found["trainval"] = [*found["train"], *found["val"]]
    return {name: sorted(own) for name, own in found.items()}


def _dictionary(world: World) -> list[str]:
    images = Counter(tag for own in world.tags for tag in set(own))
    return sorted(tag for tag, count in images.items() if count >= WORDS_FROM)


def _hvecs(tags: Sequence[Sequence[str]], words: Sequence[str]) -> bytes:
    column = {word: i for i, word in enumerate(words)}
    rows = np.zeros((len(tags), 1 + len(words)), "<u2")
    rows[:, 0] = len(words)
    for row, own in zip(rows, tags, strict=True):
        row[[1 + column[tag] for tag in own if tag in column]] = 1
    return rows.tobytes()


def _write_tar(path: Path, world: World, sets: Mapping[str, Sequence[str]], size: int, seed: int) -> None:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:

        def add(name: str, content: bytes) -> None:
            member = tarfile.TarInfo(f"{ROOT}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))

        for one in list(sets.values())[-1]:
            row = int(one) - 1
            buffer = io.BytesIO()
            paint(world.scenes[row], size, stream(seed, row, IMAGE)).save(buffer, "JPEG", quality=QUALITY)
            add(f"JPEGImages/{one}.jpg", buffer.getvalue())
            add(f"Annotations/{one}.xml", _annotation(one, world.scenes[row], size).encode())
        for name, members in sets.items():
            add(f"ImageSets/Main/{name}.txt", "".join(f"{one}\n" for one in members).encode())
            for label in CLASSES:
                values = [(one, label_of(world.scenes[int(one) - 1], label)) for one in members]
                lines = "".join(f"{one} {value:2d}\n" for one, value in values)
                add(f"ImageSets/Main/{label}_{name}.txt", lines.encode())


def _annotation(one: str, scene: Scene, size: int) -> str:
    lines = [f"<annotation><folder>VOC2007</folder><filename>{one}.jpg</filename>"]
    lines.append(f"<size><width>{size}</width><height>{size}</height><depth>3</depth></size>")
    for thing in scene.things:
        if thing.kind not in CLASS_OF:
            continue
        edges = box(thing)
        # Pixels from 1.
        pixels = [1 + round(min(max(edge, 0.0), 1.0) * (size - 1)) for edge in edges]
        corners = zip(("xmin", "ymin", "xmax", "ymax"), pixels, strict=True)
        lines.append(
            f"<object><name>{CLASS_OF[thing.kind]}</name><pose>Unspecified</pose>"
            f"<truncated>{int(min(edges) < 0 or max(edges) > 1)}</truncated>"
            f"<difficult>{int(thing.size < DIFFICULT)}</difficult>"
            f"<bndbox>{''.join(f'<{name}>{value}</{name}>' for name, value in corners)}</bndbox></object>"
        )
    return "\n".join([*lines, "</annotation>", ""])


def _write_truth(path: str | Path, labelled: World, pairs: World) -> None:
    probabilities = []
    for world, collection in ((labelled, "labelled"), (pairs, "pairs")):
        probability = world.tagger.probabilities(world.kinds(), world.summaries).astype(np.float32)
        probability[:, silent(world.tagger.tags, collection)] = 0
        probabilities.append(probability)
    write_arrays(
        path,
        {
            "tags": np.array(labelled.tagger.tags),
            "tag_probability": np.concatenate(probabilities),
            "kind": np.array([*labelled.kinds(), *pairs.kinds()]),
            "labelled": np.array(len(labelled.scenes)),
        },
        packed=True,
    )
