# SPDX-License-Identifier: MIT
"""Put faults into small runs of the workflow, one by one, and tell what came of each: a Markdown table.

python benchmarks/faults.py [--seed 0] [--times 1] [--only store kill ...]

Two reduced runs (halves of digits, generated scenes), one experiment of the theory and the features of a
third data set are made once. Then, in a copy of that state each time: a bit or a byte of a file is turned
round, a page of it is zero or its last hundredth is cut off, its time kept, and what is made of it is asked
for again; trainings and Snakemake are killed; disks fill up; two make one file at once; locks fail. What
comes is right if every file asked for has the bytes that it has without a fault. A refused run must name the
file, and come right once that file is deleted, as the sentence says.

Ends with status 1 if anything was silently wrong, ended in a traceback, named no file or did not recover.
"""

import argparse
import contextlib
import ctypes
import errno
import json
import os
import platform
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from conftest import copy_workflow  # noqa: E402

from mvi.data.sets.registry import DATASETS  # noqa: E402

BRIEF = {"epochs": 2, "batch_size": 10}
CONFIG = {
    "checkpoint_seconds": 0,
    "runs": {
        "halves": {
            "extends": "digits-default",
            "seeds": [0],
            "compare": ["mp"],
            "outputs": ["table1", "figure2", "iterations", "training", "report"],
            "joint": {"hidden": 40, "training": {"epochs": 40}},
        },
        "scenes": {
            "extends": "mini-default",
            "splits": [1],
            "compare": ["mp"],
            "finetune_from": "mp",
            "outputs": ["features", "reference", "table2", "retrieval", "tags", "figure3", "model"],
            "data": {
                "labelled": 60,
                "unlabelled": 40,
                "size": 64,
                "vocabulary": {"minimum_count": 3},
                "splits": {"train": 0.4, "validation": 0.2},
            },
            "features": {
                "image_size": 64,
                "block": 100,
                "phow": {"words": 30, "images": 20, "per_image": 20, "epochs": 1},
            },
            "rows": {"held_out": 8},
            "pathways": {
                "image": {
                    "layers": [{"hidden": 12, "units": "stepped_sigmoid", "method": "cd", "training": BRIEF}]
                },
                "text": {"layers": [{"hidden": 9, "chains": 10, "training": BRIEF}]},
            },
            "joint": {"hidden": 14, "minimum_tags": 1, "training": BRIEF},
            "finetune": [
                {"name": "whole", "title": "whole network", "layers": 1, "iterations": 3, "training": BRIEF}
            ],
            "classifier": {"lambda": [0.1], "train_on": ["multimodal"]},
            "baselines": {"inputs": ["image"], "lambda": [0.1]},
            "sweep": {"iterations": [0, 3], "trained": []},
            "gallery": {"queries": 2, "nearest": 3, "on_page": 3},
            "predicted_tags": {"shown": 2, "minimum_positives": 2},
            "tag_search": {"minimum": 2},
        },
        "voc": {
            "extends": "minivoc-default",
            "data": {"sets": {"train": 40, "val": 30, "test": 50}, "unlabelled": 10, "size": 64},
            "features": {"side": 64},
            "outputs": ["features"],
        },
        "theory": {"extends": "theory", "theory": {"identity": {"models": 2}}},
    },
}
JOINT = "results/halves/joint/mp/seed0.safetensors"
HALVES, SCENES, DATA = "results/halves", "results/scenes", "results/data/mini"
VOC, NETWORK = "results/data/minivoc", "results/data/networks/efficientnet_lite0.onnx"
VOC_BLOCK = f"{VOC}/efficientnet_lite0/blocks/0-130.npz"
TABLES = [f"{HALVES}/tables/table1.csv", f"{HALVES}/tables/table1.md"]
# Kind of file, which it is, and what is asked for again.
FILES: list[tuple[str, str, list[str]]] = [
    ("store (HDF5)", "results/data/digits/store.h5", [f"{HALVES}/inputs/split1.safetensors"]),
    ("scale of the inputs", f"{HALVES}/inputs/split1.safetensors", [JOINT]),
    ("weights", JOINT, [f"{HALVES}/completions/mp.npz"]),
    ("training curve", f"{HALVES}/joint/mp/seed0.csv", [f"{HALVES}/figures/training.png"]),
    (
        "representations (HDF5)",
        f"{HALVES}/representations/mp/every.h5",
        [f"{HALVES}/scores/classify/mp/every.csv"],
    ),
    ("scores", f"{HALVES}/scores/classify/mp/every.csv", TABLES),
    ("completions (.npz)", f"{HALVES}/completions/mp.npz", [f"{HALVES}/figures/figure2.png"]),
    ("table", f"{HALVES}/tables/table1.md", [f"{HALVES}/report.md"]),
    ("theory (.json)", "results/theory/identity.json", ["results/theory/figures/identity.png"]),
    ("theory (.npz)", "results/theory/identity.npz", ["results/theory/figures/identity.png"]),
    ("images, raw (.zip)", f"{DATA}/raw/{{images}}", [f"{DATA}/descriptors/blocks/0-100.npz"]),
    ("annotations, raw (.zip)", f"{DATA}/raw/{{annotations}}", [f"{DATA}/catalogue.h5"]),
    ("truth, raw (.npz)", f"{DATA}/raw/{{truth}}", [f"{SCENES}/scores/tags/unlabelled.csv"]),
    ("catalogue (HDF5)", f"{DATA}/catalogue.h5", [f"{DATA}/descriptors/blocks/0-100.npz"]),
    ("visual words (.npy)", f"{DATA}/descriptors/words.npy", [f"{DATA}/descriptors/blocks/0-100.npz"]),
    ("block of features (.npz)", f"{DATA}/descriptors/blocks/0-100.npz", [f"{DATA}/descriptors/store.h5"]),
    ("images, raw (.tar)", f"{VOC}/raw/test.tar", [VOC_BLOCK]),
    ("tags, raw (.hvecs)", f"{VOC}/raw/test_annot.hvecs", [f"{VOC}/catalogue.h5"]),
    ("network (.onnx)", NETWORK, [VOC_BLOCK]),
    (
        "pretrained layer",
        f"{SCENES}/pretrain/text1/unlabelled.safetensors",
        [f"{SCENES}/joint/mp/unlabelled.safetensors"],
    ),
    (
        "finetuned network",
        f"{SCENES}/finetune/whole/n3/unlabelled.safetensors",
        [f"{SCENES}/scores/tags/unlabelled.csv"],
    ),
    ("nearest images (.npz)", f"{SCENES}/nearest.npz", [f"{SCENES}/figures/nearest.html"]),
    (
        "predicted tags (.npz)",
        f"{SCENES}/predicted_tags/unlabelled.npz",
        [f"{SCENES}/figures/predicted_tags.png"],
    ),
]
SORTS = ("bit", "byte", "page", "cut")
OF_SORTS = ": a bit, a byte, a page, a cut"
PAGE = 512
OUTCOMES = ("injected", "recovered", "refused by name", "silently wrong", "traceback", "without a name")


