# SPDX-License-Identifier: MIT
"""A collection of images of one colour each, whose model knows colours: its answers, and how it keeps up."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from PIL import Image

import mvi
from mvi.collection.build import average_precision, built
from mvi.collection.collection import INDEX, MODEL, NETWORK, Collection
from mvi.collection.describing import describer
from mvi.collection.images import image_files, readable
from mvi.collection.index import Index, mixed
from mvi.collection.keywords import keywords_of, write_sidecar
from mvi.collection.tags import BESIDE, FOLDERS, KEYWORDS, TABLE, find_tags
from mvi.collection.update import Changes
from mvi.data.transforms import AsStored
from mvi.errors import DataError
from mvi.features.conversion import ORIGIN
from mvi.features.onnx_network import OnnxNetwork
from mvi.files import sha256, write_sealed
from mvi.models.centring import mean_states
from mvi.models.checkpoints import save
from mvi.models.mrbm import MultimodalRBM
from mvi.models.pipeline import Encoder

ROOT = Path(__file__).parents[1]
COLOURS = ["red", "grün", "青"]
SIDE = 8


def paint(path: Path, colour: int, shade: int = 255) -> None:
    """An image of a colour, named by its place in `COLOURS`; another shade is another file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = [0, 0, 0]
    values[colour] = shade
    Image.new("RGB", (SIDE, SIDE), tuple(values)).save(path)


def write_network(path: Path) -> None:
    node = helper.make_node("GlobalAveragePool", ["pixels"], ["out"])
    graph = helper.make_graph(
        [node],
        "colours",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_empty_tensor_value_info("out")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def model_of(network: Path) -> Encoder:
    # A hidden unit for each colour, which the colour or its tag turns on.
    parameters = {
        "weight": torch.cat([8 * torch.eye(3), 8 * torch.eye(3)]),
        "visible_bias": torch.tensor([-4.0] * 6),
        "hidden_bias": torch.tensor([-4.0] * 3),
    }
    rbm = MultimodalRBM({"image": 3, "text": 3}, 3, parameters)
    seen = {"side": SIDE, "mean": [0.0] * 3, "deviation": [1.0] * 3, "output": "out"}
    facts = {"kind": "network", "network": "own.onnx", "sha256": OnnxNetwork(network, **seen).sha256, **seen}
    model = Encoder({"image": AsStored(), "text": AsStored()}, rbm, COLOURS, features=facts)
    seen_in = {"image": np.eye(3, dtype=np.float32), "text": np.eye(3, dtype=np.float32)}
    model.centres = mean_states(model, [seen_in], ["image+text", "image", "text"], words="text")
    return model


@pytest.fixture
def collection(tmp_path) -> Collection:
    """Nine images in a folder, three of a colour, the third of which has no tags; the table lists all."""
    folder, images = tmp_path / "home/colours", tmp_path / "images"
    folder.mkdir(parents=True)
    lines = ["file,tags"]
    for colour, tag in enumerate(COLOURS):
        for number in range(3):
            name = f"{colour}{number}.png"
            paint(images / name, colour, 255 - number)
            lines.append(f"{name},{tag if number < 2 else ''}")
    table = tmp_path / "table.csv"
    table.write_text("\n".join(lines), encoding="utf-8")
    write_network(folder / NETWORK)
    model = model_of(folder / NETWORK)
    save(folder / MODEL, model, {})
    names = image_files(images)
    tags, _ = find_tags(images, names, table)
    found = {"new": False, "images": 6, "suggested": 0.9, "frequencies": 0.5}
    about = {
        "pictures": str(images),
        "place": TABLE,
        "table": str(table),
        "learned": found,
        "network": "own",
    }
    about["model"] = sha256(folder / MODEL)
    one = Collection(folder)
    features = one.describe([images / name for name in names])
    built(model, about, names, [tags[name] for name in names], features).save(folder / INDEX)
    return Collection(folder)


def test_collections_are_opened_by_name_by_path_and_by_being_the_only_one(collection, monkeypatch):
    home = collection.folder.parent
    monkeypatch.setenv("MVI_HOME", str(home))
    for name in (None, "colours", str(collection.folder)):
        assert mvi.open(name).index.names == collection.index.names
    with pytest.raises(DataError, match="has no collection 'other', but colours"):
        mvi.open("other")
    shutil.copytree(collection.folder, home / "second")
    with pytest.raises(DataError, match="colours, second; say which"):
        mvi.open()
    with pytest.raises(DataError, match="has no collection"):
        mvi.open(home=home / "nowhere")


def test_tags_are_suggested_for_images_of_the_collection_and_for_new_ones(collection, tmp_path):
    paint(tmp_path / "new.png", 1, 200)
    known, new = collection.suggest([collection.images / "02.png", tmp_path / "new.png"], 2)
    assert [known[0][0], new[0][0]] == ["red", "grün"] and len(known) == len(new) == 2
    assert known[0][1] > 0.9 > 0.1 > known[1][1]
    # What is kept is what the model says.
    (fresh,) = Collection(collection.folder).suggest(["02.png"], 2)
    assert fresh == known


def test_tags_find_images_with_and_without_tags(collection):
    found = collection.search("青", 3)
    assert {name for name, _ in found} == {"20.png", "21.png", "22.png"}
    assert found[0][1] == max(cosine for _, cosine in found) <= 1 + 1e-3
    assert {name for name, _ in collection.search(["red", "GRÜN"], 6)} == {
        f"{colour}{number}.png" for colour in (0, 1) for number in range(3)
    }
    without = [name for name, _ in collection.search(["red", "-grün"], 9)]
    assert "10.png" not in without and without[-1] == "12.png" and without[0].startswith("0")


def test_images_find_images_and_mix_with_tags_by_weight(collection, tmp_path):
    paint(tmp_path / "new.png", 0, 220)
    for image in (tmp_path / "new.png", "00.png", collection.images / "00.png"):
        assert {name for name, _ in collection.search([image], 3)} == {"00.png", "01.png", "02.png"}
    for weight, first in ((0.9, "0"), (0.1, "2")):
        assert collection.search([tmp_path / "new.png", "青"], 1, weight)[0][0].startswith(first)


def test_codes_of_queries_are_sums_of_unit_codes():
    x, y, z = np.eye(3)
    np.testing.assert_allclose(
        mixed([5 * x], [3 * y], weight=0.6), np.array([0.6, 0.4, 0]) / np.hypot(0.6, 0.4)
    )
    np.testing.assert_allclose(mixed([], [x, x, y], [z]), np.array([2, 1, -0.5 * 5**0.5]) / (6.25**0.5))


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("rad", "'rad' is neither an image file nor a tag that the model knows; did you mean red?"),
        ("zzzz", "mvi info lists the commonest"),
        ("-red", "needs a tag or an image besides"),
    ],
)
def test_queries_that_cannot_be_answered(collection, query, says):
    with pytest.raises(DataError, match=says):
        collection.search(query)


