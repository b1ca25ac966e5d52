# SPDX-License-Identifier: MIT
"""Every record of a data set says what the rest relies on, and a data set is added by adding one file."""

import csv
import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pytest

from mvi.data.readers.toronto_layout import ARCHIVE, UNCHECKABLE
from mvi.data.registry import rows
from mvi.data.sets.base import DataSet, module_of
from mvi.data.sets.registry import DATASETS, dataset
from mvi.data.store import Store
from mvi.data.transforms import KINDS
from mvi.errors import ConfigError, DataError
from mvi.workflow.provenance import closure
from mvi.workflow.schema import completed, of_run

ROOT = Path(__file__).parents[1]
RECORDS = [pytest.param(record, id=name) for name, record in DATASETS.items()]
DEFAULTS = {name: completed(of_run(name)["properties"]["data"], {}) for name in DATASETS}
TOY_RUN = (
    "extends: reference-flickr, dataset: toy, splits: [1], baselines: {inputs: [image]}, outputs: [reference]"
)


def entry_points(record: DataSet) -> list[str]:
    """What jobs that make the raw files, the catalogue or the store of a data set run."""
    drawn = [record.generator.draw] if record.generator else []
    return [*filter(None, (record.write_store, record.read)), *drawn]


def test_the_records_are_those_of_the_files_of_the_folder():
    folder = ROOT / "mvi/data/sets"
    named = {path.stem for path in folder.glob("*.py")} - {"__init__", "base", "registry", "shares"}
    assert set(DATASETS) == named
    orders = [record.order for record in DATASETS.values()]
    assert orders == sorted(set(orders))


def test_an_unknown_name_is_refused_with_the_known_ones():
    assert dataset("mini") is DATASETS["mini"]
    with pytest.raises(ConfigError, match=rf"^data set 'cifar' is unknown; .*{', '.join(DATASETS)}\.$"):
        dataset("cifar")


@pytest.mark.parametrize("record", RECORDS)
def test_what_a_record_says_fits_together(record):
    assert record.title and record.metrics and record.modalities
    assert bool(record.write_store) != bool(record.read) == record.has_images
    assert sum(map(bool, (record.downloads, record.generator, record.own_files))) <= 1
    for modality in record.modalities.values():
        assert modality.transforms and set(modality.transforms) <= set(KINDS)
    if record.has_images:
        assert "images" in record.raw_files(DEFAULTS[record.name], "raw")
        assert not record.feature_groups


@pytest.mark.parametrize("record", RECORDS)
def test_entry_points_are_there_and_take_what_they_are_given(record):
    about: dict[str, Any] = {"dataset": record.name, "citation": "c"}
    raw, settings = record.raw_files(DEFAULTS[record.name], "raw"), DEFAULTS[record.name]
    if record.write_store:
        more = {"precision": "float32"} if record.has_features else {}
        inspect.signature(resolve_name(record.write_store)).bind("s.h5", raw, settings, **about, **more)
    else:
        inspect.signature(resolve_name(record.read)).bind(raw, settings, **about, generated=record.generated)
    if generator := record.generator:
        asked = {key: settings[key] for key in generator.settings}
        inspect.signature(resolve_name(generator.draw)).bind(*generator.files, generator.truth, **asked)
        inspect.signature(resolve_name(generator.tag_probabilities)).bind("truth.npz", ["sky"])
    for metric in record.metrics.values():
        found = resolve_name(metric)([0, 1, 1, 0], [0, 1, 0, 0])
        assert isinstance(found, float)


@pytest.mark.parametrize("record", RECORDS)
def test_the_size_is_known_from_the_settings(record):
    assert set(DEFAULTS[record.name]) == set(record.settings)
    assert record.splits(DEFAULTS[record.name]) >= 1
    if not record.own_files:
        record.refuse_mistakes(DEFAULTS[record.name])
        size = record.size(DEFAULTS[record.name])
        assert 0 < size.train < size.labelled <= size.rows and size.fingerprint == ""


