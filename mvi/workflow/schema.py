# SPDX-License-Identifier: MIT
"""The schema of the configuration: complete settings by it, check them, say in one sentence what is wrong.

`schema.yaml` holds every key, its range and its default, but for the settings of methods and of data sets,
which their records have. `of_config`, `of_run` and `of_theory` give it in plain JSON schema, with all
definitions put in their places and the entries that there are for each method and for each modality of a
data set.
"""

import difflib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from mvi.data.sets.base import DataSet
from mvi.data.sets.registry import DATASETS
from mvi.errors import ConfigError
from mvi.methods.registry import LAYERED, METHODS

FILE = Path(__file__).with_name("schema.yaml")
# The parser in C reads the schema in 25 ms instead of 180.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NAMES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "empty (null)",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}
# Keys of a run that once had another name, for those who remember it.
FORMERLY = {
    "carry_offset": "keep_offset",
    "figure2": "completion",
    "model": "joint",
    "per_picture": "per_image",
    "picture_size": "image_size",
    "pictures": "images",
    "reference_rows": "baselines",
    "root": "signed_sqrt",
    "top": "k",
    "tops": "ks",
}
# Of a run, what does not belong into the settings that are laid over all runs.
OF_ONE_RUN = ("extends", "name", "dataset", "data", "features")
# Of numbers of anything: the product of two, in bytes, is still a number of 64 bits.
MOST = 10**9
# Of a value, in a sentence.
_MOST_LETTERS = 60

Schema = dict[str, Any]


def merge(base: Any, over: Any) -> Any:
    """Lay `over` on `base`: mappings key by key at every depth, anything else replaced as a whole.

    Examples:
        >>> merge({"joint": {"hidden": 9, "down": 1}, "seeds": [0]}, {"joint": {"hidden": 5}, "seeds": [1]})
        {'joint': {'hidden': 5, 'down': 1}, 'seeds': [1]}
    """
    if not (isinstance(base, Mapping) and isinstance(over, Mapping)):
        return deepcopy(over)
    # In the order of `base`, so that equal settings are equal to the letter.
    merged = {key: merge(value, over.get(key, value)) for key, value in base.items()}
    return merged | {key: deepcopy(value) for key, value in over.items() if key not in base}


# ---- the schemas --------------------------------------------------------------------------------------


@cache
def of_run(dataset: str) -> Schema:
    """The schema of a run with this data set."""
    record, source = DATASETS[dataset], read()
    features = source["$defs"]["image_features" if record.has_images else "given_features"]
    known = dict(features["properties"])
    if not record.has_features:
        known.pop("precision")
    own = {"data": _data(record), "features": features | {"properties": known}}
    schema = _expanded({"properties": source["run"]["properties"] | own}, tuple(record.modalities))
    pathways = schema["properties"]["pathways"]["properties"]
    for name, modality in record.modalities.items():
        kind = pathways[name]["properties"]["transform"]["properties"]["kind"]
        kind |= {"enum": list(modality.transforms), "default": modality.transforms[0]}
    return schema


@cache
def of_theory() -> Schema:
    """The schema of a run of the theory."""
    return _expanded(read()["theory_run"], ())


@cache
def of_config() -> Schema:
    """The schema of a configuration, its `settings` those of any run."""
    source = read()
    modalities = dict.fromkeys(name for record in DATASETS.values() for name in record.modalities)
    run, theory = source["run"]["properties"], source["theory_run"]["properties"]
    settings = {key: node for key, node in run.items() if key not in OF_ONE_RUN}
    settings["theory"] = theory["theory"]
    data = {name: _data(record) for name, record in DATASETS.items()}
    own = source["config"]["properties"]
    filled = {
        key: own[key] | {"properties": known} for key, known in (("settings", settings), ("data", data))
    }
    return _expanded({"properties": own | filled}, tuple(modalities))


def _data(record: DataSet) -> Schema:
    return {"description": record.title, "properties": dict(record.settings)}


