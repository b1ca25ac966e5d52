# SPDX-License-Identifier: MIT
"""What a result was made by: the part of `mvi` that a job runs, and the machine it ran on.

Snakemake notices a script that was touched, not a changed module that the script imports. `script_hash` is
put into a rule's `params:`, and the profiles leave Snakemake's own look at scripts out (`rerun-triggers`): a
rule is rerun when, and only when, code that it can reach has changed.
"""

import ast
import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mvi.files import sha256

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT.name
# `mvi/__init__.py` only forwards names and the version changes no number, yet everything imports both.
UNTRACKED = (PACKAGE, f"{PACKAGE}.version")
PACKAGES = ("numpy", "scipy", "torch", "scikit-learn", "h5py", "matplotlib", "snakemake")


def code_hash(*modules: str, without: Iterable[str] = ()) -> str:
    """Hash the code reachable from `modules` (dotted names such as ``"mvi.training.loop"``) inside `mvi`.

    Followed are all import statements, those inside functions too. Comments, blank lines, layout and
    docstrings do not count. An import by a computed name is not seen, and what is reached only through the
    modules named in `without` is left out, as they are. Raises `ModuleNotFoundError` for a
    name that is not a module of `mvi`.
    """
    digest = hashlib.sha256()
    for name in closure(modules, without):
        if name not in UNTRACKED:
            digest.update(f"{name}\n{_parsed(_file(name))[0]}\n".encode())
    return digest.hexdigest()[:16]


def script_hash(script: str | Path, *modules: str, without: Iterable[str] = ()) -> str:
    """Hash the script at `script` and the code of `mvi` that it and `modules` reach, as `code_hash` does."""
    own, imports = _parsed(Path(script))
    reached = code_hash(*sorted({*_modules_in(imports), *modules}), without=without)
    return hashlib.sha256(f"{reached}\n{own}\n".encode()).hexdigest()[:16]


def closure(modules: Iterable[str], without: Iterable[str] = ()) -> list[str]:
    """List, sorted, the modules of `mvi` that importing `modules` may run, `modules` included.

    The imports of those named in `without` are not followed, and they are not listed.
    """
    passed_over = set(without)
    pending, found = set(modules) - passed_over, set()
    while pending:
        name = pending.pop()
        file = _file(name)
        if file is None:
            raise ModuleNotFoundError(f"no module named {name!r} under {ROOT}", name=name)
        found.add(name)
        # Importing a.b.c runs a and a.b as well.
        parts = name.split(".")
        reached = {".".join(parts[:depth]) for depth in range(2, len(parts))}
        reached |= _modules_in(_parsed(file)[1])
        pending |= reached - found - passed_over
    return sorted(found)


def environment() -> dict[str, str | int]:
    """Describe what runs: versions of Python and the packages, git commit, system, processor, cores.

    Imports none of the packages. What cannot be found out is left out.
    """
    facts: dict[str, str | int] = {"python": platform.python_version()}
    for package in (PACKAGE, *PACKAGES):
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            continue
    facts |= {"system": platform.platform(), "cores": os.cpu_count() or 1}
    if processor := _processor():
        facts["processor"] = processor
    if commit := _commit():
        facts["commit"] = commit
    return facts


def checksums(paths: Iterable[str | Path]) -> str:
    """The SHA-256 of files, and of all in folders, a line each as `sha256sum` writes and checks them."""
    lines = []
    for path in map(Path, paths):
        inside = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        for file in inside:
            lines.append(f"{sha256(file)}  {file}\n")
    return "".join(lines)


def gpus() -> int:
    """Count the NVIDIA GPUs of this machine without importing torch."""
    return len(list(Path("/dev").glob("nvidia[0-9]*")))


def _file(name: str) -> Path | None:
    """Find the file of the module `name`, or None where `mvi` has no such module."""
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return None
    base = ROOT.joinpath(*parts[1:])
    candidates = (base / "__init__.py", base.with_suffix(".py"))
    return next((file for file in candidates if file.is_file()), None)


@cache
def _parsed(file: Path) -> tuple[str, frozenset[tuple[str, tuple[str, ...]]]]:
    """Read one source file: its code without comments, layout and docstrings, and what it imports.

    An import is a module's absolute dotted name and the names taken from it.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    package = _package_of(file)
    imports = frozenset(_imports(tree, package))
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree), imports


def _package_of(file: Path) -> tuple[str, ...]:
    """Name, in parts, the package that a relative import in `file` starts from."""
    if not file.resolve().is_relative_to(ROOT):
        return ()
    return (PACKAGE, *file.resolve().relative_to(ROOT).parent.parts)


def _imports(tree: ast.AST, package: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            yield module, tuple(alias.name for alias in node.names)


def _modules_in(imports: Iterable[tuple[str, tuple[str, ...]]]) -> set[str]:
    """Pick from `imports` the modules of `mvi`; a name taken from a package may itself be a module."""
    modules = set()
    for module, names in imports:
        if module.split(".")[0] != PACKAGE:
            continue
        inner = {f"{module}.{name}" for name in names if _file(f"{module}.{name}")}
        modules |= inner
        # The root package is reached by everything; only who takes a forwarded name from it runs more.
        rest = [name for name in names if f"{module}.{name}" not in inner]
        if module != PACKAGE or not names or any(not name.startswith("_") for name in rest):
            modules.add(module)
    return modules


def _processor() -> str:
    """Name the processor's model, empty where the system does not tell."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()


def _commit() -> str:
    """Name the commit that this copy of `mvi` is checked out at, empty outside a git checkout."""
    # An installed copy may lie inside somebody else's repository.
    if not (ROOT.parent / ".git").exists():
        return ""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=ROOT.parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return described.stdout.strip()
