# SPDX-License-Identifier: MIT
"""What the pages tell readers to type can be typed, by the rule of each command.

- `snakemake`: the arguments are understood, the configuration is complete, and a run of it can make each
  target. With embedded data alone, whose plan needs no file, the command is a dry run as well.
- `make`: the target and the variables are in the Makefile.
- `python`: the script, the module or the tests are there.
- `pip`: extras and files are there; `mvi`: tests/test_cli.py runs them on a collection.
- Python: that of README and usage.md runs on a small run (tests/test_deep_flow.py), that of own-images.md
  on a collection (tests/test_cli.py), the files of contributing.md in a copy of the project
  (tests/test_trial.py), the scripts of docs/tutorials and the examples in docstrings here.
"""

import doctest
import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import link_workflow
from PIL import Image
from snakemake.cli import get_argument_parser, parse_config

from mvi.methods.registry import METHODS
from mvi.workflow import results
from mvi.workflow.config import resolve
from mvi.workflow.plan import Plan
from mvi.workflow.schema import merge

sys.path.append(str(Path(__file__).parents[1] / "docs/tutorials"))

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "config/*.md", "profiles/*.md", "envs/*.md")
    for path in ROOT.glob(pattern)
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TRIED_ELSEWHERE = {"README.md", "docs/usage.md", "docs/own-images.md", "docs/contributing.md"}
"""Pages with Python; see above."""
COMMANDS = {"snakemake", "make", "mvi", "python", "python3", "pip", "source"}
EMBEDDED = {"digits", "mini", "minivoc"}
"""Data sets that need no file."""


def commands(page: Path) -> list[str]:
    """The commands of a page's blocks, lines that go on joined, without prompts and comments."""
    found = []
    for language, block in FENCE.findall(page.read_text(encoding="utf-8")):
        if language not in ("", "sh"):
            continue
        for line in re.sub(r"[ \t]*\\\n", " ", block).splitlines():
            # A word in angle brackets is the reader's; what is not in ASCII is a drawing.
            line = re.sub(r"<[^>]*>", "WORD", line)
            words = shlex.split(line, comments=True) if line.isascii() else []
            if words:
                found.append(shlex.join(words))
    return found


def program(command: str) -> tuple[str, list[str]]:
    """The name of what is run, and its arguments, without variables before it and redirection after it."""
    words = shlex.split(command)
    while re.fullmatch(r"[A-Z_]+=.*", words[0]):
        del words[0]
    if ">" in words:
        words = words[: words.index(">")]
    return Path(words[0]).name, words[1:]


# The third line of a run file is its command.
HEADS = [path.read_text().splitlines()[2].removeprefix("# ") for path in ROOT.glob("config/runs/*.yaml")]
EVERY = [(str(page.relative_to(ROOT)), command) for page in PAGES for command in commands(page)]
# TARGET stands for any.
SNAKEMAKE = sorted(
    {shlex.join(shlex.split(c)) for c in HEADS}
    | {c for _, c in EVERY if program(c)[0] == "snakemake" and "TARGET" not in c}
)


def test_every_block_is_of_a_kind_that_is_tried():
    for page in PAGES:
        for language, _ in FENCE.findall(page.read_text(encoding="utf-8")):
            assert language in ("", "sh", "python", "yaml", "csv"), f"{page.name}: {language}"
            if language == "python":
                assert str(page.relative_to(ROOT)) in TRIED_ELSEWHERE, f"{page} has Python that nothing runs"
    assert len(EVERY) > 60
    # Folded drawings and tables of tags are no commands.
    others = {(name, c) for name, c in EVERY if program(c)[0] not in COMMANDS}
    assert {name for name, _ in others} <= {"docs/own-images.md"}, others


@pytest.fixture
def folder(tmp_path) -> dict[str, str]:
    """A folder of images with tags, for commands that name one that readers have."""
    rows = ["file,tags,labels"]
    for number in range(300):
        Image.new("L", (1, 1)).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png,sea;sky,{'one' if number % 2 else 'two'}")
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    return {"images": str(tmp_path), "table": str(tmp_path / "table.csv")}


