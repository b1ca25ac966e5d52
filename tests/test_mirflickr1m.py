# SPDX-License-Identifier: MIT
"""MIRFLICKR-1M on a generated stand-in of its layout: one archive at a time, through harm and a kill."""

import io
import logging
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from conftest import ROOT, link_workflow
from onnx import TensorProto, helper
from PIL import Image

from mvi.data.images import decode
from mvi.data.readers.mirflickr1m import catalogue
from mvi.data.readers.mirflickr_annotations import CLASSES
from mvi.data.sets.mirflickr1m import DATASET, size
from mvi.data.store import Store
from mvi.errors import ConfigError, DataError
from mvi.workflow.plan import Source

ARCHIVES, FOLDERS, IMAGES, LABELLED = 2, 2, 4, 10
EACH = FOLDERS * IMAGES
ROWS = ARCHIVES * EACH
SETTINGS = {
    "archives": ARCHIVES,
    "folders": FOLDERS,
    "images": IMAGES,
    "labelled": LABELLED,
    "vocabulary": {"size": 10, "minimum_count": 2},
    "splits": {"count": 2, "train": 0.4, "validation": 0.2, "seed": 0},
}
DATA = "results/data/mirflickr1m"
TAGS = ["sky", "sea", "café"]


def tags_of(row: int) -> list[str]:
    """What the owner of an image wrote."""
    return [tag for place, tag in enumerate(TAGS) if row % (place + 2) == 0]


def image(row: int) -> bytes:
    """A JPEG of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (20, 16), (15 * row, 255 - 15 * row, 7 * (row % 5))).save(file, "JPEG")
    return file.getvalue()


def write_zip(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """A zip of files that are only stored."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)


def write_tags(path: Path, rows: Iterable[int] = range(ROWS)) -> None:
    """The zip of tags; those of rows that 6 divides are Latin-1."""
    lines = {row: "".join(f"{tag}\r\n" for tag in tags_of(row)) for row in rows}
    coded = {row: text.encode("utf-8" if row % 6 else "latin-1") for row, text in lines.items()}
    write_zip(path, ((f"tags/{row // IMAGES}/{row}.txt", content) for row, content in coded.items()))


def write_annotations(path: Path, numbers: Iterable[int] = (1, 4)) -> None:
    """The zip of annotations: every class has the images of these numbers, from 1 on."""
    listed = "".join(f"{number}\n" for number in numbers).encode()
    write_zip(path, ((f"{name}.txt", listed) for name in CLASSES))


def write_images(folder: Path) -> None:
    """The archives of images."""
    for number in range(ARCHIVES):
        rows = range(number * EACH, (number + 1) * EACH)
        members = ((f"images/{row // IMAGES}/{row}.jpg", image(row)) for row in rows)
        write_zip(folder / f"images{number}.zip", members)


@pytest.fixture
def raw(tmp_path):
    write_tags(tmp_path / "tags.zip")
    write_annotations(tmp_path / "annotations.zip")
    return {kind: str(tmp_path / f"{kind}.zip") for kind in ("tags", "annotations")}


def read(raw, **settings):
    return catalogue(raw, SETTINGS | settings, dataset="mirflickr1m", generated=True, citation="c")


def test_rows_are_images_in_the_order_of_their_numbers(raw, caplog):
    with caplog.at_level(logging.WARNING):
        found = read(raw)
    assert found.names[2:5] == ["images/0/2.jpg", "images/0/3.jpg", "images/1/4.jpg"]
    assert found.ids.tolist() == list(range(ROWS)) and size(SETTINGS).rows == found.n_rows == ROWS
    columns = {
        word: found.text[:, [column]].toarray().ravel() for column, word in enumerate(found.vocabulary)
    }
    for tag in TAGS:
        assert columns[tag].tolist() == [int(tag in tags_of(row)) for row in range(ROWS)]
    # Image 0 is number 1 of the annotations.
    assert np.flatnonzero(found.labels[:, 0]).tolist() == [0, 3] and found.n_labelled == LABELLED
    assert set(found.splits) == {1, 2} and len(found.splits[1]["train"]) == size(SETTINGS).train == 4
    # Café on images 0 and 12.
    assert f"2 of the {ROWS} tag files" in caplog.text and "first of them tags/0/0.txt" in caplog.text


def test_what_is_not_there_is_named(raw):
    write_tags(Path(raw["tags"]), range(ROWS - 1))
    with pytest.raises(DataError, match=r"tags\.zip lacks tags/3/15\.txt"):
        read(raw)
    write_tags(Path(raw["tags"]))
    write_annotations(Path(raw["annotations"]), [11])
    with pytest.raises(DataError, match="has the number 11 in line 1"):
        read(raw)


def test_more_labelled_images_than_there_are_are_refused():
    DATASET.refuse_mistakes(SETTINGS)
    with pytest.raises(ConfigError, match='labelled" is 17, more than there are images'):
        DATASET.refuse_mistakes(SETTINGS | {"labelled": ROWS + 1})


def source(block: int) -> Source:
    features = {"name": "n", "kind": "network", "network": "efficientnet_lite0", "block": block}
    return Source(DATASET, SETTINGS, features)


