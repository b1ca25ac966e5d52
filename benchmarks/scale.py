# SPDX-License-Identifier: MIT
"""A million rows: seconds and memory of every step by the number of rows, and search beside FAISS.

Stores of 10,000, 100,000 and 1,000,000 generated rows are written, one at a time, to a folder of its own,
which is removed at the end. Every measurement is made by a fresh process on one thread, which does the step
on the smallest store first, so that what is done but once is not counted; its largest resident memory counts
everything, libraries included. Seconds are those of the processor, all threads together, which other work on
the machine lengthens less than those of a clock. No row is kept in memory: all are streamed. The networks are
small (`HIDDEN`, `TOP`): what has to do with rows grows with rows whatever their size.

Search is measured where the extra `faiss` is installed: once more in memory, by the clock, on one thread and
two, in turn with a flat index of FAISS; the best of several turns is told.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from matplotlib.lines import Line2D
from scipy import sparse
from updates import machine

from mvi.data import transforms
from mvi.data.approximate import Approximate, recall
from mvi.data.representations import Representations, writing_representations
from mvi.data.search import ROWS as SEARCHED
from mvi.data.search import blocks_of, nearest
from mvi.data.store import Store
from mvi.data.store_writer import Dense, Sparse, writing_store
from mvi.evaluation.queries import queries_of
from mvi.models.mdrnn import Layer, Mdrnn, Pathway
from mvi.models.pipeline import Encoder
from mvi.models.units import Binary, Gaussian
from mvi.objectives.finetuning import Finetuning
from mvi.report.figures import style
from mvi.training.loop import Schedule, train
from mvi.training.optim import Momentum, UpdateRule
from mvi.training.pathway_layer import build_objective, build_rbm, units_of
from mvi.training.rows import layer_rows
from mvi.training.stage import StageRows, stage_rows

WORDS, TAGS = 2000, 5
HIDDEN, TOP, BATCH = 64, 256, 500
QUERIES, COUNT = 1000, 10
SCALE = {"image": {"kind": "standardise", "signed_sqrt": True, "clip": 5}, "text": {"kind": "binarise"}}
LAYER = {
    "hidden": HIDDEN,
    "units": "stepped_sigmoid",
    "steps": 5,
    "method": "cd",
    "up": 1.0,
    "down": 1.0,
    "weight_std": 0.01,
    "gibbs_steps": {"start": 1},
    "sparsity": {"kind": "none"},
}
SEARCH_COLUMNS = 1024
MOST = 4
"""GiB that no step may take."""
Found = dict[int, dict[str, dict[int, dict[str, float]]]]
"""Columns -> step -> rows -> seconds and largest resident memory."""
LINES = {
    "input statistics": ("#0072B2", "o"),
    "first layer, an epoch": ("#D55E00", "s"),
    "finetuning, an epoch": ("#CC79A7", "^"),
    "encoding, two queries": ("#009E73", "D"),
    "retrieval": ("#E69F00", "v"),
}


def write(path: Path, rows: int, columns: int) -> None:
    """A store of unlabelled rows: positive float16 numbers, and five of 2,000 tags each, rare ones too."""
    draws = np.random.default_rng(0)
    layout = {"image": Dense(columns, "float16"), "text": Sparse(WORDS)}
    with writing_store(path, dataset="scale", n_rows=rows, modalities=layout, generated=True) as writer:
        for start in range(0, rows, SEARCHED):
            count = min(SEARCHED, rows - start)
            numbers = draws.integers(0, 0x3C00, (count, columns), np.uint16).view(np.float16)
            writer.write("image", start, numbers)
            tags = (WORDS * draws.random((count, TAGS)) ** 3).astype(np.int64)
            ones = (np.ones(tags.size, np.int64), (np.repeat(np.arange(count), TAGS), tags.ravel()))
            writer.write("text", start, sparse.coo_array(ones, (count, WORDS)).tocsr())
        writer.annotate(labels=None, classes=[], vocabulary=[f"word{i}" for i in range(WORDS)])


# -- the steps -------------------------------------------------------------------------------------------


def statistics(store: Path, folder: Path) -> None:
    """Means and deviations of the roots of all columns."""
    with Store(store) as opened:
        rows = layer_rows(opened, 1)
        scale = {
            name: transforms.from_settings(opened, name, 1, chosen, rows=rows)
            for name, chosen in SCALE.items()
        }
        transforms.save(folder / "scale.safetensors", scale, opened.vocabulary, None)


def rows_of(store: Path, scale: dict[str, transforms.Transform]) -> StageRows:
    """All rows, streamed."""
    schedule = {"batch_size": BATCH, "batches_per_epoch": None}
    limits = {"held_out": 0, "seed": 0, "memory_mb": 0, "minimum_tags": 0}
    return stage_rows(store, scale, 1, schedule, parts=["train"], **limits)


def schedule_of(rate: float) -> Schedule:
    """One epoch of momentum."""
    return Schedule(1, UpdateRule(rate, 0.0, Momentum(0.5, 0.9, 5)))


def first_layer(store: Path, folder: Path) -> None:
    """One epoch of the image layer on all rows, by CD-1."""
    scale, _ = transforms.load(folder / "scale.safetensors")
    rows = rows_of(store, {"image": scale["image"]})
    draws, mean = torch.Generator().manual_seed(0), rows.batches.mean()
    layer = {**LAYER, **units_of(LAYER, "standardise")}
    rbm = build_rbm(layer, len(mean), draws, mean)
    train(rbm, build_objective(layer), rows.batches, schedule_of(0.001), draws, label="layer")


def network_of(columns: int) -> Mdrnn:
    """A small network on both modalities."""
    below = {"image": Gaussian(columns), "text": Binary(WORDS)}
    pathways = {name: Pathway(unit, (Layer(HIDDEN, 1.0, 1.0),)) for name, unit in below.items()}
    return Mdrnn.initialise(pathways, TOP, torch.Generator().manual_seed(0))


def finetuning(store: Path, folder: Path) -> None:
    """One epoch of finetuning of the whole network on all rows, from image to text, three iterations."""
    scale, _ = transforms.load(folder / "scale.safetensors")
    network = network_of(len(scale["image"].mean))
    batches, draws = rows_of(store, scale).batches, torch.Generator().manual_seed(0)
    train(network, Finetuning(3, ("text",)), batches, schedule_of(0.01), draws, label="network")


def encoding(store: Path, folder: Path) -> None:
    """The representations of all rows, image with text and image alone, written to a file."""
    scale, _ = transforms.load(folder / "scale.safetensors")
    encoder = Encoder(scale, network_of(len(scale["image"].mean)))
    queries = queries_of(["image", "text"])[:2]
    with Store(store) as opened, writing_representations(store.with_suffix(".states")) as file:
        for rows in opened.blocks(None, encoder.block_rows):
            values = {name: opened.read(name, rows) for name in opened.modalities}
            for query in queries:
                given = {name: values[name] if name in query.split("+") else None for name in values}
                states = encoder.encode(given, iterations=3, block=encoder.block_rows)
                file.write("all", query, opened.n_rows, int(rows[0]), states)


def retrieval(store: Path, folder: Path) -> None:
    """The ten nearest of all representations to 1,000 queries, read from their file by blocks.

    Around the means of the first 10,000 rows, which the workflow takes of training rows.
    """
    both, image = queries_of(["image", "text"])[:2]
    with Store(store) as opened, Representations(store.with_suffix(".states")) as file:
        first = np.arange(min(10_000, opened.n_rows))
        of_images = file.read("all", image, first)
        asked, middle = of_images[:QUERIES] - of_images.mean(0), file.read("all", both, first).mean(0)
        blocks = opened.blocks(None, SEARCHED)
        states = (directions(file.read("all", both, rows) - middle) for rows in blocks)
        nearest(states, directions(asked), COUNT)


STEPS: dict[str, Callable[[Path, Path], None]] = dict(
    zip(LINES, (statistics, first_layer, finetuning, encoding, retrieval), strict=True)
)


def directions(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


# -- search beside FAISS ---------------------------------------------------------------------------------


def drawn(rows: int, seed: int) -> Iterator[np.ndarray]:
    """Blocks of directions (b, 1024) float32 about 10,000 centres; a row in a hundred is one before it."""
    centres = np.random.default_rng(0).standard_normal((10_000, SEARCH_COLUMNS), np.float32)
    draws = np.random.default_rng(seed)
    for start in range(0, rows, SEARCHED):
        count = min(SEARCHED, rows - start)
        block = draws.standard_normal((count, SEARCH_COLUMNS), np.float32)
        block += centres[draws.integers(0, len(centres), count)]
        copied = np.flatnonzero(draws.random(count) < 0.01)
        block[copied] = block[copied // 2]
        yield directions(block)


def from_file(path: Path, rows: int) -> dict[str, float]:
    """Search a file larger than what may be in memory."""
    queries = next(drawn(QUERIES, 1))

    def blocks() -> Iterator[np.ndarray]:
        with path.open("rb") as file:
            for start in range(0, rows, SEARCHED):
                count = min(SEARCHED, rows - start)
                values = np.fromfile(file, np.float32, count * SEARCH_COLUMNS)
                yield values.reshape(count, SEARCH_COLUMNS)

    started = time.perf_counter()
    nearest(blocks(), queries, COUNT)
    return {"seconds": time.perf_counter() - started}


def turns(jobs: dict[str, Callable[[], object]], count: int) -> dict[str, float]:
    """The least seconds of each of the jobs, done in turn."""
    best = dict.fromkeys(jobs, np.inf)
    for _ in range(count):
        for name, job in jobs.items():
            started = time.perf_counter()
            job()
            best[name] = min(best[name], time.perf_counter() - started)
    return best


def beside_faiss(path: Path, rows: int) -> dict[str, object]:
    """Exact search in memory in turn with FAISS's flat index; then an approximate one."""
    import faiss
    from threadpoolctl import threadpool_limits

    database = np.fromfile(path, np.float32).reshape(rows, SEARCH_COLUMNS)
    queries, found = next(drawn(QUERIES, 1)), {}
    flat = faiss.IndexFlatIP(SEARCH_COLUMNS)
    for block in blocks_of(database):
        flat.add(block)
    flats: list[dict[str, float]] = []
    for threads, count, repeats in ((1, 1000, 2), (2, 1000, 2), (1, 100, 1), (1, 1, 5)):
        faiss.omp_set_num_threads(threads)
        with threadpool_limits(threads):
            best = turns(
                {
                    "exact": lambda count=count: nearest(blocks_of(database), queries[:count], COUNT),
                    "flat": lambda count=count, flat=flat: flat.search(queries[:count], COUNT),
                },
                repeats,
            )
        flats.append({"threads": threads, "queries": count, **best})
    exact, _ = nearest(blocks_of(database), queries, COUNT)
    found["flat_recall"] = recall(flat.search(queries, COUNT)[1], exact)
    del flat
    faiss.omp_set_num_threads(1)
    with threadpool_limits(1):
        started = time.perf_counter()
        index = Approximate(database)
        found["built"] = time.perf_counter() - started
        found["distinct"] = len(index.copies.first)
        found["lists"] = index.index.nlist
        approximate = []
        for probes in (1, 8, 32, 128):
            index.index.nprobe = probes
            started = time.perf_counter()
            places, _ = index.nearest(queries, COUNT)
            seconds = time.perf_counter() - started
            approximate.append({"probes": probes, "seconds": seconds, "recall": recall(places, exact)})
    return {**found, "version": faiss.__version__, "flats": flats, "approximate": approximate}