def turned(content: bytes, draws: random.Random, mask: Callable[[], int]) -> bytes:
    """With one byte altered."""
    place = draws.randrange(len(content))
    return content[:place] + bytes([content[place] ^ mask()]) + content[place + 1 :]


def damaged(content: bytes, sort: str, draws: random.Random) -> bytes:
    """A copy with a fault of this sort."""
    if sort == "cut":
        return content[: len(content) - max(1, len(content) // 100)]
    if sort == "page":
        place = draws.randrange(0, len(content), PAGE)
        page = content[place : place + PAGE]
        return content[:place] + bytes(len(page)) + content[place + PAGE :]
    mask = (lambda: 1 << draws.randrange(8)) if sort == "bit" else (lambda: draws.randrange(1, 256))
    return turned(content, draws, mask)


def without_locks(code: int) -> Callable[[], None]:
    """What makes `flock` fail with `code` in a process and all that it starts: a filter of system calls."""

    def install() -> None:
        number = {"x86_64": 73, "aarch64": 32}[platform.machine()]
        # Load the number of the call; if it is flock's, fail with the code; else allow it.
        program = struct.pack("HBBI", 0x20, 0, 0, 0) + struct.pack("HBBI", 0x15, 0, 1, number)
        program += struct.pack("HBBI", 0x06, 0, 0, 0x00050000 | code) + struct.pack(
            "HBBI", 0x06, 0, 0, 0x7FFF0000
        )
        held = ctypes.create_string_buffer(program, len(program))
        filters = struct.pack("HxxxxxxP", 4, ctypes.addressof(held))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.create_string_buffer(filters), 0, 0):
            raise OSError(ctypes.get_errno(), "no filter of system calls")

    return install


class Trial:
    """A copy of the workflow with finished results, which every fault finds as they were."""

    def __init__(self, folder: Path, seed: int, only: Sequence[str]) -> None:
        self.folder, self.draws = folder / "copy", random.Random(seed)
        self.kept, self.counts, self.only = folder / "kept", {}, only
        self.remarks: list[str] = []
        self.folder.mkdir()
        copy_workflow(self.folder)
        (self.folder / "faults.json").write_text(json.dumps(CONFIG))

    def wants(self, kind: str) -> bool:
        """Whether a kind of faults was asked for."""
        return not self.only or any(word in kind for word in self.only)

    def command(self, *targets: str) -> list[str]:
        """How Snakemake is asked for files."""
        options = ["--cores", "2", "--notemp", "--nolock", "--configfile", "faults.json"]
        return [sys.executable, "-m", "snakemake", *options, "--", *targets]

    def start(self, *targets: str, **options) -> subprocess.Popen:
        """Ask for files, in a process group of its own."""
        cleared = {key: value for key, value in os.environ.items() if key != "MVI_MIRROR"}
        return subprocess.Popen(
            self.command(*targets),
            cwd=self.folder,
            env={**cleared, "PYTHONPATH": str(self.folder), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
            **options,
        )

    def ask(self, *targets: str, **options) -> tuple[int, str]:
        """Ask for files and wait; the status and what was said."""
        running = self.start(*targets, **options)
        said, _ = running.communicate(timeout=3600)
        return running.returncode, said

    def keep(self) -> None:
        """Remember this state as the one to return to."""
        for name in ("results", ".snakemake"):
            shutil.copytree(self.folder / name, self.kept / name)

    def restore(self) -> None:
        """Return to it."""
        for name in ("results", ".snakemake"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            shutil.copytree(self.kept / name, self.folder / name)

    def remove(self, *targets: str) -> None:
        """So that they are made again."""
        for target in targets:
            (self.folder / target).unlink(missing_ok=True)

    def right(self, *targets: str) -> bool:
        """Whether files have the bytes that they have without a fault; a page also tells times."""
        same = [path for path in targets if not path.endswith("report.md")]
        return all((self.folder / path).read_bytes() == (self.kept / path).read_bytes() for path in same)

    def judge(self, kind: str, outcome: tuple[int, str], file: str, *targets: str) -> str:
        """Count what came of a fault in `file`."""
        status, said = outcome
        if "Traceback (most recent call last)" in said:
            result = "traceback"
        elif status == 0:
            result = "recovered" if self.right(*targets) else "silently wrong"
        else:
            result = "refused by name" if Path(file).name in said else "without a name"
        self.counts.setdefault(kind, Counter())[result] += 1
        self.counts[kind]["injected"] += 1
        if result in OUTCOMES[3:]:
            self.remarks.append(f"{kind}: {result}: {said[-1500:]}")
        print(f"{kind}: {result}", file=sys.stderr, flush=True)
        return result


def whole(trial: Trial) -> None:
    """Make everything once."""
    wanted = [target for kind, _, targets in FILES if trial.wants(kind) for target in targets]
    wanted += [JOINT, f"{HALVES}/completions/mp.npz", f"{HALVES}/scores/classify/mp/every.csv"]
    wanted += [f"{DATA}/catalogue.h5", f"{HALVES}/representations/mp/every.h5"]
    status, said = trial.ask(*dict.fromkeys(wanted))
    assert status == 0, said
    trial.keep()


def files(trial: Trial, times: int) -> None:
    """A bit, a byte, a page, a cut of each kind of file."""
    generator = DATASETS["mini"].generator
    names = {**generator.files, "truth": generator.truth}
    for kind, pattern, targets in FILES:
        if not trial.wants(kind):
            continue
        file = pattern.format(**names)
        for sort in SORTS:
            for _ in range(times):
                trial.restore()
                path = trial.folder / file
                about = path.stat()
                path.write_bytes(damaged(path.read_bytes(), sort, trial.draws))
                os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
                trial.remove(*targets)
                result = trial.judge(f"{kind}{OF_SORTS}", trial.ask(*targets), file, *targets)
        if result == "refused by name":
            # As the sentence says; what was beside it is as it was.
            trial.remove(file)
            trial.judge(f"{kind}: deleted as advised", trial.ask(*targets), file, *targets)


def descendants(process: int) -> Iterator[tuple[int, str]]:
    """Processes that a process has started, and their command lines."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(entry.name)) == process and int(entry.name) != process:
                yield int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()


def killed(trial: Trial, what: str, seconds: float) -> None:
    """Train anew and kill -9 the script, Snakemake, or both, some time after the first checkpoint."""
    trial.restore()
    trial.remove(JOINT, JOINT.replace(".safetensors", ".csv"))
    running = trial.start(JOINT)
    checkpoint = (trial.folder / JOINT).with_suffix(".checkpoint")
    while running.poll() is None and not checkpoint.exists():
        time.sleep(0.01)
    time.sleep(seconds)
    if what == "script":
        for process, said in descendants(running.pid):
            if "train_joint" in said:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
    elif what == "Snakemake":
        # Its script lives on, while the next run begins.
        running.kill()
        return
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
    running.communicate()


def kills(trial: Trial, times: int) -> None:
    """Kill trainings, and damage what they resume from."""
    for what in ("script", "Snakemake", "both"):
        for _ in range(2 * times):
            killed(trial, what, trial.draws.random() * 0.5)
            trial.judge(f"kill -9: {what}, in training", trial.ask(JOINT), JOINT, JOINT)
    checkpoint = JOINT.replace(".safetensors", ".checkpoint")
    for sort in SORTS:
        killed(trial, "both", 0)
        path = trial.folder / checkpoint
        if path.exists():
            path.write_bytes(damaged(path.read_bytes(), sort, trial.draws))
            trial.judge(f"checkpoint{OF_SORTS}", trial.ask(JOINT), checkpoint, JOINT)


def disks(trial: Trial) -> list[str]:
    """A file system that is too small, and a limit on the size of files; what could not be tried."""
    skipped = []
    places = {
        JOINT: "4k",
        "results/data/digits/store.h5": "64k",
        f"{HALVES}/representations/mp/every.h5": "64k",
        f"{HALVES}/scores/classify/mp/every.csv": "4k",
    }
    for file, size in places.items():
        trial.restore()
        trial.remove(file)
        place = (trial.folder / file).parent
        shutil.rmtree(place)
        place.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "faults", str(place)]
        if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
            skipped.append(
                "A file system of its own may not be mounted here, so that only a limit was tried."
            )
            break
        try:
            # One page is taken, so that there is room for a name and none for a file.
            (place / "filler").write_bytes(bytes(4096) if size == "4k" else b"")
            outcome = trial.ask(file)
        finally:
            subprocess.run(["umount", str(place)], check=True)
        trial.judge("full disk", outcome, file, file)
        trial.judge("full disk: again, with room", trial.ask(file), file, file)
    file = "results/data/digits/store.h5"
    trial.restore()
    trial.remove(file)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # noqa: E731
    trial.judge("limit on the size of files", trial.ask(file, preexec_fn=limit), file, file)
    return skipped


def twice(trial: Trial) -> None:
    """Two runs make the same file at once."""
    for file in (JOINT, f"{HALVES}/scores/classify/mp/every.csv", f"{DATA}/catalogue.h5"):
        trial.restore()
        trial.remove(file)
        both = [trial.start(file) for _ in range(2)]
        for running in both:
            said, _ = running.communicate(timeout=3600)
            trial.judge("two runs at once", (running.returncode, said), file, file)


def locks(trial: Trial) -> list[str]:
    """`flock` fails as it does on file systems without it."""
    for code in (errno.ENOLCK, errno.ENOSYS, errno.EACCES):
        trial.restore()
        trial.remove(JOINT, f"{HALVES}/completions/mp.npz")
        try:
            outcome = trial.ask(f"{HALVES}/completions/mp.npz", preexec_fn=without_locks(code))
        except subprocess.SubprocessError:
            return ["System calls may not be filtered here, so that locks were not taken away."]
        trial.judge("no locks", outcome, JOINT, JOINT, f"{HALVES}/completions/mp.npz")
    return []


def main() -> int:
    """Print the table; 1 where a fault came through."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0, help="where the faults are put (%(default)s)")
    parser.add_argument("--times", type=int, default=1, help="faults of each sort a kind (%(default)s)")
    parser.add_argument("--only", nargs="+", default=(), metavar="WORD", help="kinds of faults with a word")
    asked = parser.parse_args()
    started, skipped = time.monotonic(), []
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder), asked.seed, asked.only)
        whole(trial)
        files(trial, asked.times)
        if trial.wants("kill checkpoint"):
            kills(trial, asked.times)
        if trial.wants("full disk"):
            skipped += disks(trial)
        if trial.wants("two runs at once"):
            twice(trial)
        if trial.wants("no locks"):
            skipped += locks(trial)
    print(f"| fault | {' | '.join(OUTCOMES)} |\n|---|{'--:|' * len(OUTCOMES)}")
    total = sum(trial.counts.values(), Counter())
    for kind, counts in {**trial.counts, "**all**": total}.items():
        print(f"| {kind} | {' | '.join(str(counts[outcome]) for outcome in OUTCOMES)} |")
    minutes = (time.monotonic() - started) / 60
    print(f"\nSeed {asked.seed}, {asked.times} of each sort, {minutes:.0f} minutes.", *skipped)
    print(*trial.remarks, sep="\n\n", file=sys.stderr)
    return int(any(total[outcome] for outcome in OUTCOMES[3:]))


if __name__ == "__main__":
    sys.exit(main())