def test_an_image_file_waits_for_the_one_before_and_a_block_for_its_own():
    ours = source(IMAGES)
    files = [f"{DATA}/raw/images{number}.zip" for number in range(ARCHIVES)]
    assert ours.image_files() == files
    assert ours.block_inputs("4", "8")["images"] == files[0]
    assert ours.block_inputs("8", "12")["images"] == files[1]
    assert ours.described_before(files[0]) == []
    assert ours.described_before(files[1]) == [f"{DATA}/n/blocks/0-4.npz", f"{DATA}/n/blocks/4-8.npz"]
    assert set(ours.catalogue_inputs()) == {"tags", "annotations"}
    with pytest.raises(ConfigError, match="block is 6, but an image file of mirflickr1m has 8 images"):
        source(6).block_inputs("6", "12")


def test_no_figure_waits_for_images_that_are_deleted():
    with pytest.raises(ConfigError, match="deleted once they are described.* with features.kind network"):
        source(IMAGES).images()
    assert source(IMAGES).card() == {"card": [], "figures": []}


# -- through Snakemake -------------------------------------------------------------------------------------


RUN = {
    "extends": "mirflickr1m-network",
    "data": SETTINGS,
    "features": {
        "network": "own.onnx",
        "side": 8,
        "mean": [0.5, 0.5, 0.5],
        "deviation": [0.5, 0.5, 0.5],
        "block": IMAGES,
    },
    "splits": [1],
}


class Flow:
    """A folder with the workflow, a mirror with the stand-in, and a look at which archives there are."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.mirror = folder / "flow", folder / "mirror/mirflickr1m"
        for made in (self.folder, self.mirror, folder / "mirror/mirflickr25k"):
            made.mkdir(parents=True)
        write_images(self.mirror)
        write_tags(self.mirror / "tags.zip")
        write_annotations(folder / "mirror/mirflickr25k/mirflickr25k_annotations_v080.zip")
        link_workflow(self.folder)
        (self.folder / "given.yaml").write_text(yaml.safe_dump({"runs": {"million": RUN}}))
        shape = [1, 3, 8, 8]
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("pixels", "maps")]
        same = helper.make_node("Identity", ["pixels"], ["maps"])
        graph = helper.make_graph([same], "own", ends[:1], ends[1:])
        opset = helper.make_opsetid("", 17)
        onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), self.folder / "own.onnx")
        self.most = 0

    def archives(self) -> set[str]:
        """The archives that lie in the folder of raw files, whole or coming."""
        found = (self.folder / DATA / "raw").glob("*images*.zip*")
        return {match[0] for path in found if (match := re.search(r"images\d\.zip", path.name))}

    def blocks(self) -> dict[str, tuple[bytes, int]]:
        """Content and time of each block that is described."""
        found = (self.folder / DATA).glob("own/blocks/[!.]*.npz")
        return {path.stem: (path.read_bytes(), path.stat().st_mtime_ns) for path in found}

    def begun(self) -> int:
        """How many blocks are described or being so."""
        return len(list((self.folder / DATA).glob("own/logs/describe_block/*.log")))

    def run(self, kill_at: int = ROWS) -> tuple[int, str]:
        """Make the store; kill all of it once the description of so many blocks is begun."""
        with (self.folder / "log").open("w+") as log:
            job = subprocess.Popen(
                [
                    *(sys.executable, "-m", "snakemake", "--cores", "1", "--nolock"),
                    *("--configfile", "given.yaml", "--", "features"),
                ],
                cwd=self.folder,
                env={**os.environ, "MVI_MIRROR": str(self.mirror.parent), "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
            while job.poll() is None:
                self.most = max(self.most, len(self.archives()))
                if self.begun() >= kill_at:
                    os.killpg(job.pid, signal.SIGKILL)
                    job.wait()
                time.sleep(0.02)
            log.seek(0)
            return job.returncode, log.read()


def test_a_killed_run_goes_on_and_a_damaged_archive_is_named(tmp_path):
    flow = Flow(tmp_path)
    second = flow.mirror / "images1.zip"
    whole = second.read_bytes()
    at = whole.index(image(ROWS - 1))
    second.write_bytes(whole[: at + 200] + b"\0\1\2\3" + whole[at + 204 :])
    killed, _ = flow.run(kill_at=2)
    before = flow.blocks()
    assert killed == -signal.SIGKILL and len(before) == 1 and flow.archives() == {"images0.zip"}

    failed, said = flow.run()
    assert failed and "Traceback" not in said
    assert f"{DATA}/raw/images1.zip is damaged at images/3/15.jpg" in said
    blocks = flow.blocks()
    assert before.items() < blocks.items() and {"0-4", "4-8"} <= blocks.keys() <= {"0-4", "4-8", "8-12"}
    assert flow.archives() == {"images1.zip"}
    # What was described from the file that is retrieved again is described again.
    blocks.pop("8-12", None)

    second.write_bytes(whole)
    (flow.folder / DATA / "raw/images1.zip").unlink()
    failed, said = flow.run()
    assert not failed, said
    assert blocks.items() < flow.blocks().items() and len(flow.blocks()) == ARCHIVES * FOLDERS
    # Never two at once, and none in the end.
    assert flow.most == 1 and flow.archives() == set()
    with Store(flow.folder / DATA / "own/store.h5") as store:
        assert store.n_rows == ROWS and store.n_labelled == LABELLED
        assert store.attrs["attributes"]["unreadable"] == []
        # Each row is of its own image, however it came to be described.
        expected = [decode(image(row), 8).mean((0, 1)) / 127.5 - 1 for row in range(ROWS)]
        np.testing.assert_allclose(store.read("image"), expected, atol=1e-5)
