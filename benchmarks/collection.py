# SPDX-License-Identifier: MIT
"""How long the commands of `mvi` take on a folder of images of one's own: a Markdown table.

python benchmarks/collection.py IMAGES TABLE > results/benchmarks/collection.md

Works on a copy. Ten images are held back and come in by an update, which also loses one and renames one. The
same collection is then asked with its images over and over until there are 10,000, of other content and the
same features, of which a hundred come in by an update.
"""

import argparse
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from mvi.collection.collection import INDEX, MODEL, NETWORK
from mvi.collection.images import content_hash, image_files, state_of
from mvi.collection.index import Index
from mvi.data.readers.folder import tags_of_table

ROOT = Path(__file__).resolve().parents[1]
NEW, MANY, MANY_NEW = 10, 10_000, 100


def timed(folder: Path, *command: str) -> tuple[float, float]:
    """Seconds of a command in `folder`, and seconds of a processor; raises where it fails."""
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "mvi.cli", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        stdout=sys.stderr,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - begin, used


def with_many(folder: Path, name: str) -> None:
    """Beside the collection `name` one of its images over and over; `MANY_NEW` more lie in many_new/."""
    index, images = Index.load(folder / f"collections/{name}/{INDEX}"), folder / "many"
    images.mkdir()
    (folder / "many_new").mkdir()
    rows = np.arange(MANY + MANY_NEW) % len(index.names)
    files = []
    for number, row in enumerate(rows.tolist()):
        place = images if number < MANY else folder / "many_new"
        file = place / f"{number:05d}{Path(index.names[row]).suffix}"
        # A byte after the end of an image is no part of it, and of the content.
        file.write_bytes((Path(index.about["pictures"]) / index.names[row]).read_bytes() + b"%d" % number)
        files.append(file)
    table = "".join(
        f'{file.name},"{";".join(index.tags[row])}"\n' for file, row in zip(files, rows, strict=True)
    )
    (folder / "many.csv").write_text("file,tags\n" + table, encoding="utf-8")
    files, rows = files[:MANY], rows[:MANY]
    many = replace(
        index,
        about={**index.about, "pictures": str(images), "table": str(folder / "many.csv")},
        names=[file.name for file in files],
        tags=[index.tags[row] for row in rows],
        hashes=np.array([content_hash(file) for file in files]),
        states=np.array([state_of(file) for file in files], np.int64),
        **{key: getattr(index, key)[rows] for key in ("codes", "top", "probabilities", "features")},
    )
    target = folder / "collections/many"
    target.mkdir()
    many.save(target / INDEX)
    for file in (MODEL, NETWORK):
        shutil.copyfile(folder / f"collections/{name}" / file, target / file)


def measure(folder: Path, images: Path, table: Path) -> list[tuple[str, float, float]]:
    """What each command took; `folder` is empty."""
    names = image_files(images)
    for place, some in (("photos", names[:-NEW]), ("new", names[-NEW:])):
        for name in some:
            file = folder / place / name
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(images / name, file)
    shutil.copyfile(table, folder / "tags.csv")
    rows = (folder / "tags.csv").read_text(encoding="utf-8-sig").splitlines(keepends=True)
    held_back = set(names[-NEW:])
    kept = [row for row in rows if row.split(",")[0] not in held_back]
    (folder / "fit.csv").write_text("".join(kept), encoding="utf-8")
    tags = [tag for own in tags_of_table(folder / "photos", folder / "fit.csv").values() for tag in own]
    first, second, *_ = sorted(set(tags), key=tags.count, reverse=True)
    new, known = f"new/{names[-1]}", f"photos/{names[0]}"
    found = []

    def add(said: str, *command: str) -> None:
        print(*command, file=sys.stderr)
        found.append((said, *timed(folder, *command)))

    mine, many = ("--name", "photos"), ("--name", "many")
    add(f"`fit` of {len(names) - NEW} images", "fit", "photos", "fit.csv", *mine)
    add("`info`", "info")
    add("`suggest` for a new image", "suggest", new)
    add("`suggest` for an image of the collection", "suggest", known)
    add("`search` by tags", "search", first, f"-{second}")
    add("`search` by a new image and a tag", "search", new, first, "--weight", "0.7")
    add("`vectors` of all", "vectors", "--output", "v.npy")
    add("`browse --output`", "browse", "--output", "page.html")
    shutil.copytree(folder / "new", folder / "photos", dirs_exist_ok=True)
    (folder / "photos" / names[1]).unlink()
    (folder / "photos" / names[2]).rename(folder / "photos" / f"renamed-{Path(names[2]).name}")
    add(f"`update`: {NEW} new, one gone, one renamed", "update")
    with_many(folder, "photos")
    add(f"`search` by tags, {MANY:,} images", "search", first, f"-{second}", *many)
    add(f"`search` by a new image and a tag, {MANY:,}", "search", new, first, *many)
    add(f"`suggest` for a new image, {MANY:,}", "suggest", new, *many)
    shutil.copytree(folder / "many_new", folder / "many", dirs_exist_ok=True)
    add(f"`update`: {MANY_NEW} new, {MANY:,} known", "update", *many)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", type=Path)
    parser.add_argument("table", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.pop("MVI_HOME", None)
        found = measure(Path(folder), given.images.resolve(), given.table.resolve())
    print(f"{os.cpu_count()} cores ({platform.machine()}); load at the end: {os.getloadavg()[0]:.1f}\n")
    print("| command | seconds | of a processor |\n|---|--:|--:|")
    for said, seconds, used in found:
        print(f"| {said} | {seconds:.1f} | {used:.1f} |")


if __name__ == "__main__":
    main()
