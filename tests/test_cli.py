# SPDX-License-Identifier: MIT
"""The command line on a collection, and `mvi fit` from a folder of generated images to one."""

import csv
import re
import shlex
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_collection import COLOURS, SIDE, collection, paint, write_network  # noqa: F401  # A fixture.

from mvi.cli.fit import ALL, EVALUATION, configured, fit
from mvi.cli.main import _parser, main
from mvi.cli.verdict import verdict
from mvi.collection.collection import INDEX, MODEL, NETWORK
from mvi.errors import ConfigError, DataError, MviError

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "docs/tutorials"))


@pytest.fixture
def told(collection, monkeypatch, capsys):  # noqa: F811
    """What a command writes to stdout and to stderr, as lines; its status must be 0."""
    monkeypatch.setenv("MVI_HOME", str(collection.folder.parent))
    monkeypatch.chdir(collection.images)

    def run(*arguments, status=0):
        assert main([str(one) for one in arguments]) == status
        out, err = capsys.readouterr()
        return out.splitlines(), err.splitlines()

    return run


def test_suggested_tags_are_lines_or_csv_above_a_threshold(told, collection):  # noqa: F811
    lines, said = told("suggest", "00.png", "10.png", "--top", 2)
    assert [line.split("\t")[:2] for line in lines] == [["00.png", "red 0.98"], ["10.png", "grün 0.98"]]
    assert said == [f"collection colours: 9 images, model {collection.model_hash[:8]}"]
    assert len(lines[0].split("\t")) == 3
    lines, _ = told("suggest", "00.png", "--threshold", 0.5, "--csv")
    assert list(csv.reader(lines)) == [["file", "tag", "probability"], ["00.png", "red", "0.9820"]]


def test_sidecars_are_written_where_there_are_no_keywords(told, collection):  # noqa: F811
    images = collection.images
    (images / "10.xmp").write_text("mine")
    _, said = told("suggest", "00.png", "10.png", "20.png", "--threshold", 0.5, "--write-xmp")
    assert (images / "10.xmp").read_text() == "mine" and not (images / "10.png.xmp").exists()
    assert "<rdf:li>red</rdf:li>" in (images / "00.png.xmp").read_text(encoding="utf-8")
    assert "stays as it is" in said[2] and said[1] == "written: 00.png.xmp"
    before = (images / "00.png.xmp").read_bytes()
    _, said = told("suggest", "00.png", "--threshold", 0.5, "--write-xmp")
    assert said[1] == "00.png: has keywords, nothing is written"
    assert (images / "00.png.xmp").read_bytes() == before
    _, said = told("suggest", "11.png", "--threshold", 1, "--write-xmp")
    assert "no tag is likely enough" in said[1] and not (images / "11.png.xmp").exists()
    _, said = told("suggest", "11.png", "--write-xmp", status=1)
    assert "--write-xmp needs a --threshold" in said[0] and not (images / "11.png.xmp").exists()


def test_searches_by_words_images_and_both(told):
    lines, _ = told("search", "red", "--top", 3)
    assert {line.split("\t")[1] for line in lines} == {"00.png", "01.png", "02.png"}
    # A minus before a tag is no option, wherever it stands, even with letters of options.
    for query in (["-grün", "red"], ["red", "-grün"]):
        lines, _ = told("search", *query, "--top", 9)
        assert {"10.png", "11.png"}.isdisjoint(line.split("\t")[1] for line in lines) and len(lines) == 7
    lines, _ = told("search", "00.png", "青", "--weight", 0.1, "--top", 1)
    assert lines[0].split("\t")[1].startswith("2")
    _, said = told("search", "rad", status=1)
    assert said[-1].startswith("mvi: 'rad' is neither")


def test_vectors_are_written(told, collection, tmp_path):  # noqa: F811
    lines, _ = told("vectors", "--output", tmp_path / "v.npy")
    of = f"of the files in {tmp_path / 'v.txt'}"
    assert lines == [f"{tmp_path / 'v.npy'}: 9 vectors of 3 dimensions, {of}"]
    assert (tmp_path / "v.txt").read_text().splitlines() == collection.index.names
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy"), collection.vectors())
    told("vectors", "10.png", "00.png", "--output", tmp_path / "v.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy"), collection.vectors()[[3, 0]])
    assert (tmp_path / "v.txt").read_text() == "10.png\n00.png\n"
    _, said = told("vectors", "--output", tmp_path / "v.txt", status=1)
    assert said[-1].endswith("ends in neither .npy nor .parquet; rename it.")


