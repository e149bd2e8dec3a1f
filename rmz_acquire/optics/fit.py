"""How far a microscope is from the one that something was made for, in plain words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmz_acquire.optics.microscope import Optics

__all__ = [
    "_FAR",
    "depth_misfit",
    "objective_words",
    "objectives_differ",
    "pixel_misfit",
]

_FAR = 0.15
"""Relative distance from the optics of a training beyond which they are others."""

_MEDIA = {
    "air": 1.0,
    "water": 1.333,
    "silicone": 1.406,
    "glycerol": 1.47,
    "oil": 1.515,
}
_SAME_INDEX = 0.012


def objective_words(optics: Optics, label: str | None = None) -> str:
    """Name an objective as people do.

    Parameters
    ----------
    optics : Optics
        With the objective.
    label : str, optional
        What is known of it beside, such as "20x/0.75".

    Returns
    -------
    str
        The label, or NA and medium.
    """
    if label:
        return label
    index = optics.immersion_index
    medium = next(
        (name for name, n in _MEDIA.items() if abs(n - index) < _SAME_INDEX),
        f"n {index:g}",
    )
    return f"NA {optics.na:g} {medium}"


def objectives_differ(made_for: Optics, here: Optics) -> bool:
    """Tell whether two cones of light, NA over immersion index, are far apart."""
    return _far(here.na / here.immersion_index, made_for.na / made_for.immersion_index)


def pixel_misfit(made_for: Optics, here: Optics) -> str | None:
    """Say that the pixels are others, in units of the resolution λ/NA.

    Returns
    -------
    str or None
        "pixels of … µm with your objective; yours are …"; None where they are alike.
    """
    right = made_for.pixel_size_um * made_for.na / made_for.wavelength_um
    right *= here.wavelength_um / here.na
    if not _far(here.pixel_size_um, right):
        return None
    return (
        f"pixels of {right:.2g} µm with your objective; yours are "
        f"{here.pixel_size_um:.3g} µm ({here.pixel_size_um / right - 1:+.0%})"
    )


def depth_misfit(
    made_for: Optics, depth_um: float, here: Optics, um: float
) -> str | None:
    """Say that a z range is deeper, in blur, than what something was made for.

    Parameters
    ----------
    made_for : Optics
        Where it was made.
    depth_um : float
        The deepest range there, µm.
    here : Optics
        The microscope at hand.
    um : float
        Its z range, µm.

    Returns
    -------
    str or None
        "ranges up to … µm with your objective; yours is …"; None where it fits.
    """
    most = depth_um * made_for.blur_radius_px_per_um / here.blur_radius_px_per_um
    if um <= (1 + _FAR) * most:
        return None
    unit = 10 ** math.floor(math.log10(most) - 1)
    down = unit * math.floor(most / unit + 1e-9)
    return (
        f"ranges up to {down:g} µm with your objective; yours is {um:g} µm "
        f"({um / most - 1:+.0%})"
    )


def _far(here: float, there: float) -> bool:
    return abs(here / there - 1) > _FAR
