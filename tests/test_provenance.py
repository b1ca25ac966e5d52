# SPDX-License-Identifier: MIT
"""The code hash follows what a module can reach, and nothing else."""

import subprocess
import sys
from hashlib import sha256

import pytest

from mvi.workflow import provenance

FILES = {
    "__init__.py": "def __getattr__(name):\n    from mvi.heavy import load\n    return load\n",
    "version.py": '__version__ = "1"\n',
    "errors.py": "class E(Exception):\n    pass\n",
    "heavy.py": "def load():\n    return 1\n",
    "data/__init__.py": "",
    "data/store.py": "from mvi.errors import E\nx = 1\n",
    "data/other.py": "from . import store\nfrom ..errors import E\n",
    "training.py": "from mvi.data import store\n\ndef train():\n    import mvi.late\n    return mvi.late\n",
    "late.py": "from mvi import __version__\ny = 2\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    root = tmp_path / "mvi"
    for name, text in FILES.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.setattr(provenance, "ROOT", root)
    provenance._parsed.cache_clear()
    yield root
    provenance._parsed.cache_clear()


def hash_after(root, name, text, *modules):
    (root / name).write_text(text)
    provenance._parsed.cache_clear()
    return provenance.code_hash(*modules)


def test_closure_follows_imports_at_any_depth(package):
    reached = provenance.closure(["mvi.training"])
    assert reached == ["mvi.data", "mvi.data.store", "mvi.errors", "mvi.late", "mvi.training"]


def test_closure_follows_relative_imports(package):
    assert provenance.closure(["mvi.data.other"]) == [
        "mvi.data",
        "mvi.data.other",
        "mvi.data.store",
        "mvi.errors",
    ]


def test_a_name_forwarded_by_the_root_package_is_followed(package):
    (package / "late.py").write_text("from mvi import load\n")
    provenance._parsed.cache_clear()
    assert "mvi.heavy" in provenance.closure(["mvi.late"])


@pytest.mark.parametrize("name", ["training.py", "late.py", "data/store.py", "errors.py"])
def test_a_change_of_reached_code_changes_the_hash(package, name):
    before = provenance.code_hash("mvi.training")
    text = (package / name).read_text() + "\nz = 3\n"
    assert hash_after(package, name, text, "mvi.training") != before


@pytest.mark.parametrize("name", ["heavy.py", "data/other.py", "version.py", "__init__.py"])
def test_a_change_elsewhere_does_not(package, name):
    before = provenance.code_hash("mvi.training")
    text = (package / name).read_text() + "\nz = 3\n"
    assert hash_after(package, name, text, "mvi.training") == before


@pytest.mark.parametrize(
    "text",
    [
        "# why\nclass E(Exception):\n\n    pass  # so\n",
        '"""Module."""\n\n\nclass E(Exception):\n    """A class."""\n',
        "class E(\n    Exception\n): pass\n",
    ],
)
def test_comments_docstrings_and_layout_do_not_count(package, text):
    before = provenance.code_hash("mvi.training")
    assert hash_after(package, "errors.py", text, "mvi.training") == before


def test_script_hash_is_that_of_the_script_and_the_modules_it_imports(package, tmp_path):
    script = tmp_path / "script.py"

    def hashed(text):
        script.write_text(text)
        provenance._parsed.cache_clear()
        return provenance.script_hash(script)

    before = hashed("from mvi.data.store import x\nprint(x)\n")
    assert hashed('"""What it does."""\nfrom mvi.data.store import x\n\nprint(x)  # a remark\n') == before
    assert hashed("from mvi.data.store import x\nprint(x + 1)\n") != before
    assert hashed("from mvi.errors import x\nprint(x)\n") != before


def test_an_unknown_module_is_an_error(package):
    with pytest.raises(ModuleNotFoundError, match="mvi.absent"):
        provenance.code_hash("mvi.absent")


def test_every_module_of_the_library_can_be_hashed():
    names = [
        ".".join(("mvi", *path.relative_to(provenance.ROOT).with_suffix("").parts))
        for path in provenance.ROOT.rglob("*.py")
        if path.name != "__init__.py"
    ]
    assert len({provenance.code_hash(name) for name in names}) > len(names) // 2


def test_environment_names_versions_without_importing_them():
    program = (
        "import sys; from mvi.workflow.provenance import environment; facts = environment(); "
        "assert 'torch' not in sys.modules; print(facts['torch'], facts['python'], facts['cores'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 3


def test_what_is_left_out_does_not_count_nor_what_only_it_reaches(package):
    assert provenance.closure(["mvi.training"], without=["mvi.late"]) == [
        *("mvi.data", "mvi.data.store", "mvi.errors", "mvi.training"),
    ]
    before = provenance.code_hash("mvi.training", without=["mvi.late"])
    assert before != provenance.code_hash("mvi.training")
    (package / "late.py").write_text("y = 3\n")
    provenance._parsed.cache_clear()
    assert provenance.code_hash("mvi.training", without=["mvi.late"]) == before


def test_checksums_are_those_of_files_and_of_what_folders_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("one.txt", "folder/two.txt", "folder/in/three.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    expected = [
        f"{sha256(name.encode()).hexdigest()}  {name}"
        for name in ("one.txt", "folder/in/three.txt", "folder/two.txt")
    ]
    assert provenance.checksums(["one.txt", "folder"]).splitlines() == expected
