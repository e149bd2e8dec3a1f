"""What a calibration comes to, and the size of a pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.stacks.axis_claims import Claims, Given, Length

__all__ = ["SAME", "Calibration", "differ", "one_of", "pixel_size"]

SAME = 0.02
"""Two sizes that differ by less are one: pixel sizes are known to 2 % at best."""

_ROUNDING = 1e-3
_SMALLEST_UM = 1e-3


@dataclass(slots=True)
class Calibration:
    """What holds.

    Parameters
    ----------
    pixel_size_um : float or None
        At the sample, µm.
    z_step_um : float or None
        Distance of the planes, µm; None where it is not known or not even.
    z_um : tuple of float or None
        z of each plane in the order of the file, µm.
    order : tuple of int
        Planes of the file by ascending z.
    warnings : list of str
        One line each.
    unknown : dict
        Why a size is not known, by its name.
    """

    pixel_size_um: float | None = None
    z_step_um: float | None = None
    z_um: tuple[float, ...] | None = None
    order: tuple[int, ...] = ()
    warnings: list[str] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)


def differ(a: float, b: float, by: float = SAME) -> bool:
    """Whether two sizes are not the same, but for a share of them."""
    return not math.isclose(a, b, rel_tol=by)


def one_of(
    found: Calibration, lengths: Sequence[Length], key: str, what: str
) -> Length | None:
    """Take the first that can be read; say why there is none, or which differ."""
    good: list[Length] = []
    for length in lengths:
        um = length.um
        if not length.calibrated:
            if length.unit is None and length.value != 1:
                found.unknown.setdefault(
                    key, f"has a {what} of {length.value:g} without a unit"
                )
        elif um is None:
            found.unknown.setdefault(
                key,
                f"has a {what} of {length}, and {length.unit!r} is not a known unit "
                "of length",
            )
        elif not math.isfinite(um) or um == 0 or (um < 0 and key != "z_step_um"):
            found.unknown.setdefault(key, f"has a {what} of {length}")
        else:
            good.append(length)
    if not good:
        return None
    # below that a size is one of a wrong unit, where another is there
    good.sort(key=lambda length: abs(length.um or 0) < _SMALLEST_UM)
    first = good[0]
    if key in found.unknown:
        found.warnings.append(f"{found.unknown.pop(key)}: taking {first}")
    for other in good[1:]:
        assert first.um is not None and other.um is not None
        if differ(first.um, other.um):
            found.warnings.append(
                f"its {what} is {first}, but {other}: taking the first"
            )
    return first


def pixel_size(found: Calibration, claims: Claims, given: Given) -> None:
    """Decide on the pixel size: x against y, and both against what was given.

    Raises
    ------
    InputError
        Where pixels are not square, and nobody says which size holds.
    """
    x = one_of(found, claims.x, "pixel_size_um", "pixel size")
    y = one_of(found, claims.y, "pixel_size_um", "pixel size in y")
    told = x or y
    size = None if told is None else told.um
    wanted = given.pixel_size_um
    if x is not None and y is not None:
        assert x.um is not None and y.um is not None
        if differ(x.um, y.um, _ROUNDING):
            both = f"its pixels are not square, {x} and {y}"
            if wanted is None and differ(x.um, y.um):
                msg = (
                    f"{both}: resample it, or give {given.name('pixel_size_um')} if "
                    "one of them is wrong"
                )
                raise InputError(msg)
            taken = x.um if wanted is None else wanted
            found.warnings.append(f"{both}: taking {taken:g} µm")
            if wanted is not None:
                size = wanted
    if wanted is not None:
        found.unknown.pop("pixel_size_um", None)
        if size is not None and differ(wanted, size):
            found.warnings.append(
                f"{given.name('pixel_size_um')} is {wanted:g} µm, the file says "
                f"{told}: taking {wanted:g}"
            )
        size = wanted
    elif "pixel_size_um" in found.unknown:
        said = found.unknown["pixel_size_um"]
        if size is None:
            then = f"it is left out unless you give {given.name('pixel_size_um')}"
        else:
            found.unknown.pop("pixel_size_um")
            then = f"taking {told}"
        found.warnings.append(f"{said}: {then}")
    found.pixel_size_um = size
