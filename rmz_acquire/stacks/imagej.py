"""What ImageJ writes of a stack, and the resolution tags of any TIFF."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rmz_acquire.stacks.axis_claims import Claims, Length
from rmz_acquire.stacks.units import is_no_unit, um_per

if TYPE_CHECKING:
    import tifffile

__all__ = ["imagej_claims", "tag_claims"]

# ResolutionUnit of TIFF 6.0, and two that came later
_TAG_UNITS = {2: "inch", 3: "cm", 4: "mm", 5: "µm"}
_PRINTED_UM = 10.5
"""Larger pixels, fewer than 2400 an inch, are those of a screen or a printer."""


def imagej_claims(tiff: tifffile.TiffFile) -> Claims:
    """Collect what the description says, with the tags that belong to it.

    ImageJ writes pixels per unit as the resolution, the unit of x as ``unit`` and
    those of y and z only where they differ. A spacing of 1 it leaves out.
    """
    said: dict[str, Any] = tiff.imagej_metadata or {}
    tags = tag_claims(tiff)
    unit = _text(said.get("xunit", said.get("unit")))
    if unit is None or is_no_unit(unit):
        # then ImageJ, too, takes the tags' unit
        unit = tags.x[0].unit if tags.x else None
    if unit is None:
        return Claims()
    if um_per(unit) == um_per("inch") and not tags.x and _printed(tiff):
        return Claims()
    claims = Claims()
    for axis, lengths, beside in (("x", claims.x, tags.x), ("y", claims.y, tags.y)):
        own = _text(said.get(f"{axis}unit")) or unit
        name = f"{axis.upper()}Resolution"
        size = _size(tiff, name)
        if size is not None:
            lengths.append(Length(size, own, f"{name} in unit={own}"))
        lengths += beside
    own = _text(said.get("zunit")) or unit
    spacing = said.get("spacing")
    if isinstance(spacing, int | float):
        claims.z_step.append(Length(float(spacing), own, "spacing"))
    elif "spacing" in said:
        claims.z_step.append(Length(math.nan, own, f"spacing={spacing}"))
    else:
        claims.hint = f"(ImageJ leaves a spacing of 1 {own} out)"
    interval = said.get("finterval")
    if isinstance(interval, int | float) and interval > 0:
        claims.interval = f"{interval:g} {_text(said.get('tunit')) or 's'}"
    return claims


def tag_claims(tiff: tifffile.TiffFile) -> Claims:
    """Collect the resolution tags, where they are no dots per inch of a printer."""
    claims = Claims()
    tag = tiff.pages.first.tags.valueof("ResolutionUnit", default=1)
    unit = _TAG_UNITS.get(int(tag))
    if unit is None:
        return claims
    for name, lengths in (("XResolution", claims.x), ("YResolution", claims.y)):
        size = _size(tiff, name)
        if size is None:
            continue
        length = Length(size, unit, f"the TIFF tag {name}")
        if length.um is not None and length.um <= _PRINTED_UM:
            lengths.append(length)
    return claims


def _size(tiff: tifffile.TiffFile, name: str) -> float | None:
    """Units a pixel; None where the tag is not there or 0."""
    number, per = tiff.pages.first.tags.valueof(name, default=(0, 1))
    return per / number if number and per else None


def _printed(tiff: tifffile.TiffFile) -> bool:
    """Whether so many pixels an inch are those of a screen: ImageJ writes them on."""
    size = _size(tiff, "XResolution")
    return size is not None and size * (um_per("inch") or 0) > _PRINTED_UM


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
