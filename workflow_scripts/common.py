# SPDX-License-Identifier: MIT
"""What every script does first: log to its file and to the terminal, keep to its threads."""

import logging
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from mvi.data.raw import check_noted
from mvi.errors import MviError
from mvi.workflow.provenance import environment

LIBRARIES = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM")


def start(job: Any) -> logging.Logger:
    """Set up the script of `job` (the `snakemake` object) and return its logger.

    Call it before importing anything that computes: threads are read at import, and an import that fails
    must be in the log. An `MviError` is logged as its one sentence, any other exception with traceback. Raw
    files among the inputs that have no checksum of their own are compared with the digests noted of them.
    """
    for library in LIBRARIES:
        os.environ[f"{library}_NUM_THREADS"] = str(job.threads)
    path = Path(job.log[0])
    # A disk that is full of results has no room for the log either, which is no reason to say nothing.
    logging.raiseExceptions = False
    handlers: list[logging.Handler] = []
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(path, mode="w", encoding="utf-8"))
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        handlers=handlers,
        force=True,
    )
    logging.captureWarnings(True)
    log = logging.getLogger(job.rule)
    wildcards = ", ".join(f"{name}={value}" for name, value in job.wildcards.items())
    log.info("rule %s (%s), %d threads", job.rule, wildcards, job.threads)
    log.info("%s", ", ".join(f"{name} {value}" for name, value in environment().items()))
    # The terminal has Snakemake's messages and the progress bars already.
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.WARNING)
    logging.getLogger().addHandler(terminal)

    def report(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if issubclass(kind, MviError):
            log.error("%s", error)
        elif issubclass(kind, MemoryError) or "can't allocate memory" in str(error):
            said = str(error).strip().splitlines()[-1:] or ["out of memory"]
            log.error("there is not enough memory (%s); ask for smaller layers, blocks or batches.", said[0])
        elif issubclass(kind, KeyboardInterrupt):
            log.info("stopped from outside")
        else:
            log.critical("stopped by an error", exc_info=(kind, error, trace))

    sys.excepthook = report
    # A cancelled job leaves through its `finally` clauses, so that no half-written file stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    check_noted(job.input)
    return log


def device(job: Any, log: logging.Logger) -> str:
    """Choose the torch device for the config key `device` ("auto" takes a GPU where there is one)."""
    import torch

    wanted = job.config["device"]
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise MviError(
            'config key "device" is cuda, but torch finds no GPU here; '
            "set it to auto, or install the CUDA build of torch (envs/README.md)."
        )
    chosen = "cpu" if wanted == "cpu" or not available else "cuda"
    log.info("device %s", torch.cuda.get_device_name() if chosen == "cuda" else "cpu")
    return chosen


def of_run(job: Any) -> dict[str, Any]:
    """The config that makes the run of a job again, as it is kept in files of weights."""
    return {**job.config, "runs": {job.wildcards.run: job.config["runs"][job.wildcards.run]}}
