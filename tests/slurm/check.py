# SPDX-License-Identifier: MIT
"""What profiles/slurm and profiles/kubernetes promise, tried on a Slurm of one node (`make test-slurm`).

A small run of each kind is made here and on the cluster, and must come out with the same bytes; on the way a
training's job is killed, then the controller, and a job is given too little memory. Everything lies in a
temporary folder, and everything that was started is stopped, whatever happens. Ends with a table; fails if a
check fails.
"""

import hashlib
import os
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import yaml
from cluster import PACKAGES, Cluster, installed, wait_for

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from conftest import copy_workflow  # noqa: E402

RESULT = ROOT / "results/benchmarks/slurm.md"
PLUGINS = (
    "snakemake-executor-plugin-slurm==2.8.0",
    "snakemake-executor-plugin-kubernetes==0.5.1",
    "snakemake-storage-plugin-fs==1.1.3",
)
RUNS = {
    "check-halves": {
        "extends": "digits-default",
        "outputs": ["table1", "report"],
        "seeds": [0],
        "compare": ["mp"],
        "joint": {"hidden": 60, "training": {"epochs": 400}},
        "baselines": {"inputs": []},
    },
    "check-deep": {
        "extends": "mini-default",
        "outputs": ["features", "tags", "model", "report"],
        "data": {
            "labelled": 60,
            "unlabelled": 100,
            "size": 64,
            "vocabulary": {"minimum_count": 3},
            "splits": {"train": 0.4, "validation": 0.2},
        },
        "features": {
            "image_size": 64,
            "block": 60,
            "phow": {"words": 60, "images": 30, "per_image": 20, "epochs": 1},
        },
        "splits": [1],
        "compare": ["mp"],
        "rows": {"held_out": 10},
        "predicted_tags": {"minimum_positives": 1},
        "tag_search": {"minimum": 1},
    },
}
"""Each kind of run, with few epochs and rows."""
CONFIG = {"runs": list(RUNS), "checkpoint_seconds": 0, "device": "cpu"}
JOINT = "results/check-halves/joint/mp/seed0.safetensors"
# Intervals for a cluster on which nobody else waits.
QUICK = ("--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2")
ARRAYS = ("--slurm-array-jobs", "describe_block")
# What a job of the plugin needs besides: two Snakemakes.
TOO_LITTLE = "encode:mem_mb=250*4**(attempt-1)"


class Checkout:
    """A copy of the workflow in a folder of its own, with runs of its own."""

    def __init__(self, folder: Path, python: str, environment: dict[str, str]) -> None:
        self.folder, self.log = folder, folder / "snakemake.log"
        self.python = python
        self.environment = {**environment, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
        folder.mkdir(parents=True)
        copy_workflow(folder)
        for name, run in RUNS.items():
            (folder / f"config/runs/{name}.yaml").write_text(yaml.safe_dump(run))
        (folder / "check.yaml").write_text(yaml.safe_dump(CONFIG))

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen]:
        """Snakemake, in a group of its own that does not outlive the context."""
        command = [self.python, "-m", "snakemake", "--configfile=check.yaml", *arguments]
        with self.log.open("a") as log:
            log.write(f"$ {' '.join(command)}\n")
            log.flush()
            run = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
            try:
                yield run
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(run.pid, signal.SIGKILL)
                run.wait()

    def snakemake(self, *arguments: str, seconds: float = 1200) -> int:
        """Run Snakemake; returns its exit status."""
        with self.running(*arguments) as run:
            return run.wait(seconds)

    def digests(self) -> dict[str, str]:
        """Hash of every table, weights file and score; the rest tells of times and machines."""
        files = [
            path
            for pattern in ("tables/*", "scores/**/*.csv", "**/*.safetensors", "scores.csv")
            for path in (self.folder / "results").glob(f"check-*/{pattern}")
        ]
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        }

    def logs(self) -> set[Path]:
        """What the plugin has kept of its jobs."""
        return set((self.folder / ".snakemake/slurm_logs").glob("**/*.log"))

    def said(self) -> str:
        """All that Snakemake said so far."""
        return self.log.read_text()


