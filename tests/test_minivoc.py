# SPDX-License-Identifier: MIT
"""Generated scenes in the layout of VOC: what is written is what the reader finds, and what is true."""

import tarfile
from pkgutil import resolve_name
from xml.etree import ElementTree

import numpy as np
import pytest

from mvi.data.images import decode, open_images
from mvi.data.readers.voc2007 import CLASSES, ROOT
from mvi.data.sets.registry import DATASETS
from mvi.errors import ConfigError
from mvi.synthetic import voc2007
from mvi.synthetic.truth import tag_probabilities
from mvi.synthetic.world import make_world

RECORD = DATASETS["minivoc"]
SETTINGS = {
    "seed": 3,
    "sets": {"train": 40, "val": 30, "test": 50},
    "unlabelled": 60,
    "size": 32,
    "tags": "lear",
    "vocabulary": {"size": 500, "minimum_count": voc2007.WORDS_FROM},
}


def draw(folder, **changes):
    folder.mkdir(exist_ok=True)
    settings = {key: (SETTINGS | changes)[key] for key in RECORD.generator.settings}
    files = [folder / name for name in (*RECORD.generator.files.values(), RECORD.generator.truth)]
    resolve_name(RECORD.generator.draw)(*files, **settings)
    return files


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("minivoc")
    draw(folder)
    return folder


def read(folder, **changes):
    settings = SETTINGS | changes
    raw = RECORD.raw_files(settings, str(folder))
    return resolve_name(RECORD.read)(raw, settings, dataset="minivoc", generated=True, citation="c")


def test_the_catalogue_is_what_the_record_says(drawn, caplog):
    found = read(drawn)
    # Labels and objects agree, every image is in a set.
    assert not caplog.records
    size = RECORD.size(SETTINGS)
    assert (found.n_rows, found.n_labelled) == (size.rows, size.labelled) == (180, 120)
    assert {part: len(rows) for part, rows in found.splits[1].items()} == {
        "train": 40,
        "validation": 30,
        "test": 50,
    }
    assert set(found.classes) == set(voc2007.CLASSES) < set(CLASSES)
    kinds = [RECORD.image_files, tuple(RECORD.raw_files(SETTINGS, "raw"))]
    assert set(kinds[0]) < set(kinds[1])
    with open_images([drawn / RECORD.generator.files[kind] for kind in kinds[0]], found.names) as images:
        for row in (0, 119, 120, 179):
            assert decode(images.read(row), 32).std() > 5


def test_labels_follow_from_the_scenes(drawn):
    found, scenes = read(drawn), make_world(120, 0, 3).scenes
    unknown = 0
    for row, scene in enumerate(scenes):
        for column, label in enumerate(found.classes):
            things = [thing for thing in scene.things if voc2007.CLASS_OF.get(thing.kind) == label]
            small = [thing.size < voc2007.DIFFICULT for thing in things]
            assert found.known[row, column] == (not things or not all(small))
            assert found.labels[row, column] == (bool(things) and not all(small))
            unknown += bool(things) and all(small)
    assert unknown > 3
    # The world of the pairs is another one.
    assert make_world(1, 0, 3 + voc2007.OTHER_WORLD).scenes[0] != scenes[0]


def test_boxes_are_of_the_things_and_flags_follow(drawn):
    scenes, flags = make_world(120, 0, 3).scenes, set()
    with tarfile.open(drawn / "test.tar") as archive:
        for name in archive.getnames():
            if not name.endswith(".xml"):
                continue
            row = int(name.rpartition("/")[2][:6]) - 1
            objects = ElementTree.fromstring(archive.extractfile(name).read()).findall("object")
            things = [thing for thing in scenes[row].things if thing.kind in voc2007.CLASS_OF]
            assert [voc2007.CLASS_OF[thing.kind] for thing in things] == [o.findtext("name") for o in objects]
            for thing, found in zip(things, objects, strict=True):
                flags.add((found.findtext("difficult"), found.findtext("truncated")))
                assert found.findtext("difficult") == str(int(thing.size < voc2007.DIFFICULT))
                low = [int(found.findtext(f"bndbox/{axis}min")) for axis in "xy"]
                high = [int(found.findtext(f"bndbox/{axis}max")) for axis in "xy"]
                assert min(low) >= 1 and max(high) <= 32 and all(np.less_equal(low, high))
                left, top, right, bottom = voc2007.box(thing)
                inside = left >= 0 and right <= 1 and top >= 0 and bottom <= 1
                assert found.findtext("truncated") == str(int(not inside))
                if inside:
                    assert abs((high[1] - low[1]) / 31 - thing.size) <= 1 / 31
    assert {("0", "0"), ("0", "1"), ("1", "0")} <= flags


def test_both_forms_of_tags_have_the_same_words(drawn):
    lear, text = read(drawn), read(drawn, tags="text")
    assert lear.vocabulary == sorted(text.vocabulary)
    columns = [text.vocabulary.index(word) for word in lear.vocabulary]
    np.testing.assert_array_equal(lear.text.toarray(), text.text.toarray()[:, columns])
    counts = (lear.text[:120] > 0).sum(0)
    assert counts.min() >= voc2007.WORDS_FROM


def test_the_pairs_have_another_vocabulary(drawn):
    found = read(drawn, tags="text", vocabulary={"size": 500, "minimum_count": 3})
    tags = make_world(1, 0, 0).tagger.tags
    unwritten = np.array(tags)[voc2007.silent(tags, "pairs")]
    lost = [word for word in found.vocabulary if word in unwritten]
    assert lost and not set(found.vocabulary) & {*np.array(tags)[voc2007.silent(tags, "labelled")]}
    columns = [found.vocabulary.index(word) for word in lost]
    assert not found.text[120:].toarray()[:, columns].any() and found.text[:120].toarray()[:, columns].any()
    # In those words that both have, the pairs do have tags.
    assert ((found.text[120:] > 0).sum(1) >= 2).mean() > 0.3


def test_the_truth_knows_what_is_not_written(drawn):
    tags = make_world(1, 0, 0).tagger.tags
    probability = tag_probabilities(drawn / "truth.npz", tags)
    assert probability.shape == (180, len(tags))
    for rows, collection in ((slice(0, 120), "labelled"), (slice(120, None), "pairs")):
        silent = voc2007.silent(tags, collection)
        assert not probability[rows, silent].any() and probability[rows][:, ~silent].min() > 0
    found = read(drawn)
    expected = tag_probabilities(drawn / "truth.npz", found.vocabulary)[:120].sum()
    # A sum of independent draws: its deviation is less than the square root of its mean.
    assert abs((found.text[:120] > 0).sum() - expected) < 12 * np.sqrt(expected)


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    small = {"sets": {"train": 2, "val": 1, "test": 1}, "unlabelled": 2}
    first, second = (draw(tmp_path / name, **small) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    other = draw(tmp_path / "c", **small, seed=4)
    assert first[0].read_bytes() != other[0].read_bytes()
    with pytest.raises(ConfigError, match="at least 16 pixels"):
        draw(tmp_path, size=15)


def test_the_tars_have_the_official_folders(drawn):
    with tarfile.open(drawn / "trainval.tar") as archive:
        names = archive.getnames()
    assert {"train", "val", "trainval"} <= {
        name.rpartition("/")[2][:-4] for name in names if name.endswith(".txt")
    }
    assert f"{ROOT}/ImageSets/Main/dog_trainval.txt" in names
    assert sum(name.startswith(f"{ROOT}/JPEGImages/") for name in names) == 70
