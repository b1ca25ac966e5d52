# SPDX-License-Identifier: MIT
"""The generated world: its images, labels, tags and their probabilities, and the two layouts."""

import dataclasses
import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binom

from mvi.data.readers.mirflickr import read_mirflickr
from mvi.data.readers.mirflickr_annotations import CLASSES
from mvi.data.readers.toronto import write_toronto_store
from mvi.data.store import Store
from mvi.errors import ConfigError, DataError
from mvi.files import write_arrays
from mvi.synthetic import concepts
from mvi.synthetic.canvas import Canvas
from mvi.synthetic.compose import PAINTERS, paint
from mvi.synthetic.kinds import KINDS
from mvi.synthetic.mirflickr import write_mirflickr
from mvi.synthetic.scene import Scene, Thing, draw_scene
from mvi.synthetic.tags import ZEAL, Tagger
from mvi.synthetic.toronto import write_toronto
from mvi.synthetic.truth import tag_probabilities
from mvi.synthetic.world import make_world

LABELLED, UNLABELLED, SIZE = 180, 120, 32
ROWS = LABELLED + UNLABELLED
PLAIN = Scene(
    "countryside", "day", "clear", "summer", "plain", False, 0.5, 0.5, "none", "grass", ()
)  # nothing in it


def write(folder, labelled=LABELLED, unlabelled=UNLABELLED, size=SIZE, seed=0, **more):
    folder.mkdir(exist_ok=True)
    paths = folder / "pictures.zip", folder / "annotations.zip", folder / "truth.npz"
    write_mirflickr(*paths, labelled=labelled, unlabelled=unlabelled, size=size, seed=seed, **more)
    return paths


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write(tmp_path_factory.mktemp("mini"))


@pytest.fixture(scope="module")
def world():
    return make_world(2000, 1000, 0)


def test_the_reader_of_real_data_reads_it(written, world):
    images, annotations, truth_path = written
    found = read_mirflickr(images, annotations, dataset="mini", labelled=LABELLED, minimum_count=1)
    assert found.names == [f"mirflickr/im{number}.jpg" for number in range(1, ROWS + 1)]
    np.testing.assert_array_equal(found.labels, world.labels[:LABELLED])
    assert found.classes == list(CLASSES)
    for row, tags in enumerate(world.tags[:ROWS]):
        assert {found.vocabulary[i] for i in np.flatnonzero(found.text[[row]].toarray()[0])} == set(tags)
    with np.load(truth_path, allow_pickle=False) as truth:
        assert truth["labelled"] == LABELLED and truth["classes"].tolist() == list(CLASSES)
        np.testing.assert_array_equal(truth["labels"], world.labels[:ROWS])
        np.testing.assert_array_equal(truth["kind"], world.kinds()[:ROWS])
        np.testing.assert_array_equal(truth["strength"], world.summaries[:ROWS].astype(np.float32))
    probability = tag_probabilities(truth_path, found.vocabulary)
    exact = world.tagger.probabilities(world.kinds()[:ROWS], world.summaries[:ROWS])
    columns = [world.tagger.tags.index(tag) for tag in found.vocabulary]
    np.testing.assert_allclose(probability, exact[:, columns], atol=1e-6)


def test_the_layout_is_the_official_one(written):
    with zipfile.ZipFile(written[0]) as archive:
        names = set(archive.namelist())
        numbers = range(1, ROWS + 1)
        assert names == (
            {f"mirflickr/im{i}.jpg" for i in numbers}
            | {f"mirflickr/meta/tags/tags{i}.txt" for i in numbers}
            | {"mirflickr/doc/common_tags.txt"}
        )
        texts = [archive.read(f"mirflickr/meta/tags/tags{i}.txt") for i in numbers]
        assert b"" in texts and all(text.count(b"\n") == text.count(b"\r\n") for text in texts)
        assert all(text.endswith(b"\r\n") for text in texts if text)
        common = [
            line.split() for line in archive.read("mirflickr/doc/common_tags.txt").decode().splitlines()
        ]
        every = [tag for text in texts for tag in text.decode().split()]
        assert common == sorted(common, key=lambda item: (-int(item[1]), item[0]))
        assert {tag: int(n) for tag, n in common} == {
            t: every.count(t) for t in every if every.count(t) >= 20
        }
        assert common
    with zipfile.ZipFile(written[1]) as archive:
        assert archive.namelist() == sorted(f"{name}.txt" for name in CLASSES)