# -- measuring -------------------------------------------------------------------------------------------


def largest_resident() -> float:
    """Largest resident memory of this process so far, in GiB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**20


def step(name: str, store: Path, folder: Path) -> dict[str, float]:
    """Do a step on the smallest store, then on `store`, and tell the seconds of the second."""
    STEPS[name](folder / "small.h5", folder)
    best = np.inf
    for _ in range(3 if store.name == "small.h5" else 1):
        started = time.process_time()
        STEPS[name](store, folder)
        best = min(best, time.process_time() - started)
    return {"seconds": best}


def measured(what: str, store: Path, folder: Path, rows: int, threads: int = 1) -> dict:
    """What a fresh process finds."""
    command = [sys.executable, __file__, "--measure", what, str(store), str(folder), str(rows)]
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    env = os.environ | dict.fromkeys(names, str(threads))
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=env).stdout
    return json.loads(answer)


def slope(rows: list[int], seconds: list[float]) -> float:
    """Of the logarithm of seconds over that of rows, by least squares."""
    return float(np.polyfit(np.log(rows), np.log(seconds), 1)[0])


def draw(path: Path, found: Found) -> None:
    """Seconds and memory over rows: a panel each, a line for each step."""
    few, rows = min(found), list(next(iter(found[min(found)].values())))
    with style.applied():
        figure = style.new_figure(style.PAGE_WIDTH, 2.9)
        left, right = figure.subplots(1, 2)
        for columns, steps in found.items():
            for name, by_rows in steps.items():
                colour, marker = LINES[name]
                looks = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 1.3}
                looks |= {"linestyle": "-" if columns == few else (0, (3, 1.5))}
                label = {"label": name} if columns == few else {}
                left.plot(rows, [one["seconds"] for one in by_rows.values()], **looks, **label)
                right.plot(rows, [one["resident"] for one in by_rows.values()], **looks)
        left.set_yscale("log")
        # Linear in rows, below everything that was measured.
        least = min(
            one["seconds"] / n for steps in found.values() for by in steps.values() for n, one in by.items()
        )
        left.plot(rows, [0.5 * least * n for n in rows], color=style.MUTED, linewidth=0.9, linestyle=":")
        middle = rows[len(rows) // 2]
        notes = {"color": style.MUTED, "fontsize": 8, "textcoords": "offset points"}
        left.annotate("linear", (middle, 0.5 * least * middle), (6, -9), **notes)
        right.axhline(MOST, color=style.INK, linewidth=0.9)
        right.annotate(f"bound: {MOST} GiB", (rows[0], MOST), (0, -10), **notes)
        right.set_ylim(0, 1.1 * MOST)
        right.set_yticks(range(MOST + 1))
        for axes, title in ((left, "Processor seconds"), (right, "Largest resident memory, GiB")):
            axes.set_xscale("log")
            axes.set_xticks(rows, [f"{n:,}" for n in rows])
            axes.minorticks_off()
            axes.set_xlabel("rows")
            axes.set_title(title)
        lines = [*left.get_legend_handles_labels()[0]]
        for columns in found if len(found) > 1 else ():
            dash = "-" if columns == few else (0, (3, 1.5))
            label = f"{columns:,} + {WORDS:,} columns"
            lines.append(Line2D([], [], color=style.MUTED, linewidth=1.3, linestyle=dash, label=label))
        figure.legend(handles=lines, loc="outside lower center", ncols=4)
        path.parent.mkdir(parents=True, exist_ok=True)
        style.save(figure, path, path.with_suffix(".svg"))


def steps_table(found: Found) -> None:
    """Print seconds, slope and memory of every step."""
    counts = list(next(iter(next(iter(found.values())).values())))
    header = [f"{n:,} rows, s" for n in counts] + ["slope"] + [f"{n:,} rows, GiB" for n in counts]
    print("| columns | step | " + " | ".join(header) + " |")
    print("|--:|---|" + "--:|" * len(header))
    for columns, steps in found.items():
        for name, by_rows in steps.items():
            seconds = [one["seconds"] for one in by_rows.values()]
            cells = [f"{one:.3g}" if one < 100 else f"{one:.0f}" for one in seconds]
            cells += [f"{slope(counts, seconds):.2f}"] + [
                f"{one['resident']:.2f}" for one in by_rows.values()
            ]
            print(f"| {columns:,} + {WORDS:,} | {name} | " + " | ".join(cells) + " |")


def search_tables(alone: dict, beside: dict | None, rows: int) -> None:
    """Print the search."""
    print(f"\n{rows:,} generated directions of {SEARCH_COLUMNS:,} float32, the {COUNT} nearest\n")
    print(
        f"{QUERIES:,} queries, rows read from a file by blocks, one thread: {alone['seconds']:.1f} s and "
        f"{alone['resident']:.2f} GiB"
    )
    if beside is None:
        print("\nFAISS is not installed here, and was not measured: install mvi with its extra: faiss.")
        return
    print(
        f"\n| queries, in memory | threads | exact, s | FAISS {beside['version']}, flat, s | flat / exact |"
    )
    print("|--:|--:|--:|--:|--:|")
    for one in beside["flats"]:
        numbers = f"{one['exact']:.3g} | {one['flat']:.3g} | {one['flat'] / one['exact']:.2f}"
        print(f"| {one['queries']:,} | {one['threads']} | {numbers} |")
    copies = rows - beside["distinct"]
    print(
        f"\nOf the exact rows, the flat index names {beside['flat_recall']:.2%}; of rows that are equal "
        f"({copies:,} are copies) it may choose any.\n"
    )
    print(f"| of {beside['lists']:,} lists, looked through | {QUERIES:,} queries, s | recall@{COUNT} |")
    print("|--:|--:|--:|")
    for one in beside["approximate"]:
        print(f"| {one['probes']} | {one['seconds']:.3g} | {one['recall']:.3f} |")
    print(f"\nThe approximate index was built in {beside['built']:.0f} s, on one thread as its searches.")


def report(folder: Path, options: argparse.Namespace) -> None:
    """Write stores, measure, print Markdown and draw the figure."""
    print(
        f"torch {torch.__version__}, {machine('cpu')}; layers of {HIDDEN}, top layer of {TOP} units, ", end=""
    )
    print(f"minibatches of {BATCH}, all rows streamed; generated data\n", flush=True)
    found: Found = {}
    for columns in options.columns:
        steps = found.setdefault(columns, {name: {} for name in STEPS})
        write(folder / "small.h5", min(options.rows), columns)
        for rows in sorted(options.rows):
            small = rows == min(options.rows)
            store = folder / ("small.h5" if small else "store.h5")
            if not small:
                write(store, rows, columns)
            for name in STEPS:
                steps[name][rows] = measured(name, store, folder, rows)
                print(
                    f"{columns} columns, {rows} rows, {name}: {steps[name][rows]}",
                    file=sys.stderr,
                    flush=True,
                )
            if not small:
                store.unlink()
                store.with_suffix(".states").unlink()
    steps_table(found)
    draw(options.figure, found)
    path, rows = folder / "rows.f32", max(options.rows)
    with path.open("wb") as file:
        for block in drawn(rows, 2):
            block.tofile(file)
    alone = measured("file", path, folder, rows)
    beside = measured("faiss", path, folder, rows, threads=2) if find_spec("faiss") else None
    search_tables(alone, beside, rows)


def main() -> None:
    """Measure, in a folder that is gone afterwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10**4, 10**5, 10**6])
    parser.add_argument("--columns", type=int, nargs="+", default=[1280, 3857], help="of the images")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made (the system's)")
    parser.add_argument("--figure", type=Path, default=Path("results/benchmarks/scale.png"))
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        what, store, folder, rows = options.measure
        if what == "file":
            got = from_file(Path(store), int(rows))
        elif what == "faiss":
            got = beside_faiss(Path(store), int(rows))
        else:
            got = step(what, Path(store), Path(folder))
        print(json.dumps(got | {"resident": largest_resident()}))
        return
    with tempfile.TemporaryDirectory(prefix="mvi-scale-", dir=options.folder) as folder:
        report(Path(folder), options)


if __name__ == "__main__":
    main()