def test_only_rows_that_are_enough_without_labels_are_learned_from_once():
    once = {name for name, record in DATASETS.items() if not record.own_files}
    once = {name for name in once if DATASETS[name].learned_once(DEFAULTS[name])}
    assert once == {"mini", "minivoc", "mirflickr1m", "toronto", "voc2007"}
    mini = DEFAULTS["mini"] | {"labelled": 100, "splits": {"train": 0.4, "validation": 0.2}}
    assert [DATASETS["mini"].learned_once(mini | {"unlabelled": n}) for n in (39, 40)] == [False, True]


@pytest.mark.parametrize("record", RECORDS)
def test_downloads_are_in_the_registry_of_downloads(record):
    registry = ROOT / "config/data_registry.csv"
    if record.downloads:
        files = rows(registry, record.name)
        assert list(record.downloads.values()) == list(files)
        # Said in one place.
        assert not record.citation and all(row.citation for row in files.values())
    else:
        with pytest.raises(ConfigError, match="no data set"):
            rows(registry, record.name)
        assert record.citation or record.own_files


def test_published_numbers_are_of_real_data_sets():
    with (ROOT / "config/published.csv").open(newline="") as file:
        named = {row["dataset"] for row in csv.DictReader(file)}
    assert named and not [name for name in named if dataset(name).generated]


@pytest.mark.parametrize("record", RECORDS)
def test_a_mistake_in_the_settings_is_one_sentence(record):
    own = DEFAULTS[record.name]
    if record.own_files:
        key = next(iter(record.own_files.values()))
        with pytest.raises(ConfigError, match=f'"data.{record.name}.{key}" must be set'):
            record.refuse_mistakes(own)
        own = own | dict.fromkeys(record.own_files.values(), "somewhere")
    shares = own.get("splits", own)
    if {"train", "test"} & shares.keys():
        wrong = shares | {key: 0.5 for key in shares if key in ("train", "validation", "test")}
        with pytest.raises(ConfigError, match=rf'"data\.{record.name}\..* must be less than 1\.$'):
            record.refuse_mistakes(own | ({"splits": wrong} if "splits" in own else wrong))


