"""Decides where the planes of a stack lie, from what its file and its user say.

The one place for every format. What contradicts itself is refused, or warned about in
a line that names both values; nothing is resolved in silence.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.errors import InputError
from rmz_acquire.stacks.sizes import SAME, Calibration, differ, one_of, pixel_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.stacks.axis_claims import Claims, Given, Length, Positions

__all__ = ["calibrate", "even_step_um"]

_JITTER = 0.25
"""How far a stage may stand off its even steps where a file claims these, in steps."""


def even_step_um(z_um: Sequence[float], *, tolerance: float = 1e-4) -> float | None:
    """Give the step of positions that are evenly spaced.

    Parameters
    ----------
    z_um : sequence of float
        Ascending, µm.
    tolerance : float
        By how much one may be off, in steps.

    Returns
    -------
    float or None
        µm; None where there is no even step, or only one position.
    """
    z = np.asarray(z_um, dtype=np.float64)
    if len(z) < 2:
        return None
    step = float(z[-1] - z[0]) / (len(z) - 1)
    even = z[0] + step * np.arange(len(z))
    if np.abs(z - even).max() > tolerance * abs(step):
        return None
    return float(f"{step:.9g}")  # without what floats add to it


def calibrate(
    claims: Claims, planes: int, axis: str, given: Given, *, repeats: bool = False
) -> Calibration:
    """Decide.

    Parameters
    ----------
    claims : Claims
        What the file says.
    planes : int
        How many there are.
    axis : str
        Along which of the file's axes: Z, T, C, or one without a meaning.
    given : Given
        What its user says.
    repeats : bool
        Whether two planes may lie at one z.

    Returns
    -------
    Calibration

    Raises
    ------
    InputError
        Without the path: pixels that are not square, positions that make no stack, or
        that contradict what was given and cannot give way.
    """
    found = Calibration(order=tuple(range(planes)))
    pixel_size(found, claims, given)
    step = one_of(found, claims.z_step, "z_step_um", "z step")
    if given.z_um is not None:
        _listed(found, claims.positions.get(axis), given, planes, repeats=repeats)
        return found
    positions = claims.positions.get(axis)
    if positions is not None and _stands(positions, step, given):
        if step is not None or given.z_step_um is not None:
            by = f"{given.z_step_um} µm by {given.name('z_step_um')}"
            found.warnings.append(
                f"every plane is at z {positions.z[0]:g} µm by {positions.source}, but "
                f"they are apart by {by if step is None else step}: taking the latter"
            )
        positions = None
    if positions is None:
        _stepped(found, step, given, planes, claims.hint)
    else:
        _placed(found, positions, step, given, repeats=repeats)
        if found.z_step_um is not None and "z_step_um" in found.unknown:
            said = found.unknown.pop("z_step_um")
            found.warnings.append(
                f"{said}: taking {found.z_step_um:g} µm by {positions.source}"
            )
    return found


def _stands(positions: Positions, step: Length | None, given: Given) -> bool:
    """Whether that stage did not move, but for noise: something else moved in z."""
    told = None if step is None else step.um
    least = abs(told or given.z_step_um or 0) / 4
    return max(positions.z) - min(positions.z) <= max(least, 1e-3)


def _stepped(
    found: Calibration, step: Length | None, given: Given, planes: int, hint: str
) -> None:
    """Even steps, in the order of the file or against it."""
    told = None if step is None else step.um
    wanted = given.z_step_um
    if told is not None and told < 0:
        found.order = tuple(reversed(range(planes)))
        found.warnings.append(
            f"its z step is {step}: its planes run downwards and are put in order"
        )
        told = -told
    if told is None and hint:
        found.unknown.setdefault("z_step_um", f"does not give its z step {hint}")
    found.z_step_um = _over(found, wanted, told, str(step), given)
    if found.z_step_um is not None:
        z = [0.0] * planes
        for i, plane in enumerate(found.order):
            z[plane] = i * found.z_step_um
        found.z_um = tuple(z)


def _over(
    found: Calibration,
    wanted: float | None,
    told: float | None,
    source: str,
    given: Given,
) -> float | None:
    """Take what was given over what the file tells, and say where they differ."""
    if wanted is None:
        return told
    found.unknown.pop("z_step_um", None)
    if told is not None and differ(wanted, told):
        found.warnings.append(
            f"{given.name('z_step_um')} is {wanted:g} µm, the file says {source}: "
            f"taking {wanted:g}"
        )
    return wanted


def _placed(
    found: Calibration,
    positions: Positions,
    step: Length | None,
    given: Given,
    *,
    repeats: bool,
) -> None:
    """Every plane has its z: put in order, and compared with the step."""
    _sort(found, positions, repeats=repeats)
    z = [positions.z[i] for i in found.order]
    told = None if step is None or step.um is None else abs(step.um)
    upwards = found.order == tuple(range(len(z)))
    if step is not None and step.um is not None and step.um < 0 and upwards:
        found.warnings.append(
            f"its z step is {step}, but its planes run upwards by {positions.source}: "
            "taking the latter"
        )
    wanted = given.z_step_um
    mean = (z[-1] - z[0]) / (len(z) - 1)
    claimed = any(v is not None and not differ(v, mean) for v in (told, wanted))
    even = even_step_um(z, tolerance=_JITTER if claimed else SAME)
    by = f"by {positions.source}"
    if not positions.known:
        # numbers of no known unit tell the order, and no more
        if told is not None and (even is None or differ(even, told)):
            stand = "uneven" if even is None else f"{even:g} apart"
            found.warnings.append(
                f"its planes are {step}, but {stand} {by}, which has no unit: taking "
                "the first"
            )
        if told is None and wanted is None:
            found.unknown.setdefault(
                "z_step_um", f"gives the z of its planes {by} in no known unit"
            )
        found.z_step_um = _over(found, wanted, told, str(step), given)
        if found.z_step_um is not None:
            z = [i * found.z_step_um for i in range(len(z))]
            found.z_um = _as_filed(z, found.order)
        return
    if even is None:
        steps = np.diff(z)
        stand = f"{steps.min():.4g} to {steps.max():.4g} µm apart {by}"
        if wanted is not None:
            msg = (
                f"its planes stand {stand}, not {wanted:g} µm as "
                f"{given.name('z_step_um')} says: leave that out to take the z of each"
            )
            raise InputError(msg)
        if told is not None:
            found.warnings.append(
                f"its z step is {step}, but its planes stand {stand}: taking the z of "
                "each"
            )
        if "z_step_um" in found.unknown:
            said = found.unknown["z_step_um"]
            found.warnings.append(f"{said}: taking the z of each plane {by}")
        found.unknown["z_step_um"] = f"has planes that stand {stand}"
        found.z_um = positions.z
        return
    nominal = even
    if told is not None:
        if differ(told, even):
            found.warnings.append(
                f"its z step is {step}, but its planes stand {even:.6g} µm apart {by}: "
                f"taking {even:.6g}"
            )
        else:
            nominal = told
    source = f"{nominal:.6g} µm {by}"
    found.z_step_um = round(_over(found, wanted, nominal, source, given) or nominal, 9)
    found.z_um = positions.z
    if wanted is not None and differ(wanted, nominal):
        found.z_um = _as_filed(
            [i * found.z_step_um for i in range(len(z))], found.order
        )


def _as_filed(z: Sequence[float], order: Sequence[int]) -> tuple[float, ...]:
    filed = [0.0] * len(order)
    for place, plane in enumerate(order):
        filed[plane] = z[place]
    return tuple(filed)


def _sort(found: Calibration, positions: Positions, *, repeats: bool) -> None:
    z = positions.z
    order = sorted(range(len(z)), key=lambda i: (z[i], i))
    for a, b in pairwise(order):
        if z[a] == z[b] and not repeats:
            msg = (
                f"planes {min(a, b) + 1} and {max(a, b) + 1} both stand at z {z[a]:g} "
                f"by {positions.source}: a z-stack has one plane at each z"
            )
            raise InputError(msg)
    found.order = tuple(order)
    if order == list(range(len(z))):
        return
    unit = " µm" if positions.known else ""
    how = "run downwards" if order[::-1] == sorted(order) else "are not in order"
    found.warnings.append(
        f"its planes {how}, z {_listing(z)}{unit} by {positions.source}: they are put "
        "in ascending order"
    )


def _listed(
    found: Calibration,
    positions: Positions | None,
    given: Given,
    planes: int,
    *,
    repeats: bool,
) -> None:
    """Somebody says the z of each plane."""
    z = given.z_um
    assert z is not None
    name = given.name("z_um")
    if len(z) != planes:
        msg = f"has {planes} planes, {name} {len(z)} positions: give one each"
        raise InputError(msg)
    if positions is not None and positions.known and len(set(positions.z)) > 1:
        away = np.subtract(z, positions.z)
        width = max(positions.z) - min(positions.z)
        # where z counts from is anybody's choice
        if np.ptp(away) > SAME * width:
            found.warnings.append(
                f"{name} says {_listing(z)} µm, the file {_listing(positions.z)} µm by "
                f"{positions.source}: taking {name}"
            )
    order = sorted(range(planes), key=lambda i: (z[i], i))
    if not repeats and len(set(z)) < planes:
        msg = f"{name} has one z twice: a z-stack has one plane at each z"
        raise InputError(msg)
    found.order, found.z_um = tuple(order), z
    found.unknown.pop("z_step_um", None)
    found.z_step_um = even_step_um([z[i] for i in order], tolerance=SAME)


def _listing(z: Sequence[float]) -> str:
    """The first few positions."""
    shown = ", ".join(f"{value:.6g}" for value in z[:5])
    return shown if len(z) <= 5 else f"{shown}, …"