def planned(command: str, folder: dict[str, str] | None = None) -> tuple[Plan, list[str]]:
    """What Snakemake would plan, and the targets: by its own reading of the arguments and by the config."""
    arguments = program(command)[1]
    profile = (
        arguments[arguments.index("--workflow-profile") + 1] if "--workflow-profile" in arguments else None
    )
    if profile:
        assert (ROOT / "profiles" / profile / "config.yaml").is_file(), profile
    # Options of plugins that are not installed are known to these alone; they take one value.
    plugins = re.compile(r"--(slurm|kubernetes)-.*")
    at = [place for place, word in enumerate(arguments) if plugins.fullmatch(word)]
    arguments = [word for place, word in enumerate(arguments) if place not in at and place - 1 not in at]
    if "kubernetes" in arguments:
        place = arguments.index("--default-storage-prefix")
        del arguments[place : place + 2]
    given = get_argument_parser().parse_args(arguments)
    config: dict = {}
    for file in given.configfile or [ROOT / "config/config.yaml"]:
        config = merge(config, yaml.safe_load((ROOT / file).read_text()))
    config = merge(config, parse_config(given.config))
    if folder and "folder" in command:
        config = merge(config, {"data": {"folder": folder}})
    return Plan(resolve(config, ROOT / "config/runs")), list(given.targets)


@pytest.mark.parametrize("command", SNAKEMAKE)
def test_snakemake_commands_ask_for_what_a_run_can_make(command, folder, monkeypatch):
    monkeypatch.chdir(ROOT)
    plan, targets = planned(command, folder)
    for target in targets:
        if target == "all":
            assert plan.runs or plan.theory
        elif target == "theory":
            assert plan.theory
        elif target.startswith("results/"):
            assert target.split("/")[1] in plan.runs, target
        else:
            assert any(results.TARGETS[target].fits(run) for run in plan.runs.values()), target


def test_commands_on_embedded_data_are_dry_runs(tmp_path):
    chosen = []
    for command in SNAKEMAKE:
        arguments = shlex.split(re.sub(r"--cores \w+|-n ", "", shlex.join(program(command)[1])))
        if "--workflow-profile" in arguments:
            continue
        plan, targets = planned(command)
        if (
            {run.dataset.name for run in plan.runs.values()} <= EMBEDDED
            and targets
            and arguments not in chosen
        ):
            chosen.append(arguments)
    assert len(chosen) > 8
    link_workflow(tmp_path)
    # Each of them takes a second; all in one process, which imports Snakemake once.
    body = f"""
import sys
from snakemake.cli import main
for arguments in {chosen!r}:
    try:
        main(["-n", "--quiet", "all", "--cores", "1", *arguments])
    except SystemExit as end:
        if end.code:
            sys.exit(f"{{arguments}}: {{end.code}}")
print("planned", len({chosen!r}))
"""
    done = subprocess.run(
        [sys.executable, "-c", body],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert f"planned {len(chosen)}" in done.stdout, done.stdout + done.stderr


MAKE = sorted({c for _, c in EVERY if program(c)[0] == "make"})
PYTHON = sorted({c for _, c in EVERY if program(c)[0] in ("python", "python3", "pip")})


@pytest.mark.parametrize("command", MAKE)
def test_make_has_the_target_and_the_variables(command):
    makefile = (ROOT / "Makefile").read_text()
    for word in program(command)[1]:
        name = word.split("=")[0]
        pattern = rf"^{name}[ ?:]*[=]|\$\({name}\)" if "=" in word else rf"^{name}:"
        assert re.search(pattern, makefile, re.MULTILINE), word


@pytest.mark.parametrize("command", PYTHON)
def test_python_and_pip_have_their_files(command):
    name, words = program(command)
    if name != "pip" and words[:1] == ["-m"]:
        module, *words = words[1:]
        assert module in ("pytest", "venv"), module
        if module == "pytest":
            assert all((ROOT / word).is_file() for word in words if not word.startswith("-"))
    elif name != "pip":
        assert (ROOT / words[0]).is_file(), words[0]
    else:
        extras = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
        for word in words:
            if word.startswith(".["):
                assert set(word[2:-1].split(",")) <= set(extras), word
            elif word.endswith(".txt"):
                assert (ROOT / word).is_file(), word


def test_settings_written_out_are_complete_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    blocks = [
        block
        for page in PAGES
        for language, block in FENCE.findall(page.read_text(encoding="utf-8"))
        if language == "yaml" and block.startswith("runs:")
    ]
    assert blocks
    for block in blocks:
        config = yaml.safe_load(block)
        assert resolve(config)["runs"].keys() == config["runs"].keys()


# -- the tutorials and the examples in docstrings ---------------------------------------------------------


def test_the_tutorials_of_table_1_and_of_a_method_show_what_they_say(capsys):
    import add_method
    import table1

    table = table1.main()
    own = add_method.main()
    for errors in (*table.values(), own):
        # On four seeds of the weights at most 5 with both halves, and 29 with one; 90 by chance.
        assert errors["left+right"] < 8 and errors["left"] < 40 and errors["right"] < 40
    assert add_method.METHOD.name not in METHODS
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "error,",
        "ML",
        "MinVI",
        "One",
    ]


EXAMPLES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "mvi").rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_in_docstrings_give_what_they_show(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted and not found.failed