def test_images_are_decodable_and_differ(written):
    seen = set()
    with zipfile.ZipFile(written[0]) as archive:
        for name in archive.namelist():
            if name.endswith(".jpg"):
                data = archive.read(name)
                with Image.open(io.BytesIO(data)) as image:
                    assert (image.format, image.size, image.mode) == ("JPEG", (SIZE, SIZE), "RGB")
                    pixels = np.asarray(image)
                assert pixels.std() > 3, f"{name} is one flat colour"
                seen.add(pixels.tobytes())
    assert len(seen) == ROWS


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(written, tmp_path, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("time.localtime", lambda *_: (2033, 5, 18, 3, 33, 20, 2, 138, 0))
    for path, again, other in zip(written, write(tmp_path / "a"), write(tmp_path / "b", seed=1), strict=True):
        assert path.read_bytes() == again.read_bytes()
        assert path.read_bytes() != other.read_bytes()


def test_an_image_does_not_depend_on_how_many_there_are(written, tmp_path):
    fewer = write(tmp_path / "fewer", labelled=7, unlabelled=0)
    with zipfile.ZipFile(written[0]) as all_, zipfile.ZipFile(fewer[0]) as some:
        for number in range(1, 8):
            for name in (f"mirflickr/im{number}.jpg", f"mirflickr/meta/tags/tags{number}.txt"):
                assert all_.read(name) == some.read(name)


def test_labels_are_uneven_and_each_occurs(world):
    counts = world.labels[:2000].sum(axis=0)
    assert counts.min() >= 10 and counts.max() > 20 * counts.min()
    assert 3 < world.labels.sum(axis=1).mean() < 7
    assert set(world.kinds()) == set(KINDS) and len(KINDS) >= 12


def test_labels_are_consistent_with_each_other(world):
    labels = {name: world.labels[:, number].astype(bool) for number, name in enumerate(CLASSES)}
    for part, whole in (
        *((f"{name.removesuffix('_r1')}_r1", name.removesuffix("_r1")) for name in CLASSES if "_r1" in name),
        *((name, "people") for name in ("male", "female", "baby", "portrait")),
        *((name, "animals") for name in ("dog", "bird")),
        *((name, "water") for name in ("sea", "lake", "river")),
        *((name, "plant_life") for name in ("tree", "flower")),
        *((name, "sky") for name in ("clouds", "sunset")),
        ("car", "transport"),
    ):
        assert not np.any(labels[part] & ~labels[whole]), f"{part} without {whole}"
        assert np.any(labels[whole] & ~labels[part]) or part == "portrait_r1", f"{whole} is only {part}"
    assert not np.any(labels["indoor"] & labels["sky"])


def test_labels_say_what_is_in_the_scene(world):
    things = {"dog": "dog", "baby": "baby", "car": "car", "plate": "food", "flower": "flower"}
    things |= {"man": "male", "man_face": "male", "woman": "female", "woman_face": "female"}
    for scene, row in zip(world.scenes, world.labels, strict=True):
        labels = {name for name, given in zip(CLASSES, row, strict=True) if given}
        for kind, label in things.items():
            if any(thing.kind == kind for thing in scene.things):
                assert label in labels
        for label in ("dog", "baby", "car", "food", "flower", "male", "female"):
            if label in labels:
                assert any(things.get(thing.kind) == label for thing in scene.things)
        assert ("sky" in labels) == (scene.horizon > 0)
        assert ("indoor" in labels) == scene.indoor
        concert = scene.kind == "group" and scene.indoor
        assert ("night" in labels) == (scene.light == "night" and (concert or not scene.indoor))
        if scene.light == "sunset" and scene.horizon:
            assert "sunset" in labels


def test_all_things_are_drawn_where_they_can_be_seen(world):
    assert set(PAINTERS) == set(concepts.SHOWS)
    drawn = set()
    for scene in world.scenes[:600]:
        for thing in scene.things:
            canvas = Canvas(SIZE, (1, 1, 1), np.random.default_rng(0))
            canvas.gradient(0, 1, [(255, 0, 255)] * 2)
            PAINTERS[thing.kind](canvas, thing, scene)
            changed = np.any(np.asarray(canvas.image) != (255, 0, 255), axis=2)
            assert changed.any(), f"{thing} cannot be seen"
            drawn.add(thing.kind)
    assert drawn == set(PAINTERS)


@pytest.mark.parametrize("kind", ["tree", "car", "dog", "woman", "flower", "house"])
def test_larger_things_cover_more_and_are_more_prominent(kind):
    covered, strength = [], []
    for size in (0.1, 0.35, 0.8):
        scene = dataclasses.replace(PLAIN, things=(Thing(kind, 0.5, 0.9, size, "red"),))
        canvas = Canvas(64, (1, 1, 1), np.random.default_rng(0))
        PAINTERS[kind](canvas, scene.things[0], scene)
        covered.append(np.any(np.asarray(canvas.image) > 0, axis=2).mean())
        strength.append(concepts.strengths(scene)[concepts.SHOWS[kind][0][0]])
    assert covered[0] < covered[1] < covered[2]
    assert strength[0] < strength[1] <= strength[2]


def test_light_and_style_show_in_the_image():
    def mean(**changes):
        scene = dataclasses.replace(PLAIN, **changes)
        images = [paint(scene, SIZE, np.random.default_rng(seed)) for seed in range(8)]
        return np.mean([np.asarray(image, float) for image in images], axis=(0, 1, 2))

    day, sunset, night, grey = mean(), mean(light="sunset"), mean(light="night"), mean(style="bw")
    assert night.sum() < 0.5 * day.sum()
    assert sunset[0] / sunset[2] > 1.5 * day[0] / day[2]
    assert np.ptp(grey) < 1 < np.ptp(day)


def test_tags_are_as_many_as_real_users_give(world):
    numbers = np.array([len(tags) for tags in world.tags])
    assert 4 < numbers.mean() < 5.2
    assert 0.15 < np.mean(numbers == 0) < 0.21
    assert all(len(set(tags)) == len(tags) for tags in world.tags)
    assert 200 < sum(count >= 20 for _, count in world.counted_tags()) < len(world.tagger.tags)
    assert abs(sum(ZEAL.values()) - 1) < 1e-12


def test_tags_are_drawn_with_the_probabilities_that_are_saved():
    tagger, draws, tests, surplus = Tagger(), 3000, 0, []
    column = {tag: number for number, tag in enumerate(tagger.tags)}
    for seed in (0, 4, 10, 15):
        scene, generator = draw_scene(np.random.default_rng(seed)), np.random.default_rng(seed)
        summary = concepts.summary(scene)
        counts = np.zeros(len(column))
        probability = tagger.probabilities([scene.kind], summary[None])[0]
        for _ in range(draws):
            written = [column[tag] for tag in tagger.draw(scene.kind, summary, generator)]
            counts[written] += 1
            surplus.append(len(written) - probability.sum())
        assert probability.min() > 0 and probability.max() < 1
        # Two-sided tails, each so rare that all comparisons together fail once in thousands of seeds.
        tail = np.minimum(binom.cdf(counts, draws, probability), binom.sf(counts - 1, draws, probability))
        worst = tail.argmin()
        assert tail.min() > 1e-7, (
            f"{tagger.tags[worst]}: {counts[worst] / draws} instead of {probability[worst]}"
        )
        tests += np.sum(counts > 100)
    assert tests > 40  # of which many could have failed
    # Tags of one user go together, so that the spread of their number is taken from the draws.
    assert abs(np.mean(surplus)) < 4.5 * np.std(surplus) / np.sqrt(len(surplus))


def test_tag_counts_of_the_world_agree_with_the_probabilities(world):
    probability = world.tagger.probabilities(world.kinds(), world.summaries)
    counts = dict(world.counted_tags())
    found = np.array([counts.get(tag, 0) for tag in world.tagger.tags])
    # Rows are independent, so that variances add up; 5 deviations, and a little for rare tags.
    bound = 5 * np.sqrt((probability * (1 - probability)).sum(axis=0)) + 3
    assert np.all(np.abs(found - probability.sum(axis=0)) < bound)


def log_loss(probabilities: np.ndarray, world, rows) -> float:
    index = {tag: number for number, tag in enumerate(world.tagger.tags)}
    given = np.zeros((len(rows), len(index)), bool)
    for number, row in enumerate(rows):
        given[number, [index[tag] for tag in world.tags[row]]] = True
    return -np.where(given, np.log(probabilities), np.log1p(-probabilities)).sum(axis=1).mean()


def test_knowing_the_scene_helps_to_predict_tags(world):
    rows = range(1500, 3000)
    probability = world.tagger.probabilities(world.kinds(), world.summaries)
    known = log_loss(probability[1500:], world, rows)
    unknown = log_loss(
        np.broadcast_to(probability[:1500].mean(axis=0), (1500, probability.shape[1])), world, rows
    )
    permuted = log_loss(np.random.default_rng(0).permutation(probability[1500:]), world, rows)
    assert known < 0.9 * unknown < unknown < permuted


def average_precision(score: np.ndarray, truth: np.ndarray) -> float:
    hit = truth[np.argsort(-score, kind="stable")]
    return float((np.cumsum(hit) / np.arange(1, len(hit) + 1))[hit].mean())


def held_out_map(features: np.ndarray, labels: np.ndarray, training: int) -> float:
    """Mean average precision of a ridge regression over the classes with enough held-out examples."""
    x = (features - features[:training].mean(axis=0)) / (features[:training].std(axis=0) + 1e-6)
    y = labels - labels[:training].mean(axis=0)
    gram = x[:training].T @ x[:training] + 300 * np.eye(x.shape[1])
    scores = x[training:] @ np.linalg.solve(gram, x[:training].T @ y[:training])
    held = labels[training:] > 0
    return float(
        np.mean([average_precision(scores[:, k], held[:, k]) for k in np.flatnonzero(held.sum(0) > 5)])
    )


def test_images_and_tags_tell_labels_and_both_tell_more(world):
    n, training = 1000, 700
    generator, column = np.random.default_rng(0), {tag: i for i, tag in enumerate(world.tagger.tags)}
    pixels = np.empty((n, 8 * 8 * 3 + 64))
    for row, scene in enumerate(world.scenes[:n]):
        image = paint(scene, SIZE, generator)
        cells = np.asarray(image) // 64 @ (16, 4, 1)
        pixels[row] = [
            *np.asarray(image.reduce(4)).ravel(),
            *np.sqrt(np.bincount(cells.ravel(), minlength=64)),
        ]
    tags = np.zeros((n, len(column)))
    for row in range(n):
        tags[row, [column[tag] for tag in world.tags[row]]] = 1
    tags = tags[:, tags.sum(axis=0) >= 5]
    labels = world.labels[:n].astype(float)
    chance = held_out_map(generator.standard_normal((n, 20)), labels, training)
    by_image, by_tags = held_out_map(pixels, labels, training), held_out_map(tags, labels, training)
    both = held_out_map(np.hstack([pixels, tags]), labels, training)
    assert chance + 0.1 < min(by_image, by_tags)
    assert max(by_image, by_tags) + 0.03 < both < 0.9


def test_toronto_reader_reads_it(tmp_path):
    expected = write_toronto(
        tmp_path / "a.tar.gz", labelled=50, unlabelled=975, image_size=27, vocabulary_size=40, seed=0
    )
    assert (expected.image_columns, expected.count_columns, expected.split_sizes) == (27, 14, (20, 10, 20))
    assert sum(expected.untagged) > 100 and len(expected.first_untagged) == 5
    write_toronto_store(tmp_path / "a.tar.gz", tmp_path / "s.h5", expected=expected, dtype="float32")
    world = make_world(50, 975, 0)
    with Store(tmp_path / "s.h5") as store:
        image, text = store.read("image"), store.read("text")
        np.testing.assert_array_equal(store.labels(slice(0, 50)), world.labels[:50])
        assert store.vocabulary == [tag for tag, _ in world.counted_tags()[:40]]
        for row in range(0, 1025, 41):
            given = {tag for tag, count in zip(store.vocabulary, text[row], strict=True) if count}
            assert given == set(world.tags[row]) & set(store.vocabulary)
    # What the scenes show is in the features: rows of a kind are nearer to each other than rows of two.
    kinds = np.array(world.kinds())
    standard = (image - image.mean(axis=0)) / image.std(axis=0)
    products = standard @ standard.T / image.shape[1]
    same = kinds[:, None] == kinds
    np.fill_diagonal(same, False)
    assert products[same].mean() > products[kinds[:, None] != kinds].mean() + 0.1


def test_toronto_archive_is_the_same_for_the_same_seed(tmp_path, monkeypatch):
    given = {"labelled": 25, "unlabelled": 195, "image_size": 9, "vocabulary_size": 5}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_toronto(tmp_path / f"{name}.tar.gz", **given, seed=seed)
        monkeypatch.setattr("time.time", lambda: 2e9)
    a, b, c = ((tmp_path / f"{name}.tar.gz").read_bytes() for name in "abc")
    assert a == b != c


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labelled": 0}, "at least 1 labelled"),
        ({"unlabelled": -1}, "at least 1 labelled"),
        ({"seed": -1}, "a seed of at least 0"),
        ({"size": 8}, "at least 16 pixels"),
        ({"quality": 101}, "quality of 1 to 95"),
    ],
)
def test_numbers_out_of_range_are_refused(tmp_path, changes, says):
    with pytest.raises(ConfigError, match=says):
        write(tmp_path / "x", **changes)
    assert not list((tmp_path / "x").iterdir())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labelled": 24}, "a multiple of 5"),
        ({"unlabelled": 0}, "one of 195"),
        ({"unlabelled": 196}, "one of 195"),
        ({"image_size": 1}, "at least 2 image columns"),
        ({"vocabulary_size": 5000}, "ask for 1 to"),
        ({"vocabulary_size": 0}, "ask for 1 to"),
    ],
)
def test_impossible_archives_are_refused(tmp_path, changes, says):
    given = {"labelled": 25, "unlabelled": 195, "image_size": 9, "vocabulary_size": 5, "seed": 0}
    with pytest.raises(ConfigError, match=says):
        write_toronto(tmp_path / "a.tar.gz", **(given | changes))
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named_and_nothing_is_left(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="cannot be written"):
        write_mirflickr(
            tmp_path / "p.zip",
            tmp_path / "a.zip",
            tmp_path / "file/t.npz",
            labelled=2,
            unlabelled=0,
            size=16,
            seed=0,
        )
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_is_no_truth_is_refused(written, tmp_path):
    (tmp_path / "t.npz").write_bytes(b"nothing")
    write_arrays(tmp_path / "o.npz", {"tags": np.array(["sky"])})
    for name, why in (("t", "no checksum"), ("o", "is not the truth"), ("absent", "No such file")):
        with pytest.raises(DataError, match=rf"{name}\.npz .*{why}"):
            tag_probabilities(tmp_path / f"{name}.npz", ["sky"])
    with pytest.raises(DataError, match="knows no tag 'zzz'"):
        tag_probabilities(written[2], ["sky", "zzz"])
