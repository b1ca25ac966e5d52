# SPDX-License-Identifier: MIT
"""Shuffled minibatches from a generated store larger than memory: rows a second, memory, the disk's speed.

The store is written to a folder of its own, which is removed at the end, also after a failure. Each
measurement is made by a fresh process, whose largest resident memory is then that of reading alone. Before a
cold one the kernel is asked to forget the file (posix_fadvise, which needs no rights), and how much of it was
in the page cache nevertheless is printed. The raw speed is that of reading the same file from its start in
blocks of 1 MiB.
"""

import argparse
import ctypes
import json
import mmap
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from mvi.data.store_writer import Dense, writing_store
from mvi.data.stream import StreamingMinibatches

COLUMNS = 3857
BLOCK = 4000


def write(path: Path, rows: int) -> float:
    """Write a store of float16 numbers in (-2, 2) and return the seconds it took."""
    generator = np.random.default_rng(0)
    started = time.perf_counter()
    layout = {"image": Dense(COLUMNS, "float16")}
    with writing_store(path, dataset="streaming", n_rows=rows, modalities=layout, generated=True) as writer:
        for start in range(0, rows, BLOCK):
            shape = (min(BLOCK, rows - start), COLUMNS)
            bits = np.frombuffer(generator.bytes(2 * shape[0] * shape[1]), np.uint16)
            # Without its highest exponent bit no pattern of bits is infinite or no number.
            writer.write("image", start, (bits & 0xBFFF).view(np.float16).reshape(shape))
    return time.perf_counter() - started


def forget(path: Path) -> None:
    """Ask the kernel to drop the pages of the file from its cache."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cached_share(path: Path) -> float:
    """Share of the file's pages that are in the page cache."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        view = np.frombuffer(mapped, np.uint8)
        pages = np.zeros(-(-view.size // mmap.PAGESIZE), np.uint8)
        arguments = (
            ctypes.c_void_p(view.ctypes.data),
            ctypes.c_size_t(view.size),
            ctypes.c_void_p(pages.ctypes.data),
        )
        failed = ctypes.CDLL(None, use_errno=True).mincore(*arguments)
        del view
    if failed:
        raise OSError(ctypes.get_errno(), "mincore failed")
    return float(np.mean(pages & 1))


def stream(path: Path, size: int, batches: int, window: int) -> dict[str, float]:
    """Take `batches` shuffled batches of `size` rows."""
    source = StreamingMinibatches(path, ["image"], size, per_epoch=batches, window=window)
    started, total = time.perf_counter(), 0.0
    for batch in source.epoch(torch.Generator().manual_seed(0)):
        total += float(batch[:, 0].sum())
    seconds = time.perf_counter() - started
    assert np.isfinite(total)
    return {"rows": len(source) * size / seconds, "MB": len(source) * size * 2 * COLUMNS / seconds / 1e6}


def raw(path: Path) -> dict[str, float]:
    """Read the whole file from its start."""
    block, started = bytearray(2**20), time.perf_counter()
    with path.open("rb", buffering=0) as file:
        while file.readinto(block):
            pass
    return {"MB": path.stat().st_size / (time.perf_counter() - started) / 1e6}


def largest_resident() -> float:
    """Largest resident memory of this process so far, in GiB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**20


def measured(what: str, path: Path, options: argparse.Namespace, cold: bool) -> dict[str, float]:
    """What a fresh process measures, with the share of the file that was cached before."""
    if cold:
        forget(path)
    share = cached_share(path)
    command = [sys.executable, __file__, "--measure", what, "--folder", str(path)]
    for name in ("size", "batches", "window"):
        command += [f"--{name}", str(getattr(options, name))]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(answer) | {"cached": share}


def report(path: Path, options: argparse.Namespace) -> None:
    """Write the store, measure and print the table as Markdown."""
    seconds = write(path, options.rows)
    gigabytes = path.stat().st_size / 1e9
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} thread(s) and one that reads; "
        f"{options.rows:,} x {COLUMNS:,} float16, {gigabytes:.2f} GB, written in {seconds:.0f} s; "
        f"batches of {options.size}, windows of {options.window:,} rows\n"
    )
    print("| what | of the file cached before | rows/s | MB/s | resident, GiB |")
    print("|---|---|---|---|---|")
    streamed = f"{options.batches:,} shuffled batches"
    for what, label in (("raw", "raw sequential read"), ("stream", streamed)):
        for cold in (True, False):
            got = measured(what, path, options, cold)
            rows = f"{got['rows']:,.0f}" if "rows" in got else ""
            numbers = f"{got['cached']:.0%} | {rows} | {got['MB']:,.0f} | {got['resident']:.2f}"
            print(f"| {label} | {numbers} |", flush=True)


def main() -> None:
    """Measure, in a folder that is gone afterwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=200, help="rows in a batch")
    parser.add_argument("--batches", type=int, default=1000, help="batches to take, at most an epoch")
    parser.add_argument("--window", type=int, default=2**13, help="rows shuffled together")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made (the system's)")
    parser.add_argument("--measure", choices=("raw", "stream"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure == "raw":
        print(json.dumps(raw(options.folder) | {"resident": largest_resident()}))
    elif options.measure == "stream":
        got = stream(options.folder, options.size, options.batches, options.window)
        print(json.dumps(got | {"resident": largest_resident()}))
    else:
        with tempfile.TemporaryDirectory(prefix="mvi-streaming-", dir=options.folder) as folder:
            report(Path(folder) / "store.h5", options)


if __name__ == "__main__":
    main()