class Checks:
    """Rows of the table: what was checked, whether it held, and what was seen."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, bool, str]] = []
        self.since = time.monotonic()

    def add(self, what: str, held: bool, seen: object = "") -> None:
        """Note one check, with the time since the one before."""
        now = time.monotonic()
        self.rows.append((what, bool(held), str(seen)))
        print(f"{'ok    ' if held else 'FAILED'} {what}: {seen} ({now - self.since:.0f} s)", flush=True)
        self.since = now

    def table(self) -> str:
        """All of them, in Markdown."""
        lines = ["| check | held | seen |", "|---|---|---|"]
        return "\n".join(lines + [f"| {a} | {'yes' if b else '**no**'} | {c} |" for a, b, c in self.rows])


def with_plugins(folder: Path) -> str:
    """An interpreter that has the plugins besides what this one has, which stays as it is."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin/python"
    own = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    )
    (Path(own.strip()) / "base.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [python, "-m", "pip", "install", "-q", "-c", ROOT / "envs/constraints.txt", *PLUGINS]
    subprocess.run(pip, check=True)
    return str(python)


def same(found: dict[str, str], expected: dict[str, str]) -> tuple[bool, str]:
    """Whether two sets of files have the same bytes, and in how many words."""
    other = sorted(path for path in expected if found.get(path) != expected[path])
    return bool(expected) and not other, f"{len(expected)} files" if not other else ", ".join(other)


def running_job(cluster: Cluster, rule: str, besides: str = "") -> str:
    """Id of the running Slurm job of a rule, but for one, empty where there is none."""
    for job in cluster.jobs():
        named = re.fullmatch(rf"rule_{rule}(_wildcards_.*)?", job["rule"])
        if named and job["state"] == "RUNNING" and job["id"] != besides:
            return job["id"]
    return ""


def check_rest(checks: Checks, cluster: Cluster, run: Checkout, local: dict[str, str]) -> None:
    """All that is left to be made: the same bytes as here, partitions by the sample file, an array."""
    before, logs_before = {job["id"] for job in cluster.jobs()}, run.logs()
    rc = run.snakemake(
        *("--workflow-profile", "slurm", *QUICK, *ARRAYS),
        *("--slurm-partition-config", "profiles/slurm/partitions.yaml", "--", "all"),
    )
    checks.add("all rules through profiles/slurm", rc == 0, f"rc {rc}")
    checks.add("tables, scores and weights have the bytes of the local run", *same(run.digests(), local))
    held = subprocess.run(
        ["sha256sum", "--quiet", "--check", "results/check-halves/checksums.txt"],
        cwd=run.folder,
        capture_output=True,
        text=True,
    )
    checks.add("the page's checksums hold", held.returncode == 0, held.stdout.strip())
    jobs = [job for job in cluster.jobs() if job["id"] not in before]
    partitions = {
        name: sorted({job["partition"] for job in jobs if f"rule_{name}" in job["rule"]})
        for name in ("train_joint", "image_store", "export_model")
    }
    checks.add(
        "partitions by the sample file, no job on the one with GPUs",
        partitions["export_model"] == ["short"] and not any(job["partition"] == "gpu" for job in jobs),
        partitions,
    )
    arrays = {job["id"] for job in jobs if "describe_block" in job["rule"]}
    checks.add("blocks of images as one array", len(arrays) > 1 and all("_" in one for one in arrays), arrays)
    logs = run.logs() - logs_before
    checks.add(
        "logs of jobs that went well are gone, but for those of arrays",
        all(path.parent.name == "rule_describe_block" for path in logs),
        f"{len(logs)} files",
    )


def check_kills(checks: Checks, cluster: Cluster, checkout: Checkout, local: dict[str, str]) -> None:
    """A training's job is killed, then the controller."""
    checkpoint = (checkout.folder / JOINT).with_suffix(".checkpoint")
    log = checkout.folder / "results/check-halves/logs/train_joint/mp/seed0.log"
    with checkout.running("--workflow-profile", "slurm", *QUICK, "--", JOINT) as run:

        def said() -> str:
            # Snakemake removes the log of the attempt before.
            return log.read_text() if log.exists() else ""

        def job(besides: str = "") -> str:
            if run.poll() is not None:
                raise RuntimeError("Snakemake ended before the training began.")
            return running_job(cluster, "train_joint", besides)

        wait_for(lambda: bool(job()) and checkpoint.exists(), 300, "the training")
        first = job()
        cluster.ask("scancel", "--signal=KILL", "--full", first)
        wait_for(lambda: bool(job(first)) and "resuming after" in said(), 300, "its second attempt")
        second = job(first)
        checks.add("a killed training is submitted again", True, f"job {first}, then {second}")
        memory = {job["id"]: job["memory"] for job in cluster.jobs()}
        checks.add(
            "the second attempt asks for more memory",
            _megabytes(memory[second]) > 1.9 * _megabytes(memory[first]),
            f"{memory[first]}, then {memory[second]}",
        )
        # A controller notes every few seconds what runs; a job that it had not noted it would start again.
        time.sleep(8)
        cluster.kill_controller()
        time.sleep(10)
        down = cluster.ask("squeue", "-h") == "" and run.poll() is None
        cluster.start_controller()
        rc = run.wait(600)
    checks.add("the controller was down and the run goes on", down and rc == 0, f"rc {rc}")
    weights = {JOINT: local[JOINT]}
    checks.add("the training ends with the bytes of the local run", *same(checkout.digests(), weights))
    resumed = re.findall(r"resuming after epoch \d+", said())
    checks.add("it went on from its last checkpoint", bool(resumed), "; ".join(resumed))


def check_memory(checks: Checks, cluster: Cluster, checkout: Checkout, local: dict[str, str]) -> None:
    """A job is ended for want of memory, and gets more."""
    before = {job["id"] for job in cluster.jobs()}
    rc = checkout.snakemake(
        *("--workflow-profile", "slurm", *QUICK, "--set-resources", TOO_LITTLE),
        *("--", "results/check-halves/scores/classify/mp/every.csv"),
    )
    asked = {
        job["memory"]: job["state"]
        for job in sorted(cluster.jobs(), key=lambda job: int(job["id"].partition("_")[0]))
        if job["id"] not in before and job["rule"].startswith("rule_encode")
    }
    said = checkout.said()
    checks.add(
        "out of memory, then made with more",
        rc == 0 and list(asked.values()) == ["FAILED", "COMPLETED"],
        f"rc {rc}, {asked}",
    )
    # Of the job or of its step, whichever Slurm's watch finds first.
    why = re.findall(r"xceeded (?:job |step )?memory limit", said)
    checks.add("the log of the killed job says why", bool(why), "; ".join(why))
    scores = "results/check-halves/scores/classify/mp/every.csv"
    held = same(checkout.digests(), {scores: local[scores]})
    checks.add("its scores have the bytes of the local run", *held)


def check_defaults(checks: Checks, cluster: Cluster, run: Checkout) -> None:
    """Jobs keep their own memory where --default-resources on the command line replaces the profile's."""
    before = {job["id"] for job in cluster.jobs()}
    rc = run.snakemake(
        *("--workflow-profile", "slurm", *QUICK, "--default-resources", "slurm_partition=short"),
        *("--forcerun", "scale_inputs", "--", "results/check-halves/inputs/split1.safetensors"),
    )
    asked = [(job["partition"], job["memory"]) for job in cluster.jobs() if job["id"] not in before]
    # Snakemake's own default is 1,000 MB.
    checks.add(
        "--default-resources on the command line takes no memory from the rules",
        rc == 0 and all(name == "short" and _megabytes(memory) > 1000 for name, memory in asked),
        f"rc {rc}, {asked}",
    )


def check_kubernetes(checks: Checks, run: Checkout) -> None:
    """A dry run by profiles/kubernetes."""
    rc = run.snakemake(
        *("-n", "--workflow-profile", "kubernetes", "--default-storage-prefix", str(run.folder / "shared")),
        *("--", "table1"),
    )
    said = run.said().rpartition("\n$ ")[2]
    checks.add("dry run by profiles/kubernetes", rc == 0 and "train_joint" in said, f"rc {rc}")


def _megabytes(text: str) -> float:
    """Of squeue's 4000M or 3.91G."""
    return float(text[:-1]) * {"M": 1, "G": 1024}[text[-1]]


def main(folder: Path) -> int:
    """Run every check in `folder`; returns the exit status."""
    checks = Checks()
    if not installed():
        print(f"Missing; as root: apt-get install {' '.join(PACKAGES)}", file=sys.stderr)
        return 2
    python = with_plugins(folder / "venv")
    local = Checkout(folder / "local", sys.executable, dict(os.environ))
    rc = local.snakemake("--cores", "all", "--", "all")
    expected = local.digests()
    checks.add("the run, here", rc == 0, f"rc {rc}, {len(expected)} files")
    (folder / "slurm").mkdir()
    cluster = Cluster(folder / "slurm")
    try:
        with cluster:
            # One run, of which each check makes a part.
            run = Checkout(folder / "run", python, cluster.environment)
            check_kills(checks, cluster, run, expected)
            check_memory(checks, cluster, run, expected)
            check_rest(checks, cluster, run, expected)
            check_defaults(checks, cluster, run)
            check_kubernetes(checks, run)
    except (RuntimeError, TimeoutError, subprocess.SubprocessError) as error:
        checks.add("no step was in vain", False, error)
    finally:
        left = cluster.left()
        checks.add("nothing of what was started is left", not left, left)
    text = f"{cluster.version}, {', '.join(PLUGINS)}, {os.cpu_count()} cores\n\n{checks.table()}\n"
    print(f"\n{text}")
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(text)
    return int(not all(held for _, held, _ in checks.rows))


if __name__ == "__main__":

    def stopped(number: int, frame: object) -> None:
        """End as an error would, so that everything is stopped."""
        raise SystemExit(128 + number)

    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, stopped)
    kept = len(sys.argv) > 1
    if kept:
        place = Path(sys.argv[1]).resolve()
        place.mkdir(parents=True)
        sys.exit(main(place))
    with tempfile.TemporaryDirectory(prefix="mvi-slurm-") as temporary:
        # Munge refuses a socket in a folder that others may not pass through.
        Path(temporary).chmod(0o711)
        sys.exit(main(Path(temporary)))