@cache
def read() -> dict[str, Any]:
    """The file, with the methods' own settings among the definitions."""
    schema: dict[str, Any] = yaml.load(FILE.read_text(encoding="utf-8"), Loader=LOADER)
    settings = {name: {"properties": dict(record.settings)} for name, record in METHODS.items()}
    schema["$defs"] |= {
        "dataset": {"description": "The data set.", "enum": list(DATASETS)},
        "method": {"enum": list(METHODS)},
        "joint_method_or_null": {"type": ["string", "null"], "enum": [*LAYERED, None]},
        "methods": {"properties": settings},
    }
    return schema


def _expanded(node: Mapping[str, Any], modalities: tuple[str, ...], partial: bool = False) -> Schema:
    """Turn a node of the file into plain JSON schema; what a node says itself wins over its definition."""
    if "$ref" in node:
        definition = read()["$defs"][node["$ref"].rsplit("/", 1)[1]]
        own = {key: value for key, value in node.items() if key != "$ref"}
        if isinstance(own.get("default"), Mapping):
            own["default"] = merge(definition.get("default"), own["default"])
        return _expanded({**definition, **own}, modalities, partial)
    node = dict(node)
    # What overrides another object, and all that it holds, may lack any key.
    partial = partial or node.get("partial", False)
    for key, names in (("each_modality", modalities), ("each_method", tuple(METHODS))):
        if key in node:
            node["properties"] = dict.fromkeys(names, node.pop(key))
    if "properties" in node:
        children = {key: _expanded(child, modalities, partial) for key, child in node["properties"].items()}
        required = [key for key, child in children.items() if not child.get("optional")]
        if partial or node.get("as_given"):
            required = []
        node |= {"properties": children, "additionalProperties": False, "required": required}
        node.setdefault("type", "object")
    if "items" in node:
        node["items"] = _expanded(node["items"], modalities, partial)
    if "integer" in _types(node) and not {"enum", "maximum"} & node.keys():
        node["maximum"] = MOST
    if node.get("enum") == "modalities":
        node["enum"] = list(modalities)
    if node.get("default") == "all modalities":
        node["default"] = list(modalities)
    return node


# ---- completing ---------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """Copy a configuration into plain dicts and lists, whatever read it."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def typed(schema: Schema, value: Any) -> Any:
    """Give numbers, truth values and null, which may come as text, the schema's types, and keys its order."""
    return _complete(schema, value, fill=False)


def completed(schema: Schema, value: Any) -> Any:
    """Add the schema's defaults too."""
    return _complete(schema, value, fill=True)


def _complete(node: Schema, value: Any, *, fill: bool) -> Any:
    if isinstance(value, list):
        return [_complete(node.get("items", {}), inner, fill=fill) for inner in value]
    if not isinstance(value, dict):
        return _scalar(value, _types(node))
    properties = node.get("properties", {})
    # What overrides another object gets no defaults, and neither does what it holds.
    fill = fill and not node.get("partial", False)
    if fill:
        value = merge(_defaults(node), value)
    ordered = [key for key in properties if key in value]
    value = {key: value[key] for key in [*ordered, *(key for key in value if key not in properties)]}
    return {key: _complete(properties.get(key, {}), inner, fill=fill) for key, inner in value.items()}


def _defaults(node: Schema) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if not node.get("as_given"):
        for key, child in node.get("properties", {}).items():
            if "default" in child:
                found[key] = child["default"]
            elif _types(child) == ["object"] and not child.get("partial"):
                found[key] = {}
    own = node.get("default")
    return merge(found, own) if isinstance(own, Mapping) else found


def _types(node: Schema) -> list[str]:
    types = node.get("type", [])
    return [types] if isinstance(types, str) else list(types)


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
            # A large seed has more digits than a float.
            value = int(value) if value.isdecimal() else float(value)
        except ValueError:
            return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    try:
        number = float(value)
    except OverflowError:
        # Hundreds of digits: no number that anything here can count with.
        return math.inf if value > 0 else -math.inf
    if "integer" in types and number.is_integer():
        return int(value)
    return number if "number" in types else value


# ---- checking -----------------------------------------------------------------------------------------


