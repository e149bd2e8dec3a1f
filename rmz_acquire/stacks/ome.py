"""What the OME-XML of a TIFF says, of any version of the schema.

Read as plain XML: a model that validates would refuse the units and versions which
this is about.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from rmz_acquire.errors import InputError
from rmz_acquire.stacks.axis_claims import Claims, Length, Positions
from rmz_acquire.stacks.units import is_no_unit, um_per

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["check_set", "ome_claims", "planes_announced"]

Element = ElementTree.Element
_IMMERSION = {
    "air": 1.0,
    "water": 1.333,
    "waterdipping": 1.333,
    "glycerol": 1.47,
    "oil": 1.515,
}


def ome_claims(xml: str) -> Claims:
    """Collect voxel, plane positions, channel and optics of the first image."""
    root = _parse(xml)
    pixels = None if root is None else root.find(".//{*}Pixels")
    if root is None or pixels is None:
        return Claims()
    claims = Claims()
    for axis, lengths in (("X", claims.x), ("Y", claims.y), ("Z", claims.z_step)):
        key = f"PhysicalSize{axis}"
        text = pixels.get(key)
        # one plane has no step: what is written there is a default
        if text is None or (axis == "Z" and _count(pixels, "Z") == 1):
            continue
        # the schema's default is µm
        unit = pixels.get(f"{key}Unit", "µm")
        value = _number(text)
        source = key if math.isfinite(value) else f"{key}={text!r}"
        lengths.append(Length(value, unit, source))
    planes = [plane for plane in pixels if _tag(plane) == "Plane"]
    for axis in "ZTC":
        positions = _positions(planes, axis, _count(pixels, axis), claims.notes)
        if positions is not None:
            claims.positions[axis] = positions
    interval = _number(pixels.get("TimeIncrement"))
    if interval > 0:
        claims.interval = f"{interval:g} {pixels.get('TimeIncrementUnit', 's')}"
    _optics(claims, root, pixels)
    return claims


def check_set(xml: str, path: Path) -> None:
    """Refuse one file of a set whose others are not beside it.

    Raises
    ------
    InputError
        Without the path; names the file that is missing.
    """
    root = _parse(xml)
    if root is None:
        return
    only = root.find("{*}BinaryOnly")
    if only is not None:
        other = only.get("MetadataFile", "a companion file")
        msg = (
            f"one file of a set that {other} describes: give a TIFF with its own "
            "description, or save the z-stack as one file"
        )
        raise InputError(msg)
    names = {uuid.get("FileName", "") for uuid in root.iterfind(".//{*}UUID")}
    missing = sorted(
        name for name in names - {"", path.name} if not path.with_name(name).exists()
    )
    # a file that was renamed lists itself under its old name
    own = root.get("UUID")
    ids = {
        uuid.get("FileName"): (uuid.text or "").strip()
        for uuid in root.iterfind(".//{*}UUID")
    }
    missing = [name for name in missing if own is None or ids.get(name) != own]
    if missing:
        more = "" if len(missing) == 1 else f" and {len(missing) - 1} more"
        msg = (
            f"one file of a set of {len(names - {''})}: {missing[0]}{more} is not "
            "beside it; copy the whole set into one folder"
        )
        raise InputError(msg)


def planes_announced(xml: str) -> tuple[int, int] | None:
    """Count the planes that the description places in files, and those it has room for.

    Returns
    -------
    (int, int) or None
        None where it does not list them.
    """
    root = _parse(xml)
    pixels = None if root is None else root.find(".//{*}Pixels")
    if pixels is None:
        return None
    blocks = pixels.findall("{*}TiffData")
    if not blocks or any(block.get("IFD") is None for block in blocks):
        return None
    room = math.prod(_count(pixels, axis) for axis in "ZTC")
    return sum(int(block.get("PlaneCount", "1")) for block in blocks), room


def _parse(xml: str) -> Element | None:
    try:
        return ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return None


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _count(pixels: Element, axis: str) -> int:
    text = pixels.get(f"Size{axis}", "1")
    return int(text) if text.isdigit() else 1


def _positions(
    planes: Iterable[Element], axis: str, count: int, notes: list[str]
) -> Positions | None:
    """The z of each plane along one axis, of the first of the others; all or none."""
    others = [f"The{other}" for other in "ZTC" if other != axis]
    found: dict[int, float] = {}
    known = True
    for plane in planes:
        if any(plane.get(other, "0") != "0" for other in others):
            continue
        # the schema of 2008 to 2010 has them one element further down
        stage = plane.find("{*}StagePosition")
        where = plane if stage is None else stage
        z = _number(where.get("PositionZ"))
        if math.isfinite(z):
            # the schema's default is no length, writers that leave it out mean µm
            unit = where.get("PositionZUnit", "µm")
            scale = None if is_no_unit(unit) else um_per(unit)
            known = known and scale is not None
            # 0.1 in metres is to be 0.1 in µm again
            z_um = float(f"{z * (scale or 1.0):.12g}")
            found[int(plane.get(f"The{axis}", "0"))] = z_um
    if count < 2 or set(found) != set(range(count)):
        if len(found) > 1 and axis == "Z":
            notes.append(f"only {len(found)} of its {count} planes have a PositionZ")
        return None
    in_order = tuple(found[i] for i in range(count))
    return Positions(in_order, "PositionZ", known=known)


def _optics(claims: Claims, root: Element, pixels: Element) -> None:
    """Name and emission of the channel, aperture and immersion of the objective."""
    channels = pixels.findall("{*}Channel")
    if len(channels) == 1:
        claims.channel = channels[0].get("Name") or None
        unit = channels[0].get("EmissionWavelengthUnit", "nm")
        emission = _number(channels[0].get("EmissionWavelength"))
        claims.wavelength_um = _positive(emission * (um_per(unit) or math.nan))
    image = root.find(".//{*}Image")
    settings = None if image is None else image.find("{*}ObjectiveSettings")
    objectives = root.findall(".//{*}Instrument/{*}Objective")
    if settings is not None and settings.get("ID"):
        named = [o for o in objectives if o.get("ID") == settings.get("ID")]
        objectives = named or objectives
    if len(objectives) != 1:
        return
    claims.na = _positive(_number(objectives[0].get("LensNA")))
    index = None
    if settings is not None:
        index = _positive(_number(settings.get("RefractiveIndex")))
    kind = objectives[0].get("Immersion", "").lower()
    claims.immersion_index = index or _IMMERSION.get(kind)


def _positive(value: float) -> float | None:
    return value if math.isfinite(value) and value > 0 else None
