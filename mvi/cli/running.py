# SPDX-License-Identifier: MIT
"""Run the workflow in a folder of its own, with one line of progress in place of what it prints."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TextIO

from mvi.errors import ConfigError, MviError

ROOT = Path(__file__).parents[2]
# How a line of `mvi.workflow.terminal` on a job begins.
_JOB = re.compile(r"\d+ of \d+\b")


def workflow() -> Path:
    """The folder with the Snakefile; raises `ConfigError` where mvi was installed without it."""
    if not (ROOT / "Snakefile").is_file():
        raise ConfigError(
            "mvi fit runs the workflow, which is not part of the installed package; install mvi from a clone "
            "(pip install -e .)."
        )
    return ROOT


def run(folder: Path, config: Path, *targets: str, cores: str, shown: TextIO) -> None:
    """Make `targets` in `folder`; what the workflow prints is kept there as fit.log.

    Raises `MviError` with the sentence that the failing job left, and where the log is; what is made already
    is not made again by the next run.
    """
    root, log = workflow(), folder / "fit.log"
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile"), "--nolock"]
    command += ["--directory", str(folder), "--configfile", str(config), "--cores", cores]
    command += ["--rerun-incomplete", "--no-hooks", *targets]
    paths = filter(None, [str(root), os.environ.get("PYTHONPATH")])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
    heard = []
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
            line.show("planning")
            for text in process.stdout:
                file.write(text)
                heard.append(text.strip())
                if _JOB.match(text):
                    line.show(text.strip())
    if process.returncode:
        raise MviError(f"{_reason(heard)} (All that was said: {log}.)")


def _reason(heard: list[str]) -> str:
    """The last sentence that is not of a log's path: that of the job that failed, or of the plan."""
    sentences = [text for text in heard if text.endswith(".") and not text.startswith("Failed: ")]
    return (sentences or ["The run failed."])[-1]


class _Line:
    # On a terminal a line that is written over, else a new one each time.
    def __init__(self, stream: TextIO) -> None:
        self.stream, self.over = stream, stream.isatty()

    def __enter__(self) -> "_Line":
        return self

    def __exit__(self, *_: object) -> None:
        if self.over:
            self.stream.write("\r\x1b[K")

    def show(self, text: str) -> None:
        if self.over:
            width = os.get_terminal_size(self.stream.fileno()).columns
            self.stream.write(f"\r\x1b[K{text[: width - 1]}")
        else:
            self.stream.write(f"{text}\n")
        self.stream.flush()
