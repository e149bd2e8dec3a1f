"""Settings of the window as the experiment that `scan` takes, and back.

One format and one reader: `rmz_acquire.experiments.read_experiment`. What the form has
no field for stays in the sequence that was loaded, and goes with it when it runs and
when it is saved.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import useq

from rmz_acquire.atomic_io import replace_text
from rmz_acquire.errors import InputError, message_of
from rmz_acquire.experiments import ExperimentSettings, read_experiment
from rmz_acquire.experiments.keeping import as_yaml
from rmz_acquire.experiments.target_calibration import calibration_beside
from rmz_acquire.gui.models.fitted_optics import CALIBRATED, Calibration
from rmz_acquire.gui.models.scan_settings import ScanSettings
from rmz_acquire.gui.models.stop_target import StopTarget
from rmz_acquire.methods import method_of
from rmz_acquire.plugins import ESTIMATOR, POLICY, STOP_RULE, full_name
from rmz_acquire.scanning.stop_calibration import AIM, UNUSED

if TYPE_CHECKING:
    from pathlib import Path

    from rmz_acquire.experiments import Volume

__all__ = [
    "full_stack_of",
    "imported_by",
    "read_settings",
    "sequence_of",
    "settings_of",
    "write_settings",
]

_PLAIN = (
    *("estimator", "model", "policy", "epsilon", "tau", "min_planes", "max_planes"),
    *("regions", "volumes", "overlap", "misfit"),
)
_DEFAULTS = {
    **dict.fromkeys(("min_planes", "max_planes", "model", "tau", "volumes")),
    "regions": "auto",
    "overlap": "stage",
    "misfit": "warn",
}
_OPTICS = ("na", "immersion_index", "wavelength_um", "pixel_size_um")
_MIN_PLANES = 4


def read_settings(path: Path) -> ScanSettings:
    """Read an experiment into what the form shows.

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
        In one line: as `read_experiment`, or what the form cannot show.
    """
    sequence = read_experiment(path)
    try:
        return settings_of(sequence)
    except InputError as error:
        msg = f"{path.name}: {error}"
        raise InputError(msg) from None


def imported_by(settings: ScanSettings) -> list[str]:
    """Give the classes of somebody else's that a scan with these would import.

    Parameters
    ----------
    settings : ScanSettings
        As they were read of a file; nothing is imported here.

    Returns
    -------
    list of str
        ``package.module:Class`` each.
    """
    block = {} if settings.base is None else settings.base.metadata.get("rmz_acquire")
    named = (
        (ESTIMATOR, settings.estimator),
        (POLICY, settings.policy),
        (STOP_RULE, (block or {}).get("stop_rule")),
    )
    full = [full_name(kind, name) for kind, name in named if name]
    return [name for name in dict.fromkeys(full) if ":" in name]


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
    sequence = calibration_beside(path.parent, sequence_of(settings))
    replace_text(path, as_yaml(sequence))


def settings_of(sequence: useq.MDASequence) -> ScanSettings:
    """Give what the form shows of an experiment.

    Raises
    ------
    InputError
        If it cannot show where the planes are, or when to stop.
    """
    block = ExperimentSettings.of(sequence.metadata)
    if block.epsilon_kind != "relative":
        msg = "metadata.rmz_acquire.epsilon_kind: the window knows a relative one only"
        raise InputError(msg)
    values = _block_values(block)
    if values["min_planes"] is None:
        values["min_planes"] = min(_MIN_PLANES, block.max_planes or _MIN_PLANES)
    bottom, top, step, relative = _range_of(sequence.z_plan)
    channels = tuple(sequence.channels)
    first = channels[0] if channels else None
    if first is not None and first.exposure is not None:
        values["exposure_ms"] = float(first.exposure)
    return ScanSettings(
        bottom_um=bottom,
        top_um=top,
        step_um=step,
        relative=relative,
        channel=None if first is None else (first.group, first.config),
        channels=channels,
        positions=tuple(sequence.stage_positions),
        time_plan=sequence.time_plan,
        base=sequence,
        calibration=Calibration.of(block.optics),
        target=StopTarget.of(block, sequence),
        **values,
    )


def sequence_of(settings: ScanSettings) -> useq.MDASequence:
    """Make the experiment of what is typed, on top of the one that was loaded.

    Raises
    ------
    InputError
        In one line, if something is missing or makes no sense.
    """
    problems = settings.problems()
    if problems:
        raise InputError(next(iter(problems.values())))
    base = settings.base
    metadata = {} if base is None else dict(base.metadata)
    metadata["rmz_acquire"] = _block_of(settings, metadata.get("rmz_acquire"))
    ExperimentSettings.of(metadata)
    changed: dict[str, Any] = {
        "z_plan": _z_plan_of(settings),
        "channels": _channels_of(settings),
        "stage_positions": _positions_of(settings),
        "time_plan": settings.time_plan,
        "metadata": metadata,
    }
    # useq makes an absolute plan of one with positions that have no place in x and y
    given = {name: value for name, value in changed.items() if value not in (None, ())}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if base is None:
                return useq.MDASequence(**given)
            return base.replace(**changed)
    except (TypeError, ValueError) as error:
        raise InputError(message_of(error)[:160]) from None


def full_stack_of(volume: Volume, sequence: useq.MDASequence) -> useq.MDASequence:
    """Make the experiment that takes every plane of one volume, where and as it was.

    Parameters
    ----------
    volume : Volume
        Which one.
    sequence : useq.MDASequence
        The experiment that it is of.
    """
    first = volume.first
    given: dict[str, Any] = {}
    place: dict[str, Any] = {"x": first.x_pos, "y": first.y_pos}
    if (number := volume.index.get("p")) is not None:
        place["properties"] = sequence.stage_positions[number].properties
    if any(value is not None for value in place.values()):
        given["stage_positions"] = [place]
    if first.channel is not None:
        channel = {"config": first.channel.config, "group": first.channel.group}
        more = {"exposure": first.exposure, "camera": volume.camera}
        given["channels"] = [{**channel, **more}]
    z_um = sorted(volume.z_um)
    settings = ExperimentSettings.of(sequence.metadata)
    block = {
        "version": 1,
        "estimator": "nearest",
        "z_um": z_um,
        "stage": settings.stage.model_dump(),
        # what the configuration does not tell: the pixel size goes into its files
        "optics": settings.optics.model_dump(exclude_none=True),
    }
    return useq.MDASequence(
        z_plan={"absolute": z_um},
        setup=sequence.setup,
        metadata={"rmz_acquire": block},
        **given,
    )


def _range_of(plan: Any) -> tuple[float, float, float, bool]:
    """Bottom, top and step, µm, and whether they are relative."""
    if isinstance(plan, useq.ZTopBottom):
        return float(plan.bottom), float(plan.top), float(plan.step), False
    if isinstance(plan, useq.ZRangeAround):
        half = float(plan.range) / 2
        return -half, half, float(plan.step), True
    if isinstance(plan, useq.ZAboveBelow):
        # as useq has it: a distance, whatever its sign
        below, above = abs(float(plan.below)), abs(float(plan.above))
        return -below, above, float(plan.step), True
    msg = (
        "z_plan: the window needs even steps: bottom and top, range, or above and below"
    )
    raise InputError(msg)


def _z_plan_of(settings: ScanSettings) -> Any:
    """The plan of the range; the one that was loaded where it is the same."""
    bottom, top, step = settings.bottom_um, settings.top_um, settings.step_um
    assert bottom is not None and top is not None
    before = None if settings.base is None else settings.base.z_plan
    if before is not None and _range_of(before) == (
        bottom,
        top,
        step,
        settings.relative,
    ):
        return before
    if settings.relative:
        return useq.ZAboveBelow(above=top, below=-bottom, step=step)
    return useq.ZTopBottom(bottom=bottom, top=top, step=step)


def _positions_of(settings: ScanSettings) -> Any:
    """The positions; the well plate that was loaded where they are still its own."""
    before = () if settings.base is None else settings.base.stage_positions
    return before if tuple(before) == settings.positions else settings.positions


def _channels_of(settings: ScanSettings) -> tuple[useq.Channel, ...]:
    """Those of the series, or the one that is in place with its exposure."""
    if settings.channels or settings.channel is None:
        return settings.channels
    group, preset = settings.channel
    made = useq.Channel(config=preset, group=group, exposure=settings.exposure_ms)
    return (made,)


def _block_values(block: ExperimentSettings) -> dict[str, Any]:
    """What the form has fields for; a wavelength for each channel is not among it."""
    values = {name: getattr(block, name) for name in _PLAIN}
    values |= {name: getattr(block.optics, name) for name in _OPTICS}
    if isinstance(values["wavelength_um"], dict):
        values["wavelength_um"] = None
    return values


def _block_of(settings: ScanSettings, before: dict[str, Any] | None) -> dict[str, Any]:
    """Our block, with what differs from the one that was loaded."""
    block = dict(before or {"version": 1, "strict": False})
    _set_rule(block, settings.target)
    known: dict[str, Any] = {**_DEFAULTS, **dict.fromkeys((*_OPTICS, *CALIBRATED))}
    if before is not None:
        given = ExperimentSettings.of({"rmz_acquire": before})
        known = _block_values(given) | Calibration.of(given.optics).values()
        known["min_planes"] = known["min_planes"] or _MIN_PLANES
    now = {name: getattr(settings, name) for name in (*_PLAIN, *_OPTICS)}
    now |= settings.calibration.values()
    if not method_of(settings.estimator).model:
        now["model"] = None
    if settings.target is not None:
        now = {name: value for name, value in now.items() if name not in UNUSED}
    if settings.max_light_ms is not None:
        now["max_planes"] = settings.most_planes
    optics = dict(block.get("optics") or {})
    for name, value in now.items():
        if name in known and known[name] == value:
            continue
        into = optics if name in _OPTICS or name in CALIBRATED else block
        if name == "regions" and not isinstance(value, str):
            value = [list(one) for one in value]
        if value is None:
            into.pop(name, None)
        else:
            into[name] = value
    if optics:
        block["optics"] = optics
    else:
        block.pop("optics", None)
    return block


def _set_rule(block: dict[str, Any], target: StopTarget | None) -> None:
    """Write the target into a block, or take it out; nothing contradicts it."""
    aimed = target is not None
    for key in (*AIM, *(("stop_rule", *UNUSED) if aimed else ())):
        block.pop(key, None)
    if target is not None:
        block.update(target.block())
    elif block.get("stop_rule") == "target":
        del block["stop_rule"]
