# SPDX-License-Identifier: MIT
"""What every script of the workflow gets from `workflow_scripts/common.py`: a log, threads, a clean end."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mvi.data.raw import note_digest
from mvi.files import write_sealed
from mvi.workflow.provenance import closure

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "workflow_scripts"
HEAD = f"""
import sys
from types import SimpleNamespace
sys.path.append({str(SCRIPTS)!r})
job = SimpleNamespace(
    rule="some_rule", threads=1, log=["logs/some.log"], wildcards={{"seed": "7"}},
    config={{"device": "auto"}}, params={{}}, input=["raw/a.tar"],
)
from common import device, start
log = start(job)
"""


def run(body: str, folder: Path) -> tuple[subprocess.CompletedProcess, str]:
    """Run a script with `body` in `folder`; returns what the process did and what its log holds."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + body],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
    )
    return done, (folder / "logs/some.log").read_text()


def test_the_log_says_what_ran_and_with_what(tmp_path):
    done, log = run("log.info('halfway')", tmp_path)
    assert done.returncode == 0
    assert "rule some_rule (seed=7), 1 threads" in log
    assert re.search(r"python 3\.\d+\.\d+, mvi \d.*, torch \d.*, cores \d", log)
    assert "INFO halfway" in log and not done.stderr


def test_a_user_s_mistake_is_one_sentence(tmp_path):
    body = "from mvi.errors import DataError\nraise DataError('file x is cut short; delete it.')"
    done, log = run(body, tmp_path)
    assert done.returncode == 1
    assert "ERROR file x is cut short; delete it." in log and "Traceback" not in log
    assert done.stderr == "file x is cut short; delete it.\n"


def test_a_raw_file_that_is_no_longer_what_was_noted_is_refused(tmp_path):
    raw = tmp_path / "raw/a.tar"
    raw.parent.mkdir()
    raw.write_bytes(b"pixels")
    note_digest(raw)
    done, _ = run("log.info('read')", tmp_path)
    assert done.returncode == 0, done.stderr
    raw.write_bytes(b"pixelr")
    done, log = run("log.info('read')", tmp_path)
    assert done.returncode == 1 and "INFO read" not in log
    assert done.stderr == (
        "raw/a.tar is damaged (its checksum is another); delete it and run the workflow again.\n"
    )


@pytest.mark.parametrize("body", ["1 / 0", "import mvi.no_such_module"])
def test_any_other_error_leaves_its_traceback_in_the_log(tmp_path, body):
    done, log = run(body, tmp_path)
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in log and "Error: " in log


def test_warnings_are_logged(tmp_path):
    _, log = run("import warnings; warnings.warn('careful')", tmp_path)
    assert "WARNING" in log and "careful" in log


def test_the_rule_s_threads_reach_the_libraries(tmp_path):
    _, log = run("import torch; log.info('torch has %d', torch.get_num_threads())", tmp_path)
    assert "torch has 1" in log


def test_a_cancelled_job_leaves_nothing_half_written(tmp_path):
    body = """
from mvi.files import atomic
import time
with atomic("out.txt") as temporary:
    temporary.write_text("half")
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", HEAD + body], cwd=tmp_path)
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob(".out*.part.txt")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(timeout=30) == 128 + signal.SIGTERM
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


def test_a_job_that_is_stopped_by_hand_says_so_in_one_sentence(tmp_path):
    done, log = run("raise KeyboardInterrupt", tmp_path)
    assert done.returncode != 0 and "Traceback" not in log + done.stderr
    assert "INFO stopped from outside" in log and "stopped" not in done.stderr


def test_a_gpu_that_is_asked_for_and_absent_is_an_error(tmp_path):
    body = "import torch; torch.cuda.is_available = lambda: False\njob.config['device'] = 'cuda'\n"
    done, log = run(body + "device(job, log)", tmp_path)
    assert done.returncode == 1
    assert 'config key "device" is cuda, but torch finds no GPU' in log and "Traceback" not in log
    done, log = run("import torch; torch.cuda.is_available = lambda: False\ndevice(job, log)", tmp_path)
    assert done.returncode == 0 and "device cpu" in log


@pytest.mark.parametrize(
    "name",
    [
        "download",
        "generate",
        "catalogue",
        "image_store",
        "make_store",
        "data_card",
        "write_table",
        "join_scores",
        "draw_figure2",
        "draw_iterations",
        "draw_training",
        "draw_table3",
        "draw_recall",
        "draw_learning",
        "draw_galleries",
        "draw_predicted_tags",
        "theory_figure",
        "dump_config",
        "write_report",
    ],
)
def test_scripts_without_a_model_do_not_import_torch(name):
    script = SCRIPTS / f"{name}.py"
    imported = set(re.findall(r"^(?:from|import) ([\w.]+)", script.read_text(), re.M))
    modules = closure(name for name in imported if name.split(".")[0] == "mvi")
    files = [ROOT.joinpath(*module.split(".")) for module in modules]
    sources = [path / "__init__.py" if path.is_dir() else path.with_suffix(".py") for path in files]
    users = [
        path for path in (script, *sources) if re.search(r"^(from|import) torch", path.read_text(), re.M)
    ]
    assert not users


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.stem)
def test_scripts_start_their_log_first(script):
    lines = script.read_text().splitlines()
    if "snakemake" in script.read_text() and script.stem != "common":
        imports = [line for line in lines if re.match(r"(import|from) ", line)]
        assert imports[0].startswith("from common import")
        assert lines.index("log = start(snakemake)") < lines.index(imports[1])


def test_what_make_prints_at_the_end_knows_every_experiment(tmp_path):
    for place in ("results/digits-default/tables/table1.md", "results/mini-default/tables/table2.md"):
        (tmp_path / place).parent.mkdir(parents=True)
        write_sealed(tmp_path / place, f"what {Path(place).name} says\n\n| a |\n| - |\n".encode())
    (tmp_path / "config").symlink_to(ROOT / "config")
    done = subprocess.run(
        [sys.executable, str(ROOT / "workflow_scripts/show.py"), "config/config.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert "what table1.md says" in done.stdout and "what table2.md says" in done.stdout
