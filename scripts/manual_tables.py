"""Tables of keys for the manual, made of the models that read and write them.

A key that is added to a model appears by itself; one whose meaning stands in no
docstring is refused, and with it the build.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, get_args

from griffe import Docstring, DocstringSectionKind
from pydantic import BaseModel

from rmz_acquire.experiments.block import ExperimentSettings
from rmz_acquire.optics import Optics
from rmz_acquire.recording.summary import Summary
from rmz_acquire.scanning import Decision, Estimate, ScanPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_UNITS = {
    "um": "µm",
    "ms": "ms",
    "s": "s",
    "seconds": "s",
    "waves": "waves RMS",
    "db": "dB",
}
# where a docstring only says that a key is as there
_ALSO: dict[type, tuple[type, ...]] = {Decision: (Estimate,)}
_SHARED = (ScanPlan, Optics)
_AS_THERE = re.compile(r"As (in|for|``)|The same\b")


def experiment_keys() -> str:
    """Every key of the block, one table for the block and each part of it."""
    schema = ExperimentSettings.model_json_schema()
    parts = [("", ExperimentSettings, schema), *_parts(ExperimentSettings, schema)]
    out = []
    for name, model, told in parts:
        title = f"`{name}`" if name else "The block itself"
        out += [f"## {title}\n", f"{_first_sentence(model)}\n" if name else ""]
        out += [
            "| key | unit | allowed | default | meaning |",
            "| --- | --- | --- | --- | --- |",
        ]
        inner = {part for part, *_ in parts if "." not in part}
        own = inspect.get_annotations(model)
        for key in sorted(model.model_fields, key=lambda key: key not in own):
            if not name and key in inner:
                row = [f"[`{key}`](#{key})", "", "keys", "", _meaning(model, key)]
            else:
                allowed = _allowed(told["properties"][key])
                default = _default(model, key)
                row = [f"`{key}`", _unit(key), allowed, default, _meaning(model, key)]
            out.append(_row(row))
        out.append("")
    return "\n".join(out)


def summary_keys() -> str:
    """Every key of ``summary.json``."""
    return _plain(Summary, list(Summary.model_fields))


def decision_keys() -> str:
    """Every key of a line of ``decisions.jsonl``."""
    assert is_dataclass(Decision)
    return _plain(Decision, [each.name for each in fields(Decision)])


def optics_keys() -> str:
    """Every key of an optics file."""
    schema = Optics.model_json_schema()
    rows = [
        [
            f"`{key}`",
            _unit(key),
            _allowed(schema["properties"][key]),
            _default(Optics, key),
            _meaning(Optics, key),
        ]
        for key in Optics.model_fields
    ]
    head = [
        "| key | unit | allowed | default | meaning |",
        "| --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*head, *map(_row, rows)])


TABLES: dict[str, Callable[[], str]] = {
    "experiment keys": experiment_keys,
    "summary keys": summary_keys,
    "decision keys": decision_keys,
    "optics keys": optics_keys,
}
"""By what a page asks for, as ``<!-- table: experiment keys -->``."""


def _plain(model: type, keys: list[str]) -> str:
    # those that are told of together stand together
    together: dict[str, list[str]] = {}
    for key in keys:
        together.setdefault(_meaning(model, key), []).append(key)
    rows = []
    for meaning, names in together.items():
        units = {_unit(name) for name in names}
        told = ", ".join(f"`{name}`" for name in names)
        rows.append(_row([told, units.pop() if len(units) == 1 else "", meaning]))
    return "\n".join(["| key | unit | meaning |", "| --- | --- | --- |", *rows])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _parts(
    model: type[BaseModel], schema: dict[str, Any]
) -> Iterator[tuple[str, type[BaseModel], dict[str, Any]]]:
    """Blocks within the block, with the keys that lead there."""
    for key, field in model.model_fields.items():
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield key, kind, schema["$defs"][kind.__name__]
                for inner, *rest in _parts(kind, schema):
                    yield f"{key}.{inner}", *rest


def _unit(key: str) -> str:
    return _UNITS.get(key.rpartition("_")[2], "") if "_" in key else ""


def _default(model: type[BaseModel], key: str) -> str:
    field = model.model_fields[key]
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "–"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _allowed(told: dict[str, Any]) -> str:
    """Say in words what a JSON schema allows; null is a key that is left out."""
    ways = [each for each in told.get("anyOf", [told]) if each.get("type") != "null"]
    return " or ".join(_one(way) for way in ways)


def _one(told: dict[str, Any]) -> str:
    if "const" in told or "enum" in told:
        values = told.get("enum", [told.get("const")])
        return ", ".join(f"`{value}`" for value in values)
    if "$ref" in told:
        return "what a command wrote"
    kind = told.get("type", "")
    if kind == "array":
        inner = [_allowed(each) for each in told.get("prefixItems", [])]
        return ", ".join(inner) if inner else f"list of: {_allowed(told['items'])}"
    if kind == "object":
        return f"by channel: {_allowed(told.get('additionalProperties', {}))}"
    noun = {
        "boolean": "`true`, `false`",
        "integer": "whole number",
        "number": "number",
        "string": "text",
    }[kind]
    signs = {
        "exclusiveMinimum": ">",
        "minimum": "≥",
        "exclusiveMaximum": "<",
        "maximum": "≤",
    }
    limits = [f"{sign} {told[name]:g}" for name, sign in signs.items() if name in told]
    return " ".join([noun, ", ".join(limits)]).strip()


def _first_sentence(model: type) -> str:
    return inspect.cleandoc(model.__doc__ or "").partition("\n\n")[0]


def _told_by(model: type) -> dict[str, str]:
    """What the docstring of a class tells of each of its parameters."""
    # cleaned: griffe reads sections at the margin
    text = inspect.cleandoc(model.__doc__ or "")
    found: dict[str, str] = {}
    for section in Docstring(text).parse("numpy", warnings=False):
        if section.kind is DocstringSectionKind.parameters:
            for each in section.value:
                for name in each.name.split(","):
                    found[name.strip()] = " ".join(each.description.split())
    return found


def _meaning(model: type, key: str) -> str:
    """Give what a key means, from the docstring of its class or of where it points."""
    classes = (*model.__mro__, *_ALSO.get(model, ()), *_SHARED)
    told = [text for each in classes if (text := _told_by(each).get(key))]
    own = [text for text in told if not _AS_THERE.match(text)]
    if not (own or told):
        msg = f"{key} of {model.__name__}: its docstring says nothing of it"
        raise LookupError(msg)
    return (own or told)[0]
