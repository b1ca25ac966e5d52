# SPDX-License-Identifier: MIT
"""What a run of the workflow says on the terminal: a line a job, a sentence for a failure.

Snakemake hands its messages to handlers of Python's `logging`; `Terminal` takes the place of the one that
writes them to the terminal. Its log, .snakemake/log, has all of them, and so has the terminal with --verbose.
"""

import logging
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

from mvi.workflow.progress import Progress

STOPPED = "Stopped; the same command resumes from here."
_DEFAULT = "DefaultStreamHandler"
"""Snakemake's name of the handler that writes to the terminal."""
_NOTHING = "Nothing to be done"
_STOPPING = "Terminating processes on user request"
_PLANNING = ("Building DAG", "Assuming unrestricted", "Using shell", "host:")
# What Snakemake itself runs for a job says nothing to a user.
_COMMAND = "CalledProcessError in file"
# Said again in other words where a job has failed.
_REPEATED = ("At least one job did not complete successfully", "Exiting because a job execution failed")
_LAST = 15
"""Lines of a log that are shown of a job that failed without a sentence."""


class Terminal(logging.Handler):
    """Writes to `stream` what a user needs of the messages of a run.

    at_end: the lines that a run without jobs ends with, of which Snakemake runs no hook
    """

    def __init__(
        self, stream: TextIO, progress: Progress, at_end: Callable[[], Iterable[str]] = tuple
    ) -> None:
        super().__init__()
        self.stream, self.progress, self.at_end = stream, progress, at_end
        self.names: dict[int, str] = {}
        self.failed = self.stopped = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line or none."""
        try:
            if text := self.said(record):
                # A training's bar may stand there.
                clear = "\r\x1b[K" if self.stream.isatty() else ""
                self.stream.write(f"{clear}{text}\n")
                self.stream.flush()
        except Exception:
            self.handleError(record)

    def said(self, record: logging.LogRecord) -> str:
        """What is to be said of a message; "" for nothing."""
        fields: dict[str, Any] = record.__dict__
        event, text = fields.get("event"), record.getMessage() if record.msg else ""
        if self.stopped:
            return ""
        if text.startswith(_STOPPING):
            self.stopped = True
            return STOPPED
        if text.startswith(_NOTHING):
            return "\n".join([text, *self.at_end()])
        match event:
            case "run_info":
                self.progress.plan(fields["stats"])
                return f"{self.progress.total} jobs"
            case "job_info":
                self.progress.start(fields["jobid"], fields["rule_name"])
                if not (message := fields["rule_msg"]):
                    return ""
                name = self.names[fields["jobid"]] = message[:1].lower() + message[1:]
                return f"{self.progress}: {name}"
            case "job_finished":
                self.progress.finish(fields["job_id"])
                return ""
            case "job_error":
                self.failed = True
                return _failure(fields, self.names.get(fields["jobid"], fields["rule_name"]))
        if _COMMAND in text or (self.failed and any(words in text for words in _REPEATED)):
            return ""
        # Before there is a plan, what is said may be the answer that was asked for, as by --lint or --unlock.
        wanted = record.levelno >= logging.WARNING or not (
            event or self.progress.total or text.startswith(_PLANNING)
        )
        return text.strip() if wanted else ""


def _failure(fields: dict[str, Any], name: str) -> str:
    """Which job failed and where its log is; of a job elsewhere also what it said: one here has said it."""
    logs = [str(path) for path in fields["log"]]
    said = f": {reason(_lines(logs))}" if fields["aux"] else "."
    return f"Failed: {name}{said}\nIts log: {', '.join(logs) or 'none'}"


def _lines(logs: Iterable[str]) -> list[str]:
    found = []
    for path in map(Path, logs):
        if path.is_file():
            found += path.read_text(encoding="utf-8", errors="replace").splitlines()
    return found


def reason(lines: list[str]) -> str:
    """The last sentence in which a log says what is wrong, else its last lines."""
    errors = [found[1] for line in lines if (found := re.search(r"\bERROR (.+)", line))]
    if errors:
        return errors[-1]
    return "\n".join(["see the end of its log.", *lines[-_LAST:]]) if lines else "it said nothing."


def take_over(
    logger: logging.Logger, progress: Progress, at_end: Callable[[], Iterable[str]] = tuple
) -> None:
    """Put a `Terminal` where Snakemake's own handler writes to the terminal, if it does.

    What that one does not show, as with --quiet, this one does not either.
    """
    for handler in logger.handlers:
        if handler.name == _DEFAULT and isinstance(handler, logging.StreamHandler):
            own = Terminal(handler.stream, progress, at_end)
            own.name = _DEFAULT
            own.filters = handler.filters
            logger.removeHandler(handler)
            logger.addHandler(own)
            return
