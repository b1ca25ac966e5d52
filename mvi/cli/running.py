# SPDX-License-Identifier: MIT
"""Run the workflow in a folder of its own, with one line of progress in place of what it prints."""

import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TextIO

from mvi.errors import ConfigError, MviError

ROOT = Path(__file__).parents[2]
_JOB = re.compile(r"Job \d+: (.+)")
_DONE = re.compile(r"Finished jobid: \d+ \(Rule: (\w+)\)")
_COUNT = re.compile(r"(\w+) +(\d+)$")


def workflow() -> Path:
    """The folder with the Snakefile; raises `ConfigError` where mvi was installed without it."""
    if not (ROOT / "Snakefile").is_file():
        raise ConfigError(
            "mvi fit runs the workflow, which is not part of the installed package; install mvi from a clone "
            "(pip install -e .)."
        )
    return ROOT


class Progress:
    """How far a run is, by what it prints.

    cost: what a job of each rule costs, in any unit; 1 for the others
    """

    def __init__(self, cost: Mapping[str, float]) -> None:
        self.cost = cost
        self.counts: dict[str, int] = {}
        self.done = 0
        self.doing = "planning"
        self._counting = False
        self._left = self._total = 0.0

    def hear(self, line: str) -> None:
        """Take note of a line."""
        if line == "Job stats:":
            self._counting, self.counts = True, {}
        elif self._counting and (count := _COUNT.match(line)):
            if count[1] == "total":
                self._counting = False
                self._total = self._left = sum(self._cost(rule) * n for rule, n in self.counts.items())
            else:
                self.counts[count[1]] = int(count[2])
        elif job := _JOB.match(line):
            self.doing = job[1][:1].lower() + job[1][1:]
        elif done := _DONE.match(line):
            self.done += 1
            self._left -= self._cost(done[1])

    def said(self, elapsed: float) -> str:
        """One line: what is done, what is being done, and the time left, where that can be estimated."""
        spent = self._total - self._left
        if not self._total:
            return self.doing
        line = f"{self.done} of {sum(self.counts.values())}: {self.doing}"
        if spent > 0.05 * self._total > 0:
            line += f", {_about(elapsed * self._left / spent)} left"
        return line

    def _cost(self, rule: str) -> float:
        return self.cost.get(rule, 1.0)


def run(
    folder: Path, config: Path, *targets: str, cores: str, cost: Mapping[str, float], shown: TextIO
) -> None:
    """Make `targets` in `folder`; what Snakemake prints is kept there as fit.log.

    Raises `MviError` with the sentence that the failing job left, and where the log is; what is made already
    is not made again by the next run.
    """
    root, log = workflow(), folder / "fit.log"
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile"), "--nolock"]
    command += ["--directory", str(folder), "--configfile", str(config), "--cores", cores]
    command += ["--rerun-incomplete", "--show-failed-logs", *targets]
    paths = filter(None, [str(root), os.environ.get("PYTHONPATH")])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
    progress, begin, heard = Progress(cost), time.monotonic(), []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
    ) as process:
        assert process.stdout is not None
        with log.open("w", buffering=1, encoding="utf-8") as file, _Line(shown) as line:
            for text in _lines(process.stdout):
                if text:
                    file.write(text)
                    heard.append(text.strip())
                    progress.hear(text.strip())
                line.show(progress.said(time.monotonic() - begin), progress.doing)
    if process.returncode:
        raise MviError(f"{_reason(heard)} (All that was said: {log}.)")


def _reason(heard: list[str]) -> str:
    """The sentence in which a job or the plan says what is wrong, else the last line."""
    errors = [found[1] for text in heard if (found := re.search(r"\bERROR (.+)", text))]
    sentences = [text for text in heard if text.endswith(".")]
    return (errors or sentences or ["The run failed."])[-1]


def _lines(stream: IO[str]) -> Iterator[str]:
    """The lines of `stream` as they come, and an empty one in each second without any."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in stream:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=1)
        except queue.Empty:
            line = ""
        if line is None:
            return
        yield line


class _Line:
    # On a terminal a line that is written over, else a new one for each job.
    def __init__(self, stream: TextIO) -> None:
        self.stream, self.over = stream, stream.isatty()
        self.doing = ""

    def __enter__(self) -> "_Line":
        return self

    def __exit__(self, *_: object) -> None:
        if self.over:
            self.stream.write("\r\x1b[K")

    def show(self, text: str, doing: str) -> None:
        if self.over:
            width = os.get_terminal_size(self.stream.fileno()).columns
            self.stream.write(f"\r\x1b[K{text[: width - 1]}")
        elif doing != self.doing:
            self.stream.write(f"{text}\n")
        self.doing = doing
        self.stream.flush()


def _about(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"about {minutes} minute{'s' * (minutes > 1)}" if minutes else "less than a minute"
