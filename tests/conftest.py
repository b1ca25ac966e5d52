# SPDX-License-Identifier: MIT
"""One thread for every test: on a shared machine two that wait for each other are slower than one."""

import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import torch

torch.set_num_threads(1)


# They run or plan the workflow, or read the project's own files: no arithmetic of a processor can move them.
WORKFLOW = {
    "test_cli.py",
    "test_cluster.py",
    "test_config.py",
    "test_dag.py",
    "test_deep_flow.py",
    "test_docs.py",
    "test_flickr_flow.py",
    "test_layers.py",
    "test_mirflickr1m.py",
    "test_plan.py",
    "test_registry.py",
    "test_scripts.py",
    "test_snippets.py",
    "test_terminal.py",
    "test_trial.py",
    "test_words.py",
}


def pytest_collection_modifyitems(items):
    """Mark the tests of the workflow and run them first: at the end one processor would wait for them."""
    for item in items:
        if item.path.name in WORKFLOW:
            item.add_marker("workflow")
    items.sort(key=lambda item: item.get_closest_marker("workflow") is None)


def pytest_make_parametrize_id(config, val, argname):
    """Bytes go by the argument's name: what is in them (a time stamp, say) may differ between workers."""
    return argname if isinstance(val, bytes) else None


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """No file may become longer than so many bytes, as on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


ROOT = Path(__file__).parents[1]
# What a folder needs to run the workflow of; the library is on the path, or a copy of it beside them.
PARTS = ("Snakefile", "rules", "workflow_scripts", "report", "config", "profiles")


def link_workflow(folder: Path) -> None:
    """Put links to the workflow into `folder`, where they are not there yet."""
    for name in PARTS:
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)


def copy_workflow(folder: Path) -> None:
    """Put a copy of the workflow and of its library, which may be edited, into the empty `folder`."""
    for name in (*PARTS, "mvi"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