def check(
    schema: Schema, value: Any, path: Sequence[str] = (), *, within: str = "", whole: bool = True
) -> None:
    """Raise `ConfigError` for the first thing in `value` that the schema does not allow.

    `path` leads to `value` in what the user wrote; `within` follows the key's name in the message. Keys may
    be missing unless the value is `whole`.
    """
    for where, leaf in _leaves(value, tuple(path)):
        if isinstance(leaf, float) and not math.isfinite(leaf):
            raise ConfigError(f'config key "{where}"{within} is {leaf}, but must be a finite number.')
    errors = Draft202012Validator(schema).iter_errors(value)
    # Unknown keys first: a misspelt key is more likely to be the cause of the rest than the other way.
    found = sorted(
        (error for error in errors if whole or error.validator != "required"),
        key=lambda error: (error.validator != "additionalProperties", list(map(str, error.path))),
    )
    if found:
        raise ConfigError(_sentence(found[0], schema, path, within))


def _sentence(error: ValidationError, schema: Schema, path: Sequence[str], within: str) -> str:
    """Say in one sentence which key is wrong and what is allowed."""
    place = dotted([*path, *error.absolute_path])
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        name = next(key for key in error.instance if key not in known)
        here = f"{place}." if place else ""
        everywhere = [dotted([*path, key]) for key in _all_keys(schema)]
        near = nearest(name, known, here, everywhere)
        return f'config key "{here}{printable(name)}"{within} is unknown{near}'
    if error.validator == "required":
        name = next(key for key in error.validator_value if key not in error.instance)
        key, source = (f"{place}.{name}", ', or come from a run file by "extends"') if place else (name, "")
        return f'config key "{key}"{within} must be set{source}.'
    if error.validator == "uniqueItems":
        return f'config key "{place}"{within} is {shown(error.instance)}, but must not hold a value twice.'
    wanted = allowed(error.schema, error.validator)
    return f'config key "{place}"{within} is {shown(error.instance)}, but must be {wanted}.'


def nearest(name: str, known: Iterable[str], here: str = "", everywhere: Iterable[str] = ()) -> str:
    """End a sentence about the unknown `name` with the likeliest of `known`, all of which begin with `here`.

    Where none comes near, keys of that very name are looked for `everywhere`.
    """
    known = list(known)
    near = [FORMERLY[name]] if FORMERLY.get(name) in known else difflib.get_close_matches(name, known, n=1)
    near = [here + key for key in near] or [key for key in everywhere if key.rsplit(".", 1)[-1] == name]
    if near:
        # A short name may stand in several places; the shortest paths are the likeliest.
        quoted = [f'"{key}"' for key in sorted(near, key=lambda key: key.count("."))[:3]]
        return f"; did you mean {listed(quoted)}?"
    return f"; known here: {listed(known) or 'none'}."


def listed(words: Iterable[str]) -> str:
    """Words in a row, with "or" before the last."""
    words = list(words)
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def dotted(path: Iterable[str | int]) -> str:
    """The name of a key by its place, such as `runs.mine.finetune[0].layers`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return printable(text)


def allowed(schema: Schema, broken: str = "") -> str:
    """Describe a schema node's types and range in words; `broken` is the keyword that refused a value."""
    if "enum" in schema:
        known = listed(["null" if value is None else str(value) for value in schema["enum"]])
        return f"one of {known}" + (f": {schema['says']}" if "says" in schema else "")
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "greater than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
        "minItems": "of length at least",
        "maxLength": "of length at most",
    }
    # What holds for all numbers goes without saying, where it is kept to.
    if broken != "maximum" and schema.get("maximum") == MOST:
        del words["maximum"]
    bounds = [f"{word} {schema[key]}" for key, word in words.items() if key in schema]
    parts = [" or ".join(NAMES[name] for name in _types(schema)), schema.get("says", ""), *bounds]
    return ", ".join(filter(None, parts))


def shown(value: Any) -> str:
    """A value, so far as a sentence has room for it."""
    if isinstance(value, dict):
        return "a mapping"
    text = "null" if value is None else printable(str(value))
    cut = text if len(text) <= _MOST_LETTERS else text[: _MOST_LETTERS - 3] + "..."
    return f'"{cut}"' if isinstance(value, str) else cut


def printable(text: str) -> str:
    """The text, with its line breaks and the like as escapes: they would break the sentence too."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(inner, (*path, key))
    else:
        yield dotted(path), value


def _all_keys(node: Schema, prefix: str = "") -> Iterator[str]:
    for key, child in node.get("properties", {}).items():
        yield prefix + key
        yield from _all_keys(child, f"{prefix}{key}.")
