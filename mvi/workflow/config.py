# SPDX-License-Identifier: MIT
"""From what a user wrote to a complete, checked configuration.

The schema (`schema.yaml`) holds every key, its range and its default, and the defaults are the
reference code's values. Order of precedence: a key that the user wrote, the chosen preset, the schema.
"""

import difflib
import math
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from mvi.data.sets.registry import DATASETS
from mvi.errors import ConfigError
from mvi.methods.registry import METHODS
from mvi.workflow.checks import check_ramps, check_together, listed

SCHEMA = Path(__file__).with_name("schema.yaml")
NAMES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "empty (null)",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}


def resolve(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Complete `raw` by its preset and by the schema's defaults, and check it.

    The result holds every key, in the schema's order, and no presets: `preset` is null and `run` is
    filled in, so that a saved result, given again, resolves to itself. Raises `ConfigError`, with the
    full path of the key, for unknown keys, wrong types, values out of range and contradictions.
    """
    schema = _schema()
    config = _complete(schema, _plain(raw), fill=False)
    presets = config.pop("presets", {})
    _check({**config, "presets": presets})
    config = merge(_preset(config, presets), config)
    config = _complete(schema, config, fill=True)
    _check(config)
    for part in (config, config["flickr"]):
        part["run"] = part["run"] or f"{part['dataset']}-{config['preset'] or 'custom'}"
    config["preset"] = None
    check_ramps(config)
    check_together(config)
    return config


def merge(base: Any, over: Any) -> Any:
    """Lay `over` on `base`: mappings key by key at every depth, anything else replaced as a whole."""
    if not (isinstance(base, Mapping) and isinstance(over, Mapping)):
        return deepcopy(over)
    # In the order of `base`, so that equal settings are equal to the letter.
    merged = {key: merge(value, over.get(key, value)) for key, value in base.items()}
    return merged | {key: deepcopy(value) for key, value in over.items() if key not in base}


def _preset(config: Mapping[str, Any], presets: Mapping[str, Any]) -> dict[str, Any]:
    """Look up the chosen preset, and see that it is meant for the chosen data set."""
    name = config.get("preset")
    if name is None:
        return {}
    if name not in presets:
        raise ConfigError(
            f'config key "preset" names "{name}", which is not under presets{_nearest(name, presets)}'
        )
    preset = dict(presets[name])
    meant = preset.pop("dataset", None)
    dataset = config.get("dataset", meant)
    if meant not in (None, dataset):
        fitting = [key for key, value in presets.items() if value.get("dataset") in (None, dataset)]
        instead = f"choose {listed(fitting)}" if fitting else "give a config file that has one for it"
        raise ConfigError(
            f'preset "{name}" is for the data set {meant}, not for {dataset}; {instead}, '
            "or set preset to null."
        )
    return preset if dataset is None else {"dataset": dataset, **preset}


@cache
def _schema() -> dict[str, Any]:
    """The schema with what the records of methods and of data sets say.

    These are a definition of each method's settings, by its name, and of `method`, their names; `data`, the
    settings of all data sets; `dataset`, the names of those cut in halves, and `tagged` of those with images
    and tags.
    """
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    for name, record in METHODS.items():
        schema["$defs"][name] = {
            "type": "object",
            "additionalProperties": False,
            "properties": dict(record.settings),
        }
    schema["$defs"]["method"] = {"enum": list(METHODS)}
    schema["$defs"]["data"] = {
        "description": "Data sets and how they are split. Stores are shared by all runs, so presets cannot "
        "change this.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {
                "description": record.title,
                "type": "object",
                "additionalProperties": False,
                "properties": dict(record.settings),
            }
            for name, record in DATASETS.items()
        },
    }
    tagged = [name for name, record in DATASETS.items() if "text" in record.modalities]
    schema["$defs"]["dataset"]["enum"] = [name for name in DATASETS if name not in tagged]
    schema["$defs"]["tagged"] = {"enum": tagged}
    return schema


def _node(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Put the definition that a schema node refers to in its place; what the node itself says wins."""
    if "$ref" not in schema:
        return dict(schema)
    definition = _node(_schema()["$defs"][schema["$ref"].rsplit("/", 1)[1]])
    own = {key: value for key, value in schema.items() if key != "$ref"}
    if isinstance(own.get("default"), Mapping):
        own["default"] = merge(definition.get("default"), own["default"])
    return {**definition, **own}


def _types(node: Mapping[str, Any]) -> list[str]:
    types = node.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _plain(value: Any) -> Any:
    """Copy a configuration into plain dicts and lists, whatever read it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _complete(schema: Mapping[str, Any], value: Any, *, fill: bool) -> Any:
    """Give values the schema's type and, with `fill`, add defaults and order keys as the schema does.

    An object marked `partial` overrides another one: neither it nor what it holds gets defaults.
    """
    node = _node(schema)
    if isinstance(value, list):
        return [_complete(node.get("items", {}), inner, fill=fill) for inner in value]
    if not isinstance(value, dict):
        return _scalar(value, _types(node))
    properties = node.get("properties", {})
    others = node.get("additionalProperties") or {}
    fill = fill and not node.get("partial", False)
    if fill:
        value = merge(_defaults(node), value)
        ordered = [key for key in properties if key in value]
        value = {key: value[key] for key in [*ordered, *(k for k in value if k not in properties)]}
    return {key: _complete(properties.get(key, others), inner, fill=fill) for key, inner in value.items()}


def _defaults(node: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, child in node.get("properties", {}).items():
        inner = _node(child)
        if "default" in inner:
            found[key] = inner["default"]
        elif _types(inner) == ["object"] and not inner.get("partial"):
            found[key] = {}
    own = node.get("default")
    return merge(found, own) if isinstance(own, Mapping) else found


def _scalar(value: Any, types: list[str]) -> Any:
    """Give a number, a truth value or null the type that is asked for where it came as text, or 5.0 for 5.

    Snakemake's --config reads everything inside of braces as text, and YAML 1.1 takes 1e-4 for text.
    """
    if value == "null" and "null" in types:
        return None
    if isinstance(value, str) and "boolean" in types and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(value, str) and "string" not in types and {"integer", "number"} & set(types):
        try:
            value = float(value)
        except ValueError:
            return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if "integer" in types and float(value).is_integer():
        return int(value)
    return float(value) if "number" in types else value


def _check(config: Mapping[str, Any]) -> None:
    """Raise `ConfigError` for the first thing in `config` that the schema does not allow."""
    for path, value in _leaves(config):
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f'config key "{path}" is {value}, but must be a finite number.')
    # Unknown keys first: a misspelt key is more likely to be the cause of the rest than the other way.
    errors = sorted(
        Draft202012Validator(_schema()).iter_errors(config),
        key=lambda error: (error.validator != "additionalProperties", list(map(str, error.path))),
    )
    if errors:
        raise ConfigError(_sentence(errors[0]))


def _sentence(error: ValidationError) -> str:
    """Say in one sentence which key is wrong and what is allowed."""
    path = _dotted(error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        name = next(key for key in error.instance if key not in known)
        prefix = f"{path}." if path else ""
        return f'config key "{prefix}{name}" is unknown{_nearest(name, known, prefix)}'
    if error.validator == "uniqueItems":
        return f'config key "{path}" is {error.instance}, but must not hold a value twice.'
    return f'config key "{path}" is {_shown(error.instance)}, but must be {_allowed(error.schema)}.'


def _nearest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """End a sentence about the unknown `name` with the likeliest of `known`, else of all keys."""
    known = list(known)
    near = [prefix + key for key in difflib.get_close_matches(name, known, n=1)]
    if not near:
        near = [key for key in _all_keys(_schema()) if key.rsplit(".", 1)[-1] == name]
    if near:
        # A short name may stand in several places; the shortest paths are the likeliest.
        quoted = [f'"{key}"' for key in sorted(near, key=lambda key: key.count("."))[:3]]
        return f"; did you mean {listed(quoted)}?"
    return f"; known here: {listed(known) or 'none'}."


def _allowed(schema: Mapping[str, Any]) -> str:
    """Describe a schema node's types and range in words."""
    if "enum" in schema:
        return f"one of {listed(['null' if v is None else str(v) for v in schema['enum']])}"
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "greater than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
        "minItems": "of length at least",
    }
    bounds = [f"{word} {schema[key]}" for key, word in words.items() if key in schema]
    parts = [" or ".join(NAMES[name] for name in _types(schema)), schema.get("says", ""), *bounds]
    return ", ".join(filter(None, parts))


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    return "null" if value is None else f'"{value}"' if isinstance(value, str) else str(value)


def _dotted(path: Iterable[str | int]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(inner, (*path, key))
    else:
        yield _dotted(path), value


def _all_keys(schema: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, child in _node(schema).get("properties", {}).items():
        yield prefix + key
        yield from _all_keys(child, f"{prefix}{key}.")