def test_an_index_of_another_model_is_refused(collection):
    model = model_of(collection.folder / NETWORK)
    model.network.parameters["weight"][0, 0] += 1
    save(collection.folder / MODEL, model, {})
    with pytest.raises(DataError, match=r"was made by the model \w{8} and not by"):
        Collection(collection.folder).search("red")


def test_another_network_is_refused(collection, tmp_path):
    one = onnx.load(collection.folder / NETWORK)
    one.graph.node[0].op_type = "GlobalMaxPool"
    onnx.save(one, collection.folder / NETWORK)
    paint(tmp_path / "new.png", 1)
    with pytest.raises(DataError, match="not what described the images"):
        Collection(collection.folder).suggest([tmp_path / "new.png"])


def test_an_index_that_is_none_is_refused(collection):
    for content in (b"", b"PK\3\4 and no more", b"text"):
        (collection.folder / INDEX).write_bytes(content)
        with pytest.raises(DataError, match="no whole index"):
            Collection(collection.folder).search("red")


def test_any_byte_of_an_index_that_turns_is_found_or_of_no_use(collection):
    path = collection.folder / INDEX
    whole, good = path.read_bytes(), Index.load(path)
    refused, directory = 0, whole.index(b"PK\1\2")
    places = [*range(0, directory, 19), *range(directory, len(whole))]
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 8]) + whole[place + 1 :])
        try:
            found = Index.load(path)
        except DataError as error:
            assert "is no whole index" in str(error) and "\n" not in str(error)
            refused += 1
            continue
        assert (found.about, found.names, found.tags) == (good.about, good.names, good.tags)
        np.testing.assert_array_equal(found.codes, good.codes)
        np.testing.assert_array_equal(found.features, good.features)
    assert refused > len(places) / 3


