# SPDX-License-Identifier: MIT
"""Write docs/config.md, every key of the settings, from the schema: `.venv/bin/python docs/settings.py`.

A test says whether it is up to date.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mvi.data.sets.registry import DATASETS
from mvi.methods.registry import METHODS
from mvi.workflow import schema

PAGE = Path("docs/config.md")
HEAD = """# Every setting

Written by `.venv/bin/python docs/settings.py` from [schema.yaml](../mvi/workflow/schema.yaml) and the records
of [methods](../mvi/methods) and [data sets](../mvi/data/sets). How runs are chosen and changed:
[config/README.md](../config/README.md). A key without a default is said by each run file.

"""
SECTIONS = {
    "config": ("The configuration", "In a file given by `--configfile`, or after `--config`."),
    "run": ("A run", "In a file of `config/runs/`, or in `settings` for all runs."),
    "theory_run": ("A run of the theory", "Likewise."),
}


def page() -> str:
    """The whole page."""
    source = schema.read()
    definitions = {
        name: node
        for name, node in source["$defs"].items()
        if "properties" in node and name not in ("methods", "given_features")
    }
    text = HEAD
    for name, (title, where) in SECTIONS.items():
        text += section(title, where, source[name])
    text += "## Used in several places\n\n"
    for name, node in definitions.items():
        text += section(f"`{name}`", node.get("description", ""), node, level=3)
    text += "## Methods\n\nUnder `methods`, by name.\n\n"
    for name, method in METHODS.items():
        if method.settings:
            text += section(f"`{name}`", f"{method.label}.", {"properties": method.settings}, level=3)
    text += "## Data sets\n\nUnder `data` of a run.\n\n"
    for name, record in DATASETS.items():
        if record.settings:
            text += section(f"`{name}`", f"{record.title}.", {"properties": record.settings}, level=3)
    return text.rstrip() + "\n"


def section(title: str, about: str, node: Mapping[str, Any], level: int = 2) -> str:
    """A heading, a sentence and a table of keys."""
    lines = ["| key | default | may be | meaning |", "|---|---|---|---|", *rows(node, "")]
    return f"{'#' * level} {title}\n\n{about}\n\n" + "\n".join(lines) + "\n\n"


def rows(node: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """A line for each key of an object and of the objects in it."""
    for key, child in node.get("properties", {}).items():
        name = prefix + key
        definition = child.get("$ref", "").rsplit("/", 1)[-1]
        found = schema.read()["$defs"].get(definition, {}) | {k: v for k, v in child.items() if k != "$ref"}
        nested = "properties" in child or "each_modality" in child or "each_method" in child
        linked = "" if nested or "properties" not in found else definition
        allowed = kind(found, linked)
        yield f"| `{name}` | {value(found)} | {allowed} | {cell(found.get('description', ''))} |"
        if not linked:
            yield from rows(found, f"{name}.")
        for each in ("modality", "method"):
            inner = found.get(f"each_{each}")
            if inner and "$ref" not in inner:
                yield from rows({"properties": {f"<{each}>": inner}}, f"{name}.")


def kind(node: Mapping[str, Any], linked: str) -> str:
    """What a value may be, in words."""
    if linked == "methods":
        return "a mapping, of [methods](#methods)"
    if linked:
        return f"a mapping, [`{linked}`](#{linked})"
    for each in ("modality", "method"):
        inner = node.get(f"each_{each}", {}).get("$ref", "").rsplit("/", 1)[-1]
        if inner:
            one = "" if "properties" not in schema.read()["$defs"][inner] else f": [`{inner}`](#{inner})"
            alone = "a whole number or " if "integer" in node.get("type", ()) else ""
            return f"{alone}a mapping, by {each}{one}"
    if node.get("type") == "array":
        inner = node["items"].get("$ref", "").rsplit("/", 1)[-1]
        found = schema.read()["$defs"].get(inner, {}) | node["items"]
        one = f"[`{inner}`](#{inner})" if "properties" in found else kind(found, "")
        return f"a list, each {one}" if one else "a list"
    if "enum" in node and isinstance(node["enum"], str):
        return f"one of the {node['enum']}"
    words = schema.allowed(dict(node) if "type" in node or "enum" in node else {"type": "object"})
    return cell(words)


def value(node: Mapping[str, Any]) -> str:
    """The default as YAML, empty for none."""
    if "default" not in node or (node["default"] == {} and "partial" in node):
        return ""
    text = yaml.safe_dump(node["default"], default_flow_style=True, width=1e6, sort_keys=False)
    return f"`{text.replace('...', '').strip()}`"


def cell(text: str) -> str:
    """Text that does not end a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"written: {PAGE}")
