"""Coordinates of what a run left: times, µm, numbers of planes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.recording import Coordinate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.scanning.output_planes import OutputPlanes

__all__ = ["along", "attrs_of", "output_coords", "pixel_coords", "plane_coords"]

COUNTS = {"units": "counts"}


def along(dim: str, values: Any, units: str | None = None) -> Coordinate:
    """Make a coordinate along one dim."""
    attrs = {} if units is None else {"units": units}
    return Coordinate((dim,), np.asarray(values), attrs)


def attrs_of(pixel_size_um: float | None, **more: Any) -> dict[str, Any]:
    """What holds for all of an array of camera counts."""
    return {**COUNTS, "pixel_size_um": pixel_size_um, **more}


def plane_coords(lines: Sequence[dict[str, Any]]) -> dict[str, Coordinate]:
    """Give what stands in the files of each plane, in their order.

    Parameters
    ----------
    lines : sequence of dict
        Of the journal of planes.
    """

    def numbers(name: str) -> NDArray[np.float64]:
        # None becomes NaN
        return np.array([line[name] for line in lines], np.float64)

    times = [datetime.fromisoformat(line["time"]).astimezone(UTC) for line in lines]
    order = [line["order"] for line in lines]
    return {
        "index": along("plane", np.array(order, np.int64)),
        "z_requested_um": along("plane", numbers("z_requested_um"), "µm"),
        "z_actual_um": along("plane", numbers("z_actual_um"), "µm"),
        "exposure_ms": along("plane", numbers("exposure_ms"), "ms"),
        "acquired": along(
            "plane",
            np.array([time.replace(tzinfo=None) for time in times], "datetime64[us]"),
        ),
    }


def output_coords(
    outer: tuple[str, ...],
    sizes: tuple[int, ...],
    known: Mapping[tuple[int, ...], OutputPlanes],
) -> dict[str, Coordinate]:
    """Give what is known of the planes of volumes.

    Parameters
    ----------
    outer : tuple of str
        Dims of the volumes.
    sizes : tuple of int
        Theirs, and the most planes of any.
    known : mapping of tuple of int to OutputPlanes
        By the place of a volume along its dims.

    Returns
    -------
    dict of str to Coordinate
        ``measured``, bool; ``nearest_um``, ``predicted_error`` and ``spread`` as far
        as one tells them, NaN where it does not.
    """
    coords = {}
    for name, units in (
        ("measured", None),
        ("nearest_um", "µm"),
        ("predicted_error", "of the RMS light"),
        ("spread", "of the RMS light"),
    ):
        empty = (False, bool) if name == "measured" else (np.nan, np.float64)
        values = np.full(sizes, *empty)
        told = False
        for place, planes in known.items():
            of = getattr(planes, name)
            if of is not None:
                told = True
                values[place][: len(of)] = of
        if told:
            attrs = {} if units is None else {"units": units}
            coords[name] = Coordinate((*outer, "z"), values, attrs)
    return coords


def pixel_coords(
    shape: tuple[int, int], pixel_size_um: float | None
) -> dict[str, Coordinate]:
    """Give y and x, µm from the first pixel; nothing where a pixel has no size."""
    if pixel_size_um is None:
        return {}
    return {
        name: along(name, pixel_size_um * np.arange(size), "µm")
        for name, size in zip("yx", shape, strict=True)
    }
