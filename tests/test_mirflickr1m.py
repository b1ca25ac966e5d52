# SPDX-License-Identifier: MIT
"""MIRFLICKR-1M on a generated stand-in of its layout: one archive at a time, through harm and a kill."""

import contextlib
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
import pytest
import yaml
from PIL import Image

from mvi.data.readers.mirflickr import CLASSES
from mvi.data.readers.mirflickr1m import catalogue
from mvi.data.sets.mirflickr1m import ARCHIVES, DATASET, KINDS, size
from mvi.data.store import Store
from mvi.errors import ConfigError, DataError
from mvi.workflow.plan import Source

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "rules", "workflow_scripts", "report", "config", "profiles")
IMAGES, LABELLED = 3, 10
ROWS = ARCHIVES * IMAGES
SETTINGS = {
    "folders": ARCHIVES,
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
    Image.new("RGB", (20, 16), (8 * row, 255 - 8 * row, 7 * (row % 5))).save(file, "JPEG")
    return file.getvalue()


def write_zip(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """A zip of files that are only stored."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)


def write_tags(path: Path, rows: Iterable[int] = range(ROWS)) -> None:
    """The zip of tags; those of rows that 7 divides are Latin-1."""
    lines = {row: "".join(f"{tag}\r\n" for tag in tags_of(row)) for row in rows}
    coded = {row: text.encode("utf-8" if row % 7 else "latin-1") for row, text in lines.items()}
    write_zip(path, ((f"tags/{row // IMAGES}/{row}.txt", content) for row, content in coded.items()))


def write_annotations(path: Path, numbers: Iterable[int] = (1, 4)) -> None:
    """The zip of annotations: every class has the images of these numbers, from 1 on."""
    listed = "".join(f"{number}\n" for number in numbers).encode()
    write_zip(path, ((f"{name}.txt", listed) for name in CLASSES))


def write_images(folder: Path) -> None:
    """The ten archives."""
    for number in range(ARCHIVES):
        rows = range(number * IMAGES, (number + 1) * IMAGES)
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
    assert found.names[:4] == ["images/0/0.jpg", "images/0/1.jpg", "images/0/2.jpg", "images/1/3.jpg"]
    assert found.ids.tolist() == list(range(ROWS)) and size(SETTINGS).rows == found.n_rows == ROWS
    columns = {
        word: found.text[:, [column]].toarray().ravel() for column, word in enumerate(found.vocabulary)
    }
    for tag in TAGS:
        assert columns[tag].tolist() == [int(tag in tags_of(row)) for row in range(ROWS)]
    # Image 0 is number 1 of the annotations.
    assert np.flatnonzero(found.labels[:, 0]).tolist() == [0, 3] and found.n_labelled == LABELLED
    assert set(found.splits) == {1, 2} and len(found.splits[1]["train"]) == size(SETTINGS).train == 4
    # Café on images 0 and 28.
    assert "2 of the 30 tag files" in caplog.text and "first tags/0/0.txt" in caplog.text


def test_what_is_not_there_is_named(raw):
    write_tags(Path(raw["tags"]), range(ROWS - 1))
    with pytest.raises(DataError, match=r"tags\.zip lacks tags/9/29\.txt"):
        read(raw)
    write_tags(Path(raw["tags"]))
    write_annotations(Path(raw["annotations"]), [11])
    with pytest.raises(DataError, match="has the number 11 in line 1"):
        read(raw)


@pytest.mark.parametrize(
    "settings, said",
    [({"folders": 12}, "10 archives with as many folders"), ({"labelled": 31}, "31, more than")],
)
def test_settings_that_make_no_collection_are_refused(settings, said):
    DATASET.refuse_mistakes(SETTINGS)
    with pytest.raises(ConfigError, match=said):
        DATASET.refuse_mistakes(SETTINGS | settings)


def source(block: int, kind: str = "network") -> Source:
    features = {
        "name": "n",
        "kind": kind,
        "network": "efficientnet_lite0",
        "block": block,
        "phow": {"words": 1},
    }
    return Source(DATASET, SETTINGS, features)


def test_a_block_waits_for_its_own_archive_and_no_figure_for_any():
    ours = source(3)
    raw = ours.image_places()
    assert [Path(path).name for path in raw] == [f"images{number}.zip" for number in range(ARCHIVES)]
    assert len(KINDS) == ARCHIVES and ours.block_inputs("9", "12")["images"] == raw[3]
    assert ours.blocks_of(raw[3]) == [f"{DATA}/n/blocks/9-12.npz"]
    assert source(1).blocks_of(raw[9])[-1] == f"{DATA}/n/blocks/29-30.npz"
    assert set(ours.catalogue_inputs()) == {"tags", "annotations"}
    with pytest.raises(ConfigError, match="block is 4, but an image file of mirflickr1m has 3 images"):
        source(4).block_inputs("0", "4")
    with pytest.raises(ConfigError, match="deleted once they are described.* with features.kind network"):
        ours.images()
    assert ours.card() == {"card": [], "figures": []}


# -- through Snakemake -------------------------------------------------------------------------------------


RUN = {
    "extends": "mirflickr1m-network",
    "data": {**SETTINGS, "splits": {"count": 2, "train": 0.4, "validation": 0.2}},
    "features": {"kind": "network", "network": "efficientnet_lite0", "side": 32, "block": IMAGES},
    "splits": [1],
}


class Flow:
    """A folder with the workflow, a mirror with the stand-in, and a look at which archives there are."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.mirror = folder / "flow", folder / "mirror" / "mirflickr1m"
        self.folder.mkdir()
        self.mirror.mkdir(parents=True)
        (folder / "mirror" / "mirflickr25k").mkdir()
        write_images(self.mirror)
        write_tags(self.mirror / "tags.zip")
        write_annotations(folder / "mirror" / "mirflickr25k" / "mirflickr25k_annotations_v080.zip")
        for name in PARTS:
            (self.folder / name).symlink_to(ROOT / name)
        (self.folder / "given.yaml").write_text(yaml.safe_dump({"runs": {"million": RUN}}))
        self.most = 0

    def archives(self) -> set[str]:
        """The archives that lie in the folder of raw files, whole or coming."""
        found = (self.folder / DATA / "raw").glob("*images*.zip*")
        return {match[0] for path in found if (match := re.search(r"images\d\.zip", path.name))}

    def blocks(self) -> dict[str, tuple[bytes, int]]:
        """Content and time of each block that is described."""
        found = (self.folder / DATA).glob("*/blocks/*.npz")
        return {path.stem: (path.read_bytes(), path.stat().st_mtime_ns) for path in found}

    def run(self, kill_after: int = ROWS) -> tuple[int, str]:
        """Make the store; kill all of it once so many blocks are described."""
        env = os.environ | {
            "MVI_MIRROR": str(self.mirror.parent),
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
        }
        command = [
            "snakemake",
            "--cores",
            "1",
            "--nolock",
            "--rerun-incomplete",
            "--configfile",
            "given.yaml",
        ]
        with (self.folder / "log").open("w+") as log:
            job = subprocess.Popen(
                [sys.executable, "-m", *command, "--", "features"],
                cwd=self.folder,
                env=env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            while job.poll() is None:
                self.most = max(self.most, len(self.archives()))
                if len(self.blocks()) >= kill_after:
                    # While the next is fetched or described.
                    time.sleep(1)
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(job.pid, signal.SIGKILL)
                    job.wait()
                time.sleep(0.02)
            log.seek(0)
            return job.returncode, log.read()


def test_a_damaged_archive_is_named_and_a_killed_run_goes_on(tmp_path):
    flow = Flow(tmp_path)
    whole = (flow.mirror / "images2.zip").read_bytes()
    at = whole.index(image(7))
    (flow.mirror / "images2.zip").write_bytes(whole[: at + 200] + b"\0\1\2\3" + whole[at + 204 :])
    failed, said = flow.run()
    assert failed and "Traceback" not in said
    assert f"{DATA}/raw/images2.zip is damaged at images/2/7.jpg" in said
    assert set(flow.blocks()) == {"0-3", "3-6"} and flow.archives() == {"images2.zip"}
    before = flow.blocks()

    (flow.mirror / "images2.zip").write_bytes(whole)
    (flow.folder / DATA / "raw/images2.zip").unlink()
    killed, _ = flow.run(kill_after=4)
    assert killed == -signal.SIGKILL and 4 <= len(flow.blocks()) < ARCHIVES
    before |= {name: block for name, block in flow.blocks().items() if name in ("6-9",)}

    failed, said = flow.run()
    assert not failed, said
    after = flow.blocks()
    assert len(after) == ARCHIVES and all(after[name] == block for name, block in before.items())
    # Never two at once, and none in the end.
    assert flow.most == 1 and flow.archives() == set()
    with Store(next((flow.folder / DATA).glob("*/store.h5"))) as store:
        assert store.n_rows == ROWS and store.n_labelled == LABELLED
        assert store.attrs["attributes"]["unreadable"] == []
        # Each row is of its own image, however it came to be described.
        again = store.read("image")
        assert len(np.unique(again.round(4), axis=0)) == ROWS