def test_a_converted_network_that_is_damaged_is_refused(tmp_path):
    path = tmp_path / NETWORK
    write_network(path)
    network = onnx.load(path)
    helper.set_model_props(network, {ORIGIN: "57" * 32})
    content = network.SerializeToString()
    write_sealed(path, content)
    seen = {"side": SIDE, "mean": [0.0] * 3, "deviation": [1.0] * 3, "output": "out"}
    facts = {"kind": "network", "network": "efficientnet_lite0", "sha256": "57" * 32, **seen}
    describer(facts, path)
    # Still a network, with the digest of the same weights.
    path.write_bytes(path.read_bytes().replace(b"colours", b"colourt"))
    with pytest.raises(DataError, match=r"network\.onnx is damaged"):
        describer(facts, path)


def test_questions_that_are_answered_already_need_no_torch(collection):
    program = (
        "import sys, mvi\n"
        f"c = mvi.open({str(collection.folder)!r})\n"
        "c.search(['red', '00.png']); c.suggest(['00.png']); c.vectors()\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules} & {'torch', 'scipy', 'h5py', 'pandas'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


# -- keeping up -----------------------------------------------------------------------------------------


def counted(collection, monkeypatch) -> list[str]:
    """Names of the files that are described from now on."""
    described, describe = [], collection._describe

    def watched(files):
        described.extend(file.name for file in files)
        return describe(files)

    monkeypatch.setattr(collection, "_describe", watched)
    return described


def test_an_update_describes_only_what_is_new(collection, monkeypatch):
    images, before = collection.images, collection.index
    described = counted(collection, monkeypatch)
    assert collection.update() == Changes(0, 0, 0, 0, 0, {}) and not described
    paint(images / "new/17.png", 1, 100)
    paint(images / "00.png", 2, 90)
    (images / "01.png").rename(images / "moved.png")
    (images / "10.png").unlink()
    os.utime(images / "11.png", (1, 1))
    (images / "bad.png").write_bytes(b"no image")
    whole = (images / "20.png").read_bytes()
    (images / "cut.png").write_bytes(whole[: len(whole) - 30])
    changes = collection.update()
    assert changes[:5] == (1, 1, 1, 1, 0) and set(changes.refused) == {"bad.png", "cut.png"}
    assert sorted(described) == ["00.png", "17.png", "cut.png"]
    # From the file, as any later program sees it.
    now = Collection(collection.folder)
    assert now.index.names == [name for name in image_files(images) if name not in changes.refused]
    assert now.index.tags[now.index.row("moved.png")] == ["red"]
    assert now.suggest(["00.png"], 1)[0][0][0] == "青" and now.suggest(["new/17.png"], 1)[0][0][0] == "grün"
    np.testing.assert_array_equal(
        now.index.codes[now.index.row("moved.png")], before.codes[before.row("01.png")]
    )


def test_what_an_update_leaves_is_what_a_new_index_would_hold(collection):
    images, table = collection.images, Path(collection.index.about["table"])
    paint(images / "13.png", 1, 100)
    table.write_text(table.read_text(encoding="utf-8") + "\n13.png,grün;new", encoding="utf-8")
    collection.update()
    names = image_files(images)
    tags, _ = find_tags(images, names, table)
    features = collection.describe([images / name for name in names])
    about = {key: value for key, value in collection.index.about.items() if key != "vocabulary"}
    new = built(collection.model, about, names, [tags[name] for name in names], features)
    updated = Index.load(collection.folder / INDEX)
    assert (updated.names, updated.tags, updated.about) == (new.names, new.tags, new.about)
    np.testing.assert_array_equal(updated.hashes, new.hashes)
    np.testing.assert_array_equal(updated.top, new.top)
    # Features are kept in float16.
    np.testing.assert_allclose(updated.probabilities, new.probabilities, atol=0.01)


def test_new_tags_of_an_image_count_and_are_not_described_again(collection, monkeypatch):
    table = Path(collection.index.about["table"])
    table.write_text(table.read_text(encoding="utf-8").replace("02.png,", "02.png,青"), encoding="utf-8")
    described = counted(collection, monkeypatch)
    assert collection.update() == Changes(0, 0, 0, 0, 1, {})
    assert collection.index.tags[collection.index.row("02.png")] == ["青"] and not described
    assert "02.png" in [name for name, _ in collection.search("青", 4)]


# -- images and tags ------------------------------------------------------------------------------------


def test_images_are_found_below_and_refused_by_their_headers(tmp_path):
    paint(tmp_path / "a/B.PNG", 0)
    paint(tmp_path / ".hidden/c.png", 0)
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("text")
    (tmp_path / "notes.txt").write_text("no image")
    Image.new("F", (2, 2)).save(tmp_path / "float.tiff")
    shutil.copy(tmp_path / "a/B.PNG", os.fsdecode(os.fsencode(tmp_path) + b"/r\xe4d.png"))
    names, refused = readable(tmp_path)
    assert names == ["a/B.PNG"] and set(refused) == {"empty.jpg", "text.jpg", "float.tiff", "r\udce4d.png"}
    assert refused.pop("r\udce4d.png") == "has a name that is not UTF-8"
    assert refused["empty.jpg"] == "is an empty file" and refused["text.jpg"].startswith("is none of")
    (tmp_path / "a/B.PNG").unlink()
    with pytest.raises(DataError, match=r"no image that can be read \(the first, empty.jpg, is an empty"):
        readable(tmp_path)
    with pytest.raises(DataError, match="is no folder"):
        readable(tmp_path / "absent")


def test_tags_stand_beside_images_in_them_or_in_names_of_folders(tmp_path):
    names = ["sea/2026/a.jpg", "sea/b.jpg", "c.jpg"]
    for name in names:
        paint(tmp_path / name, 0)
    assert find_tags(tmp_path, names) == (
        {"sea/2026/a.jpg": ["sea", "2026"], "sea/b.jpg": ["sea"], "c.jpg": []},
        FOLDERS,
    )
    write_sidecar(tmp_path / "c.jpg", ["<b>", "海 & sky"])
    assert find_tags(tmp_path, names)[1] == KEYWORDS
    assert find_tags(tmp_path, names)[0]["c.jpg"] == ["<b>", "海 & sky"]
    (tmp_path / "sea/b.txt").write_text("sky; sea,\nsky\r\nold town\n", encoding="utf-8")
    found, place = find_tags(tmp_path, names)
    assert place == BESIDE and found["sea/b.jpg"] == ["sky", "sea", "old town"] and found["c.jpg"] == []
    with pytest.raises(DataError, match="have no tags: give a table"):
        find_tags(tmp_path, ["c.jpg"][:0])


def test_keywords_in_files_and_sidecars_are_read(tmp_path):
    path, packet = tmp_path / "a.jpg", write_sidecar(tmp_path / "b.jpg", ["sea", "日"]).read_bytes()
    image = Image.new("RGB", (SIDE, SIDE))
    image.save(path, xmp=packet)
    assert keywords_of(path) == ["sea", "日"]
    image.save(path, xmp=packet.replace(b"<rdf:RDF", b"<!DOCTYPE a><rdf:RDF"))
    assert keywords_of(path) == []
    image.save(path, xmp=packet.replace(b"</rdf:Bag>", b""))
    assert keywords_of(path) == []
    # IPTC: record 2, data set 25, in Photoshop's block 0x0404 of a JPEG's segment APP13.
    data = b"".join(
        b"\x1c" + bytes([*key, 0, len(value)]) + value
        for key, value in (((1, 90), b"\x1b%G"), ((2, 25), "Räd".encode()), ((2, 25), b"sky"))
    )
    block = (
        b"Photoshop 3.0\x008BIM\x04\x04\0\0" + len(data).to_bytes(4, "big") + data + b"\0" * (len(data) % 2)
    )
    image.save(path)
    content = path.read_bytes()
    path.write_bytes(content[:2] + b"\xff\xed" + (len(block) + 2).to_bytes(2, "big") + block + content[2:])
    assert keywords_of(path) == ["Räd", "sky"]


@pytest.mark.parametrize("name", ["a.jpg.xmp", "a.xmp"])
def test_a_sidecar_that_is_there_stays(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(DataError, match="stays as it is"):
        write_sidecar(tmp_path / "a.jpg", ["sea"])
    assert (tmp_path / name).read_text() == "mine" and len(list(tmp_path.iterdir())) == 1


def test_a_sidecar_holds_both_lists(tmp_path):
    text = write_sidecar(tmp_path / "a.jpg", ["sea"]).read_text(encoding="utf-8")
    assert "<dc:subject><rdf:Bag><rdf:li>sea</rdf:li></rdf:Bag></dc:subject>" in text
    assert "<digiKam:TagsList><rdf:Seq><rdf:li>sea</rdf:li></rdf:Seq></digiKam:TagsList>" in text


def test_average_precision_by_hand():
    text = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]])
    scores = np.array([[3, 2, 1], [1, 2, 3], [1, 2, 3]])
    assert average_precision(scores, text) == pytest.approx(((1 + 2 / 3) / 2 + 1 / 2) / 2)