def test_parquet_holds_files_vectors_and_the_model(told, collection, tmp_path):  # noqa: F811
    parquet = pytest.importorskip("pyarrow.parquet")
    told("vectors", "--output", tmp_path / "v.parquet")
    table = parquet.read_table(tmp_path / "v.parquet")
    assert table["file"].to_pylist() == collection.index.names
    np.testing.assert_array_equal(np.stack(table["vector"].to_pylist()), collection.vectors())
    assert table.schema.metadata[b"mvi_model"].decode() == collection.model_hash


def test_parquet_without_pyarrow_is_said(told, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    _, said = told("vectors", "--output", tmp_path / "v.parquet", status=1)
    assert "need the Python package pyarrow" in said[-1] and not (tmp_path / "v.parquet").exists()


def test_updates_are_counted(told, collection):  # noqa: F811
    paint(collection.images / "13.png", 1, 90)
    (collection.images / "bad.jpg").write_text("no image")
    lines, said = told("update")
    assert lines == ["1 new, 0 changed, 0 renamed, 0 gone, 0 with other tags", "10 images, 6 with tags"]
    assert said[1].startswith("left out: bad.jpg is none of")


def test_learning_anew_takes_the_tags_that_an_update_leaves(told, collection, monkeypatch):  # noqa: F811
    def stop(*_, **__):
        raise MviError("here the workflow would run.")

    monkeypatch.setattr("mvi.cli.fit.LEAST", 2)
    monkeypatch.setattr("mvi.cli.fit.run", stop)
    # The table lists both still.
    (collection.images / "01.png").rename(collection.images / "moved.png")
    (collection.images / "10.png").unlink()
    lines, said = told("update", "--retrain", status=1)
    assert lines[0].startswith("0 new, 0 changed, 1 renamed, 1 gone") and "would run" in said[-1]
    rows = dict(csv.reader((collection.folder / "table.csv").open(encoding="utf-8")))
    assert rows["moved.png"] == "red" and rows["00.png"] == "red" and {"01.png", "10.png"}.isdisjoint(rows)


def test_info_tells_of_every_collection(told, collection):  # noqa: F811
    shutil.copytree(collection.folder, collection.folder.parent / "second")
    lines, _ = told("info")
    text = "\n".join(lines)
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == ["colours", "second"]
    assert "9 in" in text and "6 with tags" in text and "red (2)" in text and collection.model_hash in text
    assert told("info", "--name", "second")[0][0].startswith("second")
    _, said = told("info", "--home", "nowhere", status=1)
    assert "mvi fit IMAGES" in said[-1]


# -- fit ------------------------------------------------------------------------------------------------


@pytest.fixture
def images(tmp_path) -> Path:
    """Forty images in two folders, whose names are their tags, with a network that sees their colours."""
    for number in range(40):
        paint(tmp_path / f"images/{COLOURS[number % 2]}/{number}.png", number % 2, 255 - number)
    write_network(tmp_path / "own.onnx")
    return tmp_path / "images"


def over(folder: Path) -> dict:
    seen = {"side": SIDE, "mean": [0.0] * 3, "deviation": [1.0] * 3}
    return {"features": {"kind": "network", "network": str(folder / "own.onnx"), **seen}}


def test_a_folder_becomes_a_collection_and_says_what_was_learned(images, tmp_path, capfd):
    import own_images

    (images / "bad.png").write_bytes(b"no image")
    options = {"home": str(tmp_path / "home"), "evaluate": True, "effort": 0.5, "cores": "1"}
    found, said = fit(images, None, "two", **options, over=over(tmp_path))
    assert {path.name for path in found.folder.iterdir()} >= {MODEL, INDEX, NETWORK, "fit.log", "table.csv"}
    assert len(found.index.names) == 40 and found.index.about["place"] == "names of folders"
    assert said[0].startswith("40 images, 40 with tags, 1 left out; 2 tags are known")
    assert said[-1] == verdict(found.index.about["learned"]) and "8 images that a second model" in said[-1]
    progress = capfd.readouterr().err
    assert "left out: bad.png is none of" in progress and re.search(
        r"of \d+.*: describing images 0 to 40", progress
    )
    # It answers about a new image, as the model does.
    paint(tmp_path / "new.png", 0, 150)
    assert {tag for tag, _ in found.suggest([tmp_path / "new.png"], 2)[0]} == set(COLOURS[:2])
    assert len(found.search([tmp_path / "new.png", COLOURS[0]], 5)) == 5
    # So it does in the tutorial.
    own_images.ask(found, tmp_path / "new.png")
    shown = capfd.readouterr().out
    assert shown.startswith("tags that suit it: [('") and "its code: (1, 3) (1, " in shown
    # Once more, nothing is left to do.
    again, _ = fit(images, None, "two", **options, over=over(tmp_path))
    assert (
        again.model_hash == found.model_hash
        and "Nothing to be done" in (found.folder / "fit.log").read_text()
    )
    # The same name is not for other images.
    paint(tmp_path / "others/a/a.png", 0)
    with pytest.raises(ConfigError, match="another --name"):
        fit(tmp_path / "others", None, "two", **options)


def test_a_failing_job_ends_with_its_sentence_and_the_log(images, tmp_path, capfd):
    (tmp_path / "own.onnx").write_bytes(b"no network")
    with pytest.raises(MviError, match=r"own.onnx is no sound ONNX file.*fit.log"):
        fit(images, None, "two", home=str(tmp_path / "home"), cores="1", over=over(tmp_path))


def test_what_cannot_do_is_said_before_any_work(images, tmp_path):
    home = str(tmp_path / "home")
    with pytest.raises(DataError, match="is no folder"):
        fit(tmp_path / "absent", None, "two", home=home)
    for name in ("", "a/b", ".hidden"):
        with pytest.raises(ConfigError, match="cannot be called"):
            fit(images, None, name, home=home)
    (tmp_path / "few.csv").write_text("file,tags\n青/none.png,sea\n")
    with pytest.raises(DataError, match="are not in"):
        fit(images, tmp_path / "few.csv", "two", home=home)
    rows = "".join(f"{COLOURS[n % 2]}/{n}.png,sea\n" for n in range(19))
    (tmp_path / "few.csv").write_text(f"file,tags\n{rows}", encoding="utf-8")
    with pytest.raises(DataError, match="19 of the 40 images have tags, and a model needs 20"):
        fit(images, tmp_path / "few.csv", "two", home=home)
    assert not (tmp_path / "home").exists()


def test_sizes_follow_the_number_of_images(tmp_path):
    def of(tagged, evaluate=False, effort=1.0):
        return configured(tmp_path, tmp_path / "t.csv", tagged, evaluate, effort, {})["runs"]

    few, many = of(24)[ALL], of(20_000)[ALL]
    assert few["joint"]["training"]["batch_size"] == 3 and many["joint"]["training"]["batch_size"] == 50
    assert many["joint"]["hidden"] == 2 * few["joint"]["hidden"]
    assert few["joint"]["training"]["epochs"] == 4 * many["joint"]["training"]["epochs"]
    assert of(24, effort=0.5)[ALL]["joint"]["training"]["epochs"] == few["joint"]["training"]["epochs"] / 2
    assert few["rows"]["held_out"] == 0 and list(of(24)) == [ALL]
    both = of(1000, evaluate=True)
    assert both[EVALUATION]["rows"]["held_out"] == 200 and both[ALL]["rows"]["held_out"] == 0


@pytest.mark.parametrize(
    ("suggested", "new", "says"),
    [
        (
            0.5,
            True,
            r"are better than .*0.50, and 0.40 by frequency alone, on 9 images that a second model had",
        ),
        (0.5, False, r"are better than .*the 9 images it learned from\); --evaluate tells"),
        (0.41, True, "no better than tag frequencies"),
        (float("nan"), True, "no better"),
    ],
)
def test_the_verdict_is_honest(suggested, new, says):
    found = {"images": 9, "suggested": suggested, "frequencies": 0.4, "new": new}
    assert re.search(says, verdict(found))


# -- what the documents show ----------------------------------------------------------------------------


def shown(document: str, start: str) -> list[str]:
    """The lines of all blocks of code that begin with a word."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", (ROOT / document).read_text(), re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines() if line.startswith(start)]


def test_commands_and_python_of_the_documents_run_as_printed(told, collection, tmp_path, monkeypatch):  # noqa: F811
    index = collection.index
    known = {**index.about, "vocabulary": ["beach", "winter", "city"]}
    replace(index, about=known).save(collection.folder / INDEX)
    collection.folder.rename(collection.folder.with_name("holiday"))
    for name in ("new.jpg", "other.jpg", "photos/sea/a.jpg"):
        paint(tmp_path / name, 0)
    monkeypatch.chdir(tmp_path)
    lines = [*shown("docs/own-images.md", "mvi "), *shown("README.md", ".venv/bin/mvi ")]
    commands = [shlex.split(line.replace("*.jpg", "a.jpg").replace("sunset ", ""))[1:] for line in lines]
    assert len(commands) > 15
    for command in commands:
        # Those that train, or serve until they are stopped, are only understood.
        if command[0] == "fit" or command in (["browse"], ["update", "--retrain"]):
            _parser().parse_args(command)
        elif command[0] != "update":
            told(*command)
    assert (tmp_path / "holiday.html").is_file() and (tmp_path / "photos/sea/a.jpg.xmp").is_file()
    (snippet,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/own-images.md").read_text(), re.DOTALL)
    names: dict = {}
    exec(snippet, names)
    assert names["codes"].shape == (9, 3) and names["states"].shape == (1, 3)