def test_records_are_light():
    """Whoever lists data sets, as the planning of every run does, waits for no library."""
    program = "import sys, mvi.data.sets.registry; print([m for m in {} if m in sys.modules])"
    heavy = ["numpy", "scipy", "h5py", "torch", "sklearn", "pandas"]
    done = subprocess.run([sys.executable, "-c", program.format(heavy)], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stdout + done.stderr


@pytest.mark.parametrize("record", RECORDS)
def test_a_store_or_catalogue_depends_on_its_own_reader_and_on_no_painter(record):
    jobs = closure([module_of(name) for name in (record.write_store, record.read) if name])
    assert not [name for name in jobs if name.startswith(("mvi.synthetic", "mvi.features", "mvi.models"))]
    # Nor on the record, whose title may change.
    assert not [name for name in jobs if name.startswith("mvi.data.sets.")]
    own = {module_of(name) for name in entry_points(record)}
    others = {module_of(name) for other in DATASETS.values() for name in entry_points(other)} - own
    assert not others & set(jobs)


@pytest.mark.parametrize(
    "script", sorted((ROOT / "workflow_scripts").glob("*.py")), ids=lambda path: path.stem
)
def test_no_script_depends_on_the_painter_but_by_the_record(script):
    imported = re.findall(r"^(?:from|import) (mvi[\w.]*)", script.read_text(), re.M)
    reached = closure(imported)
    assert not [name for name in reached if name.startswith("mvi.synthetic.")]


def test_no_line_outside_its_file_goes_by_the_name_of_a_data_set():
    names = "|".join(DATASETS)
    quoted = re.compile(rf"""["'](?:[\w.]*/)*({names})(/[^"']*)?["']""")
    own = [ROOT / "mvi/data/sets", ROOT / "mvi/data/readers", ROOT / "mvi/synthetic"]
    files = [*(ROOT / "rules").glob("*.smk"), *(ROOT / "workflow_scripts").glob("*.py"), ROOT / "Snakefile"]
    files += [path for path in (ROOT / "mvi").rglob("*.py") if not any(map(path.is_relative_to, own))]
    found = {
        str(path.relative_to(ROOT)): lines
        for path in files
        if (lines := [line for line in path.read_text().splitlines() if quoted.search(line)])
    }
    assert not found


def test_the_paper_s_archive_has_the_size_that_its_reader_expects():
    record = DATASETS["toronto"]
    size = record.size(DEFAULTS["toronto"])
    assert (size.rows, size.labelled, size.train) == (
        *(ARCHIVE.n_rows, ARCHIVE.n_labelled),
        ARCHIVE.split_sizes[0],
    )
    assert record.splits(DEFAULTS["toronto"]) == ARCHIVE.splits
    assert record.settings["unchecked"]["items"]["enum"] == list(UNCHECKABLE)


def assert_as_said(
    record: DataSet, settings: dict[str, Any], n_rows: int, labels: np.ndarray, splits
) -> None:
    """The size of what was made is the one that the record had told."""
    size = record.size(settings)
    assert (size.rows, size.labelled) == (n_rows, len(labels))
    assert len(splits) == record.splits(settings)
    assert {len(split["train"]) for split in splits.values()} == {size.train}


def test_the_store_of_digits_is_what_the_record_says(tmp_path):
    record, settings = DATASETS["digits"], DEFAULTS["digits"]
    about = {"dataset": "digits", "citation": record.citation}
    resolve_name(record.write_store)(tmp_path / "s.h5", {}, settings, **about)
    with Store(tmp_path / "s.h5") as store:
        assert_as_said(record, settings, store.n_rows, store.labels(), {1: store.split(1)})
        assert store.shapes == {name: modality.shape for name, modality in record.modalities.items()}
        assert store.modalities == list(record.modalities)


def test_the_catalogue_of_generated_images_is_what_the_record_says(tmp_path):
    record = DATASETS["mini"]
    settings = DEFAULTS["mini"] | {"labelled": 31, "unlabelled": 7, "size": 64, "seed": 3}
    settings["vocabulary"] = {"size": 10, "minimum_count": 2}
    raw, generator = record.raw_files(settings, str(tmp_path)), record.generator
    truth = tmp_path / generator.truth
    asked = {key: settings[key] for key in generator.settings}
    resolve_name(generator.draw)(*raw.values(), truth, **asked)
    about = {"dataset": "mini", "generated": record.generated, "citation": record.citation}
    found = resolve_name(record.read)(raw, settings, **about)
    assert_as_said(record, settings, found.n_rows, found.labels, found.splits)
    assert found.generated and found.citation
    known = resolve_name(generator.tag_probabilities)(truth, found.vocabulary)
    assert known.shape == (38, len(found.vocabulary)) and 0 <= known.min() <= known.max() <= 1


def test_a_folder_s_size_follows_its_files(tmp_path):
    record = DATASETS["folder"]
    (tmp_path / "images").mkdir()
    for i in range(20):
        (tmp_path / f"images/{i}.jpg").write_bytes(b"no image is read")
    lines = [f"{i}.jpg,sky,{'a' if i < 15 else ''}" for i in range(20)]
    (tmp_path / "table.csv").write_text("\n".join(["file,tags,labels", *lines]))
    own = {"images": str(tmp_path / "images"), "table": str(tmp_path / "table.csv")}
    settings = DEFAULTS["folder"] | own
    raw = record.raw_files(settings, "nowhere")
    assert raw == {"images": own["images"], "table": own["table"]}
    found = resolve_name(record.read)(raw, settings, dataset="folder", generated=False, citation="")
    assert_as_said(record, settings, found.n_rows, found.labels, found.splits)
    with_pairs = settings | {"pairs": "there.zip", "pair_rows": 30}
    assert record.raw_files(with_pairs, "nowhere") == raw | {"pairs": "there.zip"}
    size = record.size(with_pairs)
    assert (size.rows, size.labelled, size.train) == (50, 15, record.size(settings).train)
    assert record.learned_once(with_pairs) and not record.learned_once(settings)
    before = record.size(settings).fingerprint
    (tmp_path / "images/3.jpg").write_bytes(b"another")
    assert record.size(settings).fingerprint not in (before, "")
    (tmp_path / "images/3.jpg").unlink()
    with pytest.raises(DataError, match=r"3\.jpg"):
        record.size(settings)


TOY = '''
"""Features and words of two kinds of rows, with one split and a metric of their own."""

from mvi.data.sets.base import MEAN_AVERAGE_PRECISION, DataSet, Modality, Size


def write_store(path, raw, settings, *, dataset, citation, precision):
    import numpy as np
    from scipy import sparse

    from mvi.data.store_writer import Dense, Sparse, writing_store

    n = settings["rows"]
    labels = np.arange(2 * n).reshape(n, 2) % 3 == 1
    known = np.arange(2 * n).reshape(n, 2) % 3 < 2
    split = {"train": np.arange(0, n // 2), "validation": [n // 2], "test": np.arange(n // 2 + 1, n)}
    with writing_store(
        path,
        dataset=dataset,
        n_rows=n,
        modalities={"image": Dense(3, precision), "text": Sparse(4)},
        citation=citation,
        statistics=["image"],
    ) as writer:
        writer.write("image", 0, np.arange(3.0 * n).reshape(n, 3) % 7)
        writer.write("text", 0, sparse.csr_array(np.eye(n, 4, dtype=int)))
        writer.annotate(labels=labels, known=known, classes=["a", "b"], splits={1: split})


def hits_at_1(scores, relevant):
    return float(relevant[scores.argmax()])


DATASET = DataSet(
    name="toy",
    title="a toy",
    order=70,
    modalities={"image": Modality(("standardise",)), "text": Modality(("binarise", "counts"))},
    labels="multi",
    metrics={"hits_at_1": "mvi.data.sets.toy:hits_at_1", **MEAN_AVERAGE_PRECISION},
    settings={"rows": {"$ref": "#/$defs/count", "default": 12}},
    size=lambda settings: Size(settings["rows"], settings["rows"], settings["rows"] // 2),
    splits=lambda settings: 1,
    write_store="mvi.data.sets.toy:write_store",
    citation="Nobody (2000)",
)
'''


@pytest.fixture(scope="module")
def with_a_toy(tmp_path_factory) -> Path:
    """A copy of the workflow and of the library with one file more."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("rules", "workflow_scripts", "report", "config", "profiles", "mvi"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", folder / "Snakefile")
    (folder / "mvi/data/sets/toy.py").write_text(TOY)
    return folder


def snakemake(folder: Path, *arguments: str) -> str:
    """What Snakemake says with the copy's own library."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_data_set_is_added_by_one_file(with_a_toy):
    store = "results/data/toy/store.h5"
    asked = ("--config", f"runs={{toy-default: {{{TOY_RUN}}}}}", "data={toy: {rows: 14}}")
    snakemake(with_a_toy, store, *asked, "features={precision: float16}")
    with Store(with_a_toy / store) as made:
        assert (made.n_rows, made.attrs["dataset"], made.attrs["citation"]) == (14, "toy", "Nobody (2000)")
        assert made.read_stored("image").dtype == np.float16
        assert (~made.known()).sum() == 9 and not made.labels()[~made.known()].any()
        assert len(made.split(1)["test"]) == 6
    said = snakemake(with_a_toy, "-n", "reference", *asked)
    assert re.search(r"^baselines +1$", said, re.M) and "results/toy-default/tables/reference.md" in said


def test_a_store_is_made_again_for_its_reader_and_for_no_other_data_set_or_title(with_a_toy):
    def edit(name: str, old: str, new: str) -> None:
        path = with_a_toy / "mvi/data" / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    target = "results/data/digits/store.h5"
    (with_a_toy / "mvi/data/sets/toy.py").unlink()
    snakemake(with_a_toy, target)
    (with_a_toy / "mvi/data/sets/toy.py").write_text(TOY)
    edit("sets/digits.py", 'title="', 'title="Some of ')
    edit("sets/base.py", "@dataclass(frozen=True)", "@dataclass(frozen=True, kw_only=False)")
    edit("readers/mnist.py", "BRIGHTEST = 255", "BRIGHTEST = 256")
    assert "Nothing to be done" in snakemake(with_a_toy, "-n", target)
    edit("readers/digits.py", "BRIGHTEST = 16", "BRIGHTEST = 32")
    assert re.search(r"^make_store +1$", snakemake(with_a_toy, "-n", target), re.M)
