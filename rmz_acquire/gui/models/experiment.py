"""Settings of the window as an experiment in YAML, and back.

The file is the one that `scan` takes: a `useq.MDASequence` with an absolute z_plan, so
that any other program takes the full stack of it, and the block ``rmz_acquire`` in its
metadata. What the window has no field for is refused, not dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import useq
import yaml
from pydantic import ValidationError

from rmz_acquire.errors import InputError
from rmz_acquire.gui.models.settings import ScanSettings

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_settings", "write_settings"]

_VERSION = 1
_PLAIN = ("estimator", "model", "policy", "epsilon", "min_planes", "max_planes")
_OPTICS = ("na", "immersion_index", "wavelength_um", "pixel_size_um")
_TOP = ("axis_order", "channels", "metadata", "uid", "z_plan")


def write_settings(path: Path, settings: ScanSettings) -> None:
    """Write settings as an experiment.

    Parameters
    ----------
    path : Path
        The file, replaced where it exists.
    settings : ScanSettings
        Complete ones; a budget of light is written as the planes that it allows.

    Raises
    ------
    InputError
        If something is missing or makes no sense.
    """
    settings.plan()
    block: dict[str, Any] = {"version": _VERSION}
    block |= {
        "estimator": settings.estimator,
        "policy": settings.policy,
        "epsilon": settings.epsilon,
        "min_planes": settings.min_planes,
    }
    if settings.model is not None and settings.estimator == "recurrent-mz":
        block["model"] = settings.model
    if settings.max_planes is not None or settings.max_light_ms is not None:
        block["max_planes"] = settings.most_planes
    optics = {k: v for k, v in settings.overrides().items() if v is not None}
    if optics:
        block["optics"] = optics
    group, preset = settings.channel or ("Channel", None)
    document: dict[str, Any] = {}
    if preset is not None:
        channel = {"config": preset, "exposure": settings.exposure_ms}
        document["channels"] = [{**channel, "group": group}]
    document["z_plan"] = {
        "bottom": settings.bottom_um,
        "top": settings.top_um,
        "step": settings.step_um,
    }
    document["metadata"] = {"rmz_acquire": block}
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")


def read_settings(path: Path) -> ScanSettings:
    """Read an experiment of one volume.

    Parameters
    ----------
    path : Path
        A YAML file.

    Returns
    -------
    ScanSettings

    Raises
    ------
    InputError
        In one line, if it is none or asks for what the window cannot do.
    """
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        first = " ".join(str(error).split())[:120]
        msg = f"{path.name} is no experiment in YAML: {first}"
        raise InputError(msg) from error
    try:
        return _settings(raw)
    except InputError as error:
        msg = f"{path.name}: {error}"
        raise InputError(msg) from None


def _settings(raw: Any) -> ScanSettings:
    if not isinstance(raw, dict):
        msg = "an experiment has keys such as z_plan and metadata"
        raise InputError(msg)
    for key in raw:
        if key not in _TOP:
            msg = f"the window scans one volume here and now, it cannot do {key}"
            raise InputError(msg)
    try:
        sequence = useq.MDASequence.model_validate(raw)
    except (ValidationError, TypeError, ValueError) as error:
        first = " ".join(str(error).split())[:120]
        raise InputError(first) from None
    plan = sequence.z_plan
    if not isinstance(plan, useq.ZTopBottom):
        msg = "the window needs a z_plan with bottom, top and step"
        raise InputError(msg)
    if len(sequence.channels) > 1:
        msg = "the window scans one channel: give it one"
        raise InputError(msg)
    block = raw.get("metadata", {}).get("rmz_acquire")
    if not isinstance(block, dict) or block.get("version") != _VERSION:
        msg = f"metadata.rmz_acquire with version: {_VERSION} is missing"
        raise InputError(msg)
    for key in block:
        if key not in ("version", "optics", *_PLAIN):
            msg = f"the window has no field for metadata.rmz_acquire.{key}"
            raise InputError(msg)
    optics = block.get("optics") or {}
    for key in optics:
        if key not in _OPTICS:
            msg = f"the window has no field for metadata.rmz_acquire.optics.{key}"
            raise InputError(msg)
    values: dict[str, Any] = {key: block[key] for key in _PLAIN if key in block}
    values |= optics
    if sequence.channels:
        channel = sequence.channels[0]
        values["channel"] = (channel.group, channel.config)
        if channel.exposure is not None:
            values["exposure_ms"] = float(channel.exposure)
    try:
        settings = ScanSettings(
            bottom_um=float(plan.bottom),
            top_um=float(plan.top),
            step_um=float(plan.step),
            **values,
        )
        settings.plan()
    except TypeError as error:
        raise InputError(" ".join(str(error).split())) from None
    return settings
