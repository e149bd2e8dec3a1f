"""The fields of a grid: as large as the pictures that are taken there."""

from __future__ import annotations

import logging
import math
import warnings
from typing import TYPE_CHECKING, Any

import useq

from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmz_acquire.experiments.channel_imaging import Imagings

__all__ = ["with_fields", "with_one_field"]

logger = logging.getLogger(__name__)

Field = tuple[float, float] | None
_SIZES = ("fov_width", "fov_height")
_PLATE = "stage_positions.well_points_plan"
# A field beside another one: what rounding and calibration leave.
_UNLIKE = 0.02


def with_one_field(sequence: useq.MDASequence) -> useq.MDASequence:
    """Give the same sequence with one field for each grid, and one point for a plate.

    What is set, and in which order, is known of it before the size of a field is.
    """
    one = useq.GridRowsColumns(rows=1, columns=1)
    return _replaced(
        sequence,
        lambda plan, key, _: useq.RelativePosition() if _is_plate(key) else one,
    )


def with_fields(
    sequence: useq.MDASequence, imagings: Imagings, *, check: bool = True
) -> useq.MDASequence:
    """Give the grids the size of the pictures that are taken in them.

    A size that is given stays as it is, with a warning where the pictures are others.

    Parameters
    ----------
    sequence : useq.MDASequence
        The experiment, left as it is.
    imagings : Imagings
        How its channels are imaged.
    check : bool
        Whether to warn and refuse: not of what lies on disk already.

    Returns
    -------
    useq.MDASequence

    Raises
    ------
    InputError
        If a field's size is needed and not known, or a grid has no field. Names the
        key.
    """
    return _replaced(
        sequence,
        lambda plan, key, places: _sized(
            plan, key, _field(imagings, key, places), check=check
        ),
    )


def _replaced(
    sequence: useq.MDASequence, make: Callable[[Any, str, list[int]], Any]
) -> useq.MDASequence:
    """Replace every grid by what is made of it, its key and its positions."""
    changed: dict[str, Any] = {}
    positions = sequence.stage_positions
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what was told when it was read
        if isinstance(positions, useq.WellPlatePlan):
            made = make(positions.well_points_plan, _PLATE, [0])
            changed["stage_positions"] = positions.replace(well_points_plan=made)
        elif any(p.sequence and p.sequence.grid_plan for p in positions):
            changed["stage_positions"] = tuple(
                _of_position(position, number, make)
                for number, position in enumerate(positions)
            )
        if sequence.grid_plan is not None:
            places = [0]
            if not isinstance(positions, useq.WellPlatePlan):
                own = [bool(p.sequence and p.sequence.grid_plan) for p in positions]
                places = [n for n, has in enumerate(own) if not has] or [0]
            made = make(sequence.grid_plan, "grid_plan", places)
            changed["grid_plan"] = made
        return sequence.replace(**changed) if changed else sequence


def _of_position(
    position: Any, number: int, make: Callable[[Any, str, list[int]], Any]
) -> Any:
    inner = position.sequence
    if inner is None or inner.grid_plan is None:
        return position
    key = f"stage_positions.{number}.sequence.grid_plan"
    made = inner.replace(grid_plan=make(inner.grid_plan, key, [number]))
    return position.model_copy(update={"sequence": made})


def _is_plate(key: str) -> bool:
    return key == _PLATE


def _field(imagings: Imagings, key: str, places: list[int]) -> Field:
    """The field of some positions, which is one."""
    first = imagings.at(places[0]).field_um
    for place in places:
        other = imagings.at(place).field_um
        if (first is None) is not (other is None) or (
            first is not None
            and other is not None
            and not all(_close(a, b) for a, b in zip(first, other, strict=True))
        ):
            msg = (
                f"{key}: the pictures at stage_positions.{place} are not as large as "
                f"those at stage_positions.{places[0]}: give each its own grid_plan"
            )
            raise InputError(msg)
    return first


def _sized(plan: Any, key: str, field: Field, *, check: bool) -> Any:
    if isinstance(plan, useq.RelativePosition):
        return plan
    given = plan.fov_width, plan.fov_height
    if field is not None:
        for name, size, told in zip(_SIZES, given, field, strict=True):
            if check and size is not None and not _close(size, told):
                logger.warning(
                    "%s.%s is %g µm, the pictures are %g µm", key, name, size, told
                )
        width, height = (a or b for a, b in zip(given, field, strict=True))
        plan = plan.model_copy(update={"fov_width": width, "fov_height": height})
    if not check:
        return plan
    if field is None and None in given and _needs_field(plan):
        msg = (
            f"{key}: the size of a field is not known, since no pixel size is: give "
            "metadata.rmz_acquire.optics.pixel_size_um, or fov_width and fov_height"
        )
        raise InputError(msg)
    found = len(list(plan))
    if not found:
        msg = f"{key}: there is no field in it"
        raise InputError(msg)
    if isinstance(plan, useq.RandomPoints) and found < plan.num_points:
        msg = (
            f"{key}.num_points: {found} of {plan.num_points} fit in without an "
            "overlap: ask for fewer, or allow_overlap"
        )
        raise InputError(msg)
    return plan


def _needs_field(plan: Any) -> bool:
    if isinstance(plan, useq.RandomPoints):
        return not plan.allow_overlap
    return not (
        isinstance(plan, useq.GridRowsColumns) and plan.rows * plan.columns == 1
    )


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=_UNLIKE)
