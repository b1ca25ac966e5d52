# SPDX-License-Identifier: MIT
"""Who may import whom in the library, and that no line outside their records knows a data set or a method."""

import ast
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from mvi.data.sets.registry import DATASETS
from mvi.methods.registry import METHODS
from mvi.workflow.provenance import closure

ROOT = Path(__file__).parents[1]
# From the ground up: each may import those before it.
LAYERS = (
    *("base", "data", "synthetic", "features", "models", "objectives", "training"),
    *("evaluation", "methods", "theory", "report", "workflow"),
)
FILES = {
    ".".join(("mvi", *path.relative_to(ROOT / "mvi").with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted((ROOT / "mvi").rglob("*.py"))
}


def imports(path: Path, package: str) -> Iterator[str]:
    """Modules of the library that a file names, wherever in it, and whether or not they run."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            named = [
                name if (name := f"{node.module}.{alias.name}") in FILES else node.module
                for alias in node.names
            ]
        else:
            continue
        yield from (name for name in named if name in FILES and name != package)


GRAPH = {module: set(imports(path, module)) for module, path in FILES.items()}


def layer(module: str) -> int:
    """Place of a module's layer; what stands in no package is at the ground."""
    package = module.split(".")[1]
    return LAYERS.index(package) if package in LAYERS else 0


def test_every_package_has_a_layer():
    packages = {path.parent.name for path in (ROOT / "mvi").glob("*/__init__.py")}
    assert packages == set(LAYERS[1:])


def test_imports_point_down():
    upward = [
        f"{module} imports {other}"
        for module, others in GRAPH.items()
        for other in others
        # The root package forwards a name to users.
        if module != "mvi" and layer(other) > layer(module)
    ]
    assert not upward


def test_no_module_imports_itself_by_others():
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(error.args[1]))


def test_models_know_nothing_of_training():
    allowed = {"mvi.errors", "mvi.files", "mvi.tensors", "mvi.version", "mvi.data", "mvi.models"}
    for module, others in GRAPH.items():
        if module.startswith("mvi.models."):
            strangers = {other for other in others if ".".join(other.split(".")[:2]) not in allowed}
            assert not strangers, module
    # Loading and asking a model runs none of it either.
    reached = {name.split(".")[1] for name in closure(["mvi.models.public"])}
    assert reached <= {name.removeprefix("mvi.") for name in allowed}


def test_packages_run_nothing_when_they_are_imported():
    packages = {module for module, path in FILES.items() if path.name == "__init__.py"} - {"mvi"}
    assert packages and not {module: GRAPH[module] for module in packages if GRAPH[module]}
    assert GRAPH["mvi"] <= {"mvi.version", "mvi.models.public"}


def test_a_plan_imports_nothing_that_computes():
    program = (
        "import sys, mvi.workflow.config, mvi.workflow.results\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    heavy = {"torch", "sklearn", "numpy", "scipy", "pandas", "h5py", "matplotlib", "PIL"}
    assert "mvi" in done.stdout.split() and not heavy & set(done.stdout.split())


def test_the_library_is_found_from_the_folder_above_a_checkout(tmp_path):
    # There it is a folder without `__init__.py`, which Python takes for a package if it finds no other.
    installed = Path(sysconfig.get_path("purelib")).glob("__editable__*mvi*")
    if not any(str(ROOT) in path.read_text() for path in installed if path.is_file()):
        pytest.skip("not installed from here")
    (tmp_path / "mvi").mkdir()
    cleared = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-c", "import mvi; mvi.load"]
    done = subprocess.run(command, cwd=tmp_path, env=cleared, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# -- names ----------------------------------------------------------------------------------------------

# How a layer of a pathway is trained has names of its own, one of which is that of a method too.
OF_LAYERS = {("mvi/training/pathway_layer.py", "pcd"), ("mvi/workflow/checks.py", "pcd")}


def quoted(path: Path) -> set[str]:
    """Texts that stand in a file as a whole."""
    if path.suffix == ".py":
        nodes = ast.walk(ast.parse(path.read_text()))
        return {
            node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
    return set(re.findall(r"[\"']([\w-]+)[\"']", path.read_text()))


@pytest.mark.parametrize(
    ("names", "theirs"),
    [
        (set(DATASETS), ("mvi/data/sets/", "mvi/data/readers/")),
        (set(METHODS), ("mvi/methods/",)),
    ],
    ids=["data sets", "methods"],
)
def test_only_its_own_file_names_a_data_set_or_a_method(names, theirs):
    folders = ("rules", "workflow_scripts", "mvi")
    paths = [ROOT / "Snakefile", *(path for folder in folders for path in (ROOT / folder).rglob("*.*"))]
    sources = {str(path.relative_to(ROOT)): path for path in paths if path.suffix in ("", ".py", ".smk")}
    assert len(sources) > 100
    found = {
        (name, text)
        for name, path in sources.items()
        if not name.startswith(theirs)
        for text in quoted(path) & names
    }
    assert found - OF_LAYERS == set()
    for name in names:
        assert any(name in quoted(path) for place, path in sources.items() if place.startswith(theirs))
