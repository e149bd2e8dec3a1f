"""What of useq's fields a scan does not obey: refused by its key, never dropped.

useq describes more than an adaptive scan can do, and some of it no engine does. What
is kept as a label only (names, rows and columns, metadata) is none of that.
"""

from __future__ import annotations

import math
import warnings
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import useq
from useq import CustomAction

from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_fields"]

_AXES = {
    "t": "time_plan",
    "p": "stage_positions",
    "g": "grid_plan",
    "c": "channels",
    "z": "z_plan",
}
_MOST_PLANES = 100_000
_ZERO = timedelta(0)


def check_fields(sequence: useq.MDASequence) -> None:
    """Refuse what a scan would not obey.

    Parameters
    ----------
    sequence : useq.MDASequence
        The experiment.

    Raises
    ------
    InputError
        In one line that names the key.
    """
    for key, message in _problems(sequence):
        msg = f"{key}: {message}"
        raise InputError(msg)


def _problems(sequence: useq.MDASequence) -> Iterator[tuple[str, str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = sequence.model_dump(exclude={"metadata"})
    yield from _not_finite(values)
    # before the axes: they count time points and planes
    yield from _time(sequence.time_plan, "time_plan")
    yield from _z(sequence.z_plan, "z_plan")
    yield from _grid(sequence.grid_plan, "grid_plan")
    plate = sequence.stage_positions
    if isinstance(plate, useq.WellPlatePlan):
        where = "stage_positions.well_points_plan"
        yield from _grid(plate.well_points_plan, where, whole=False)
        if not len(plate):
            yield "stage_positions.selected_wells", "no well is selected"
    for number, position in enumerate(sequence.stage_positions):
        if position.sequence is not None:
            where = f"stage_positions.{number}.sequence"
            yield from _inner(position.sequence, where, sequence)
    yield from _axes(sequence, "axis_order")
    yield from _autofocus(sequence, sequence.autofocus_plan, "autofocus_plan")
    yield from _setup(sequence.setup)
    if sequence.keep_shutter_open_across:
        yield (
            "keep_shutter_open_across",
            "the light is off between the planes of a scan, whose thinking would "
            "cost the specimen light: leave it out",
        )


def _not_finite(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _not_finite(item, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _not_finite(item, f"{key}.{number}")
    elif isinstance(value, float) and not math.isfinite(value):
        yield key, f"{value} is no number to go by"


def _time(plan: Any, key: str) -> Iterator[tuple[str, str]]:
    if plan is None:
        return
    default = type(plan).model_fields["prioritize_duration"].default
    if plan.prioritize_duration and not default:
        yield (
            f"{key}.prioritize_duration",
            "every time point is taken, also where one comes late: leave it out",
        )
    if isinstance(plan, useq.MultiPhaseTimePlan):
        for number, phase in enumerate(plan.phases):
            yield from _time(phase, f"{key}.{number}")
        return
    if isinstance(plan, useq.TDurationLoops):
        if plan.duration > _ZERO and plan.loops == 1:
            yield f"{key}.loops", "1 has no duration: give 2 or more, or an interval"
    elif plan.interval < _ZERO:
        yield f"{key}.interval", f"{plan.interval.total_seconds():g} s is below 0"
    if isinstance(plan, useq.TIntervalDuration) and plan.interval == _ZERO:
        yield (
            f"{key}.interval",
            "0 with a duration has no end: give loops, or an interval above 0",
        )
    if not isinstance(plan, useq.TIntervalLoops) and plan.duration < _ZERO:
        yield f"{key}.duration", f"{plan.duration.total_seconds():g} s is below 0"


def _z(plan: Any, key: str) -> Iterator[tuple[str, str]]:
    if plan is None:
        return
    if isinstance(plan, useq.ZAbsolutePositions | useq.ZRelativePositions):
        name = "relative" if plan.is_relative else "absolute"
        z_um = list(plan)
        if len(set(z_um)) < len(z_um):
            yield f"{key}.{name}", "a z stands in it twice"
        return
    if plan.step < 0:
        yield (
            f"{key}.step",
            f"{plan.step:g} µm is below 0: give it above 0; go_up: false begins above",
        )
        return
    if isinstance(plan, useq.ZTopBottom):
        length, name = plan.top - plan.bottom, "bottom"
        if length < 0:
            yield f"{key}.bottom", f"{plan.bottom:g} µm is above top, {plan.top:g} µm"
    elif isinstance(plan, useq.ZRangeAround):
        length, name = plan.range, "range"
        if length < 0:
            yield f"{key}.range", f"{plan.range:g} µm is below 0"
    else:
        length, name = abs(plan.above) + abs(plan.below), "above"
    if plan.step == 0 and length > 0:
        yield f"{key}.step", "0 µm makes one plane of the range: give it above 0"
    elif plan.step > 0 and length / plan.step > _MOST_PLANES:
        yield f"{key}.step", f"{plan.step:g} µm makes over {_MOST_PLANES} planes"


def _grid(plan: Any, key: str, *, whole: bool = True) -> Iterator[tuple[str, str]]:
    """A grid, or what is taken in each well, where a z is added to the well's."""
    if plan is None:
        return
    for name in ("fov_width", "fov_height"):
        size = getattr(plan, name)
        if size is not None and size <= 0:
            yield f"{key}.{name}", f"{size:g} µm is not above 0"
    if max(getattr(plan, "overlap", (0.0,))) >= 100:
        yield f"{key}.overlap", "100 % or more leads nowhere: give it below 100"
    if isinstance(plan, useq.RandomPoints):
        if plan.random_seed is None:
            yield (
                f"{key}.random_seed",
                "it is missing: the points would be others every time they are read",
            )
        if not isinstance(plan.start_at, int):
            yield from _only_xy(plan.start_at, f"{key}.start_at", "z")
    if isinstance(plan, useq.RelativePosition):
        yield from _only_xy(plan, key, *(("z",) if whole else ()))


def _only_xy(
    point: useq.RelativePosition, key: str, *more: str
) -> Iterator[tuple[str, str]]:
    for name in ("sequence", "properties", *more):
        if getattr(point, name):
            yield f"{key}.{name}", "no engine does it here: give it in stage_positions"


def _inner(
    inner: useq.MDASequence, key: str, outer: useq.MDASequence
) -> Iterator[tuple[str, str]]:
    if inner.setup is not None:
        yield f"{key}.setup", "only that of the whole experiment is done"
    if "rmz_acquire" in inner.metadata:
        yield (
            f"{key}.metadata.rmz_acquire",
            "the settings hold for the whole experiment: leave it out",
        )
    yield from _time(inner.time_plan, f"{key}.time_plan")
    if inner.time_plan is not None and outer.time_plan is not None:
        yield (
            f"{key}.time_plan",
            "goes only where the whole experiment has no time_plan",
        )
    yield from _z(inner.z_plan, f"{key}.z_plan")
    yield from _grid(inner.grid_plan, f"{key}.grid_plan")
    yield from _axes(inner, f"{key}.axis_order")
    plan = inner.autofocus_plan
    yield from _autofocus(outer, plan, f"{key}.autofocus_plan", inner)


def _axes(sequence: useq.MDASequence, key: str) -> Iterator[tuple[str, str]]:
    for axis, plan in _AXES.items():
        if axis not in sequence.axis_order and getattr(sequence, plan):
            yield key, f"{axis!r} is missing, but there is a {plan}: add it"


def _autofocus(
    sequence: useq.MDASequence,
    plan: Any,
    key: str,
    inner: useq.MDASequence | None = None,
) -> Iterator[tuple[str, str]]:
    if plan is None:
        return
    for axis in plan.axes:
        if axis not in _AXES:
            yield f"{key}.axes", f"there is no axis {axis!r}"
        if axis == "z":
            yield (
                f"{key}.axes",
                "it is done once before a volume, not between its planes: leave out z",
            )
    used = [
        axis
        for axis, name in _AXES.items()
        if getattr(sequence, name) or (inner is not None and getattr(inner, name))
    ]
    if not any(axis in used for axis in plan.axes):
        yield f"{key}.axes", "the experiment has none of them: it would never be done"


def _setup(setup: useq.MDAEvent | None) -> Iterator[tuple[str, str]]:
    if setup is None:
        return
    if setup.z_pos is not None:
        yield "setup.z_pos", "the scan moves the focus: give z in stage_positions"
    if setup.action not in (CustomAction(name="setup"), CustomAction()):
        yield "setup.action", "nothing here does it: leave it out"
    if setup.index:
        yield "setup.index", "a setup has none: leave it out"
    if setup.roi is not None and not (setup.roi.width and setup.roi.height):
        yield "setup.roi", "it has no pixels: give a width and a height above 0"
    for name in (
        "slm_image",
        "sequence",
        "min_start_time",
        "keep_shutter_open",
        "reset_event_timer",
    ):
        if getattr(setup, name):
            yield f"setup.{name}", "nothing here does it: leave it out"
