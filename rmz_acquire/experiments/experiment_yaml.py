"""Reads an experiment from YAML and refuses what useq would silently drop."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import useq
import yaml
from pydantic import BaseModel

from rmz_acquire.errors import InputError, message_of
from rmz_acquire.experiments.block import ExperimentSettings
from rmz_acquire.experiments.keeping import check_kept
from rmz_acquire.experiments.target_calibration import calibration_from
from rmz_acquire.experiments.useq_fields import check_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmz_acquire.defaults import Overlap

__all__ = ["as_experiment", "read_experiment", "with_overlap"]


def read_experiment(path: Path | str) -> useq.MDASequence:
    """Read an experiment.

    Parameters
    ----------
    path : path
        A YAML (or JSON) file with a `useq.MDASequence` and our block in its metadata.
        A file that the block names is looked for from this one's folder.

    Returns
    -------
    useq.MDASequence

    Raises
    ------
    InputError
        In one line that names the file and the key.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise InputError(msg) from error
    except UnicodeDecodeError:
        msg = f"{path} is no text: give a YAML file"
        raise InputError(msg) from None
    try:
        return _sequence_of(_raw_of(text), path.parent)
    except InputError as error:
        msg = f"{path.name}: {error}"
        raise InputError(msg) from None


def as_experiment(
    given: useq.MDASequence | Mapping[str, Any] | Path | str,
) -> useq.MDASequence:
    """Give an experiment, however it is told.

    Parameters
    ----------
    given : useq.MDASequence, mapping or path
        A sequence as it is; the keys and values of one; or its YAML.

    Raises
    ------
    InputError
        In one line that names the key.
    """
    if isinstance(given, useq.MDASequence):
        return given
    if isinstance(given, str | Path):
        return read_experiment(given)
    if isinstance(given, dict):
        return _sequence_of(given, Path())
    msg = (
        "sequence: give a useq.MDASequence, its keys and values, or the path of its "
        f"YAML, not {type(given).__name__}"
    )
    raise InputError(msg)


def with_overlap(sequence: useq.MDASequence, overlap: Overlap) -> useq.MDASequence:
    """Give the experiment with another ``overlap`` in its block, which it must have."""
    block = {**sequence.metadata["rmz_acquire"], "overlap": overlap}
    return sequence.replace(metadata={**sequence.metadata, "rmz_acquire": block})


def _raw_of(text: str) -> dict[str, Any]:
    try:
        raw = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be read"
        msg = f"is no YAML{where}: {problem}"
        raise InputError(msg) from None
    if not isinstance(raw, dict):
        msg = "an experiment has keys such as channels and z_plan: see useq-schema"
        raise InputError(msg)
    return raw


def _sequence_of(raw: dict[str, Any], folder: Path) -> useq.MDASequence:
    """Make the sequence; files of the block count from the folder."""
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            sequence = useq.MDASequence.model_validate(raw)
    except (TypeError, ValueError) as error:
        raise InputError(message_of(error)) from None
    unknown = _unknown(raw, sequence)
    if unknown is not None:
        msg = f"{unknown}: there is no such key"
        raise InputError(msg)
    for warning in said:
        # what useq warns of, it drops; but for one that is about names of axes
        told = " ".join(str(warning.message).split())
        if warning.category is UserWarning and "intended results" not in told:
            raise InputError(f"useq: {told}")
    sequence = calibration_from(folder, sequence)
    ExperimentSettings.of(sequence.metadata)
    check_fields(sequence)
    check_kept(sequence)
    return sequence


class _Loader(yaml.SafeLoader):
    """Reads YAML as it is written: a date stays text, a key stands once."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        name = str(key.value)
        if name in seen and name != "<<":
            line = key.start_mark.line + 1
            raise InputError(f"{name}: the key stands twice, again at line {line}")
        seen.add(name)
    loader.flatten_mapping(node)
    made: dict[Any, Any] = loader.construct_mapping(node, deep=True)
    return made


def _as_written(loader: _Loader, node: yaml.ScalarNode) -> str:
    return loader.construct_scalar(node)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _as_written)


def _unknown(raw: Any, made: Any, key: str = "") -> str | None:
    """The first key of the file that the model made of it does not have."""
    if isinstance(raw, dict) and isinstance(made, BaseModel):
        fields = type(made).model_fields
        names = set(fields) | {f.alias for f in fields.values() if f.alias}
        for name, value in raw.items():
            here = f"{key}.{name}" if key else str(name)
            if name in ("metadata", "uid"):
                continue
            if name not in names:
                return here
            if hasattr(made, str(name)):
                found = _unknown(value, getattr(made, str(name)), here)
                if found is not None:
                    return found
    elif isinstance(raw, list) and isinstance(made, useq.MultiPhaseTimePlan):
        return _unknown(raw, list(made.phases), key)
    elif isinstance(raw, list) and isinstance(made, list | tuple):
        for number, (value, item) in enumerate(zip(raw, made, strict=False)):
            found = _unknown(value, item, f"{key}.{number}")
            if found is not None:
                return found
    return None
